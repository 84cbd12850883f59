// The list of contacts: numbers are added to the filters, the panel stays open or closed, many are chosen and acted upon.

import { t, tn } from "./i18n.js";

const OPEN = "contact-filters-open";
const MOST_COUNTED = 10000;
const wide = () => matchMedia("(min-width: 48rem)").matches;

/** Listen once for what the list holds. */
export function startContactList() {
  document.addEventListener("click", ({ target }) => {
    if (target.closest("[data-add-number]")) addNumber(target);
    if (target.closest("[data-remove-number]")) target.closest("[data-number-filter]").remove();
    if (target.closest("[data-bulk-none]")) choose(false);
    if (target.closest("[data-bulk-all]")) everybody(true);
  });
  document.addEventListener("change", ({ target }) => {
    if (target.matches("[data-bulk-shown]")) choose(target.checked);
    if (target.matches("[data-contact-id]")) everybody(false);
  });
  document.addEventListener("toggle", ({ target }) => remember(target), true);
  document.addEventListener("htmx:after:swap", () => {
    restore();
    draw();
  });
  restore();
  draw();
}

function addNumber(button) {
  const panel = button.closest("[data-filter-panel]");
  panel.querySelector(".filter-fields").append(panel.querySelector("[data-number-template]").content.cloneNode(true));
  const made = panel.querySelector(".filter-fields > [data-number-filter]:last-child input");
  made.id = `filter-number-${Date.now()}`;
  made.closest("[data-number-filter]").querySelector("label").htmlFor = made.id;
  made.focus();
}

function remember(panel) {
  if (panel.matches?.("[data-filter-panel]") && panel.dataset.restored && wide()) localStorage.setItem(OPEN, panel.open ? "1" : "0");
}

function restore() {
  const panel = document.querySelector("[data-filter-panel]:not([data-restored])");
  if (!panel) return;
  panel.open = wide() && localStorage.getItem(OPEN) === "1"; // in a narrow window it would push the list out of sight
  setTimeout(() => (panel.dataset.restored = "1")); // the toggle of opening it here comes later
}

const bar = () => document.querySelector("[data-contact-bulk]");
const boxes = () => [...document.querySelectorAll("[data-contact-id]")];

function choose(on) {
  for (const box of boxes()) box.checked = on;
  everybody(false);
}

function everybody(on) {
  if (!bar()) return;
  bar().elements.all.value = on ? "1" : "";
  draw();
}

function draw() {
  const form = bar();
  if (!form) return;
  const all = boxes();
  const chosen = all.filter((box) => box.checked);
  const counted = Number(document.querySelector("[data-contact-count]")?.dataset.contactCount ?? 0);
  const every = form.elements.all.value === "1";
  form.hidden = chosen.length === 0;
  form.elements.ids.value = chosen.map((box) => box.dataset.contactId).join(",");
  const number = every ? counted : chosen.length;
  const many = every && counted > MOST_COUNTED;
  form.querySelector("[data-bulk-count]").textContent = many
    ? t("All contacts that fit are selected")
    : tn("{count} contact selected", "{count} contacts selected", number);
  const more = form.querySelector("[data-bulk-all]");
  more.hidden = every || counted <= chosen.length || chosen.length < all.length;
  more.textContent = counted > MOST_COUNTED ? t("Select all that fit") : t("Select all {count} that fit", { count: counted });
  const shown = document.querySelector("[data-bulk-shown]");
  if (shown) [shown.checked, shown.indeterminate] = [chosen.length > 0 && chosen.length === all.length, chosen.length > 0 && chosen.length < all.length];
}

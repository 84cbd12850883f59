// The list of meetings: many are selected and given away at once.

import { tn } from "./i18n.js";

/** Listen once for what the list holds. */
export function startMeetingList() {
  document.addEventListener("change", ({ target }) => {
    if (target.matches("[data-select-all]")) for (const box of boxes()) box.checked = target.checked;
    if (target.matches("[data-select-all], #meeting-list [name=ids]")) count();
  });
  document.addEventListener("click", ({ target }) => target.closest("[data-unselect]") && unselect());
  document.addEventListener("submit", ({ target }) => tidy(target), true);
  document.addEventListener("htmx:after:swap", ({ detail }) => {
    const id = detail.ctx.target?.id;
    if (id === "selected-report" && document.querySelector("#selected-report [data-assigned]")) {
      unselect();
      document.body.dispatchEvent(new CustomEvent("meetings-given"));
    }
    count();
  });
}

function boxes() {
  return [...document.querySelectorAll("#meeting-list [name=ids]")];
}

function unselect() {
  for (const box of boxes()) box.checked = false;
  const menu = document.querySelector("#selected details[open]");
  if (menu) menu.open = false;
  count();
}

function count() {
  const bar = document.querySelector("[data-selected]");
  if (!bar) return;
  const all = boxes();
  const chosen = all.filter((box) => box.checked).length;
  bar.hidden = chosen === 0;
  bar.querySelector("[data-selected-count]").textContent = chosen ? tn("{count} meeting selected", "{count} meetings selected", chosen) : "";
  const every = document.querySelector("[data-select-all]");
  if (every) [every.checked, every.indeterminate] = [chosen > 0 && chosen === all.length, chosen > 0 && chosen < all.length];
}

/** Leave empty fields out of the address, so that it can be read and shared. */
function tidy(form) {
  if (!form.matches("[data-tidy]")) return;
  const idle = [...form.elements].filter((field) => field.name && !field.value && !field.disabled);
  for (const field of [...idle, ...form.querySelectorAll("[data-picker-search]")]) field.disabled = true;
  setTimeout(() => {
    for (const field of form.elements) field.disabled = false;
  }, 500); // htmx reads the form after this event
}

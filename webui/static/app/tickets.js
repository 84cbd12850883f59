// Tickets: many are selected and changed at once; Escape closes the picker; Ctrl+Enter sends a comment.

import { tn } from "./i18n.js";

/** Listen once for what the pages of tickets hold. */
export function startTickets() {
  document.addEventListener("change", ({ target }) => {
    if (target.matches("[data-tickets-all]")) for (const box of boxes()) box.checked = target.checked;
    if (target.matches("[data-tickets-all], #ticket-list [name=ids]")) count();
  });
  document.addEventListener("click", ({ target }) => target.closest("[data-tickets-none]") && unselect());
  document.addEventListener("keydown", pressed);
  document.addEventListener("htmx:after:swap", ({ detail }) => {
    if (detail.ctx.target?.id === "ticket-report" && document.querySelector("#ticket-report [data-tickets-changed]")) {
      unselect();
      document.body.dispatchEvent(new CustomEvent("tickets-changed"));
    }
    count();
    document.querySelector("[data-picker-panel]:not([data-seen]) #picker-title")?.focus();
    document.querySelector("[data-picker-panel]")?.setAttribute("data-seen", "");
  });
}

function pressed(event) {
  if (event.key === "Escape" && event.target.closest("[data-picker-panel]")) document.querySelector("[data-picker-close]").click();
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.matches("[data-submit-keys]")) event.target.form.requestSubmit();
}

function boxes() {
  return [...document.querySelectorAll("#ticket-list [name=ids]")];
}

function unselect() {
  for (const box of boxes()) box.checked = false;
  for (const menu of document.querySelectorAll("#ticket-selected details[open]")) menu.open = false;
  count();
}

function count() {
  const bar = document.querySelector("[data-tickets-selected]");
  if (!bar) return;
  const all = boxes();
  const chosen = all.filter((box) => box.checked).length;
  bar.hidden = chosen === 0;
  bar.querySelector("[data-tickets-count]").textContent = chosen ? tn("{count} ticket selected", "{count} tickets selected", chosen) : "";
  const every = document.querySelector("[data-tickets-all]");
  if (every) [every.checked, every.indeterminate] = [chosen > 0 && chosen === all.length, chosen > 0 && chosen < all.length];
}

// The buttons of a contact's page (templates/contacts/buttons.html): the menu they are on a narrow screen, and what they open.

import { writeLog } from "./logs.js";
import { reach } from "./reach.js";
import { chooseTags } from "./tags.js";

/** Listen once. */
export function startContactButtons() {
  document.addEventListener("click", clicked);
  document.addEventListener("keydown", (event) => {
    const open = event.key === "Escape" && document.querySelector("[data-contact-actions][data-open]");
    if (open) {
      toggle(open, false);
      open.querySelector("[data-actions-toggle]").focus();
    }
  });
}

function clicked({ target }) {
  const row = target.closest("[data-contact-actions]");
  for (const open of document.querySelectorAll("[data-contact-actions][data-open]")) if (open !== row) toggle(open, false);
  if (!row) return;
  if (target.closest("[data-actions-toggle]")) {
    toggle(row, !row.hasAttribute("data-open"));
    return;
  }
  const button = target.closest("button, a");
  if (!button) return;
  toggle(row, false);
  const about = { contactId: Number(row.dataset.contactActions), name: row.dataset.name, changeable: row.hasAttribute("data-changeable") };
  if (button.dataset.reach) reach(button.dataset.reach, about);
  if (button.matches("[data-log]")) writeLog(about);
  if (button.matches("[data-tag]")) chooseTags(about);
  if (button.matches("[data-focus-note]")) focusNote();
}

function toggle(row, open) {
  row.toggleAttribute("data-open", open);
  row.querySelector("[data-actions-toggle]").setAttribute("aria-expanded", String(open));
}

function focusNote() {
  const note = document.getElementById("note-text");
  note?.scrollIntoView({ block: "center" });
  note?.focus({ preventScroll: true });
}

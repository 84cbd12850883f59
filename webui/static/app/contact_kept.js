// What a dialogue has just kept on the contact (an address, a number, a tag) comes into the page's form at once, beside what is
// typed there: who saves next would else be shown two versions, both their own.

import { drawCallButtons } from "./callbuttons.js";
import { touched } from "./navigate.js";
import { shownPart } from "./parts.js";

const FORM = "#contact-form form[data-edit]";
let asked = 0;

/** Listen once. */
export function startContactKept() {
  for (const said of ["contact-changed", "contact-numbers"]) document.body.addEventListener(said, catchUp);
}

/** Bring the form to the stored version, but for what somebody else changed and this person typed in: that is asked when they save. */
async function catchUp() {
  const mine = (asked += 1);
  const form = document.querySelector(FORM);
  if (!form) return;
  const page = await shownPart(location.pathname);
  const fresh = page?.querySelector(FORM);
  if (mine !== asked || !fresh || !form.isConnected || fresh.elements.version.value === form.elements.version.value) return;
  const was = JSON.parse(form.elements.base.value || "{}");
  const now = JSON.parse(fresh.elements.base.value || "{}");
  const differing = Object.keys(now).filter((name) => JSON.stringify(was[name]) !== JSON.stringify(now[name]));
  if (differing.some((name) => part(form, name) && touched(part(form, name)))) return;
  for (const name of differing) exchange(form, fresh, name);
  for (const name of ["version", "base"]) form.elements[name].value = fresh.elements[name].value;
  drawCallButtons();
  if (touched(form)) form.dispatchEvent(new Event("change", { bubbles: true })); // what is typed is kept as typed about this version
}

/** Return the field with its label, or the group of fields, an input of this name stands in. */
function part(form, name) {
  return form.querySelector(`[name="${CSS.escape(name === "numbers" ? "number" : name)}"]`)?.closest(".mb-3") || null;
}

function exchange(form, fresh, name) {
  const [old, next] = [part(form, name), part(fresh, name)];
  if (!next) {
    old?.remove();
    return;
  }
  if (!old) {
    part(form, "note").before(next); // the tags, which stand there once there are any
    return;
  }
  const focused = old.contains(document.activeElement);
  old.replaceWith(next);
  window.htmx.process(next);
  if (focused) [...next.querySelectorAll("input, select, textarea")].at(-1)?.focus({ preventScroll: true });
}

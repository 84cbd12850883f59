// Dialogs of a page: one form each, in a native <dialog>. The focus stays inside, Escape closes, what was typed is not thrown
// away unasked. While a call rings, is talked or is written up the dialog lets go of the rest of the page, so that one can answer,
// hang up and write its note.

import { ApiError } from "./api.js";
import { h, icon } from "./dom.js";
import { t } from "./i18n.js";
import { isDirty } from "./navigate.js";
import { state, subscribe } from "./store.js";

let current = null; // the <dialog> that is open
let made = 0;

subscribe(() => {
  if (!current?.isConnected) current = null;
  else if (current.matches(":modal") === onPhone()) reopen(current, !onPhone());
});

function onPhone() {
  return Boolean(state.offers.length || state.call || state.wrapUp);
}

function reopen(dialog, modal) {
  const active = dialog.contains(document.activeElement) ? document.activeElement : null;
  dialog.close();
  if (modal) dialog.showModal();
  else dialog.show();
  active?.focus();
}

/**
 * Open a dialog in the page: `content` (nodes) between the heading and the buttons. `send()` does what `action` says; the
 * dialog stays with the server's sentence when it throws an ApiError, which is put at the input named like its field.
 */
export function openDialog({ title, symbol, content, action, send }) {
  const opener = document.activeElement;
  const heading = h("h2", { class: "dialog-title", id: `dialog-title-${(made += 1)}` }, title);
  const problem = h("div", { class: "alert alert-danger", role: "alert", hidden: true });
  const submit = action ? h("button", { type: "submit", class: "btn btn-primary" }, action) : null;
  const leave = () => {
    if (isDirty(dialog) && !window.confirm(t("What you typed here is not saved. Throw it away?"))) return;
    close();
  };
  const form = h("form", { class: "dialog-form", novalidate: true, "data-guard": true }, h("div", { class: "dialog-body" }, content, problem),
    h("div", { class: "dialog-actions" }, submit, h("button", { type: "button", class: "btn", on: { click: leave } }, submit ? t("Cancel") : t("Close"))));
  const shut = h("button", { type: "button", class: "popup-fold ms-auto", "aria-label": t("Close"), on: { click: leave } }, icon("x"));
  const dialog = h("dialog", { class: "dialog", "aria-labelledby": heading.id }, h("div", { class: "dialog-head" }, icon(symbol), heading, shut), form);
  const close = () => {
    dialog.remove();
    if (current === dialog) current = null;
    if (opener?.isConnected) opener.focus({ preventScroll: true });
  };
  const refuse = (error) => {
    for (const marked of form.querySelectorAll(".is-invalid")) mark(marked, false);
    const input = error.field ? form.querySelector(`[data-field="${CSS.escape(error.field)}"], [name="${CSS.escape(error.field)}"]`) : null;
    problem.textContent = error.message;
    problem.hidden = false;
    if (input) mark(input, true);
    (input || submit).focus();
  };
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "Escape") leave();
    else if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && submit) form.requestSubmit(submit);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    event.stopPropagation();
    if (!submit || submit.disabled) return;
    submit.disabled = true;
    try {
      await send();
      close();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      submit.disabled = false;
      refuse(error);
    }
  });
  current?.remove();
  settle(form);
  document.getElementById("main").append(dialog);
  current = dialog;
  if (onPhone()) dialog.show();
  else dialog.showModal();
  form.querySelector("[data-first]")?.focus();
  return { dialog, form, close };
}

function mark(input, wrong) {
  input.classList.toggle("is-invalid", wrong);
  if (wrong) input.setAttribute("aria-invalid", "true");
  else input.removeAttribute("aria-invalid");
}

/** Take what the fields say now as what nobody has typed. */
export function settle(form) {
  for (const field of form.elements) {
    if (field.type === "checkbox" || field.type === "radio") field.defaultChecked = field.checked;
    else if (field.tagName === "SELECT") for (const option of field.options) option.defaultSelected = option.selected;
    else if ("defaultValue" in field) {
      const { value } = field;
      field.defaultValue = value;
      field.value = value;
    }
  }
}

/** Return a label and its input, one below the other. */
export function labelled(words, input, hint = null) {
  input.id ||= `dialog-field-${(made += 1)}`;
  if (hint) input.setAttribute("aria-describedby", `${input.id}-hint`);
  return h("div", { class: "mb-3" }, h("label", { class: "form-label", for: input.id }, words), input, hint ? h("div", { class: "form-hint", id: `${input.id}-hint` }, hint) : null);
}

/** Return a select of [value, words]. */
export function choices(name, options, chosen = options[0]?.[0]) {
  return h("select", { class: "form-select", name }, options.map(([value, words]) => h("option", { value, selected: value === chosen }, words)));
}

/** Return radio buttons of [value, words], the chosen one checked. */
export function radios(name, legend, options, chosen) {
  const one = ([value, words]) => h("label", { class: "form-check mb-1" }, h("input", { class: "form-check-input", type: "radio", name, value, checked: value === chosen, "data-first": value === chosen }), h("span", { class: "form-check-label" }, words));
  return h("fieldset", { class: "mb-3" }, h("legend", { class: "form-label" }, legend), options.map(one));
}

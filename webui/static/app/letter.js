// The window in which an e-mail or a fax is written. Not modal: a call that rings meanwhile is answered beside it. What is typed is
// kept on the server as a draft, and is there again when the window is opened for the same contact.

import { askBeforeLeaving } from "./asking.js";
import { api, ApiError } from "./api.js";
import { announce, h, icon, toast } from "./dom.js";
import { t } from "./i18n.js";
import { attachments } from "./upload.js";

const SAVE_MILLISECONDS = 800;
let open = null;

/** Read a path of the API; null when it was refused, which was shown. */
export function read(path) {
  return api("GET", path).catch((error) => {
    if (!(error instanceof ApiError)) throw error;
    return null;
  });
}

/**
 * Open the window. `letter`: contactId, channel, title, fields(form) -> elements with `values()`, `send(values)` -> promise.
 * An open one for something else is closed first; its text is a draft.
 */
export async function write(letter) {
  if (open && !(await open.leave())) return null;
  const form = await read(`/contacts/${letter.contactId}/email-form?channel=${letter.channel}`);
  if (!form || open) return null;
  open = build(letter, form);
  document.body.append(open.dialog);
  open.dialog.show();
  open.focus();
  return open;
}

askBeforeLeaving(() => open?.unsaved());

/** A labelled field. */
export function labelled(label, input, hint = null) {
  return h("div", {}, h("label", { class: "form-label", for: input.id }, label), input, hint);
}

function build(letter, form) {
  const key = { key: "", body: "" };
  const problem = h("div", { class: "alert alert-danger mb-0", role: "alert", hidden: true });
  const saved = h("div", { class: "saved", role: "status" });
  const files = attachments({ largest: form.largest, most: form.most_files, accept: letter.accept, label: letter.filesLabel, changed: () => later() });
  const parts = letter.fields(form, () => later());
  const send = h("button", { type: "submit", class: "btn btn-primary" }, icon("send"), t("Send"));
  const heading = h("h2", { class: "letter-title", id: "letter-title", tabindex: "-1" }, letter.title(form));
  const shut = h("button", { type: "button", class: "popup-fold ms-auto", "aria-label": t("Close"), on: { click: () => leave() } }, icon("x"));
  const away = form.problem ? h("div", { class: "alert alert-warning mb-0", role: "alert" }, icon("alert-triangle"), h("span", {}, form.problem)) : null;
  const discard = h("button", { type: "button", class: "btn", on: { click: () => throwAway() } }, t("Throw away"));
  const body = h("form", { class: "letter-body", novalidate: true }, away, parts.elements, files.element, problem, h("div", { class: "letter-actions" }, send, discard, saved));
  const dialog = h("dialog", { class: "letter", "aria-labelledby": heading.id }, h("div", { class: "popup-head" }, icon(letter.icon), heading, shut), body);
  const opener = document.activeElement;
  send.disabled = Boolean(form.problem);
  if (form.draft && parts.restore(form.draft)) files.restore(form.draft.files || []);

  let timer = 0;
  let flight = Promise.resolve(); // a draft on its way: one that arrived after the letter would come back
  let kept = JSON.stringify(draft());
  const begun = JSON.stringify(draft()); // what nobody has typed
  function draft() {
    return { channel: letter.channel, ...parts.draft(), files: files.ids() };
  }
  function later() {
    saved.textContent = "";
    body.dataset.unsaved = ""; // unfinished.js keeps it when the sign-in ends before the server has it
    clearTimeout(timer);
    timer = setTimeout(keep, SAVE_MILLISECONDS);
  }
  async function keep() {
    clearTimeout(timer);
    const now = JSON.stringify(draft());
    if (now === kept) return true;
    try {
      flight = api("PUT", `/contacts/${letter.contactId}/email-draft`, JSON.parse(now), { quiet: true });
      await flight;
      kept = now;
      if (JSON.stringify(draft()) === kept) delete body.dataset.unsaved;
      saved.textContent = t("Draft saved");
      return true;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      saved.textContent = error.message;
      return false;
    }
  }
  function close() {
    clearTimeout(timer);
    const inside = dialog.contains(document.activeElement);
    files.stop();
    dialog.remove();
    open = null;
    if (inside && opener?.isConnected) opener.focus();
  }
  async function leave() {
    if (JSON.stringify(draft()) !== begun && !(await keep()) && !window.confirm(t("What you typed could not be kept. Close it all the same?"))) {
      parts.focus();
      return false;
    }
    if (JSON.stringify(draft()) !== begun) toast(t("Your text is kept as a draft. Open the window again to go on."));
    close();
    return true;
  }
  async function throwAway() {
    if (JSON.stringify(draft()) !== begun && !window.confirm(t("Throw this text away?"))) return;
    clearTimeout(timer);
    await api("DELETE", `/contacts/${letter.contactId}/email-draft?channel=${letter.channel}`, undefined, { quiet: true }).catch(() => null);
    close();
  }
  function fault(error) {
    for (const [field, input] of Object.entries(parts.inputs)) {
      const here = error?.field === field;
      input.classList.toggle("is-invalid", here);
      if (here) input.setAttribute("aria-invalid", "true");
      else input.removeAttribute("aria-invalid");
    }
    problem.hidden = !error;
    problem.textContent = error ? error.message : "";
    if (error) (parts.inputs[error.field] || problem).focus?.();
  }
  async function dispatch() {
    if (files.busy()) {
      fault({ message: t("A file is still being uploaded.") });
      return;
    }
    const values = { ...parts.values(), files: files.ids() };
    const asked = JSON.stringify(values);
    if (key.body !== asked) Object.assign(key, { key: newKey(), body: asked }); // the same again is not sent twice
    clearTimeout(timer);
    send.disabled = true;
    await flight.catch(() => null);
    try {
      await api("POST", `/contacts/${letter.contactId}/${letter.path}`, { ...values, key: key.key }, { quiet: true });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      send.disabled = false;
      fault(error);
      return;
    }
    close();
    toast(letter.done);
    announce(letter.done);
    document.body.dispatchEvent(new CustomEvent("live-timeline"));
    if (values.keep_address || values.keep_number) document.body.dispatchEvent(new CustomEvent("contact-numbers"));
  }
  body.addEventListener("submit", (event) => {
    event.preventDefault();
    event.stopPropagation();
    if (!send.disabled) dispatch();
  });
  body.addEventListener("input", later);
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "Escape") leave();
    else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) body.requestSubmit(send);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  return { dialog, leave, focus: parts.focus, unsaved: () => JSON.stringify(draft()) !== kept, parts };
}

/** A random name for one sending; crypto.randomUUID is there only under HTTPS. */
function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((each) => each.toString(16).padStart(2, "0")).join("");
}

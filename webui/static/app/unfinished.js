// What was being typed when the sign-in ended, wherever it was: after signing in again in this tab it is put back into its form,
// or shown to be copied where there is no such form now. The form of a contact has drafts of its own (drafts.js).

import { askNothing } from "./asking.js";
import { labelled, openDialog } from "./dialogs.js";
import { h, strip, toast } from "./dom.js";
import { t } from "./i18n.js";
import { formIsDirty } from "./navigate.js";
import { state } from "./store.js";

const KEY = "callcenter-unfinished";
const FORMS = "form[data-guard]:not([data-draft]):not([data-note]), form[data-unsaved]";
const HIDDEN_KEPT = ["version", "base"]; // about which version it was typed: saving it then shows what changed meanwhile

/** Begin once it is known who is signed in: give back what was kept, and keep what is there when the sign-in ends. */
export function startUnfinished() {
  giveBack();
  document.addEventListener("callcenter:signed-out", keep);
  document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
    if (ctx.response?.headers.get("hx-redirect")?.startsWith("/sign-in")) document.dispatchEvent(new Event("callcenter:signed-out"));
  });
  document.addEventListener("submit", (event) => event.target.matches("form[action='/sign-out']") && sessionStorage.removeItem(KEY), true);
}

function keep() {
  askNothing();
  const forms = [...document.querySelectorAll(FORMS)].filter((form) => formIsDirty(form) || form.hasAttribute("data-unsaved")).map(written);
  if (forms.length) store({ user: state.me?.user?.id, path: location.pathname, forms });
}

function store(kept) {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(kept));
  } catch {
    // no room, or a browser that keeps nothing
  }
}

function written(form) {
  const fields = fieldsOf(form).map((field) => ({ name: field.name, label: labelOf(field), value: field.value, checked: Boolean(field.checked), typed: isText(field) && field.value !== field.defaultValue }));
  return { action: form.getAttribute("action"), nth: sameAs(form).indexOf(form), fields };
}

function fieldsOf(form) {
  const kept = (field) => field.type !== "file" && field.type !== "password" && field.type !== "submit" && field.type !== "button" && field.tagName !== "FIELDSET";
  return [...form.elements].filter((field) => kept(field) && (field.type !== "hidden" || HIDDEN_KEPT.includes(field.name)));
}

const isTick = (field) => field.type === "checkbox" || field.type === "radio";
const isText = (field) => field.tagName === "TEXTAREA" || ["text", "search", "tel", "email", "url", "number"].includes(field.type);
const labelOf = (field) => field.type === "hidden" ? "" : (field.labels?.[0]?.textContent || field.getAttribute("aria-label") || "").trim();

function sameAs(form) {
  return [...document.querySelectorAll(FORMS)].filter((each) => each.getAttribute("action") === form.getAttribute("action"));
}

function giveBack() {
  let kept = null;
  try {
    kept = JSON.parse(sessionStorage.getItem(KEY) || "null");
  } catch {
    // not ours
  }
  sessionStorage.removeItem(KEY);
  if (!kept || kept.user !== state.me?.user?.id) return;
  const left = kept.forms.filter((one) => location.pathname !== kept.path || !restore(one));
  if (left.length < kept.forms.length) toast(t("What you typed before your sign-in ended is back. It is not saved yet."));
  if (!left.length) return;
  store({ ...kept, forms: left }); // until it was copied or thrown away
  strip("unfinished", t("What you typed before your sign-in ended was not saved."), { level: "warning", actions: [
    { label: t("Show the text"), run: () => show(left) },
    { label: t("Throw it away"), run: () => { sessionStorage.removeItem(KEY); strip("unfinished", null); } },
  ] });
}

function restore({ action, nth, fields }) {
  if (action === null) return false;
  const form = [...document.querySelectorAll(FORMS)].filter((each) => each.getAttribute("action") === action)[nth];
  const now = form ? fieldsOf(form) : [];
  if (now.length !== fields.length || now.some((field, place) => field.name !== fields[place].name)) return false;
  now.forEach((field, place) => {
    if (isTick(field)) field.checked = fields[place].checked;
    else field.value = fields[place].value;
  });
  for (const details of form.querySelectorAll("details")) details.open = true;
  return true;
}

function show(forms) {
  const texts = forms.flatMap(({ fields }) => fields).filter(({ label, value, typed }) => label && typed && value.trim());
  const content = texts.map(({ label, value }) => labelled(label, h("textarea", { class: "form-control", readonly: true, rows: Math.min(8, value.split("\n").length + 1), value })));
  openDialog({ title: t("Typed before your sign-in ended"), symbol: "pencil", content });
}

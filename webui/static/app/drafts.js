// What was typed into a form and not saved is kept in this browser, for its person, and offered again: after the page was
// left by accident, or the session ended. Forms say so with data-draft (which form of what) and data-user (whose).

import { h } from "./dom.js";
import { when } from "./format.js";
import { t } from "./i18n.js";

const PREFIX = "callcenter-draft:";
const KEPT_DAYS = 7;
const WAIT_MILLISECONDS = 300;
let typing = ""; // the key of the form that is typed in, in this document
let timer = 0;
const looked = new WeakSet(); // forms whose draft was looked for

/** Listen once: keep what is typed, and forget all of it when the person signs out. */
export function startDrafts() {
  for (const kind of ["input", "change"]) {
    document.addEventListener(kind, (event) => {
      const form = event.target.closest?.("#main form[data-draft]");
      if (!form || form.dataset.conflict !== undefined) return;
      typing = keyOf(form);
      clearTimeout(timer);
      timer = setTimeout(() => keep(form), WAIT_MILLISECONDS);
    });
  }
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.matches("form[action='/sign-out']")) forgetAll();
    else if (form.matches("#main form[data-draft]")) {
      keep(form);
      returnTo(form);
      typing = "";
    }
  }, true);
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-discard-draft]");
    if (link) drop(PREFIX + link.dataset.user + ":" + link.dataset.discardDraft);
  });
  document.addEventListener("callcenter:signed-out", () => {
    const form = document.querySelector("#main form[data-draft]");
    if (form && typing) {
      keep(form);
      returnTo(form);
    }
  });
  const keepTyped = () => {
    const form = document.querySelector("#main form[data-draft]");
    if (form && typing === keyOf(form) && form.dataset.conflict === undefined) keep(form);
  };
  addEventListener("pagehide", keepTyped);
  document.addEventListener("htmx:before:swap", ({ detail }) => detail.ctx.target?.id === "main" && keepTyped()); // left at once
  forgetOld();
}

/** A page was shown: forget what has been saved, and offer what was left. */
export function offerDraft(main) {
  const saved = main.querySelector("[data-saved-draft]")?.dataset.savedDraft;
  const form = main.querySelector("form[data-draft]");
  if (form && looked.has(form)) return; // another part of the page was drawn anew: what is typed now is newer than what is kept
  if (form) looked.add(form);
  if (saved && form) {
    const key = PREFIX + form.dataset.user + ":" + saved;
    const draft = read(key);
    const version = Number(form.elements.version?.value || 0);
    if (draft && Number(valueOf(draft, "version")) < version || draft && saved === form.dataset.draft && same(form, draft)) drop(key);
    history.replaceState(history.state, "", location.pathname);
  }
  if (!form || form.dataset.conflict !== undefined) {
    typing = "";
    return;
  }
  const key = keyOf(form);
  const draft = read(key);
  const returning = sessionStorage.getItem("callcenter-returning") === key;
  sessionStorage.removeItem("callcenter-returning");
  if (form.querySelector("[aria-invalid=true], .alert-danger")) return; // refused: what was typed is shown already
  if (!draft) return;
  if (same(form, draft)) drop(key);
  else if (returning || typing === key) restore(form, draft);
  else if (!form.querySelector(".draft-offer")) offer(form, key, draft);
}

function offer(form, key, draft) {
  const box = h("div", { class: "alert alert-info draft-offer", role: "status" }, h("span", { class: "me-auto" }, t("You have unsaved changes from {when}.", { when: when(new Date(draft.at).toISOString()) })),
    h("button", { type: "button", class: "btn btn-sm btn-primary", on: { click: () => { box.remove(); restore(form, draft); } } }, t("Restore")),
    h("button", { type: "button", class: "btn btn-sm", on: { click: () => { box.remove(); drop(key); } } }, t("Discard")));
  form.querySelector(".card-body").prepend(box);
}

/** Put what was typed back, with the version it was typed about: saving it then shows what changed meanwhile. */
function restore(form, draft) {
  typing = keyOf(form);
  for (const rows of form.querySelectorAll("[id][data-rows-of], .numbers-rows")) fitRows(form, rows, draft);
  const taken = new Map();
  for (const field of form.elements) {
    if (!field.name || field.closest("template")) continue;
    const values = draft.values.filter(([name]) => name === field.name).map(([, value]) => value);
    if (field.type === "checkbox" || field.type === "radio") field.checked = values.includes(field.value);
    else {
      const n = taken.get(field.name) || 0;
      taken.set(field.name, n + 1);
      if (n < values.length) field.value = values[n];
    }
  }
  for (const details of form.querySelectorAll("details.more-fields")) details.open = true;
  form.dispatchEvent(new CustomEvent("draft-restored", { bubbles: true }));
}

function fitRows(form, rows, draft) {
  const wanted = Math.max(1, draft.values.filter(([name]) => name === "number").length);
  const button = form.querySelector(`[data-rows="${rows.id}"]`);
  const template = document.getElementById(button.dataset.addRow);
  while (rows.children.length < wanted) rows.append(template.content.cloneNode(true));
  while (rows.children.length > wanted) rows.lastElementChild.remove();
  rows.dataset.added = "";
}

function keep(form) {
  clearTimeout(timer);
  if (!form.isConnected) return;
  const values = [...new FormData(form)].filter(([, value]) => typeof value === "string");
  try {
    localStorage.setItem(keyOf(form), JSON.stringify({ at: Date.now(), values }));
  } catch {
    // no room, or a browser that keeps nothing: the page still asks before it is left
  }
}

function same(form, draft) {
  const about = ([name]) => !["version", "base"].includes(name);
  const now = [...new FormData(form)].filter(about);
  return JSON.stringify(now.map(plain)) === JSON.stringify(draft.values.filter(about).map(plain));
}

function plain([name, value]) {
  return [name, String(value).replaceAll("\r\n", "\n").trim()];
}

function valueOf(draft, name) {
  return draft.values.find(([each]) => each === name)?.[1];
}

function keyOf(form) {
  return `${PREFIX}${form.dataset.user}:${form.dataset.draft}`;
}

function returnTo(form) {
  sessionStorage.setItem("callcenter-returning", keyOf(form));
}

function read(key) {
  try {
    const found = JSON.parse(localStorage.getItem(key) || "null");
    return found && Array.isArray(found.values) ? found : null;
  } catch {
    return null;
  }
}

function drop(key) {
  localStorage.removeItem(key);
  if (typing === key) typing = "";
}

function keys() {
  return Object.keys(localStorage).filter((key) => key.startsWith(PREFIX));
}

function forgetAll() {
  typing = "";
  clearTimeout(timer);
  keys().forEach((key) => localStorage.removeItem(key));
}

function forgetOld() {
  for (const key of keys()) if (!(read(key)?.at > Date.now() - KEPT_DAYS * 86_400_000)) localStorage.removeItem(key);
}

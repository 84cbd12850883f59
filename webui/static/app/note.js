// The note of one call: saved while it is typed, kept in this browser until the server has it, never written over unseen by another tab.

import { api, ApiError } from "./api.js";
import { h } from "./dom.js";
import { t } from "./i18n.js";

const SAVE_MILLISECONDS = 400;
const RETRY_MILLISECONDS = 3000;

/** A copy on this machine until the server has it: {text, version}. It survives a reload while the server is away, too. */
const kept = {
  name: (id) => `callcenter-draft-${id}`,
  read: (id) => {
    try {
      return JSON.parse(localStorage.getItem(kept.name(id)));
    } catch {
      return null;
    }
  },
  write: (id, text, version) => localStorage.setItem(kept.name(id), JSON.stringify({ text, version })),
  forget: (id, text) => kept.read(id)?.text === text && localStorage.removeItem(kept.name(id)),
};

const textOf = (call) => call.draft || call.note || "";

/**
 * Return the note field of a call: `elements` to draw, `follow(call)` for what the server says, `send(keepalive)`, `leave()` when the
 * card goes, `settled()` (a promise: nothing is on its way), `value()`, `version()` (of the note the text was typed upon), `unsent()`,
 * `asking()` (two texts wait for a choice), `stored(call)` once it was saved for good.
 */
export function noteField(call) {
  const { id } = call;
  const note = h("textarea", { class: "form-control", rows: 4, id: `note-${id}` });
  const saved = h("div", { class: "saved", role: "status" });
  const other = h("div", { class: "note-other", role: "alert", hidden: true });
  let version = call.note_version;
  let base = textOf(call); // what the server had when this text was begun
  let sending = null;
  let flight = Promise.resolve();
  let asked = null;
  let left = false;
  let timer = 0;
  note.value = base;

  const say = (sentence, failed = false) => {
    saved.textContent = sentence;
    saved.toggleAttribute("data-failed", failed);
  };
  const later = (milliseconds) => {
    clearTimeout(timer);
    timer = setTimeout(() => send(), milliseconds);
  };
  const adopt = (text, number) => {
    [base, version] = [text, number];
    if (note.value === base) kept.forget(id, base);
    else kept.write(id, note.value, version);
  };

  const follow = (now) => {
    if (now.note_version <= version) return; // a late answer, or what this tab sent
    const theirs = textOf(now);
    const untouched = note.value === base && sending === null;
    if (theirs === note.value || theirs === sending) adopt(theirs, now.note_version);
    else if (untouched) {
      note.value = theirs;
      adopt(theirs, now.note_version);
      say(t("Typed in another tab"));
    } else if (note.value.startsWith(theirs)) {
      adopt(theirs, now.note_version); // what is here holds what is there
      later(SAVE_MILLISECONDS);
    } else ask(theirs, now.note_version);
  };

  const ask = (theirs, number) => {
    clearTimeout(timer);
    asked = { theirs, number };
    say("");
    const choose = (label, text) => h("button", { type: "button", class: "btn btn-sm", on: { click: () => decide(text) } }, label);
    other.replaceChildren(h("div", {}, t("This note was changed in another tab. There it says:")), h("blockquote", {}, theirs || t("(nothing)")),
      h("div", { class: "row-form" }, choose(t("Keep both"), () => `${theirs}\n${note.value}`), choose(t("Take that one"), () => theirs), choose(t("Keep mine"), () => note.value)));
    other.hidden = false;
  };
  const decide = (text) => {
    const { theirs, number } = asked;
    asked = null;
    other.hidden = true;
    note.value = text();
    adopt(theirs, number);
    if (note.value !== base) send();
    note.focus();
  };

  const send = (keepalive = false) => {
    clearTimeout(timer);
    if (asked || note.value === base || (sending !== null && keepalive !== true)) return flight;
    flight = put(note.value, keepalive === true);
    return flight;
  };
  const put = async (text, keepalive) => {
    sending = text;
    let wait = SAVE_MILLISECONDS;
    try {
      const now = await api("PUT", `/calls/${id}/draft`, { note: text, version }, { quiet: true, keepalive });
      if (now.note_version >= version) adopt(text, now.note_version);
      kept.forget(id, text);
      say(text ? t("Draft saved") : "");
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      wait = await refused(error, text);
    } finally {
      sending = null;
    }
    if (note.value !== base && wait && !asked) later(wait);
  };

  /** Deal with a draft the server did not take; returns when to try again, 0 for not by itself. */
  const refused = async (error, text) => {
    if (error.status === 409) {
      if (left) return (await addTo(text)) || RETRY_MILLISECONDS;
      sending = null;
      follow(await api("GET", `/calls/${id}`, undefined, { quiet: true }).catch(() => ({ note_version: 0 })));
      return RETRY_MILLISECONDS;
    }
    const away = error.code === "network" || error.status >= 500;
    say(away ? t("Not saved on the server yet; it is kept in this browser and tried again.") : error.message, true);
    return away ? RETRY_MILLISECONDS : 0;
  };

  /** The card is gone and the note was changed elsewhere: what was typed here goes below it. */
  const addTo = async (text) => {
    const now = await api("GET", `/calls/${id}`, undefined, { quiet: true }).catch(() => null);
    if (!now) return 0;
    version = now.note_version;
    note.value = `${textOf(now)}\n${text}`;
    return SAVE_MILLISECONDS;
  };

  note.addEventListener("input", () => {
    kept.write(id, note.value, version);
    say("");
    if (!asked) later(SAVE_MILLISECONDS);
  });
  const before = kept.read(id);
  if (before && before.text !== base) {
    note.value = before.text;
    if (before.version === version) later(SAVE_MILLISECONDS);
    else {
      [base, version] = [null, before.version];
      follow(call);
    }
  }
  return {
    elements: [h("label", { class: "form-label", for: note.id }, t("Note")), note, saved, other],
    follow,
    send,
    settled: () => flight,
    value: () => note.value,
    version: () => version,
    unsent: () => note.value !== base,
    asking: () => Boolean(asked),
    stored: (now) => {
      clearTimeout(timer);
      adopt(note.value, now.note_version);
    },
    leave: () => {
      left = true;
      if (note.value !== base) send();
    },
  };
}

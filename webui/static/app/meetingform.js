// The form of a meeting: quick choices of time, a window that keeps its length, the contact picker, the number picked or typed.

import { localParts, momentOf, serverNow } from "./format.js";

const MINUTE = 60_000;
const QUICK = { hour: (now) => now + 60 * MINUTE, tomorrow: (now) => dayLater(now, 1), week: (now) => dayLater(now, 7) };
const ROUND = 5 * MINUTE; // nobody plans for 14:07
const DEFAULT_MINUTES = 30;

/** Listen once for what the forms of meetings hold. */
export function startMeetingForms() {
  document.addEventListener("click", clicked);
  document.addEventListener("change", changed);
  document.addEventListener("focusin", ({ target }) => remember(target.closest?.("[data-when]")));
}

function clicked(event) {
  const quick = event.target.closest("[data-quick]");
  if (quick) choose(quick.closest("[data-when]"), quick.dataset.quick);
  const pick = event.target.closest("[data-pick]");
  if (pick) picked(pick.closest("[data-picker]"), pick.dataset.pick, pick.dataset.pickName);
  const unpick = event.target.closest("[data-unpick]");
  if (unpick) picked(unpick.closest("[data-picker]"), "", "");
}

function changed({ target }) {
  if (target.name === "number_pick") showTyped(target);
  const when = target.closest("[data-when]");
  if (when && ["from_date", "from_time"].includes(target.name)) keepLength(when);
  if (when) remember(when);
}

/** The same hour some days later, as the clock on the wall shows it. */
function dayLater(now, days) {
  const { date, time } = localParts(now);
  const noon = new Date(`${date}T12:00:00Z`);
  noon.setUTCDate(noon.getUTCDate() + days);
  return momentOf(noon.toISOString().slice(0, 10), time);
}

function choose(when, name) {
  const from = Math.ceil(QUICK[name](serverNow()) / ROUND) * ROUND;
  const length = lengthOf(when);
  write(when, "from", from);
  write(when, "to", from + length);
  remember(when);
}

function fieldsOf(when, name) {
  return [when.querySelector(`[name=${name}_date]`), when.querySelector(`[name=${name}_time]`)];
}

function read(when, name) {
  const [date, time] = fieldsOf(when, name).map((field) => field.value);
  return date && time ? momentOf(date, time) : null;
}

function write(when, name, moment) {
  const { date, time } = localParts(moment);
  const [day, hour] = fieldsOf(when, name);
  [day.value, hour.value] = [date, time];
}

function lengthOf(when) {
  const [from, to] = [read(when, "from"), read(when, "to")];
  if (from !== null && to !== null && to > from) return to - from;
  const served = document.getElementById("meeting-served")?.dataset.windowMinutes;
  return Number(served || when.dataset.minutes || DEFAULT_MINUTES) * MINUTE;
}

/** Know the length before a field is changed. */
function remember(when) {
  if (!when) return;
  const [from, to] = [read(when, "from"), read(when, "to")];
  if (from !== null && to !== null && to > from) when.dataset.length = String(to - from);
  else delete when.dataset.length;
}

function keepLength(when) {
  const from = read(when, "from");
  if (from !== null && when.dataset.length) write(when, "to", from + Number(when.dataset.length));
}

/** A contact was chosen, or taken back. In the meeting's form its numbers come with it. */
function picked(picker, id, name) {
  const hidden = picker.querySelector("[data-picked]");
  hidden.value = id;
  hidden.dispatchEvent(new Event("picked", { bubbles: true }));
  const box = picker.querySelector("[data-picked-box]");
  if (!box) return; // the form draws this part anew
  box.hidden = !id;
  picker.querySelector("[data-picked-name]").textContent = name;
  picker.querySelector("[data-picker-found]").replaceChildren();
  const search = picker.querySelector("[data-picker-search]");
  search.hidden = Boolean(id);
  search.value = "";
  if (!id) search.focus();
}

function showTyped(radio) {
  const typed = radio.closest("fieldset").querySelector("[data-typed-number]");
  typed.hidden = !("otherNumber" in radio.dataset);
  if (!typed.hidden) typed.querySelector("input").focus();
}

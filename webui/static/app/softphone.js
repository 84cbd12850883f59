// The strip of the call in progress: who, state, time, levels, mute, hold, keypad, hang up. Drawn once per call, then updated.

import { ApiError, api, quietly } from "./api.js";
import { announce, h, icon, toast } from "./dom.js";
import { clock, secondsSince } from "./format.js";
import { t } from "./i18n.js";
import { percent } from "./levels.js";
import { pageLink } from "./navigate.js";
import { callerOf } from "./ring.js";
import { mute, onStation, station } from "./station.js";
import { change, state, subscribe, takeCall } from "./store.js";
import { machineOf } from "./timeline.js";

const KEYS = [["1", ""], ["2", "abc"], ["3", "def"], ["4", "ghi"], ["5", "jkl"], ["6", "mno"], ["7", "pqrs"], ["8", "tuv"], ["9", "wxyz"], ["*", ""], ["0", "+"], ["#", ""]];
const FAILED_MILLISECONDS = 12000;
const MOST_KEYS = 32; // in one request
let drawn = null;
let keys = { callId: "", waiting: "", sending: false };
let failedTimer = 0;

export function startSoftphone() {
  measure();
  subscribe(draw);
  onStation(update);
  setInterval(tick, 100);
}

/** Dial a number by hand; the strip shows what comes of it. A customer who asked not to be called is called on a second word only. */
export async function dial(number, contactId = null) {
  if (!number.trim()) return false;
  const wanted = { number, ...(contactId ? { contact_id: Number(contactId) } : {}) };
  const call = await quietly(begin(wanted));
  if (call) takeCall(call);
  return Boolean(call);
}

async function begin(wanted) {
  try {
    return await api("POST", "/calls", wanted, { quiet: true });
  } catch (error) {
    const objected = error instanceof ApiError && error.code === "do_not_contact";
    const question = t("Call all the same? It is written down.");
    if (objected && window.confirm(`${error.message} ${question}`)) {
      return await api("POST", "/calls", { ...wanted, despite_objection: true });
    }
    if (!objected && error instanceof ApiError && error.status !== 401) toast(error.message, "danger");
    throw error;
  }
}

/** Hang up the call in progress. */
export function hangUp() {
  return state.call ? quietly(api("POST", `/calls/${state.call.id}/hang-up`)) : null;
}

/** Mute or unmute. */
export function toggleMute() {
  if (state.call) mute(!station.muted);
}

/** Return a keypad whose keys call `press`. */
export function keypad(press) {
  return h("div", { class: "keypad", role: "group", "aria-label": t("Keypad") },
    KEYS.map(([key, letters]) => h("button", { type: "button", "data-key": key, on: { click: () => press(key) } }, key, h("small", { "aria-hidden": "true" }, letters))));
}

function draw() {
  const call = state.call || (state.ended?.end_reason && state.ended.end_reason !== "completed" ? state.ended : null);
  const box = document.getElementById("softphone");
  if (!call) {
    box.hidden = true;
    drawn = null;
    if (station.muted) mute(false);
    return;
  }
  if (drawn?.id !== call.id || drawn.over !== (call.state === "ended")) build(box, call);
  update();
}

/** Tell the stylesheet how high the strips are, so that what sticks below them stays in view. */
function measure() {
  const names = { softphone: "--strip-height", strips: "--strips-height" };
  const observer = new ResizeObserver((entries) => {
    for (const { target } of entries) document.documentElement.style.setProperty(names[target.id], `${target.offsetHeight}px`);
  });
  for (const id of Object.keys(names)) observer.observe(document.getElementById(id));
}

function build(box, call) {
  const over = call.state === "ended";
  const parts = { who: h("span", { class: "softphone-who" }), timer: h("span", { class: "timer", role: "timer" }) };
  drawn = { id: call.id, over, parts, announced: "" };
  const sign = call.direction === "outbound" ? "phone-outgoing" : "phone-call";
  const pieces = [icon(over ? "phone-x" : sign), parts.who, parts.timer];
  if (over) {
    pieces.push(h("div", { class: "softphone-actions" },
      h("button", { type: "button", class: "btn", on: { click: () => dial(call.number, call.contact_id) } }, icon("phone"), t("Call again")),
      h("button", { type: "button", class: "btn", on: { click: () => change({ ended: null }) } }, t("Close"))));
    clearTimeout(failedTimer);
    failedTimer = setTimeout(() => state.ended?.id === call.id && change({ ended: null }), FAILED_MILLISECONDS);
  } else {
    parts.listeners = h("div", { class: "softphone-listeners", role: "status" });
    pieces.push(meters(parts), actions(call, parts), parts.listeners);
  }
  box.replaceChildren(...pieces);
  box.hidden = false;
}

function meters(parts) {
  const meter = () => h("span", { class: "meter" }, h("span"));
  [parts.mine, parts.theirs] = [meter(), meter()];
  return h("div", { class: "meters", "aria-hidden": "true" }, icon("microphone"), parts.mine, icon("volume"), parts.theirs);
}

function actions(call, parts) {
  const button = (name, label, run, attributes = {}) => h("button", { type: "button", class: "btn", on: { click: run }, ...attributes }, icon(name), h("span", {}, label));
  parts.mute = button("microphone-off", t("Mute"), toggleMute, { "aria-pressed": "false", title: "Alt+M" });
  parts.hold = button("player-pause", t("Hold"), () => hold(call.id), { "aria-pressed": "false" });
  parts.sent = h("div", { class: "keypad-sent", "aria-live": "polite" });
  parts.keypad = h("details", { class: "menu" }, h("summary", { class: "btn", role: "button" }, icon("dialpad"), h("span", {}, t("Keypad"))), h("div", { class: "menu-list" }, parts.sent, keypad((key) => press(call.id, key))));
  parts.end = button("phone-off", t("Hang up"), hangUp, { class: "btn btn-danger", title: "Alt+H" });
  return h("div", { class: "softphone-actions" }, parts.mute, parts.hold, parts.keypad, parts.end);
}

/** Send one key as a tone to the other side; called from the keypad and from typed digits while it is open. */
export function press(callId, key) {
  const { parts } = drawn || { parts: {} };
  if (parts.sent) parts.sent.textContent += key;
  if (keys.callId !== callId) keys = { callId, waiting: "", sending: false };
  keys.waiting += key;
  return keys.sending ? null : sendKeys(keys);
}

/** Send what was pressed, one request after another: two at once could overtake each other. */
async function sendKeys(pressed) {
  pressed.sending = true;
  try {
    while (pressed.waiting) {
      const digits = pressed.waiting.slice(0, MOST_KEYS);
      pressed.waiting = pressed.waiting.slice(MOST_KEYS);
      await quietly(api("POST", `/calls/${pressed.callId}/dtmf`, { digits }));
    }
  } finally {
    pressed.sending = false;
  }
}

/** Tell whether the softphone's keypad is open, so that typed digits go to it. */
export function keypadOpen() {
  return Boolean(state.call && drawn?.parts.keypad?.open);
}

async function hold(id) {
  const call = await quietly(api("POST", `/calls/${id}/hold`, { on: !state.call?.held }));
  if (call?.id) takeCall(call);
}

function update() {
  if (!drawn) return;
  const { parts } = drawn;
  const call = drawn.over ? state.ended : state.call;
  if (!call) return;
  const box = document.getElementById("softphone");
  box.dataset.phase = call.state;
  box.toggleAttribute("data-held", Boolean(call.held));
  const name = callerOf(call);
  const words = [stateOf(call), machineOf(call.machine)].filter(Boolean).join(" · ");
  const number = call.number_shown || call.number;
  const meeting = state.meeting?.call_id === call.id ? t("Meeting: {name}", { name: state.meeting.meeting.name }) : "";
  const about = [meeting, number === name ? "" : number, drawn.over ? carrierSaid(call) : words].filter(Boolean).join(" · ");
  const title = call.contact_id ? pageLink(`/contacts/${call.contact_id}`, name) : h("strong", {}, name);
  parts.who.replaceChildren(...(drawn.over ? [h("strong", { class: "softphone-reason" }, words)] : []), title, h("span", { class: "softphone-state" }, about));
  if (parts.listeners) drawListeners(parts.listeners);
  parts.mute?.setAttribute("aria-pressed", String(station.muted));
  if (parts.mute) parts.mute.disabled = !station.microphone; // the tab or device that has the audio mutes it
  parts.hold?.setAttribute("aria-pressed", String(Boolean(call.held)));
  if (parts.hold) parts.hold.disabled = parts.keypad.hidden = call.state !== "talking";
  if (drawn.announced !== words) {
    drawn.announced = words;
    announce(`${name}: ${words}`);
  }
}

/** Say which supervisors are in one's call, as far as one is told. */
function drawListeners(box) {
  const words = {
    listen: (name) => t("{name} listens to this call", { name }),
    whisper: (name) => t("{name} speaks to you; the customer does not hear it", { name }),
    barge: (name) => t("{name} is in the call; the customer hears it", { name }),
  };
  const said = state.listeners.map((each) => words[each.way](each.name)).join(" · ");
  box.hidden = !said;
  if (box.dataset.said !== said) box.replaceChildren(...(said ? [icon("headphones"), h("span", {}, said)] : []));
  box.dataset.said = said;
}

function stateOf(call) {
  if (call.state === "ended") return reasonOf(call);
  if (call.held) return t("On hold, the customer hears music");
  if (call.state === "talking") return station.muted ? t("You are muted") : t("Talking");
  if (call.state === "ringing") return t("It rings at the other side");
  return call.direction === "outbound" ? t("Dialling …") : t("Connecting …");
}

/** Say why a call came to nothing. */
function reasonOf(call) {
  const reasons = {
    busy: t("The number is busy."),
    no_answer: t("Nobody answered."),
    rejected: t("The call was rejected."),
    cancelled: t("The call was cancelled."),
    unreachable: t("The number cannot be reached. Check it."),
    failed: t("The call failed. Try again, or tell your administrator."),
    dropped: t("Your audio was away for too long; the customer was let go."),
  };
  if (call.end_reason === "failed" && call.answered_at) return t("The talk was cut off by a fault.");
  return reasons[call.end_reason] || t("The call is over.");
}

/** Give the carrier's own words, for who reports a fault. */
function carrierSaid(call) {
  return call.end_code ? [call.end_code, call.end_text].filter(Boolean).join(" ") : "";
}

function tick() {
  if (!drawn || drawn.over || !state.call) return;
  const { parts } = drawn;
  parts.timer.textContent = state.call.answered_at ? clock(secondsSince(state.call.answered_at)) : "";
  const width = (meter, source, quiet) => meter.firstChild.style.setProperty("width", `${source && !quiet ? percent(source.peak()) : 0}%`);
  width(parts.mine, station.microphone, station.muted);
  width(parts.theirs, station.speaker, false);
}

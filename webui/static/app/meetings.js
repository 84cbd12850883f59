// Cards of phone meetings that are up: docked and calm, a quiet strip while one talks, a countdown for what the system dials.

import { api, quietly } from "./api.js";
import { announce, h, icon, strip, toast } from "./dom.js";
import { between, clock, secondsUntil, serverNow, when } from "./format.js";
import { t, tn } from "./i18n.js";
import { go, pageLink } from "./navigate.js";
import { linesOf } from "./timeline.js";
import { answeredTone, chime } from "./tones.js";
import { change, load, state, subscribe, takeCall, watch } from "./store.js";

const COUNTDOWN_SECONDS = 5; // as usual; a longer one fills the bar from when it was first seen
const LATE_MILLISECONDS = 3000; // a countdown that is over for so long was dialled or withdrawn, and we did not hear of it
const MOST_MISSED = 4;
const SEEN = "callcenter-missed-seen"; // ids of missed meetings the person has put away, in this browser
const cards = new Map();
const told = new Set();
const folded = new Set();
const dialled = new Map(); // mode by call
let missedCard = null;
let asked = 0;

export function startMeetings() {
  subscribe(draw);
  watch(happened);
  setInterval(tick, 200);
  addEventListener("storage", (event) => event.key === SEEN && draw());
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-meeting-call]");
    if (button) callMeeting(Number(button.dataset.meetingCall), button);
  });
}

/** Dial a meeting's customer now. */
async function callMeeting(id, button) {
  button.disabled = true;
  try {
    const answer = await quietly(api("POST", `/phone-meetings/${id}/call`));
    if (answer?.direction) takeCall(answer);
    if (answer) change({ meetings: without(id) });
    await load().catch(() => {});
  } finally {
    button.disabled = false;
  }
}

function without(id) {
  return state.meetings.filter((each) => each.meeting_id !== id);
}

function happened({ type, data }) {
  if (type === "meeting.dialling") dialled.set(data.call_id, data.mode);
  if (type === "call.answered" && modeOf(data.call_id) === "automatic") answeredTone();
  if (type === "meeting.missed") toast(t("The meeting “{name}” was missed.", { name: data.name }), "warning");
  if (type === "meeting.assigned") {
    const values = { name: data.name, by: data.by, window: between(data.from_at, data.to_at) };
    if (data.taken) toast(t("The meeting “{name}”, {window}, is no longer yours.", values));
    else toast(data.by ? t("{by} gave you the meeting “{name}”, {window}.", values) : t("The meeting “{name}”, {window}, is now yours.", values));
  }
}

function modeOf(callId) {
  return dialled.get(callId) ?? (state.meeting?.call_id === callId ? state.meeting.mode : null);
}

function draw() {
  const talking = Boolean(state.call);
  const shown = talking ? [] : state.meetings;
  quietStrip(talking);
  const dock = document.getElementById("dock");
  for (const [id, card] of cards) {
    if (shown.some((each) => each.meeting_id === id)) continue;
    card.element.remove();
    cards.delete(id);
  }
  for (const meeting of shown) {
    const known = cards.get(meeting.meeting_id);
    const drawn = JSON.stringify(meeting);
    if (known?.drawn === drawn) continue;
    const element = build(meeting);
    if (known) known.element.replaceWith(element);
    else dock.append(element);
    const whole = Math.max(COUNTDOWN_SECONDS, secondsUntil(meeting.countdown_until));
    cards.set(meeting.meeting_id, { element, drawn, meeting, whole });
    tell(meeting);
  }
  drawMissed(dock);
}

/** Say it once: a soft note, words for screen readers, a notification when the page is hidden. */
function tell(meeting) {
  const key = `${meeting.meeting_id} ${meeting.attempt_id || meeting.from_at}`;
  if (told.has(key)) return;
  told.add(key);
  const words = meeting.countdown_until ? t("{name} will be dialled in a moment", { name: whoOf(meeting) }) : t("It is time for the meeting with {name}", { name: whoOf(meeting) });
  chime();
  announce(words);
  const may = document.visibilityState !== "visible" && state.me?.preferences?.notifications !== false && "Notification" in window && Notification.permission === "granted";
  if (may) new Notification(words, { body: meeting.number_shown, tag: `meeting-${meeting.meeting_id}` }).addEventListener("click", () => window.focus());
}

/** During a talk nothing is put over it: one line says that a meeting waits. */
function quietStrip(talking) {
  const [first, ...more] = talking ? state.meetings : [];
  if (!first) {
    strip("meeting", null);
    return;
  }
  const words = t("The meeting with {name} waits; its window is open until {time}.", { name: whoOf(first), time: when(first.to_at) });
  const rest = more.length ? tn("{count} more waits.", "{count} more wait.", more.length) : "";
  strip("meeting", [words, first.ticket_id ? ticketOf(first) : "", rest].filter(Boolean).join(" "), { actions: [{ label: t("Show it"), run: () => go(more.length ? "/meetings" : `/meetings/${first.meeting_id}`) }] });
}

function whoOf(meeting) {
  return meeting.contact || meeting.name || meeting.number_shown;
}

/** The ticket a meeting is about as people say it; its title only where one may see it. */
function ticketOf(meeting) {
  return t("Ticket #{id} {title}", { id: meeting.ticket_id, title: meeting.ticket }).trim();
}

function build(meeting) {
  const id = `meeting-card-${meeting.meeting_id}`;
  const counting = Boolean(meeting.countdown_until);
  const name = whoOf(meeting);
  const title = meeting.contact_id ? pageLink(`/contacts/${meeting.contact_id}`, name) : name;
  const sub = [meeting.organisation, meeting.number_shown].filter(Boolean).join(" · ");
  const about = meeting.name && meeting.name !== name ? meeting.name : t("The meeting's page");
  return h("section", { class: `popup popup-meeting${counting ? " popup-countdown" : folded.has(meeting.meeting_id) ? " popup-folded" : ""}`, "data-meeting-card": meeting.meeting_id, role: "region", "aria-labelledby": id },
    h("div", { class: "popup-head" }, icon(counting ? "bolt" : "calendar-event"), counting ? h("span", { "data-countdown": true }, t("Dialling …")) : [h("span", { class: "when-open" }, meeting.project || t("Phone meeting")), h("span", { class: "when-folded" }, name)],
      h("span", { class: "timer", role: "timer", "data-left": true }), counting ? null : foldButton(meeting.meeting_id)),
    counting ? h("div", { class: "popup-bar" }) : null,
    h("div", { class: "popup-body" },
      h("h2", { class: "popup-name", id }, title),
      h("div", { class: "popup-sub" }, sub),
      h("div", { class: "popup-why" }, icon("clock"), h("span", {}, between(meeting.from_at, meeting.to_at), " · ", pageLink(`/meetings/${meeting.meeting_id}`, about))),
      meeting.ticket_id ? h("div", { class: "popup-why" }, icon("list-check"), h("span", {}, pageLink(`/tickets/${meeting.ticket_id}`, ticketOf(meeting)))) : null,
      meeting.attempts ? h("div", { class: "popup-why" }, icon("phone-outgoing"), h("span", {}, tn("{count} attempt so far", "{count} attempts so far", meeting.attempts))) : null,
      meeting.information ? h("div", { class: "meeting-information" }, meeting.information) : null,
      counting ? notNow(meeting) : actions(meeting),
      linesOf(meeting.timeline)));
}

/** Folded, a card keeps its head: on a telephone the page shows again. */
function foldButton(id) {
  const fold = h("button", { type: "button", class: "popup-fold", "aria-expanded": String(!folded.has(id)), "aria-label": t("Fold the card"), on: { click: () => {
    if (!folded.delete(id)) folded.add(id);
    fold.closest(".popup").classList.toggle("popup-folded", folded.has(id));
    fold.setAttribute("aria-expanded", String(!folded.has(id)));
  } } }, icon("chevron-down"));
  return fold;
}

function actions(meeting) {
  const id = meeting.meeting_id;
  const call = h("button", { type: "button", class: "btn btn-success", "data-meeting-call": id }, icon("phone"), t("Call"));
  if (meeting.user_id === null) {
    const take = () => quietly(api("POST", "/phone-meetings/assign", { ids: [id], user_id: state.me.user.id })).then(() => load()).catch(() => {});
    return h("div", { class: "popup-actions" }, call, h("button", { type: "button", class: "btn", on: { click: take } }, icon("user"), t("Take it")));
  }
  const later = (minutes) => h("button", { type: "button", class: "btn", on: { click: () => act(id, "snooze", { minutes }) } }, icon("clock-pause"), t("{minutes} min", { minutes }));
  const reason = h("input", { class: "form-control form-control-sm", maxlength: 200, required: true, placeholder: t("Why"), "aria-label": t("Why the meeting is cancelled") });
  const cancel = h("details", { class: "meeting-cancel" }, h("summary", {}, t("Cancel the meeting")),
    h("form", { class: "row-form", on: { submit: (event) => { event.preventDefault(); act(id, "cancel", { reason: reason.value }); } } }, reason, h("button", { type: "submit", class: "btn btn-sm btn-outline-danger" }, t("Cancel it"))));
  return h("div", { class: "stack" },
    h("div", { class: "popup-actions" },
      call,
      h("span", { class: "snooze", role: "group", "aria-label": t("Remind me later") }, later(5), later(15))),
    h("div", { class: "row-form meeting-more" }, pageLink(`/meetings/${id}/reschedule`, t("Another time")), cancel));
}

/** Put it off, with the reason in the same press: five seconds leave no time for a dialogue. */
function notNow(meeting) {
  const decline = (reason) => act(meeting.meeting_id, "not-now", { attempt_id: meeting.attempt_id, reason });
  const reasons = [t("I have to prepare"), t("I am still writing"), t("Another reason")];
  return h("div", { class: "stack" },
    h("div", { class: "stack", role: "group", "aria-label": t("Not now") },
      h("div", { class: "form-label mb-0" }, t("Not now:")),
      h("div", { class: "popup-actions" }, reasons.map((reason) => h("button", { type: "button", class: "btn", "data-not-now": true, on: { click: () => decline(reason) } }, reason)))),
    h("div", { class: "popup-actions" }, h("button", { type: "button", class: "btn btn-success", "data-meeting-call": meeting.meeting_id }, icon("phone"), t("Call at once"))));
}

async function act(id, what, body) {
  const done = await quietly(api("POST", `/phone-meetings/${id}/${what}`, body));
  if (done !== null) change({ meetings: without(id) });
  await load().catch(() => {});
}

function seen() {
  try {
    return new Set(JSON.parse(localStorage.getItem(SEEN)) || []);
  } catch {
    return new Set();
  }
}

function putAway(ids) {
  localStorage.setItem(SEEN, JSON.stringify([...seen(), ...ids].slice(-200)));
  draw();
}

/** One card for what was missed: each with another time one press away. */
function drawMissed(dock) {
  const away = seen();
  const missed = state.call ? [] : state.missed.filter((each) => !away.has(each.id));
  const drawn = JSON.stringify(missed.map((each) => [each.id, each.version]));
  if (missedCard && missedCard.drawn === drawn) return;
  missedCard?.element.remove();
  missedCard = null;
  if (!missed.length) return;
  const line = (each) => h("li", {}, h("span", {}, pageLink(`/meetings/${each.id}`, each.name), h("br"), h("small", { class: "text-secondary" }, between(each.from_at, each.to_at))),
    h("a", { class: "btn btn-sm", href: `/meetings/${each.id}/reschedule` }, icon("calendar-time"), t("Another time")));
  const rest = missed.length - MOST_MISSED;
  const element = h("section", { class: "popup popup-missed", role: "region", "aria-label": t("Missed meetings") },
    h("div", { class: "popup-head" }, icon("calendar-x"), tn("{count} missed meeting", "{count} missed meetings", missed.length),
      h("button", { type: "button", class: "popup-fold ms-auto", "aria-label": t("Put away"), on: { click: () => putAway(missed.map((each) => each.id)) } }, icon("x"))),
    h("div", { class: "popup-body" }, h("ul", { class: "missed-lines" }, missed.slice(0, MOST_MISSED).map(line)),
      rest > 0 ? pageLink("/meetings?f=1&state=missed&user=me", tn("{count} more", "{count} more", rest)) : null));
  dock.append(element);
  missedCard = { element, drawn };
}

function tick() {
  for (const { element, meeting, whole } of cards.values()) {
    element.querySelector("[data-left]").textContent = meeting.countdown_until ? "" : t("{time} left", { time: clock(secondsUntil(meeting.to_at)) });
    if (!meeting.countdown_until) continue;
    const left = (Date.parse(meeting.countdown_until) - serverNow()) / 1000;
    const words = left > 0 ? t("Dialling in {seconds} s", { seconds: Math.ceil(left) }) : t("Dialling …");
    const label = element.querySelector("[data-countdown]");
    if (label.textContent !== words) label.textContent = words;
    element.querySelector(".popup-bar").style.setProperty("transform", `scaleX(${Math.max(0, Math.min(1, left / whole))})`);
    if (left * -1000 > LATE_MILLISECONDS && Date.now() - asked > LATE_MILLISECONDS) {
      asked = Date.now();
      load().catch(() => {});
    }
  }
}

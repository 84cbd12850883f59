// A supervisor in a consultant's running call: the card in the dock (Listen, Whisper, Barge, Leave), and a Listen button in
// every element of class "listen" that stands in, or is, an element with data-call.

import { api, quietly } from "./api.js";
import { announce, h, icon, toast } from "./dom.js";
import { clock, secondsSince } from "./format.js";
import { t } from "./i18n.js";
import { pageLink } from "./navigate.js";
import { onStation, station } from "./station.js";
import { change, load, state, subscribe, watch } from "./store.js";

const PLACES = "[data-call] .listen, .listen[data-call]";
let card = null; // {element, drawn}
let told = "";
let waiting = false;

/** Whether this person may listen at all; of which calls, the server decides. */
export function mayListen() {
  return ["supervisor", "administrator"].includes(state.me?.user?.role);
}

export function startListening() {
  if (!mayListen()) return;
  subscribe(() => {
    draw();
    fillSoon();
  });
  onStation(draw);
  watch(happened);
  setInterval(tick, 500);
  new MutationObserver(fillSoon).observe(document.body, { subtree: true, childList: true, attributeFilter: ["data-call"] });
}

/** Listen to a call, or be in it in another way: listen, whisper, barge. */
export async function listenTo(callId, way = "listen") {
  const listening = await quietly(api("PUT", `/calls/${callId}/listening`, { way }));
  if (listening?.call_id) change({ listening });
}

/** Leave the call one listens to. */
export async function stopListening() {
  const callId = state.listening?.call_id;
  if (!callId) return;
  const agent = await quietly(api("DELETE", `/calls/${callId}/listening`));
  if (agent?.state) change({ listening: null, agent: { ...state.agent, ...agent } });
  else await load().catch(() => {});
}

function happened({ type, data }) {
  if (type !== "listening.changed") return;
  const reasons = {
    over: [t("The call you listened to is over."), "info"],
    page_away: [t("Your audio was away for too long. You are not in the call any more."), "warning"],
    not_permitted: [t("You may not listen to this call any more."), "warning"],
    reconciled: [t("You are not in the call any more."), "warning"],
  };
  if (reasons[data.reason]) toast(...reasons[data.reason]);
}

// --- the card -----------------------------------------------------------------------------------------------------

function draw() {
  const listening = state.listening;
  const drawn = listening ? JSON.stringify([listening, station.status]) : "";
  if ((card?.drawn || "") === drawn) return;
  const focused = card?.element.contains(document.activeElement) ? document.activeElement.dataset.way : null;
  const element = listening ? build(listening) : null;
  if (card && element) card.element.replaceWith(element);
  else card?.element.remove();
  if (!card && element) document.getElementById("dock").append(element);
  card = element ? { element, drawn } : null;
  if (focused) element?.querySelector(`[data-way="${focused}"]`)?.focus();
  tell(listening);
  tick();
}

function tell(listening) {
  const words = listening ? `${titleOf(listening)} ${whoHears(listening)}` : "";
  if (words && words !== told) announce(words);
  told = words;
}

function build(listening) {
  const away = station.status !== "live";
  const who = [listening.customer, listening.project].filter(Boolean).join(" · ");
  return h("section", { class: "popup popup-listening", "data-listening": listening.call_id, "data-way-now": listening.way, role: "region", "aria-labelledby": "listening-title" },
    h("div", { class: "popup-head" }, icon("headphones"), h("span", { id: "listening-title" }, titleOf(listening)), h("span", { class: "timer", role: "timer" })),
    h("div", { class: "popup-body" },
      h("div", { class: "popup-sub" }, pageLink(`/calls/${listening.call_id}`, who || t("Hidden number")), listening.held ? ` · ${t("on hold")}` : ""),
      h("div", { class: "listening-ways", role: "group", "aria-label": t("How you are in the call") },
        way(listening, "listen", "headphones", t("Listen"), t("Nobody hears you")),
        way(listening, "whisper", "message", t("Whisper"), t("Only the consultant hears you")),
        way(listening, "barge", "users", t("Barge in"), t("Consultant and customer hear you"))),
      h("div", { class: "listening-hears" }, whoHears(listening)),
      away ? h("div", { class: "popup-why" }, icon("alert-triangle"), h("span", {}, t("Your audio is not here now: you hear nothing."))) : null,
      h("div", { class: "popup-actions" }, h("button", { type: "button", class: "btn btn-danger", "data-way": "leave", on: { click: stopListening } }, icon("phone-off"), t("Leave the call")))));
}

function way(listening, name, sign, label, title) {
  return h("button", { type: "button", class: "btn", "data-way": name, "aria-pressed": String(listening.way === name), title, on: { click: () => listenTo(listening.call_id, name) } }, icon(sign), label);
}

function titleOf(listening) {
  const words = { listen: t("You listen to {name}", { name: listening.user }), whisper: t("You whisper to {name}", { name: listening.user }), barge: t("You are in the call of {name}", { name: listening.user }) };
  return words[listening.way];
}

function whoHears(listening) {
  const words = { listen: t("Nobody hears you."), whisper: t("{name} hears you, the customer does not.", { name: listening.user }), barge: t("The customer and {name} hear you.", { name: listening.user }) };
  return words[listening.way];
}

function tick() {
  const timer = card?.element.querySelector(".timer");
  if (timer && state.listening?.answered_at) timer.textContent = clock(secondsSince(state.listening.answered_at));
}

// --- the buttons in pages -----------------------------------------------------------------------------------------

function fillSoon() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    fillListening();
  });
}

/** Put a Listen button into every place for one below `root`; a row without a call has none. Safe to repeat. */
export function fillListening(root = document) {
  for (const place of root.querySelectorAll(".listen")) {
    const callId = place.matches(PLACES) ? place.closest("[data-call]").dataset.call : "";
    const there = state.listening?.call_id === callId;
    const drawn = callId && mayListen() && state.call?.id !== callId ? `${callId} ${there}` : "";
    const stands = Boolean(place.querySelector("[data-listen]")); // a morph may take data-drawn and leave the button
    if ((place.dataset.drawn || "") === drawn && stands === Boolean(drawn)) continue;
    const focused = place.contains(document.activeElement);
    place.dataset.drawn = drawn;
    place.replaceChildren(...(drawn ? [button(callId, there)] : []));
    if (focused) place.querySelector("button")?.focus();
  }
}

function button(callId, there) {
  return h("button", { type: "button", class: "btn btn-sm", "data-listen": callId, "aria-pressed": String(there), title: there ? t("Leave the call") : t("Listen to this call; nobody hears you"), on: { click: () => (there ? stopListening() : listenTo(callId)) } },
    icon("headphones"), there ? t("Listening") : t("Listen"));
}

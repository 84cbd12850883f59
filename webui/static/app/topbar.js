// The top bar: my state, how long it has lasted, callers waiting, audio, the live connection; and the strips below it.

import { api, quietly } from "./api.js";
import { h, icon, strip } from "./dom.js";
import { clock, secondsSince } from "./format.js";
import { t, tn } from "./i18n.js";
import { go } from "./navigate.js";
import { askForNotifications } from "./ring.js";
import { onStation, station, takeOver } from "./station.js";
import { change, state, subscribe } from "./store.js";

const timer = h("span", { class: "timer" });
const now = h("span", { class: "state-now", role: "status" });

export function startTopbar() {
  const reasons = [t("Short break"), t("Lunch"), t("Meeting"), t("Training")];
  const other = h("input", { class: "form-control form-control-sm", maxlength: 60, placeholder: t("Another reason"), "aria-label": t("Another reason") });
  const pause = h("details", { class: "menu menu-start", "data-set": "break" }, h("summary", {}, t("Break")),
    h("div", { class: "menu-list" },
      reasons.map((reason) => h("button", { type: "button", on: { click: () => setState("break", reason, pause) } }, icon("coffee"), reason)),
      h("form", { on: { submit: (event) => { event.preventDefault(); setState("break", other.value, pause); } } }, other)));
  const ready = h("button", { type: "button", "data-set": "ready", on: { click: () => setState("ready") } }, t("Ready"));
  const offline = h("button", { type: "button", "data-set": "offline", on: { click: () => setState("offline") } }, t("Offline"));
  document.getElementById("state").replaceChildren(h("div", { class: "state-buttons" }, ready, pause, offline), h("div", { class: "state-now" }, now, timer));
  document.getElementById("audio-chip").addEventListener("click", () => (["elsewhere", "other_device", "denied", "no_microphone"].includes(station.status) ? takeOver() : go("/profile")));
  subscribe(() => draw({ ready, pause, offline }));
  onStation(() => drawAudio());
  setInterval(() => { timer.textContent = state.agent.since ? clock(secondsSince(state.agent.since)) : ""; }, 500);
}

async function setState(wanted, reason = "", menu = null) {
  if (menu) menu.open = false;
  if (wanted === "ready") askForNotifications();
  const agent = await quietly(api("PUT", "/me/state", { state: wanted, reason }));
  if (agent?.state) change({ agent: { ...state.agent, ...agent } });
}

function draw({ ready, pause, offline }) {
  const { agent } = state;
  const shown = agent.after_call || agent.state;
  ready.setAttribute("aria-pressed", String(shown === "ready"));
  offline.setAttribute("aria-pressed", String(shown === "offline"));
  pause.toggleAttribute("data-on", shown === "break");
  document.getElementById("state").dataset.state = agent.state;
  now.replaceChildren(h("span", { class: "state-dot" }), stateText(agent));
  const connection = document.getElementById("connection");
  const up = state.connected;
  connection.dataset.up = up ? "yes" : "no";
  connection.title = up ? t("Live: the server is connected") : t("The server cannot be reached; trying again");
  connection.replaceChildren(icon(up ? "wifi" : "wifi-off"), h("span", { class: "visually-hidden" }, connection.title));
  const queue = document.getElementById("queue");
  queue.hidden = !state.queue.waiting;
  queue.toggleAttribute("data-waiting", state.queue.waiting > 0);
  queue.replaceChildren(icon("users"), tn("{count} caller waits", "{count} callers wait", state.queue.waiting));
  drawStrips();
}

function stateText(agent) {
  const offers = { lead: t("Looking at a lead"), meeting: t("Meeting in a moment") };
  const words = { offline: t("Offline"), ready: t("Ready"), offered: offers[agent.reason] || t("Ringing"), on_call: t("On a call"), wrap_up: t("Wrap-up"), break: t("Break"), listening: t("Listening in") };
  const reasons = { missed_offers: t("calls were not answered"), station_lost: t("the audio was away"), reconciled: t("after a restart") };
  const reason = ["listening", "offered"].includes(agent.state) ? "" : reasons[agent.reason] || agent.reason; // of the break that comes back
  const next = agent.after_call ? ` → ${words[agent.after_call] || agent.after_call}` : "";
  return `${words[agent.state] || agent.state}${reason ? ` (${reason})` : ""}${next}`;
}

function drawStrips() {
  strip("connection", state.connected || !state.me ? null : t("The connection to the server is lost. Your call goes on; the page comes back by itself."), { level: "warning" });
  strip("switch", state.switchUp ? null : t("The telephone switch cannot be reached. Whether calls in progress go on is known when it is back; new ones cannot start until then."), { level: "danger" });
  strip("draining", state.draining ? t("The system is stopping: no new calls. Your call may finish.") : null);
  strip("emergency", state.me?.emergency_warning ? t("Emergency numbers cannot be dialled from here: no trunk is marked for them. Use another telephone.") : null, { level: "warning" });
  const [unsaved] = state.unsaved.filter((call) => call.id !== state.wrapUp?.id && call.id !== state.call?.id);
  strip("unsaved", unsaved ? t("A note about {name} was typed and not saved.", { name: unsaved.contact || unsaved.number_shown || unsaved.number }) : null, {
    actions: unsaved ? [{ label: t("Finish it"), run: () => go(`/calls/${unsaved.id}`) }] : [],
  });
}

const AUDIO = {
  off: ["microphone-off", () => t("Audio off")],
  asking: ["microphone", () => t("Allow the microphone …")],
  connecting: ["microphone", () => t("Connecting audio …")],
  retrying: ["microphone-off", () => t("Reconnecting audio …")],
  live: ["microphone", () => t("Audio ready")],
  elsewhere: ["microphone-off", () => t("Audio is in another tab")],
  other_device: ["microphone-off", () => t("Audio is on another device")],
  denied: ["microphone-off", () => t("Microphone not allowed")],
  no_microphone: ["microphone-off", () => t("No microphone")],
  insecure: ["microphone-off", () => t("No audio without HTTPS")],
};

function drawAudio() {
  const chip = document.getElementById("audio-chip");
  const [name, words] = AUDIO[station.status];
  const bad = !["live", "asking", "connecting"].includes(station.status) || station.silent || station.unplugged;
  chip.dataset.audio = bad ? "bad" : station.status;
  chip.title = station.inputLabel || words();
  chip.replaceChildren(icon(name), h("span", {}, station.silent ? t("Microphone is silent") : words()));
  const here = { label: t("Take over here"), run: takeOver };
  const again = { label: t("Try again"), run: takeOver };
  const problems = {
    elsewhere: [t("Another tab has the audio. Calls show here too; the sound is there."), "info", [here]],
    other_device: [t("Your audio was taken over on another device or browser."), "warning", [here]],
    denied: [t("The browser may not use the microphone. Allow it in the address bar (the lock or microphone sign), then try again."), "danger", [again]],
    no_microphone: [t("No microphone was found. Plug in a headset, then try again."), "danger", [again]],
    insecure: [t("Browsers give the microphone only over HTTPS. Open this page with https://, or on the server itself."), "danger", []],
  };
  const [text, level, actions] = problems[station.status] || [null, "info", []];
  strip("audio", text, { level, actions });
  const devices = { label: t("Choose another"), run: () => go("/profile") };
  strip("silence", station.silent && station.status === "live" ? t("Your microphone gives no sound. Is it muted on the headset, or is another one chosen?") : null, { level: "danger", actions: [devices] });
  strip("unplugged", station.unplugged ? t("The microphone was unplugged. Plug it in again, or choose another one.") : null, { level: "danger", actions: [devices] });
}

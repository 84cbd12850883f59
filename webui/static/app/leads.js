// The card of a campaign's lead: shown before the call with Call and Skip, beside the call with opening, script and earlier tries.

import { api, quietly } from "./api.js";
import { announce, h, icon, toast } from "./dom.js";
import { serverNow, when } from "./format.js";
import { t } from "./i18n.js";
import { pageLink } from "./navigate.js";
import { change, load, state, subscribe, takeCall, watch } from "./store.js";
import { chime } from "./tones.js";

const LATE_MILLISECONDS = 3000; // a timer that is over for so long dialled or took the lead back, and we did not hear of it
let card = null;
let told = "";
let asked = 0;

export function startLeads() {
  subscribe(draw);
  watch(happened);
  setInterval(tick, 200);
}

function happened({ type, data }) {
  const reasons = {
    refused: t("This lead may not be called now."),
    paused: t("The campaign was paused. The lead was taken back."),
    nobody_there: t("Nobody was at this desk for half an hour. The lead was taken back."),
    trunk_down: t("Calls cannot leave now. The lead was taken back."),
    spent: t("Calls cannot leave now. The lead was taken back."),
  };
  if (type === "lead.withdrawn" && reasons[data.reason]) toast(reasons[data.reason], "warning");
}

function draw() {
  const lead = wanted();
  const drawn = lead ? JSON.stringify(lead) : "";
  if ((card?.drawn || "") === drawn) return;
  const element = lead ? build(lead) : null;
  if (card && element) card.element.replaceWith(element);
  else card?.element.remove();
  if (!card && element) document.getElementById("dock").append(element);
  if (!lead) {
    card = null;
    return;
  }
  const whole = card?.lead.attempt_id === lead.attempt_id ? card.whole : left(lead);
  card = { element, drawn, lead, whole };
  tell(lead);
}

/** The lead that belongs to what the person has now: until Call is pressed, or of the call or the wrap-up. */
function wanted() {
  const { lead } = state;
  if (!lead) return null;
  if (lead.state === "shown") return state.call ? null : lead;
  return [state.call?.id, state.wrapUp?.id].includes(lead.attempt_id) ? lead : null;
}

function tell(lead) {
  const key = `${lead.attempt_id} ${lead.state === "shown"}`;
  if (told === key) return;
  told = key;
  if (lead.state === "shown") chime();
  announce(lead.state === "shown" ? t("Next lead: {name}", { name: lead.name }) : t("Lead: {name}", { name: lead.name }));
}

function build(lead) {
  const id = `lead-${lead.attempt_id}`;
  const shown = lead.state === "shown";
  const title = lead.contact_id ? pageLink(`/contacts/${lead.contact_id}`, lead.name) : lead.name;
  const fold = h("button", { type: "button", class: "popup-fold", "aria-expanded": "true", "aria-label": t("Fold the card"), on: { click: () => {
    const folded = fold.closest(".popup").classList.toggle("popup-folded");
    fold.setAttribute("aria-expanded", String(!folded));
  } } }, icon("chevron-down"));
  return h("section", { class: `popup popup-lead${shown && lead.until ? " popup-countdown" : ""}`, "data-lead": lead.attempt_id, role: "region", "aria-labelledby": id },
    h("div", { class: "popup-head" }, icon("phone-outgoing"), lead.campaign, h("span", { class: "timer", role: "timer", "data-left": true }), fold),
    shown && lead.until ? h("div", { class: "popup-bar" }) : null,
    h("div", { class: "popup-body" },
      h("h2", { class: "popup-name", id }, title),
      h("div", { class: "popup-sub" }, [lead.project, lead.number_shown === lead.name ? "" : lead.number_shown].filter(Boolean).join(" · ")),
      shown ? actions(lead) : null,
      opening(lead),
      script(lead),
      fields(lead),
      tries(lead)));
}

/** Say it first, always: who calls, for whom, what about. */
function opening(lead) {
  const lines = [
    lead.company ? t("I am calling from {company}.", { company: lead.company }) : "",
    lead.on_behalf_of ? t("On behalf of {company}.", { company: lead.on_behalf_of }) : "",
    lead.about ? t("It is about: {about}.", { about: lead.about }) : "",
  ].filter(Boolean).map((line) => line.replace(/\.\.$/, ".")); // "sp. z o.o." ends the sentence by itself
  if (!lines.length) return null;
  return h("div", { class: "lead-opening" }, h("div", { class: "form-label mb-0" }, t("Say first:")), lines.map((line) => h("div", {}, line)));
}

function script(lead) {
  const problem = lead.problem ? h("div", { class: "popup-why" }, icon("alert-triangle"), h("span", {}, t(lead.problem, lead.problem_values))) : null;
  if (!lead.script) return problem;
  const parsed = new DOMParser().parseFromString(lead.script, "text/html"); // made safe by the server
  return h("div", { class: "stack" }, problem, h("div", { class: "lead-script" }, [...parsed.body.childNodes]));
}

function fields(lead) {
  const known = Object.entries(lead.fields || {}).filter(([, value]) => value !== "" && value !== null);
  if (!known.length) return null;
  return h("dl", { class: "lead-fields" }, known.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, String(value))]));
}

function tries(lead) {
  if (!lead.tries.length) return null;
  const line = (each) => h("li", {}, when(each.at), " · ", [outcomeOf(each.outcome), each.number_shown, each.user].filter(Boolean).join(" · "));
  return h("details", { class: "lead-tries" }, h("summary", {}, t("Attempts so far: {count}", { count: lead.tries.length })), h("ul", {}, lead.tries.map(line)));
}

function outcomeOf(outcome) {
  const words = {
    talked: t("talked"), abandoned: t("nobody was free"), machine: t("answering machine"), message_left: t("message left"), busy: t("busy"),
    no_answer: t("no answer"), rejected: t("rejected"), unreachable: t("not reachable"), failed: t("failed"), cancelled: t("cancelled"),
    uncertain: t("nobody knows"), confirmed: t("confirmed"), do_not_call: t("do not call"), hung_up: t("hung up"),
    heard: t("heard the message"), wanted_agent: t("asked for a consultant"),
  };
  return words[outcome] || outcome;
}

function actions(lead) {
  const skip = (reason) => act(lead, "skip", { reason });
  const reasons = [t("I have to prepare"), t("Not the right time"), t("Another reason")];
  return h("div", { class: "stack" },
    h("div", { class: "popup-actions" }, h("button", { type: "button", class: "btn btn-success", "data-lead-call": true, on: { click: () => act(lead, "call") } }, icon("phone"), t("Call"))),
    h("details", { class: "lead-skip" }, h("summary", {}, t("Skip")),
      h("div", { class: "popup-actions", role: "group", "aria-label": t("Why it is skipped") },
        reasons.map((reason) => h("button", { type: "button", class: "btn btn-sm", "data-lead-skip": true, on: { click: () => skip(reason) } }, reason)))));
}

async function act(lead, what, body) {
  for (const button of card?.element.querySelectorAll("button") || []) button.disabled = true;
  const done = await quietly(api("POST", `/leads/shown/${lead.attempt_id}/${what}`, body));
  if (done?.direction) takeCall(done);
  else if (done) change({ lead: null });
  await load().catch(() => {});
  for (const button of card?.element.querySelectorAll("button") || []) button.disabled = false;
}

function left(lead) {
  return lead.until ? Math.max(1, (Date.parse(lead.until) - serverNow()) / 1000) : 0;
}

function tick() {
  if (!card || card.lead.state !== "shown" || !card.lead.until) return;
  const seconds = (Date.parse(card.lead.until) - serverNow()) / 1000;
  const words = seconds > 0 ? t("Dialling in {seconds} s", { seconds: Math.ceil(seconds) }) : t("Dialling …");
  const label = card.element.querySelector("[data-left]");
  if (label.textContent !== words) label.textContent = words;
  card.element.querySelector(".popup-bar").style.setProperty("transform", `scaleX(${Math.max(0, Math.min(1, seconds / card.whole))})`);
  if (seconds * -1000 > LATE_MILLISECONDS && Date.now() - asked > LATE_MILLISECONDS) {
    asked = Date.now();
    load().catch(() => {});
  }
}

// Pop-ups of offered calls: they dock, never take the focus, and cannot be answered by a stray Enter or Space.

import { api, quietly } from "./api.js";
import { announce, h, icon } from "./dom.js";
import { secondsUntil } from "./format.js";
import { t } from "./i18n.js";
import { chooser, createLink, organisationChooser, tellChosen } from "./match.js";
import { organisationOf } from "./members.js";
import { openOrganisation, pageLink } from "./navigate.js";
import { callerOf, ringFor } from "./ring.js";
import { change, load, state, subscribe, takeCall } from "./store.js";
import { linesOf, textButton } from "./timeline.js";

const DELIBERATE_MILLISECONDS = 800; // a button focused for less answers no key: the person was typing elsewhere
const cards = new Map();
const acknowledged = new Set();

export function startPopups() {
  subscribe(draw);
  setInterval(countDown, 250);
}

/** Answer the offer that has waited longest (or the one named). */
export async function answer(callId = state.offers[0]?.call_id) {
  if (!callId) return;
  const organisation = organisationOf(state.offers.find((offer) => offer.call_id === callId) || {});
  const call = await quietly(api("POST", `/calls/${callId}/answer`));
  if (call?.id) takeCall(call);
  if (call?.id) {
    if (!(await tellChosen(callId)) && organisation) openOrganisation(organisation.id, organisation.name);
  } else await load().catch(() => {});
}

function draw() {
  const dock = document.getElementById("dock");
  for (const [id, card] of cards) {
    if (!state.offers.some((offer) => offer.call_id === id)) {
      card.element.remove();
      cards.delete(id);
    }
  }
  for (const offer of state.offers) {
    const known = cards.get(offer.call_id);
    const drawn = JSON.stringify(offer);
    if (known?.drawn === drawn) continue;
    const element = build(offer);
    if (known) known.element.replaceWith(element);
    else {
      dock.prepend(element);
      announce(`${t("{name} is calling", { name: callerOf(offer) })}. ${whyInWords(offer)}`);
    }
    cards.set(offer.call_id, { element, drawn, offer });
    acknowledge(offer);
  }
  ringFor(state.offers);
}

/** Tell the server once that the pop-up is on the screen: after two frames it has been painted (B2). */
function acknowledge(offer) {
  if (acknowledged.has(offer.offer_id) || document.visibilityState !== "visible") return;
  acknowledged.add(offer.offer_id);
  requestAnimationFrame(() => requestAnimationFrame(() => {
    api("POST", `/offers/${offer.offer_id}/shown`, undefined, { quiet: true }).catch(() => {});
  }));
}

function build(offer) {
  const heading = h("h2", { class: "popup-name", id: `popup-${offer.call_id}` }, ...nameOf(offer));
  const who = h("div", {}, heading, h("div", { class: "popup-sub" }, subOf(offer)));
  const body = [
    h("div", { class: "popup-who" }, pictureOf(offer), who),
    h("div", { class: "popup-why" }, icon(offer.identification === "matched" ? "circle-check" : "info-circle"), h("span", {}, whyInWords(offer))),
    offer.identification === "several" ? chooser(offer) : null,
    createLink(offer),
    answerButtons(offer),
    organisationChooser(offer), // below the buttons: what comes later must not push them from under the hand
    textButton(offer, offer.identification === "matched" ? offer.candidates[0]?.contact_id : null),
    linesOf(offer.timeline),
  ];
  return h("section", { class: "popup popup-ringing", "data-call": offer.call_id, role: "region", "aria-labelledby": heading.id },
    h("div", { class: "popup-head" }, icon("phone-incoming"), offer.project || t("Incoming call"), h("span", { class: "timer", "data-expires": offer.expires_at || "" })),
    h("div", { class: "popup-bar" }),
    h("div", { class: "popup-body" }, body));
}

function nameOf(offer) {
  const chosen = offer.identification === "matched" ? offer.candidates[0] : null;
  if (chosen?.contact_id) return [pageLink(`/contacts/${chosen.contact_id}`, chosen.name)];
  if (chosen?.organisation_id) return [pageLink(`/organisations/${chosen.organisation_id}`, chosen.name)];
  return [callerOf(offer)];
}

/** The picture of whom we know to be calling. Its place is kept while it is loaded: the buttons below do not move. */
function pictureOf(offer) {
  const chosen = offer.identification === "matched" ? offer.candidates[0] : null;
  if (!chosen?.contact_id || !chosen.avatar_id) return null;
  const gone = (event) => event.target.remove(); // taken away meanwhile
  return h("img", { class: "avatar avatar-lg", src: `/contacts/${chosen.contact_id}/avatar?v=${chosen.avatar_id}`, alt: "", width: 48, height: 48, on: { error: gone } });
}

function subOf(offer) {
  const first = offer.identification === "matched" ? offer.candidates[0] : null;
  const number = offer.identification === "withheld" ? "" : offer.number_shown || offer.number;
  return [first?.organisation === callerOf(offer) ? "" : first?.organisation, number === callerOf(offer) ? "" : number, first ? "" : offer.caller_name].filter(Boolean).join(" · ");
}

/** Say why these candidates were found, in words (B1). */
function whyInWords(offer) {
  const rules = {
    e164: t("Found by the whole number"),
    last_nine: t("Found by the last nine digits of the number"),
    organisation_e164: t("It is the organisation's number"),
    organisation_last_nine: t("The last nine digits are the organisation's"),
    chosen: t("Chosen by a person"),
  };
  const kinds = {
    several: t("Several contacts have this number. Who is it?"),
    unknown: t("Nobody with this number is known"),
    withheld: t("The caller hides the number"),
    invalid: t("The caller's number is not a telephone number"),
    short: t("A short, internal number"),
    off: t("This project does not look callers up"),
    hidden: t("An account you may not see has this number"),
  };
  return kinds[offer.identification] || rules[offer.candidates[0]?.rule] || "";
}

function answerButtons(offer) {
  const shortcut = state.me?.preferences?.answer_shortcut ?? "Alt+A";
  let focusedAt = Infinity;
  const stray = (event) => {
    if ((event.key === "Enter" || event.key === " ") && performance.now() - focusedAt < DELIBERATE_MILLISECONDS) event.preventDefault();
  };
  const take = h("button", {
    type: "button", class: "btn btn-success", "data-answer": offer.call_id,
    on: { click: () => answer(offer.call_id), focus: () => { focusedAt = performance.now(); }, blur: () => { focusedAt = Infinity; }, keydown: stray, keyup: stray },
  }, icon("phone"), t("Answer"), shortcut ? h("kbd", { class: "ms-2" }, shortcut) : null);
  const decline = h("button", { type: "button", class: "btn", on: { click: () => declineOffer(offer.call_id) } }, t("Decline"));
  return h("div", { class: "popup-actions" }, take, decline);
}

async function declineOffer(callId) {
  await quietly(api("POST", `/calls/${callId}/decline`));
  change({ offers: state.offers.filter((offer) => offer.call_id !== callId) });
}

function countDown() {
  for (const { element, offer } of cards.values()) {
    if (!offer.expires_at) continue;
    const left = secondsUntil(offer.expires_at);
    const whole = Math.max(1, (Date.parse(offer.expires_at) - Date.parse(offer.offered_at)) / 1000);
    element.querySelector(".timer").textContent = `${left} s`;
    element.querySelector(".popup-bar").style.setProperty("transform", `scaleX(${Math.min(1, left / whole)})`);
  }
}

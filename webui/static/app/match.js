// Who the customer of a call is: choose among several candidates, find somebody else, or create the contact.

import { api, quietly } from "./api.js";
import { h, icon } from "./dom.js";
import { t } from "./i18n.js";
import { organisationOf, whoOf } from "./members.js";
import { openContact } from "./navigate.js";
import { load, state } from "./store.js";

const SEARCH_MILLISECONDS = 200;
const MOST_FOUND = 6;
const chosen = new Map(); // who it is, said before the answer; told the server with it

/** Several fit: ask, and preselect nobody. While it rings the choice waits for the answer; the contact opens at once. */
export function chooser(offer) {
  const choose = choice(offer);
  return h("fieldset", { class: "candidates" }, h("legend", { class: "visually-hidden" }, t("Who is calling?")),
    offer.candidates.map((candidate) => h("label", {},
      h("input", { type: "radio", class: "form-check-input", name: `candidate-${offer.call_id}`, on: { change: () => choose(candidate) } }),
      h("span", {}, h("strong", {}, candidate.name), candidate.organisation ? ` · ${candidate.organisation}` : ""))));
}

/** The number is an organisation's: ask which of its people it is; null for any other caller. */
export function organisationChooser(offer) {
  const organisation = organisationOf(offer);
  return organisation && whoOf(organisation, offer.call_id, choice(offer));
}

function choice(offer) {
  const ringing = state.offers.some((each) => each.call_id === offer.call_id);
  return (candidate) => {
    chosen.set(offer.call_id, candidate);
    if (ringing && candidate.contact_id) openContact(candidate.contact_id, candidate.name);
    if (!ringing) tellMatch(offer.call_id, candidate);
  };
}

/** Tell the server whom the person chose while it rang; false when nobody was. */
export async function tellChosen(callId) {
  const candidate = chosen.get(callId);
  if (candidate) await tellMatch(callId, candidate);
  return Boolean(candidate);
}

async function tellMatch(callId, candidate) {
  const match = { contact_id: candidate.contact_id ?? null, organisation_id: candidate.organisation_id ?? null };
  const call = await quietly(api("PUT", `/calls/${callId}/contact`, match));
  if (!call) return;
  chosen.delete(callId);
  await load().catch(() => {});
  if (candidate.contact_id) openContact(candidate.contact_id, candidate.name);
}

/** Whether contacts are for this person at all: without an account role they are not. */
function mayWork() {
  return state.me?.user?.accounts?.length !== 0;
}

/** Nobody fits, or none of them: offer to create the contact, the number filled in. */
export function createLink(offer) {
  if (!mayWork()) return null;
  if (!["unknown", "short", "withheld", "invalid", "several", "off"].includes(offer.identification)) return null;
  return h("div", {}, createButton(offer));
}

function createButton(offer) {
  const number = ["withheld", "invalid"].includes(offer.identification) ? "" : offer.number;
  const query = new URLSearchParams({ ...(number ? { number } : {}), call: offer.call_id });
  return h("a", { class: "btn btn-sm", href: `/contacts/new?${query}` }, icon("user-plus"), t("Create contact"));
}

/** Somebody else after all: search in the card; call, note and timeline move to whom is chosen. */
export function somebodyElse(call) {
  if (!mayWork()) return null;
  const found = h("div", { class: "candidates", "aria-live": "polite" });
  const input = h("input", { class: "form-control", type: "search", autocomplete: "off", placeholder: t("Name or number"), "aria-label": t("Name or number") });
  let timer = 0;
  const search = async () => {
    const q = input.value.trim();
    const page = q ? await quietly(api("GET", `/contacts?${new URLSearchParams({ q, limit: MOST_FOUND })}`)) : { items: [] };
    if (!page || q !== input.value.trim()) return;
    found.replaceChildren(...(q && !page.items.length ? [h("div", { class: "text-secondary" }, t("Nobody fits."))] : page.items.map(line)));
  };
  const line = (contact) => {
    const { organisation } = contact;
    const name = contact.name || organisation || t("Without a name");
    return h("button", { type: "button", class: "btn btn-sm", on: { click: () => tellMatch(call.id, { contact_id: contact.id, name }) } },
      organisation && contact.name ? `${name} · ${organisation}` : name);
  };
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(search, SEARCH_MILLISECONDS);
  });
  const known = call.contact_id || call.organisation_id;
  const organisation = organisationOf(call);
  const people = () => whoOf(organisation, call.id, (person) => tellMatch(call.id, person));
  const box = h("details", { class: "somebody-else" }, h("summary", {}, organisation ? t("Who is it at {name}?", { name: organisation.name }) : known || call.identification === "several" ? t("It is somebody else") : t("Find the contact")),
    h("div", { class: "stack" }, input, found, known ? createButton({ ...call, call_id: call.id }) : null));
  box.addEventListener("toggle", () => {
    if (!box.open) return;
    if (organisation && !box.querySelector("fieldset")) box.querySelector(".stack").prepend(people());
    else input.focus();
  });
  return box;
}

// An organisation's number rings: which of its people is it? They are asked for after the pop-up is painted, never before.

import { api } from "./api.js";
import { h, icon } from "./dom.js";
import { t } from "./i18n.js";

const MOST = 6;
const SEARCH_MILLISECONDS = 200;

/** Return the organisation a call or offer was found for when no person of it is known: {id, name}, else null. */
export function organisationOf(offer) {
  if (offer.contact_id) return null;
  const only = offer.identification === "matched" ? offer.candidates?.[0] : null;
  if (only) return only.organisation_id && !only.contact_id ? { id: only.organisation_id, name: only.name } : null;
  return offer.organisation_id ? { id: offer.organisation_id, name: offer.organisation || t("the organisation") } : null;
}

/** Ask who of an organisation it is: its people by name, a search among them, or a new contact. `choose({contact_id, name})`. */
export function whoOf(organisation, callId, choose) {
  const found = h("div", { class: "candidates", "aria-live": "polite" });
  const input = h("input", { class: "form-control form-control-sm", type: "search", autocomplete: "off", placeholder: t("Name"), "aria-label": t("Search the people of {name}", { name: organisation.name }) });
  const query = new URLSearchParams({ organisation: organisation.id, call: callId });
  const create = h("a", { class: "btn btn-sm", href: `/contacts/new?${query}` }, icon("user-plus"), t("Create contact"));
  let timer = 0;
  let latest = 0;
  const draw = async () => {
    latest += 1;
    const mine = latest;
    const people = await list(organisation, input.value.trim()).catch(() => null);
    if (!people || mine !== latest) return;
    found.replaceChildren(...(people.length ? people.map(line) : [h("div", { class: "text-secondary" }, input.value.trim() ? t("Nobody fits.") : t("No contacts there yet."))]));
    input.hidden = !people.length && !input.value;
  };
  const take = (person, button) => {
    for (const each of found.querySelectorAll("button")) each.setAttribute("aria-pressed", String(each === button));
    choose({ contact_id: person.id, name: person.name || organisation.name });
  };
  const line = (person) => {
    const button = h("button", { type: "button", class: "btn btn-sm", "aria-pressed": "false", on: { click: () => take(person, button) } }, person.name || organisation.name);
    return button;
  };
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(draw, SEARCH_MILLISECONDS);
  });
  requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(draw)));
  return h("fieldset", { class: "stack" }, h("legend", { class: "form-label mb-1" }, t("Who is it at {name}?", { name: organisation.name })), input, found, h("div", {}, create));
}

/** The people of an organisation: the first by name, or those who fit; a contact is found by its organisation's name, too. */
async function list(organisation, q) {
  if (!q) return (await api("GET", `/organisations/${organisation.id}/contacts?limit=${MOST}`, undefined, { quiet: true })).items;
  const asked = new URLSearchParams({ q: `${q} ${organisation.name}`, limit: 50 });
  const page = await api("GET", `/contacts?${asked}`, undefined, { quiet: true });
  return page.items.filter((each) => each.organisation_id === organisation.id).slice(0, MOST);
}

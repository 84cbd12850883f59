// The customer's last lines as the cards in the dock show them.

import { h, icon } from "./dom.js";
import { between, clock, when } from "./format.js";
import { t } from "./i18n.js";
import { callerOf } from "./ring.js";

/** Return the lines as a list, null when there are none. */
export function linesOf(lines) {
  if (!lines?.length) return null;
  return h("ul", { class: "popup-lines", "aria-label": t("Last on the timeline") },
    lines.map((line) => h("li", {}, h("time", { datetime: line.at }, when(line.at)), h("span", { title: textOf(line) }, textOf(line)))));
}

/** Say what the carrier found at the far end of a call that left; a person needs no word. */
export function machineOf(machine) {
  return { machine: t("Answering machine"), fax: t("Fax machine"), unknown: t("Person or machine: not known") }[machine] || "";
}

/** Say a line of the timeline in the person's language. */
function textOf(line) {
  if (line.kind === "meeting") return meetingText(line);
  if (line.kind === "email") return `${line.data?.direction === "outbound" ? t("E-mail to the customer") : t("E-mail from the customer")}: ${line.data?.subject || line.text}`;
  if (line.kind === "fax") return [t("Fax to the customer"), line.data?.subject].filter(Boolean).join(": ");
  if (line.kind === "text") return `${line.data?.direction === "outbound" ? t("SMS to the customer") : t("SMS from the customer")}: ${line.text}`;
  if (line.kind === "confirmation") return confirmationText(line);
  if (line.kind !== "call") return line.text || t("Contact changed");
  const { direction, outcome, seconds, disposition, note, dropped, machine, joined } = line.data || {};
  const way = direction === "outbound" ? t("Call to the customer") : t("Call from the customer");
  const results = { missed: t("missed"), busy: t("busy"), no_answer: t("no answer"), rejected: t("rejected"), unreachable: t("not reachable"), cancelled: t("cancelled"), failed: t("failed"), dropped: t("consultant was gone"), abandoned: t("nobody was free"), completed: t("no talk") };
  const cut = dropped && outcome === "answered" ? t("consultant dropped") : null;
  return [way, outcome === "answered" ? clock(seconds || 0) : results[outcome], machineOf(machine), joined ? t("with {names}", { names: joined }) : null, cut, disposition, note].filter(Boolean).join(" · ");
}

function confirmationText({ text, data }) {
  const words = { agreed: t("Spoken yes: awaiting durable confirmation"), terms_sent: t("Proposed terms sent"), yes_confirmed: t("Spoken yes confirmed by the customer's statement"), yes_not_confirmed: t("Spoken yes not confirmed"), yes_reopened: t("The end of a spoken yes was taken back"), yes_withdrawn: t("Spoken yes taken back: the call was given another disposition") };
  return [words[data?.event] || t("Spoken yes"), text].filter(Boolean).join(" · ");
}

function meetingText({ text, data }) {
  const { event, state, name, from_at: from, to_at: to, note } = data || {};
  const results = { held: t("Phone meeting held"), not_held: t("Phone meeting not held"), missed: t("Phone meeting missed") };
  const words = { planned: t("Phone meeting planned"), moved: t("Phone meeting moved"), rescheduled: t("Phone meeting rescheduled"), cancelled: t("Phone meeting cancelled"), missed: t("Phone meeting missed"), outcome: results[state] };
  if (!words[event]) return text;
  const future = ["planned", "moved"].includes(event) && from && to ? between(from, to) : null;
  return [words[event], name, future, note].filter(Boolean).join(" · ");
}

/** Return the button that writes to the customer's mobile, in a row of its own; null when the number is none. */
export function textButton(call, contactId) {
  if (!call.takes_texts) return null;
  return h("div", {}, h("button", { type: "button", class: "btn btn-sm", "data-text": call.number, "data-shown": call.number_shown, "data-contact": contactId || null, "data-name": callerOf(call) }, icon("message"), t("SMS")));
}

// The blocks of the calendar: meetings and what people are off, in the shapes of the package that draws them.

import { h, icon } from "./dom.js";
import { language, t } from "./i18n.js";
import { wallOf } from "./zone.js";

export const NOBODY = "none"; // the row of meetings without a consultant
const MOVABLE = new Set(["planned", "due", "retry_wait"]);
const QUARTER = 15 * 60000; // a shorter block could not be seen or held
const HOUR = 3600000;

/** Return the words of a state. */
function stateWord(state) {
  const words = {
    planned: t("Planned"), due: t("Due"), dialling: t("Dialling"), in_talk: t("Talking"), retry_wait: t("Will be tried again"),
    uncertain: t("Uncertain"), held: t("Held"), not_held: t("Not held"), rescheduled: t("Rescheduled"), missed: t("Missed meeting"), cancelled: t("Cancelled"),
  };
  return words[state] || state;
}

/** Return a meeting as the calendar draws it. */
export function block(meeting, zone) {
  const start = Date.parse(meeting.from_at);
  const end = Math.max(Date.parse(meeting.to_at), start + QUARTER);
  return {
    id: String(meeting.id),
    resourceIds: [meeting.user_id ? String(meeting.user_id) : NOBODY],
    start: wallOf(start, zone),
    end: wallOf(end, zone),
    title: meeting.name,
    editable: MOVABLE.has(meeting.state),
    durationEditable: false,
    classNames: ["meeting-block", `meeting-${meeting.state}`],
    extendedProps: { meeting },
  };
}

/** Return what people are off as backgrounds. */
export function backgrounds(people, zone) {
  return people.flatMap((person) =>
    person.off.map((part, place) => ({
      id: `off-${person.user_id}-${place}`,
      resourceIds: [String(person.user_id)],
      start: wallOf(part.from_at, zone),
      end: wallOf(part.to_at, zone),
      display: "background",
      title: part.why === "absence" ? part.reason || t("Off") : "",
      classNames: [part.why === "absence" ? "off-absence" : "off-shift"],
      extendedProps: { off: part },
    })),
  );
}

/** Write when a meeting is. */
export function written(meeting, zone) {
  const [from, to] = [wallOf(meeting.from_at, zone), wallOf(meeting.to_at, zone)];
  const day = new Intl.DateTimeFormat(language(), { day: "numeric", month: "short", timeZone: "UTC" }).format(new Date(`${from}Z`));
  return `${day}, ${from.slice(11, 16)}–${to.slice(11, 16)}`;
}

/** Draw the inside of a block or a background. */
export function content({ event, view }) {
  const { meeting, off } = event.extendedProps;
  if (off) return event.title ? { domNodes: [h("span", { class: "off-reason" }, event.title)] } : "";
  if (!meeting) return undefined;
  const who = meeting.contact || meeting.name || meeting.number_shown;
  const mark = meeting.mode === "automatic" ? icon("bolt") : null;
  const roomy = view.type.startsWith("timeGrid") || (view.type.endsWith("Day") && event.end - event.start >= HOUR); // else where it stands says when
  return { domNodes: [h("span", { class: "block-line" }, mark, roomy ? h("b", {}, `${event.start.toTimeString().slice(0, 5)} `) : null, who)] };
}

/** Give a block or a background its words for the mouse and for screen readers. */
export function describe(element, event, zone) {
  const { meeting, off } = event.extendedProps;
  if (off) {
    element.title = off.why === "absence" ? event.title : t("Outside working hours");
    return;
  }
  if (!meeting) return;
  const parts = [written(meeting, zone), meeting.name, meeting.contact, meeting.project, stateWord(meeting.state)];
  element.title = parts.filter(Boolean).join(" · ");
  element.setAttribute("aria-label", element.title);
  element.dataset.meeting = meeting.id;
}

// What the calendar of phone meetings shows, read from the API: people, what they are off, meetings; which rows and hours that makes.

import { api } from "./api.js";
import { NOBODY } from "./calendar_blocks.js";
import { t } from "./i18n.js";
import { dayAfter, momentOf, wallOf } from "./zone.js";

const PAGE = 500;
const MOST = 4000; // more is no picture any more
const LONGEST_DAYS = 1; // a window that began the day before may reach into the first day
const CLOSED = new Set(["cancelled", "rescheduled"]);

/** Read the days [first, last) as one person, or (`userId` null) everybody sees them: {people, meetings: Map, cut}. */
export async function read(first, last, { zone, userId, projectId }) {
  const [from, to] = [first, last].map((day) => momentOf(`${day}T00:00:00`, zone));
  const span = `from_at=${stamp(from)}&to_at=${stamp(to)}`;
  const early = stamp(momentOf(`${dayAfter(first, -LONGEST_DAYS)}T00:00:00`, zone));
  const [roster, members, found] = await Promise.all([
    api("GET", `/roster?${span}`, undefined, { quiet: true }),
    projectId ? api("GET", `/projects/${projectId}/members`, undefined, { quiet: true }) : null,
    readMeetings(`from_at=${early}&to_at=${stamp(to)}${userId ? `&user_id=${userId}` : ""}`),
  ]);
  const serving = members && new Set(members.items.map((each) => each.user_id));
  const meetings = new Map(found.items.filter((each) => Date.parse(each.to_at) > from).map((each) => [each.id, each]));
  return { people: roster.items, serving, meetings, cut: found.cut };
}

async function readMeetings(query) {
  const items = [];
  let after = "";
  do {
    const page = await api("GET", `/phone-meetings?${query}&limit=${PAGE}${after && `&after=${encodeURIComponent(after)}`}`, undefined, { quiet: true });
    items.push(...page.items);
    after = page.next;
  } while (after && items.length < MOST);
  return { items, cut: Boolean(after) };
}

function stamp(moment) {
  return encodeURIComponent(new Date(moment).toISOString());
}

/** Tell whether a meeting is in the picture, given what was chosen. */
export function isShown(meeting, { closed, projectId, serving }) {
  if (!closed && CLOSED.has(meeting.state)) return false;
  if (!projectId) return true;
  return meeting.user_id ? serving.has(meeting.user_id) || meeting.project_id === projectId : meeting.project_id === projectId;
}

/** Return the rows: nobody first, then consultants and whoever has shifts or a meeting, by name. */
export function rows(people, meetings, serving) {
  const busy = new Map(meetings.filter((each) => each.user_id).map((each) => [each.user_id, each.user]));
  const found = new Map();
  for (const each of people) {
    const wanted = serving ? serving.has(each.user_id) : each.role === "consultant" || each.shifts.length > 0;
    if (wanted || busy.has(each.user_id)) found.set(each.user_id, each.name);
  }
  for (const [id, name] of busy) if (!found.has(id)) found.set(id, name); // somebody who may not sign in any more
  const named = [...found].sort(([, a], [, b]) => a.localeCompare(b, document.documentElement.lang));
  return [{ id: NOBODY, title: t("Nobody yet") }, ...named.map(([id, name]) => ({ id: String(id), title: name }))];
}

/** Return the hours of the day that must be in the picture, [first, last], whole ones: work, meetings, and the usual day. */
export function hoursShown(people, meetings, days, zone) {
  let [first, last] = [8, 18];
  const hold = (from, to) => {
    const [begin, end] = [wallOf(from, zone), wallOf(to, zone)];
    const whole = hour(end) + (end.slice(14) > "00:00" ? 1 : 0);
    const overnight = begin.slice(0, 10) !== end.slice(0, 10);
    first = overnight && whole > 0 ? 0 : Math.min(first, hour(begin));
    last = overnight ? 24 : Math.max(last, whole);
  };
  for (const each of meetings) hold(each.from_at, each.to_at);
  for (const person of people.filter((each) => each.shifts.length)) {
    for (const day of days) for (const [from, to] of worked(person, day, zone)) hold(from, to);
  }
  return [first, last];
}

function hour(wall) {
  return Number(wall.slice(11, 13));
}

/** Return the parts of a day a person is not off, as moments. */
function worked(person, day, zone) {
  let begin = momentOf(`${day}T00:00:00`, zone);
  const end = momentOf(`${dayAfter(day, 1)}T00:00:00`, zone);
  const parts = [];
  for (const off of person.off) {
    const [from, to] = [Date.parse(off.from_at), Date.parse(off.to_at)];
    if (to <= begin || from >= end) continue;
    if (from > begin) parts.push([begin, from]);
    begin = Math.max(begin, to);
  }
  if (begin < end) parts.push([begin, end]);
  return parts;
}

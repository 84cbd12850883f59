// Times and durations as people of the language read them.

import { language } from "./i18n.js";

let zone;
let offset = 0;
const made = new Map();

/** Return the formatter of times for these words and this style: making one takes as long as drawing a pop-up's line. */
function formatter(words, style) {
  const key = `${words} ${zone} ${JSON.stringify(style)}`;
  if (!made.has(key)) made.set(key, new Intl.DateTimeFormat(words, { ...style, timeZone: zone }));
  return made.get(key);
}

/** Use the person's time zone. */
export function useZone(name) {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    zone = name;
  } catch {
    zone = undefined;
  }
}

/** Take the server's clock from a response's Date header: countdowns follow it, not this machine's clock. */
export function useServerClock(header) {
  const server = Date.parse(header || "");
  if (!Number.isNaN(server)) offset = Math.abs(server - Date.now()) > 2500 ? server - Date.now() : 0;
}

/** Return the server's time now, in milliseconds. */
export function serverNow() {
  return Date.now() + offset;
}

/** Return whole seconds since an ISO time, never below 0. */
export function secondsSince(iso) {
  return iso ? Math.max(0, Math.floor((serverNow() - Date.parse(iso)) / 1000)) : 0;
}

/** Return whole seconds until an ISO time, never below 0. */
export function secondsUntil(iso) {
  return iso ? Math.max(0, Math.ceil((Date.parse(iso) - serverNow()) / 1000)) : 0;
}

/** Write seconds as 1:05 or 1:02:05. */
export function clock(seconds) {
  const two = (number) => String(number).padStart(2, "0");
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes}:${two(seconds % 60)}` : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`;
}

/** Write a time: the hour for today, else the day too. */
export function when(iso) {
  const date = new Date(iso);
  const day = (value) => formatter("en-CA", {}).format(value);
  const hour = { hour: "2-digit", minute: "2-digit" };
  const style = day(date) === day(new Date(serverNow())) ? hour : { day: "numeric", month: "short", ...hour };
  return formatter(language(), style).format(date);
}

const NAMED = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23" };

/** Return a moment (milliseconds) as date and time inputs write it, in the person's zone. */
export function localParts(moment) {
  const found = Object.fromEntries(formatter("en-CA", NAMED).formatToParts(moment).map(({ type, value }) => [type, value]));
  return { date: `${found.year}-${found.month}-${found.day}`, time: `${found.hour}:${found.minute}` };
}

/** Return the moment (milliseconds) at which the clock on the person's wall shows this; an hour that is skipped counts on. */
export function momentOf(date, time) {
  const wanted = Date.parse(`${date}T${time}:00Z`);
  const offsetAt = (moment) => {
    const shown = localParts(moment);
    return Date.parse(`${shown.date}T${shown.time}:00Z`) - Math.floor(moment / 60_000) * 60_000;
  };
  const first = wanted - offsetAt(wanted);
  return wanted - offsetAt(first);
}

/** Write from when to when: the hours for today, else the day too. */
export function between(from, to) {
  const end = localParts(Date.parse(to));
  return localParts(Date.parse(from)).date === end.date ? `${when(from)}\u2013${end.time}` : `${when(from)} \u2013 ${when(to)}`;
}

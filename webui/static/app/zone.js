// Times on the clock of a time zone, as text without an offset ("2026-03-29T09:30:00"), and the moments they mean.

const HOURS = 3600000;
const writers = new Map();

function writer(zone) {
  if (!writers.has(zone)) {
    const parts = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
    writers.set(zone, new Intl.DateTimeFormat("en-CA", { timeZone: zone, calendar: "iso8601", numberingSystem: "latn", ...parts }));
  }
  return writers.get(zone);
}

/** Return what the clocks of `zone` show at a moment (milliseconds, or ISO text with an offset). */
export function wallOf(moment, zone) {
  const date = typeof moment === "number" ? moment : Date.parse(moment);
  const part = Object.fromEntries(writer(zone).formatToParts(date).map(({ type, value }) => [type, value]));
  return `${part.year}-${part.month}-${part.day}T${part.hour}:${part.minute}:${part.second}`;
}

/** Return the offset from UTC at a moment, in milliseconds. */
export function offsetAt(moment, zone) {
  const whole = Math.floor(moment / 1000) * 1000;
  return Date.parse(`${wallOf(whole, zone)}Z`) - whole;
}

/** Return the moment (milliseconds) the clocks of `zone` show `wall`: the first of two; a time they skip is moved on by the skip. */
export function momentOf(wall, zone) {
  const read = Date.parse(`${wall}Z`);
  const [before, after] = [read - 12 * HOURS, read + 12 * HOURS].map((near) => read - offsetAt(near, zone));
  if (wallOf(before, zone) === wall) return wallOf(after, zone) === wall ? Math.min(before, after) : before;
  return wallOf(after, zone) === wall ? after : before;
}

/** Return the day (YYYY-MM-DD) some days after another. */
export function dayAfter(day, days) {
  return new Date(Date.parse(`${day}T12:00:00Z`) + days * 24 * HOURS).toISOString().slice(0, 10);
}

/** Write an offset as +02:00. */
export function offsetText(moment, zone) {
  const minutes = Math.round(offsetAt(moment, zone) / 60000);
  const two = (number) => String(Math.floor(number)).padStart(2, "0");
  return `${minutes < 0 ? "-" : "+"}${two(Math.abs(minutes) / 60)}:${two(Math.abs(minutes) % 60)}`;
}

// What stands around the calendar: which days are shown and how, kept in the address, and what came of what was done.

import { announce, h, icon } from "./dom.js";
import { serverNow } from "./format.js";
import { language, t, tn } from "./i18n.js";
import { dayAfter, wallOf } from "./zone.js";

/** Return what the address asks for: {date, view, project, closed}; `view` is taken when it does not say. */
export function chosen(zone, view) {
  const asked = new URLSearchParams(location.search);
  const date = asked.get("date") || "";
  return {
    date: /^20\d\d-\d\d-\d\d$/.test(date) && !Number.isNaN(Date.parse(date)) ? date : today(zone),
    view: ["day", "week"].includes(asked.get("view")) ? asked.get("view") : view,
    project: /^\d{1,9}$/.test(asked.get("project") || "") ? Number(asked.get("project")) || null : null,
    closed: asked.get("closed") === "1",
  };
}

/** Write what is shown into the address, so that it comes back. */
export function remember({ view, date, project, closed }) {
  const query = new URLSearchParams({ view, date });
  if (project) query.set("project", project);
  if (closed) query.set("closed", "1");
  history.replaceState(history.state, "", `${location.pathname}?${query}`);
}

/** Let the controls of the page change what a calendar shows. */
export function wire(page, calendar) {
  const each = (selector, type, act) => page.querySelectorAll(selector).forEach((element) => element.addEventListener(type, () => act(element)));
  const step = () => (calendar.view === "week" ? 7 : 1);
  const moves = { prev: () => dayAfter(calendar.date, -step()), next: () => dayAfter(calendar.date, step()), today: () => today(calendar.zone) };
  each("[data-calendar-go]", "click", (button) => calendar.show({ date: moves[button.dataset.calendarGo]() }));
  each("[data-calendar-view]", "click", (button) => calendar.show({ view: button.dataset.calendarView }));
  each("[data-calendar-date]", "change", (input) => /^20\d\d-/.test(input.value) && calendar.show({ date: input.value }));
  each("[data-calendar-project]", "change", (select) => calendar.show({ project: Number(select.value) || null }));
  each("[data-calendar-closed]", "change", (box) => calendar.show({ closed: box.checked }));
  const [select, box] = ["[data-calendar-project]", "[data-calendar-closed]"].map((selector) => page.querySelector(selector));
  if (select) select.value = calendar.project || "";
  box.checked = calendar.closed;
}

function today(zone) {
  return wallOf(serverNow(), zone).slice(0, 10);
}

/** Write which days are shown, and once they are read how many meetings there are. */
export function label(page, { view, date }, days, count = null) {
  const style = view === "day" ? { weekday: "long", day: "numeric", month: "long", year: "numeric" } : { day: "numeric", month: "short", year: "numeric" };
  const format = new Intl.DateTimeFormat(language(), { ...style, timeZone: "UTC" });
  const [from, to] = [days[0], days.at(-1)].map((day) => new Date(`${day}T12:00:00Z`));
  const text = view === "day" ? format.format(from) : format.formatRange(from, to);
  const counted = count === null ? "" : tn("{count} meeting", "{count} meetings", count);
  page.querySelector("[data-calendar-title]").textContent = [text, counted].filter(Boolean).join(" · ");
  page.querySelector("[data-calendar-list]").href = `/meetings?f=1&from=${days[0]}&to=${days.at(-1)}`;
  page.querySelector("[data-calendar-date]").value = date;
  for (const button of page.querySelectorAll("[data-calendar-view]")) button.setAttribute("aria-pressed", String(button.dataset.calendarView === view));
}

/** Say what came of something, above the calendar; null takes it away. */
export function say(page, sentence, { level = "info", lines = [], actions = [] } = {}) {
  const place = page.querySelector("[data-calendar-said]");
  if (!sentence) {
    place.replaceChildren();
    return;
  }
  const buttons = actions.map(({ label: text, run }) => h("button", { type: "button", class: "btn btn-sm", on: { click: run } }, text));
  const close = h("button", { type: "button", class: "btn btn-sm btn-icon btn-ghost", "aria-label": t("Close"), on: { click: () => place.replaceChildren() } }, icon("x"));
  const text = h("div", { class: "me-auto" }, h("div", {}, sentence), lines.map((line) => h("div", { class: "calendar-warning" }, icon("alert-triangle"), line)));
  place.replaceChildren(h("div", { class: "strip", "data-level": level }, icon(level === "info" ? "info-circle" : "alert-triangle"), text, buttons, close));
  announce([sentence, ...lines].join(" "));
}

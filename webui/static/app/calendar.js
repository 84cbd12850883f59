// The calendar of phone meetings: people as rows and time as columns for supervisors, one's own days for a consultant.
// Times are drawn as the clock of the person's own zone shows them; the package itself knows only fixed offsets.

import { api, ApiError } from "./api.js";
import { chosen, label, remember, say, wire } from "./calendar_bar.js";
import { backgrounds, block, content, describe, NOBODY, written } from "./calendar_blocks.js";
import { hoursShown, isShown, read, rows } from "./calendar_data.js";
import { h } from "./dom.js";
import { serverNow } from "./format.js";
import { language, t } from "./i18n.js";
import { go } from "./navigate.js";
import { watch } from "./store.js";
import { dayAfter, momentOf, offsetText } from "./zone.js";

const SETTLE_MILLISECONDS = 250; // many changes at once are read together
const FEW = 5; // more changed meetings than this are read as a whole
const CHANGES = new Set(["meeting.changed", "meeting.assigned", "meeting.missed", "meeting.dialling"]);
const [NARROW, SLOT] = [700, 26]; // pixels: a week of one's own needs, half an hour needs
let shown = null;
let loading = null;

watch((message) => shown?.heard(message));
document.addEventListener("htmx:after:swap", () => shown && !shown.box.isConnected && shown.close());

/** Draw the calendar into its box, unless it is there. */
export async function drawCalendar(box) {
  if (shown?.box === box) return;
  shown?.close();
  const mine = new Calendar(box);
  shown = mine;
  try {
    await (loading ||= load(box.dataset.script, box.dataset.sheet));
  } catch {
    loading = null;
    say(mine.page, t("The calendar could not be loaded. Load the page again."), { level: "danger" });
    return;
  }
  if (shown === mine && box.isConnected) await mine.open();
}

function load(script, style) {
  const arrive = (element) => new Promise((resolve, reject) => {
    element.addEventListener("load", resolve);
    element.addEventListener("error", reject);
    document.head.append(element);
  });
  return Promise.all([arrive(h("script", { src: script })), arrive(h("link", { rel: "stylesheet", href: style }))]);
}

class Calendar {
  constructor(box) {
    this.box = box;
    this.page = box.closest("#main");
    this.zone = box.dataset.zone;
    this.own = box.dataset.own ? Number(box.dataset.own) : null;
    this.dragging = false;
    this.given = new Map(); // options of the package as they were last set
    this.changed = new Set();
    this.timer = 0;
    this.turn = 0; // of reading: an answer that was overtaken is dropped
    this.data = { people: [], serving: null, meetings: new Map(), cut: false };
    Object.assign(this, chosen(this.zone, this.own && box.clientWidth > NARROW ? "week" : "day"));
    if (this.own) this.project = null; // who else serves it is for supervisors
    wire(this.page, this);
  }

  /** Make the package's calendar, then read what it shows. */
  async open() {
    this.ec = window.EventCalendar.create(this.box, {
      view: this.viewName(),
      date: this.date,
      timeZone: offsetText(serverNow(), this.zone), // for the line that marks now
      locale: language(),
      firstDay: 1,
      headerToolbar: { start: "", center: "", end: "" },
      allDaySlot: false,
      nowIndicator: true,
      editable: true,
      eventDurationEditable: false,
      eventLongPressDelay: 400,
      height: "100%",
      slotWidth: SLOT,
      resources: [],
      events: [],
      eventTimeFormat: { hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
      slotLabelFormat: { hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
      dayHeaderFormat: { weekday: "short", day: "numeric", month: "short" },
      views: {
        resourceTimelineDay: { slotDuration: "00:30", slotLabelInterval: "01:00", snapDuration: "00:05" },
        resourceTimelineWeek: { slotDuration: "01:00", slotLabelInterval: "02:00", snapDuration: "00:15", slotWidth: 24 },
        timeGridDay: { snapDuration: "00:05", slotHeight: 40 },
        timeGridWeek: { snapDuration: "00:15", slotHeight: 40 },
      },
      resourceLabelContent: ({ resource }) => ({ domNodes: [h("span", { class: "row-name", title: resource.title }, resource.title)] }),
      eventContent: content,
      eventDidMount: ({ el, event }) => describe(el, event, this.zone),
      eventClick: ({ event }) => event.extendedProps.meeting && go(`/meetings/${event.extendedProps.meeting.id}`),
      dateClick: (info) => this.plan(info),
      eventDragStart: () => (this.dragging = true),
      eventDragStop: () => (this.dragging = false),
      eventDrop: (info) => this.dropped(info),
    });
    this.sizes = new ResizeObserver(() => this.fit());
    this.sizes.observe(this.box);
    await this.load();
  }

  close() {
    clearTimeout(this.timer);
    this.sizes?.disconnect();
    if (this.ec) window.EventCalendar.destroy(this.ec);
    if (shown === this) shown = null;
  }

  viewName() {
    return `${this.own ? "timeGrid" : "resourceTimeline"}${this.view === "week" ? "Week" : "Day"}`;
  }

  /** Return the days in the picture. */
  days() {
    if (this.view === "day") return [this.date];
    const monday = dayAfter(this.date, -((new Date(`${this.date}T12:00:00Z`).getUTCDay() + 6) % 7));
    return [0, 1, 2, 3, 4, 5, 6].map((day) => dayAfter(monday, day));
  }

  /** Read the days shown anew. */
  async load() {
    const turn = ++this.turn;
    this.box.setAttribute("aria-busy", "true");
    const days = this.days();
    label(this.page, this, days);
    try {
      const data = await read(days[0], dayAfter(days.at(-1), 1), { zone: this.zone, userId: this.own, projectId: this.project });
      if (turn !== this.turn) return;
      this.changed.clear();
      this.data = data;
      this.draw();
      if (this.failed) say(this.page, null);
      this.failed = false;
      if (data.cut) say(this.page, t("There are too many meetings to show them all. Choose a day or a project."), { level: "warning" });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (turn !== this.turn) return;
      this.failed = true;
      say(this.page, error.message, { level: "danger", actions: [{ label: t("Try again"), run: () => this.load() }] });
    } finally {
      if (turn === this.turn) this.box.removeAttribute("aria-busy");
    }
  }

  draw() {
    const { people, serving, meetings } = this.data;
    const days = this.days();
    const list = [...meetings.values()].filter((each) => isShown(each, { closed: this.closed, projectId: this.project, serving }));
    const [first, last] = hoursShown(people, list, days, this.zone);
    const lines = this.own ? [] : rows(people, list, serving);
    const ids = new Set(lines.map((each) => each.id));
    const off = backgrounds(people, this.zone).filter((each) => this.own || ids.has(each.resourceIds[0]));
    this.set("slotMinTime", `${first}:00`);
    this.set("slotMaxTime", `${last}:00`);
    this.slots = 2 * (last - first);
    this.set("resources", lines);
    this.set("events", [...off, ...list.map((each) => block(each, this.zone))]);
    label(this.page, this, days, list.length);
    requestAnimationFrame(() => this.fit());
  }

  /** Set an option of the package that has changed: each one it is given draws anew. */
  set(name, value) {
    const text = JSON.stringify(value);
    if (this.given.get(name) === text) return;
    this.given.set(name, text);
    this.ec.setOption(name, value);
  }

  /** Let a day of the timeline take the whole width, where it can be read then. */
  fit() {
    const [main, side] = [".ec-main", ".ec-sidebar"].map((selector) => this.box.querySelector(selector));
    if (this.own || this.view !== "day" || !main || !side || !this.slots) return;
    this.set("slotWidth", Math.max(SLOT, Math.floor((main.clientWidth - side.offsetWidth - 1) / this.slots)));
  }

  /** Change what is shown; the address tells it, so that it comes back. */
  show(values) {
    Object.assign(this, values);
    remember(this);
    say(this.page, null);
    if (!this.ec) return;
    this.set("view", this.viewName());
    this.set("date", this.date);
    this.load();
  }

  /** An empty place was clicked: plan a meeting there. */
  plan({ date, resource }) {
    const query = new URLSearchParams({ from: new Date(this.moment(date)).toISOString() });
    const user = resource ? resource.id : String(this.own);
    if (user !== NOBODY) query.set("user", user);
    if (this.project) query.set("project", this.project);
    go(`/meetings/new?${query}`);
  }

  /** Return the moment of a Date of the package, whose local fields are the clock's. */
  moment(date) {
    const two = (number) => String(number).padStart(2, "0");
    const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
    return momentOf(`${day}T${two(date.getHours())}:${two(date.getMinutes())}:00`, this.zone);
  }

  /** A meeting was dragged to another time or person: save it, or put it back and say why. */
  async dropped({ event, newResource }) {
    this.given.delete("events"); // the package has moved the block itself
    const before = this.data.meetings.get(event.extendedProps.meeting.id);
    const user = newResource ? (newResource.id === NOBODY ? null : Number(newResource.id)) : before.user_id;
    await this.move(before, this.moment(event.start), user);
  }

  async move(before, from, userId, { undo = null } = {}) {
    const length = Date.parse(before.to_at) - Date.parse(before.from_at);
    let saved;
    say(this.page, t("Saving …"));
    try {
      saved = await api("PUT", `/phone-meetings/${before.id}`, {
        name: before.name,
        number: before.number,
        mode: before.mode,
        from_at: new Date(from).toISOString(),
        to_at: new Date(from + length).toISOString(),
        information: before.information,
        project_id: before.project_id,
        user_id: userId,
        contact_id: before.contact_id,
        keep_number: false,
        invite: Boolean(before.invited),
        version: before.version,
      }, { quiet: true });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.place(before);
      say(this.page, t("Not moved. {why}", { why: error.message }), { level: "danger" });
      if (error.status) await this.refresh([before.id]);
      return;
    }
    this.place(saved);
    const user = saved.user || t("Nobody yet");
    const where = `${saved.name || saved.contact}: ${user}, ${written(saved, this.zone)}`;
    if (undo) {
      say(this.page, t("Put back. {what}", { what: where }));
      return;
    }
    const warnings = (saved.warnings || []).map((each) => t(each.sentence, each.values));
    const back = { label: t("Undo"), run: () => this.move(this.data.meetings.get(saved.id) || saved, Date.parse(before.from_at), before.user_id, { undo: true }) };
    say(this.page, t("Moved. {what}", { what: where }), { level: warnings.length ? "warning" : "info", lines: warnings, actions: [back] });
  }

  /** Put a meeting where it belongs, or take it out. */
  place(meeting) {
    const old = this.data.meetings.get(meeting.id);
    if (old && old.version > meeting.version) return;
    const days = this.days();
    const [from, to] = [days[0], dayAfter(days.at(-1), 1)].map((day) => momentOf(`${day}T00:00:00`, this.zone));
    const within = Date.parse(meeting.from_at) < to && Date.parse(meeting.to_at) > from && (!this.own || meeting.user_id === this.own);
    if (within) this.data.meetings.set(meeting.id, meeting);
    else this.data.meetings.delete(meeting.id);
    this.draw();
  }

  /** Take in a live message: what changed is read anew soon. */
  heard({ type, data }) {
    if (type === "resync" || type === "roster.changed") this.changed.add(0);
    else if (CHANGES.has(type)) this.changed.add(data.meeting_id);
    else return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.settle(), SETTLE_MILLISECONDS);
  }

  async settle() {
    if (this.dragging) {
      this.timer = setTimeout(() => this.settle(), SETTLE_MILLISECONDS);
      return;
    }
    const ids = [...this.changed];
    this.changed.clear();
    if (ids.includes(0) || ids.length > FEW) await this.load();
    else await this.refresh(ids);
  }

  async refresh(ids) {
    for (const id of ids) {
      try {
        this.place(await api("GET", `/phone-meetings/${id}`, undefined, { quiet: true }));
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        if (error.status !== 404 && error.status !== 403) continue; // the next change or the next look brings it
        this.data.meetings.delete(id);
        this.draw();
      }
    }
  }
}

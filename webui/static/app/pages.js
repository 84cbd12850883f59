// What pages need after they were swapped in: everything is found by data- attributes, so templates hold no script.

import { api, quietly } from "./api.js";
import { drawCallButtons } from "./callbuttons.js";
import { chord } from "./keyboard.js";
import { drawDevices } from "./devices.js";
import { h, toast } from "./dom.js";
import { offerDraft } from "./drafts.js";
import { countUnread } from "./email.js";
import { t } from "./i18n.js";
import { isDirty } from "./navigate.js";
import { dial, keypad } from "./softphone.js";
import { clock, secondsSince } from "./format.js";
import { currentTheme, setTheme } from "./theme.js";
import { showTimeline } from "./timeline_page.js";
import { watch } from "./store.js";

const LISTED = new Set(["call.answered", "call.changed", "call.ended", "call.ringing", "call.withdrawn", "agent.state", "meeting.due", "meeting.dialling", "meeting.changed", "meeting.missed", "meeting.assigned", "roster.changed", "text.received", "text.seen", "text.status", "ticket.changed"]);
const REFRESH_MILLISECONDS = 400;
const LARGEST_REFRESHED = 51; // a page of rows and the line that loads more
let refreshTimer = 0;

/** Wire up the parts of a page that was just shown. */
export function enhance(main) {
  drawCallButtons();
  offerDraft(main);
  showTimeline(main);
  countUnread(main);
  const devices = main.querySelector("[data-devices]");
  if (devices && !devices.childElementCount) drawDevices(devices);
  const pad = main.querySelector("[data-keypad]");
  if (pad && !pad.childElementCount) {
    const input = main.querySelector("[data-dial-input]");
    pad.append(keypad((key) => { input.value += key; input.focus(); }));
  }
  const calendar = main.querySelector("[data-calendar]");
  if (calendar) import("./calendar.js").then(({ drawCalendar }) => drawCalendar(calendar));
  for (const input of main.querySelectorAll("[data-chord]")) {
    input.addEventListener("keydown", (event) => {
      if (["Tab", "Shift", "Control", "Alt", "Meta"].includes(event.key)) return;
      event.preventDefault();
      event.stopPropagation();
      input.value = ["Backspace", "Delete"].includes(event.key) ? "" : chord(event);
    });
  }
}

/** Listen once for what any page may hold. */
export function startPages() {
  document.addEventListener("click", clicked);
  document.addEventListener("submit", submitted);
  document.addEventListener("htmx:error", () => toast(t("The page could not be loaded. Check the network and try again."), "danger"));
  watch((message) => document.body.dispatchEvent(new CustomEvent(`live-${message.type.replaceAll(".", "-")}`, { detail: message.data })));
  document.body.addEventListener("meetings-given", refreshSoon);
  document.body.addEventListener("tickets-changed", refreshSoon);
  watch(({ type }) => LISTED.has(type) && refreshSoon());
  document.addEventListener("htmx:before:swap", (event) => { // somebody may have begun while the answer was on its way
    const list = event.detail.ctx.sourceElement;
    if (list?.matches?.("#main [data-refresh]") && busy(list)) event.preventDefault();
  });
  setInterval(() => {
    for (const timer of document.querySelectorAll("#main [data-since]")) timer.textContent = clock(secondsSince(timer.dataset.since));
  }, 1000);
}

/** What happened may change a list that is shown: load it anew, unless somebody works in it or has loaded more of it. */
function refreshSoon() {
  clearTimeout(refreshTimer);
  refreshTimer = setTimeout(() => {
    for (const list of document.querySelectorAll("#main [data-refresh]")) {
      if (!busy(list)) window.htmx.ajax("GET", list.dataset.refresh || location.pathname + location.search, { source: list, target: `#${list.id}`, select: `#${list.id}`, swap: "outerHTML" });
    }
  }, REFRESH_MILLISECONDS);
}

/** Tell whether a list must stay as it is: somebody works in it, or has loaded more of it. */
function busy(list) {
  return list.querySelector("details[open], input[name=ids]:checked") || worksIn(list) || list.querySelectorAll("tbody tr").length > LARGEST_REFRESHED;
}

/** Tell whether somebody has typed, chosen or added something inside, or is about to. */
function worksIn(list) {
  return list.contains(document.activeElement) && document.activeElement.matches("input, textarea, select") || list.querySelector("[data-added]") || isDirty(list);
}

function clicked(event) {
  const at = (selector) => event.target.closest(selector);
  const number = at("[data-dial]");
  if (number) dial(number.dataset.dial, number.dataset.contact);
  const row = at("[data-add-row]");
  if (row) addRow(row);
  const gone = at("[data-remove-row]")?.closest("[data-row]");
  if (gone) removeRow(gone);
  if (at("[data-theme-toggle]")) toggleTheme();
  const copy = at("[data-copy]");
  if (copy) navigator.clipboard?.writeText(copy.dataset.copy).then(() => toast(t("Copied.")));
}

function toggleTheme() {
  const theme = currentTheme() === "dark" ? "light" : "dark";
  setTheme(theme);
  quietly(api("PUT", "/me/preferences", { theme }));
}

/** Copy the form's template row to the end of its rows. */
function addRow(button) {
  const template = document.getElementById(button.dataset.addRow);
  const rows = document.getElementById(button.dataset.rows);
  rows.append(template.content.cloneNode(true));
  rows.dataset.added = "";
  rows.lastElementChild.querySelector("input")?.focus();
}

function removeRow(row) {
  const rows = row.parentElement;
  const next = row.nextElementSibling || row.previousElementSibling;
  row.remove();
  rows.dataset.added = "";
  (next?.querySelector("input") || document.querySelector(`[data-rows="${rows.id}"]`))?.focus();
  rows.dispatchEvent(new Event("change", { bubbles: true }));
}

async function submitted(event) {
  const form = event.target;
  if (form.matches("[data-dial-form]")) {
    event.preventDefault();
    const input = form.querySelector("[data-dial-input]");
    if (await dial(input.value)) input.value = "";
  } else if (form.id === "rehearsal") {
    event.preventDefault();
    letCustomerCall(form);
  }
}

async function letCustomerCall(form) {
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    const customer = form.querySelector("select").value;
    const done = await quietly(api("POST", "/rehearsal/call", customer ? { customer } : {}));
    if (done) toast(t("{name} is calling now. Whoever is ready is offered the call.", { name: done.name || done.number || t("A customer") }));
  } finally {
    button.disabled = false;
  }
}

/** Fill the list of demo customers once. */
export async function fillCustomers() {
  const select = document.getElementById("rehearsal-customer");
  if (!select) return;
  const answer = await api("GET", "/rehearsal/customers", undefined, { quiet: true }).catch(() => null);
  for (const each of answer?.items || []) select.append(h("option", { value: each.number }, each.name || each.number));
}

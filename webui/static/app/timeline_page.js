// The timeline on a page of a contact or an organisation (templates/contacts/side.html): kinds to choose from, older lines as
// one scrolls, what happens now at the top, the place kept when one goes on and comes back, and the note that is being typed.

import { api, ApiError } from "./api.js";
import { announce, icon } from "./dom.js";
import { t, tn } from "./i18n.js";
import { look } from "./live.js";
import { part, shownPart } from "./parts.js";
import { watch } from "./store.js";
import { correct, showVersions, strike } from "./timeline_corrections.js";
import { linesIn, mergeTop, place, reading, readOn, remember, scrollerOf, steadily } from "./timeline_list.js";

const REFRESH_MILLISECONDS = 250;
const KEEP_MILLISECONDS = 300;
const DRAFT = "callcenter-note:";

let shown = null; // the timeline on the page: {section, path, box, list(), kinds, fresh}
let refreshTimer = 0;
let keepTimer = 0;
const observer = new IntersectionObserver((seen) => seen.some((each) => each.isIntersecting) && loadOlder(), { rootMargin: "400px" });

/** Listen once, for whatever timeline is shown. */
export function startTimeline() {
  watch(heard);
  document.body.addEventListener("live-timeline", refreshSoon);
  document.addEventListener("click", clicked, true);
  document.addEventListener("toggle", (event) => event.target.matches?.("[data-versions][open]") && showVersions(event.target), true);
  document.addEventListener("scroll", () => {
    clearTimeout(keepTimer);
    keepTimer = setTimeout(keepPlace, KEEP_MILLISECONDS);
  }, { capture: true, passive: true });
  document.addEventListener("submit", submitted, true);
  document.addEventListener("input", ({ target }) => target.id === "note-text" && keepDraft(target));
  addEventListener("pagehide", keepPlace);
}

/** Take up the timeline of a page that was just shown, if it has one. */
export function showTimeline(main) {
  const section = main.querySelector("[data-timeline]");
  if (shown && shown.section === section && section.isConnected) return;
  observer.disconnect();
  shown = null;
  look(subjectOf(section) || watched(main));
  if (!section) return;
  const box = section.querySelector("[data-lines-box]");
  shown = { section, box, path: section.dataset.timeline, kinds: kindsOf(section.dataset.kinds), list: () => box.querySelector("[data-lines]") };
  remember(linesIn(box));
  observeOlder();
  takeDraft(section);
  takePlace();
}

/** Return the campaign whose live page this is. */
function watched(main) {
  const board = main.querySelector("[data-board]");
  return board ? { campaign_id: Number(board.dataset.board) } : null;
}

function subjectOf(section) {
  if (!section) return null;
  const { contact, organisation } = section.dataset;
  return contact ? { contact_id: Number(contact) } : { organisation_id: Number(organisation) };
}

function kindsOf(text) {
  return new Set((text || "").split(",").filter(Boolean));
}

/** Return the address of a part of what is shown. */
function address(more = {}) {
  const query = new URLSearchParams(more);
  if (shown.kinds.size) query.set("kind", [...shown.kinds].join(","));
  return `${shown.path}${query.size ? `?${query}` : ""}`;
}

// --- what happens now

function heard({ type, data }) {
  if (!shown || (type !== "timeline.changed" && type !== "looking")) return;
  const line = data.entry_id && shown.list().querySelector(`li[data-entry="${data.entry_id}"]`);
  if (line) drawAgain(data.entry_id);
  refreshSoon();
}

function refreshSoon() {
  clearTimeout(refreshTimer);
  refreshTimer = setTimeout(refresh, REFRESH_MILLISECONDS);
}

/** Read the first page anew and put in what is new; returns when that is done. */
async function refresh() {
  const mine = shown;
  if (!mine) return;
  const asked = address();
  const fresh = await part(asked).catch(() => null); // the next event, or the next look, tries again
  if (!fresh || shown !== mine || address() !== asked) return;
  const { result: added, reading: below } = steadily(mine.box, mine.list(), () => mergeTop(mine.list(), fresh));
  drawChips(mine.box, fresh);
  nothing(mine.box);
  if (added && below) sayNew(mine.box, added);
  observeOlder();
}

async function drawAgain(entryId) {
  const mine = shown;
  const fresh = await part(`${mine.path}/${entryId}`).catch(() => null);
  if (!fresh || shown !== mine) return;
  const [line] = linesIn(fresh);
  steadily(mine.box, mine.list(), () => {
    if (line) place(mine.list(), line);
    else mine.list().querySelector(`li[data-entry="${entryId}"]`)?.remove();
  });
  nothing(mine.box);
}

function sayNew(box, count) {
  const button = box.querySelector("[data-to-top]");
  const total = count + (button.hidden ? 0 : Number(button.dataset.count));
  button.dataset.count = total;
  button.textContent = tn("{count} new above", "{count} new above", total);
  button.hidden = false;
}

function nothing(box) {
  const text = box.querySelector("[data-nothing]");
  text.hidden = Boolean(box.querySelector("[data-lines] > li"));
  text.textContent = shown.kinds.size ? t("Nothing of this kind") : t("No data");
}

function drawChips(box, fresh) {
  const old = box.querySelector("[data-chips]");
  const now = fresh.querySelector("[data-chips]");
  if (!old || !now || old.isEqualNode(now)) return;
  const focused = old.contains(document.activeElement) ? document.activeElement.dataset.kind : null;
  old.replaceWith(now);
  if (focused !== null) now.querySelector(`[data-kind="${focused}"]`)?.focus({ preventScroll: true });
}

// --- kinds, older lines

async function choose(kind) {
  const kinds = new Set(kind ? shown.kinds : []);
  if (kind && !kinds.delete(kind)) kinds.add(kind);
  shown.kinds = kinds;
  const url = new URL(location.href);
  if (kinds.size) url.searchParams.set("kind", [...kinds].join(","));
  else url.searchParams.delete("kind");
  history.replaceState({ ...history.state, htmx: true, timeline: null }, "", url.pathname + url.search);
  for (const chip of shown.box.querySelectorAll("[data-chips] [data-kind]")) chip.setAttribute("aria-pressed", String(chip.dataset.kind ? kinds.has(chip.dataset.kind) : !kinds.size));
  await readAll(address());
}

/** Read what is shown anew, as a whole. */
async function readAll(path) {
  const mine = shown;
  const asked = [...mine.kinds].join();
  const fresh = await shownPart(path);
  if (!fresh || shown !== mine || [...mine.kinds].join() !== asked) return;
  remember(linesIn(fresh));
  drawChips(mine.box, fresh);
  mine.list().replaceWith(fresh.querySelector("[data-lines]"));
  window.htmx.process(mine.list());
  mine.box.querySelector("[data-to-top]").hidden = true;
  nothing(mine.box);
  observeOlder();
}

function observeOlder() {
  observer.disconnect();
  const more = shown?.list().querySelector(":scope > li.more");
  if (more) observer.observe(more);
}

async function loadOlder() {
  const mine = shown;
  const more = mine?.list().querySelector(":scope > li.more");
  if (!more || more.hasAttribute("aria-busy")) return;
  more.setAttribute("aria-busy", "true");
  const fresh = await shownPart(more.dataset.older);
  more.removeAttribute("aria-busy");
  if (!fresh || shown !== mine || !more.isConnected) return;
  const focused = more.contains(document.activeElement);
  const lines = [...fresh.querySelectorAll("[data-lines] > li")].filter((each) => !each.dataset.entry || !mine.list().querySelector(`:scope > li[data-entry="${CSS.escape(each.dataset.entry)}"]`));
  remember(lines);
  more.replaceWith(...lines);
  for (const line of lines) window.htmx.process(line);
  if (focused) lines[0]?.querySelector("a, button")?.focus({ preventScroll: true });
  observeOlder();
}

// --- the place, kept with the page in the browser's history

function keepPlace() {
  clearTimeout(keepTimer);
  if (!shown?.section.isConnected || !location.pathname.startsWith(pageOf(shown.path))) return;
  const lines = linesIn(shown.box).filter((each) => each.dataset.place);
  const at = reading(shown.box, shown.list());
  const timeline = at && { path: shown.path, kind: [...shown.kinds].join(","), until: lines.at(-1)?.dataset.place, ...at };
  if (!timeline && !history.state?.timeline) return;
  history.replaceState({ ...history.state, htmx: true, timeline }, "");
}

function pageOf(path) {
  return path.replace(/\/timeline(\/lines)?$/, "");
}

async function takePlace() {
  const mine = shown;
  const kept = history.state?.timeline;
  const kind = new URLSearchParams(location.search).get("kind") || "";
  const other = kind !== [...mine.kinds].join(",");
  if (other) mine.kinds = kindsOf(kind);
  const ours = kept?.path === mine.path && kept.kind === kind;
  if (!ours) {
    if (other) await readAll(address());
    return;
  }
  await readAll(address({ until: kept.until }));
  await window.navigation?.transition?.finished.catch(() => null); // the browser puts the page where it was first
  requestAnimationFrame(() => shown === mine && readOn(mine.box, mine.list(), kept));
}

// --- presses, notes

function clicked(event) {
  if (!shown) return;
  keepPlace(); // a link may lead away
  const at = (selector) => event.target.closest?.(selector);
  if (!shown.section.contains(event.target)) return;
  const chip = at("[data-chips] [data-kind]");
  const line = at("li[data-entry]");
  if (chip) choose(chip.dataset.kind);
  else if (at("li.more")) loadOlder();
  else if (at("[data-to-top]")) toTop();
  else if (at("[data-correct]")) correct(line, () => drawAgain(line.dataset.entry));
  else if (at("[data-strike]")) strike(line, at("[data-strike]").dataset.strike === "1", () => drawAgain(line.dataset.entry));
}

function toTop() {
  const button = shown.box.querySelector("[data-to-top]");
  button.hidden = true;
  const scroller = scrollerOf(shown.box);
  if (scroller === shown.box) scroller.scrollTop = 0;
  else shown.section.scrollIntoView();
  (shown.list().querySelector("li a, li button") || shown.box).focus({ preventScroll: true });
}

async function submitted(event) {
  const form = event.target;
  if (form.matches("form[action='/sign-out']")) forgetDrafts();
  if (!form.matches("[data-note]")) return;
  event.preventDefault();
  event.stopPropagation();
  const [text, problem, button] = [form.querySelector("textarea"), form.querySelector("[role=alert]"), form.querySelector("[type=submit]")];
  const typed = text.value;
  button.disabled = true;
  problem.hidden = true;
  try {
    await api("POST", form.dataset.note, { text: typed }, { quiet: true });
    if (text.value === typed) text.value = "";
    keepDraft(text);
    announce(t("The note is on the timeline."));
    refreshSoon();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    problem.replaceChildren(icon("alert-triangle"), error.message);
    problem.hidden = false;
    text.focus();
  } finally {
    button.disabled = false;
  }
}

/** What is typed stays in this tab until it is on the timeline: the page may change under it when a call comes or ends. */
function draftName(element) {
  const section = element.closest("[data-timeline]");
  return `${DRAFT}${section.dataset.draftOf}:${section.dataset.timeline}`;
}

function keepDraft(text) {
  if (text.value) sessionStorage.setItem(draftName(text), text.value);
  else sessionStorage.removeItem(draftName(text));
}

function takeDraft(section) {
  const text = section.querySelector("#note-text");
  const kept = text && sessionStorage.getItem(draftName(text));
  if (kept && !text.value) text.value = kept;
}

function forgetDrafts() {
  for (const name of Object.keys(sessionStorage)) if (name.startsWith(DRAFT)) sessionStorage.removeItem(name);
}

// Page changes: only <main> is swapped, unsaved text is never thrown away unasked, and the current link is marked.

import { askBeforeLeaving } from "./asking.js";
import { h, strip } from "./dom.js";
import { t } from "./i18n.js";

/** Show a page of ours in <main>; returns false when unsaved text is in the way and the person keeps it. */
export function go(path, { ask = true } = {}) {
  if (ask && !mayLeave()) return false;
  window.htmx.ajax("GET", path, { asked: true, source: "#nav", target: "#main", select: "#main", swap: "outerHTML", push: "true" });
  closeMenus();
  return true;
}

/** Tell whether <main>, or a part of it, holds text that was typed and not saved. */
export function isDirty(part = document.getElementById("main")) {
  return [...part.querySelectorAll("form[data-guard]")].some(formIsDirty);
}

/** Tell whether a form holds what was typed, chosen or added and not saved. */
export function formIsDirty(form) {
  return [...form.elements].some(changed) || form.querySelector("[data-added]") !== null;
}

/** Tell the same of a part of a form. */
export function touched(part) {
  return [...part.querySelectorAll("input, select, textarea")].some(changed) || part.matches("[data-added]") || part.querySelector("[data-added]") !== null;
}

function changed(field) {
  if (!field.name || field.type === "hidden") return false;
  if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
  if (field.tagName === "SELECT") return chosenAnew(field);
  return "defaultValue" in field && field.value !== field.defaultValue;
}

/** Where a page marks no option as chosen, a list of one begins with its first. */
function chosenAnew(list) {
  const options = [...list.options];
  if (!list.multiple && !options.some((option) => option.defaultSelected)) return list.selectedIndex > 0;
  return options.some((option) => option.selected !== option.defaultSelected);
}

function mayLeave() {
  return !isDirty() || window.confirm(t("What you typed on this page is not saved. Leave it?"));
}

/** Open a contact beside what the person is doing: at once, or as a strip when unsaved text is there (S4). */
export function openContact(id, name) {
  openBeside(`/contacts/${id}`, name);
}

/** Open the organisation whose number called, the same way. */
export function openOrganisation(id, name) {
  openBeside(`/organisations/${id}`, name);
}

function openBeside(path, name) {
  if (location.pathname === path) return;
  if (!isDirty()) {
    go(path);
    return;
  }
  strip("contact", t("{name} is on the line. Your text here is not saved.", { name }), {
    actions: [
      { label: t("Open {name}", { name }), run: () => go(path) && strip("contact", null) },
      { label: t("Later"), run: () => strip("contact", null) },
    ],
  });
}

let latest = null; // htmx's context of the last request made for <main>

/** The last page asked for is the one shown: an older one still on its way is dropped, whichever answers first. */
function supersede(ctx) {
  if (latest && latest !== ctx && reads(latest)) latest.request.abort?.();
  latest = ctx;
}

function reads(ctx) {
  return ctx.request.method === "GET";
}

/** Wire navigation up, once. */
export function startNavigation(afterSwap) {
  document.addEventListener("htmx:before:request", (event) => {
    const { ctx } = event.detail;
    if (ctx.target?.id !== "main") return;
    if (reads(ctx) && !ctx.asked && !mayLeave()) event.preventDefault();
    else supersede(ctx);
  });
  document.addEventListener("htmx:after:request", (event) => {
    const { ctx } = event.detail;
    if (ctx === latest && !ctx.target.isConnected) ctx.target = document.getElementById("main");
  });
  document.addEventListener("htmx:before:swap", (event) => {
    const { ctx } = event.detail;
    if (ctx.target?.id === "main" && latest && ctx !== latest) event.preventDefault();
  });
  document.addEventListener("htmx:after:swap", (event) => {
    markCurrent();
    const main = document.getElementById("main");
    if (event.detail.ctx.target?.id === "main") {
      closeMenus();
      showWrong(main) || main.querySelector("[autofocus]") || focusHeading(main);
    }
    afterSwap(main);
  });
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
    if (!event.target.closest("#nav, #nav-toggle")) openNav(false);
    const link = event.target.closest("#dock a[href^='/'], #strips a[href^='/'], #softphone a[href^='/'], #toasts a[href^='/']");
    if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      go(link.getAttribute("href"));
    }
  });
  askBeforeLeaving(() => isDirty());
  const toggle = document.getElementById("nav-toggle");
  toggle.addEventListener("click", () => openNav(toggle.getAttribute("aria-expanded") !== "true"));
  addEventListener("keydown", (event) => event.key === "Escape" && closeMenus(""));
  markCurrent();
  afterSwap(document.getElementById("main"));
}

/** Bring the first field a form refused into sight, with the focus in it: a long form shows its top else. Returns whether there is one. */
function showWrong(main) {
  const wrong = main.querySelector("form .is-invalid");
  if (!wrong) return false;
  if (!busyElsewhere()) wrong.focus({ preventScroll: true });
  requestAnimationFrame(() => wrong.scrollIntoView({ block: "center" })); // after the page was shown from its top
  return true;
}

/** A swap is a new page to a screen reader: its heading takes the focus, unless the person is typing outside <main>. */
function focusHeading(main) {
  if (!busyElsewhere()) main.querySelector("h1")?.focus({ preventScroll: true });
}

function busyElsewhere() {
  const active = document.activeElement;
  return Boolean(active && active !== document.body && !active.closest("#nav, #main"));
}

function openNav(open) {
  document.getElementById("nav").toggleAttribute("data-open", open);
  document.getElementById("nav-toggle").setAttribute("aria-expanded", String(open));
}

/** Close the menus of a page that goes; those of a call belong to the call, which goes on. */
function closeMenus(which = ":not(#dock *, #softphone *)") {
  openNav(false);
  for (const menu of document.querySelectorAll(`details.menu[open]${which}`)) menu.open = false;
}

function markCurrent() {
  const links = [...document.querySelectorAll("[data-nav]")];
  const fits = (path) => location.pathname === path || (path !== "/" && location.pathname.startsWith(`${path}/`));
  const best = links.filter((link) => fits(link.getAttribute("href"))).sort((a, b) => b.getAttribute("href").length - a.getAttribute("href").length)[0];
  for (const link of links) {
    if (link === best) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
    if (!link.title) link.title = link.textContent.trim();
  }
}

/** Return a link drawn outside <main> that opens inside it. */
export function pageLink(path, ...content) {
  return h("a", { href: path }, ...content);
}

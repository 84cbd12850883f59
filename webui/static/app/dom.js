// Small pieces for drawing: elements, icons, toasts, announcements. Nothing here takes the focus.

import { t } from "./i18n.js";

/** Create an element: attributes by name, `on` for listeners; children are nodes or text, null is left out. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") for (const [type, listener] of Object.entries(value)) element.addEventListener(type, listener);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export const MOST_UNREAD = 100; // the server counts no further

/** Draw how much waits behind a link of the menu; nothing for none. */
export function drawUnread(id, count, words) {
  const mark = document.getElementById(id);
  if (!mark) return;
  mark.hidden = !count;
  mark.textContent = count >= MOST_UNREAD ? `${MOST_UNREAD - 1}+` : String(count || "");
  mark.title = count ? words : "";
}

/** Return an icon of the sprite, hidden from screen readers. */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(space, "use");
  use.setAttribute("href", `/static/vendor/icons.svg#${name}`);
  svg.append(use);
  return svg;
}

/** Show a sentence for a while, longer when it is a danger or leads to a page (`link`). Returns its line; none when it stands there. */
export function toast(sentence, level = "info", link = "") {
  const box = document.getElementById("toasts");
  if (!box || [...box.children].some((line) => line.dataset.sentence === sentence)) return null;
  const close = h("button", { type: "button", "aria-label": t("Close") }, icon("x"));
  const line = h("div", { class: "toast-line", "data-level": level, "data-sentence": sentence, role: level === "danger" ? "alert" : "status" }, h("span", {}, sentence, link ? [" ", h("a", { href: link }, t("Show it"))] : ""), close);
  close.addEventListener("click", () => line.remove());
  box.append(line);
  setTimeout(() => line.remove(), level === "danger" || link ? 20000 : 6000);
  return line;
}

/** Say something to screen readers at once. */
export function announce(sentence) {
  const box = document.getElementById("announcer");
  if (box) box.textContent = sentence;
}

/** Show (or with no content take away) one strip below the top bar. */
export function strip(key, content, { level = "info", actions = [] } = {}) {
  const box = document.getElementById("strips");
  const old = box.querySelector(`[data-strip="${CSS.escape(key)}"]`);
  if (!content) {
    old?.remove();
    return;
  }
  const buttons = actions.map(({ label, run }) => h("button", { type: "button", class: "btn btn-sm", on: { click: run } }, label));
  const line = h("div", { class: "strip", "data-strip": key, "data-level": level }, icon(level === "info" ? "info-circle" : "alert-triangle"), h("span", {}, content), buttons);
  if (old?.textContent === line.textContent) return;
  if (old) old.replaceWith(line);
  else box.append(line);
}

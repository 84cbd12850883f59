// The search box of the top bar: a combobox whose list is what the server finds while somebody types.
// "/" or Ctrl+K comes here from anywhere; arrows choose, Enter opens, Esc closes. Only the newest question's answer counts.

import { h, icon } from "./dom.js";
import { t, tn } from "./i18n.js";
import { go } from "./navigate.js";
import { dial } from "./softphone.js";

const WAIT_MILLISECONDS = 120;
const TYPING = "input, textarea, select, [contenteditable]";
const box = { input: null, list: null, status: null, options: [], active: -1, asking: null, timer: 0, answered: "" };

export function startSearchBox() {
  const form = document.getElementById("search-box");
  if (!form) return;
  box.input = form.querySelector("input");
  box.list = document.getElementById("search-found");
  box.status = document.getElementById("search-status");
  box.input.addEventListener("input", typed);
  box.input.addEventListener("keydown", pressed);
  box.input.addEventListener("focus", () => box.options.length && !box.input.dataset.closed && open());
  form.addEventListener("submit", (event) => { event.preventDefault(); chooseFirst(); });
  form.addEventListener("focusout", (event) => form.contains(event.relatedTarget) || close());
  box.list.addEventListener("mousedown", (event) => event.preventDefault()); // the focus stays where one types
  box.list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) choose(option, event);
  });
  form.querySelector("[data-search-open]").addEventListener("click", () => reveal());
  addEventListener("keydown", (event) => {
    const slash = event.key === "/" && !event.ctrlKey && !event.altKey && !event.metaKey && !event.target.closest?.(TYPING);
    const control = event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey;
    if (!slash && !control) return;
    event.preventDefault();
    reveal();
  });
}

/** Put the cursor into the box; on a narrow screen it unfolds first. */
function reveal() {
  box.input.form.toggleAttribute("data-open", true);
  box.input.focus();
  box.input.select();
}

function typed() {
  delete box.input.dataset.closed;
  clearTimeout(box.timer);
  box.asking?.abort(); // whatever was asked before must not answer any more
  box.asking = null;
  const q = box.input.value.trim();
  if (!q) {
    draw(null, "");
    return;
  }
  box.timer = setTimeout(() => ask(q), WAIT_MILLISECONDS);
}

async function ask(q) {
  const asking = new AbortController();
  box.asking = asking;
  box.input.setAttribute("aria-busy", "true");
  try {
    const response = await fetch(`/api/v1/search?${new URLSearchParams({ q })}`, { signal: asking.signal, credentials: "same-origin", headers: { accept: "application/json" } });
    const answer = response.ok ? await response.json() : null;
    if (box.asking !== asking) return;
    if (answer) draw(answer, q);
    else say(t("The search does not answer. Try again."));
  } catch (error) {
    if (box.asking === asking && error.name !== "AbortError") say(t("The search does not answer. Try again."));
  } finally {
    if (box.asking === asking) {
      box.asking = null;
      box.input.removeAttribute("aria-busy");
    }
  }
}

function say(sentence) {
  draw(null, "");
  box.list.replaceChildren(h("div", { class: "search-none" }, sentence));
  box.list.hidden = false;
  box.status.textContent = sentence;
}

/** Show an answer; null empties the box. */
function draw(answer, q) {
  box.options = [];
  box.active = -1;
  box.answered = q;
  box.input.removeAttribute("aria-activedescendant");
  box.input.removeAttribute("aria-busy");
  if (!answer) {
    box.list.replaceChildren();
    box.status.textContent = "";
    close();
    return;
  }
  const words = { contact: t("Contacts"), organisation: t("Organisations"), ticket: t("Tickets"), email: t("E-mail") };
  const groups = answer.groups.map((group) => section(words[group.kind] || group.kind, group.items.map(line)));
  if (answer.number) groups.push(section(t("This number"), actions(answer.number)));
  const count = answer.groups.reduce((sum, group) => sum + group.items.length, 0);
  const none = count || answer.number ? [] : [h("div", { class: "search-none" }, t("Nothing fits “{q}”.", { q }))];
  box.list.replaceChildren(...groups, ...none);
  box.options = [...box.list.querySelectorAll("[role=option]")];
  box.status.textContent = count ? tn("{count} result", "{count} results", count) : t("Nothing fits “{q}”.", { q });
  if (document.activeElement === box.input) open();
}

function section(label, options) {
  const id = `search-group-${box.list.querySelectorAll("[role=group]").length}-${label.length}-${options.length}`;
  const heading = h("div", { class: "search-group", id, role: "presentation" }, label);
  return h("div", { role: "group", "aria-label": label }, heading, options);
}

function line(found) {
  const number = found.shown ? h("span", { class: "search-number number" }, found.shown) : null;
  const call = found.number ? h("span", { class: "btn btn-sm btn-icon search-call", "data-call": found.number, title: t("Call {number}", { number: found.shown }), "aria-hidden": "true" }, icon("phone")) : null;
  return option({ "data-path": found.path, "data-number": found.number || null, "data-contact": found.contact_id },
    h("span", { class: "search-title" }, h("bdi", {}, found.title || t("Without a name")), found.detail ? h("span", { class: "search-detail" }, found.detail) : null), number, call);
}

function actions(number) {
  const all = [option({ "data-number": number.number }, icon("phone"), h("span", { class: "search-title" }, t("Call {number}", { number: number.shown })))];
  if (number.add) all.push(option({ "data-path": `/contacts/new?${new URLSearchParams({ number: number.number })}` }, icon("user-plus"), h("span", { class: "search-title" }, t("New contact with this number"))));
  return all;
}

let made = 0;

function option(attributes, ...content) {
  made += 1;
  return h("div", { role: "option", class: "search-option", id: `search-option-${made}`, "aria-selected": "false", ...attributes }, ...content);
}

function pressed(event) {
  if (event.isComposing) return;
  const { key } = event;
  if (key === "ArrowDown" || key === "ArrowUp") {
    event.preventDefault();
    if (box.list.hidden) open();
    else move(key === "ArrowDown" ? 1 : -1);
  } else if ((key === "Home" || key === "End") && box.active >= 0 && !box.list.hidden) {
    event.preventDefault();
    activate(key === "Home" ? 0 : box.options.length - 1);
  } else if (key === "Escape") {
    event.stopPropagation();
    if (!box.list.hidden) close(true);
    else {
      box.input.value = "";
      typed();
      box.input.form.removeAttribute("data-open");
    }
    event.preventDefault();
  } else if (key === "Enter" && (event.altKey || event.ctrlKey) && box.options[box.active]?.dataset.number) {
    event.preventDefault();
    call(box.options[box.active]);
  } else if (key === "Tab") close();
}

function move(by) {
  const most = box.options.length;
  if (most) activate(box.active < 0 ? (by > 0 ? 0 : most - 1) : (box.active + by + most) % most);
}

function activate(place) {
  box.options[box.active]?.setAttribute("aria-selected", "false");
  box.active = place;
  const option = box.options[place];
  option.setAttribute("aria-selected", "true");
  option.scrollIntoView({ block: "nearest" });
  box.input.setAttribute("aria-activedescendant", option.id);
}

/** Enter: what is chosen, else the first, once the answer is that to what stands in the box. */
async function chooseFirst() {
  const q = box.input.value.trim();
  if (!q) return;
  if (q !== box.answered) {
    clearTimeout(box.timer);
    box.asking?.abort();
    await ask(q);
    if (q !== box.input.value.trim() || q !== box.answered) return;
  }
  const option = box.options[Math.max(0, box.active)];
  if (option) choose(option);
}

function choose(option, event) {
  if (event?.target.closest("[data-call]")) call(option);
  else if (option.dataset.path) {
    if (event?.ctrlKey || event?.metaKey) window.open(option.dataset.path, "_blank", "noopener");
    else if (go(option.dataset.path)) leave();
  } else call(option);
}

function call(option) {
  dial(option.dataset.number, option.dataset.contact || null);
  leave();
}

/** The box has done its work: the page takes over. */
function leave() {
  close(true);
  box.input.form.removeAttribute("data-open");
  box.input.blur();
}

function open() {
  box.list.hidden = !box.list.childElementCount;
  box.input.setAttribute("aria-expanded", String(!box.list.hidden));
}

function close(byHand = false) {
  if (byHand) box.input.dataset.closed = "yes";
  box.list.hidden = true;
  box.input.setAttribute("aria-expanded", "false");
  box.options[box.active]?.setAttribute("aria-selected", "false");
  box.active = -1;
  box.input.removeAttribute("aria-activedescendant");
}

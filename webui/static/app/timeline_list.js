// The lines of a timeline on the page: parts of it put in where they belong, without moving what is being read.

const written = new WeakMap(); // a line: how the server drew it, before this page touched it

/** Return the lines of a list or of a part that was read. */
export function linesIn(root) {
  return [...root.querySelectorAll("[data-lines] > li[data-entry]")];
}

/** Remember how the lines came, so that a later part can tell which ones changed. */
export function remember(lines) {
  for (const line of lines) written.set(line, drawn(line));
}

/** Return a line as the server drew it: htmx leaves marks on links it has taken up. */
function drawn(line) {
  return line.outerHTML.replace(/ data-htmx-powered="[^"]*"/g, "");
}

/** Return where a line stands, [microseconds, id]; lines of running calls stand before all others. */
function placeOf(line) {
  return line.dataset.place ? line.dataset.place.split(".").map(Number) : [Infinity, Infinity];
}

function isBefore(one, other) {
  return one[0] > other[0] || (one[0] === other[0] && one[1] > other[1]);
}

/** Draw a line anew; what was open in it, and where the focus was, stays so. */
function redraw(old, line) {
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  const open = [...old.querySelectorAll("details[open]")].map((each) => each.className);
  old.replaceWith(line);
  window.htmx.process(line);
  for (const each of line.querySelectorAll("details")) if (open.includes(each.className)) each.open = true;
  if (!focused) return;
  const kind = ["data-correct", "data-strike"].find((each) => focused.hasAttribute(each));
  (line.querySelector(kind ? `[${kind}]` : "summary, a, button") || line.querySelector("a, button, summary"))?.focus({ preventScroll: true });
}

/** Put a line where it belongs, or in the place of its older self; returns whether it is new. */
export function place(list, line) {
  const old = list.querySelector(`:scope > li[data-entry="${CSS.escape(line.dataset.entry)}"]`);
  if (old && written.get(old) === drawn(line)) return false;
  remember([line]);
  const moved = old && old.dataset.place !== line.dataset.place;
  if (old && !moved) {
    redraw(old, line);
    return false;
  }
  old?.remove();
  const mine = placeOf(line);
  const next = linesOf(list).find((each) => !line.dataset.place || isBefore(mine, placeOf(each)));
  list.insertBefore(line, next || list.querySelector(":scope > li.more"));
  window.htmx.process(line);
  return !old;
}

function linesOf(list) {
  return [...list.querySelectorAll(":scope > li[data-entry]")];
}

/** Make the top of a list like the first page that was just read; returns how many lines are new. */
export function mergeTop(list, fresh) {
  const lines = linesIn(fresh);
  const more = fresh.querySelector("[data-lines] > li.more");
  const lowest = more && lines.length ? placeOf(lines.at(-1)) : [-Infinity, 0];
  const there = new Set(lines.map((each) => each.dataset.entry));
  for (const old of linesOf(list)) {
    if (!there.has(old.dataset.entry) && !isBefore(lowest, placeOf(old))) old.remove();
  }
  const kept = linesOf(list).some((each) => !there.has(each.dataset.entry));
  const older = list.querySelector(":scope > li.more");
  if (more && !kept && !older) list.append(more);
  if (!more) older?.remove();
  return lines.filter((each) => place(list, each)).length;
}

/** Do something to the list and leave what is being read where it is; at its very top new lines push the others down. */
export function steadily(box, list, change) {
  const scroller = scrollerOf(box);
  const top = edgeOf(scroller);
  const line = list.getBoundingClientRect().top < top - 4 ? linesOf(list).find((each) => each.getBoundingClientRect().bottom > top) : null;
  const before = line?.getBoundingClientRect().top;
  const result = change();
  const now = line?.isConnected ? line : line && list.querySelector(`:scope > li[data-entry="${CSS.escape(line.dataset.entry)}"]`);
  if (now) scroller.scrollBy(0, now.getBoundingClientRect().top - before);
  return { result, reading: Boolean(line) };
}

/** Return what scrolls the lines: their box on a wide screen, else the page. */
export function scrollerOf(box) {
  return getComputedStyle(box).overflowY === "auto" && box.scrollHeight > box.clientHeight ? box : document.scrollingElement;
}

function edgeOf(scroller) {
  const bar = document.querySelector(".topbar")?.getBoundingClientRect().bottom || 0;
  return scroller === document.scrollingElement ? bar : scroller.getBoundingClientRect().top;
}

/** Return the first line in view and how far from the edge it stands, null at the top of the list. */
export function reading(box, list) {
  const top = edgeOf(scrollerOf(box));
  if (list.getBoundingClientRect().top >= top - 4) return null;
  const line = linesOf(list).find((each) => each.getBoundingClientRect().bottom > top);
  return line ? { entry: line.dataset.entry, offset: line.getBoundingClientRect().top - top } : null;
}

/** Scroll so that a line stands as it did. */
export function readOn(box, list, { entry, offset }) {
  const line = list.querySelector(`:scope > li[data-entry="${CSS.escape(entry)}"]`);
  if (!line) return;
  const scroller = scrollerOf(box);
  scroller.scrollBy(0, line.getBoundingClientRect().top - edgeOf(scroller) - offset);
}

// Whether to leave a page with something typed: the browser asks, unless what was typed is kept (unfinished.js).

let kept = false;

/** Ask before the page is left while `dirty` says so. Returns nothing. */
export function askBeforeLeaving(dirty) {
  addEventListener("beforeunload", (event) => !kept && dirty() && event.preventDefault());
}

/** Ask no more: nothing is lost. A listener that stops the others would come last: browsers call those of this event as they were added. */
export function askNothing() {
  kept = true;
}

// Shortcuts: the configured one answers; Alt+M mutes, Alt+H hangs up, Alt+E edits the contact shown; digits go to an open keypad.

import { answer } from "./popup.js";
import { hangUp, keypadOpen, press, toggleMute } from "./softphone.js";
import { state } from "./store.js";

const TYPING = "input, textarea, select, [contenteditable]";

/** Return a key event as text: "Alt+A", "Ctrl+Shift+F9". */
export function chord(event) {
  const key = /^Key[A-Z]$|^Digit\d$/.test(event.code) ? event.code.slice(-1) : event.key.length === 1 ? event.key.toUpperCase() : event.key;
  const held = [event.ctrlKey && "Ctrl", event.altKey && "Alt", event.shiftKey && "Shift", event.metaKey && "Meta"];
  return [...held.filter(Boolean), key].join("+");
}

export function startKeyboard() {
  addEventListener("keydown", (event) => {
    if (event.repeat) return;
    const pressed = chord(event);
    const shortcut = state.me?.preferences?.answer_shortcut ?? "Alt+A";
    if (shortcut && pressed === shortcut && state.offers.length) run(event, () => answer());
    else if (pressed === "Alt+M" && state.call) run(event, toggleMute);
    else if (pressed === "Alt+H" && state.call) run(event, hangUp);
    else if (pressed === "Alt+E" && document.querySelector("#main [data-edit]")) run(event, edit);
    else if (keypadOpen() && /^[0-9*#]$/.test(event.key) && !event.target.closest?.(TYPING)) run(event, () => press(state.call.id, event.key));
  });
}

/** Go to what edits the thing shown, or into its first field where the page is the form itself. */
function edit() {
  const found = document.querySelector("#main [data-edit]");
  if (found.matches("a")) found.click();
  else found.querySelector("input:not([type=hidden]), select, textarea")?.focus();
}

function run(event, action) {
  event.preventDefault();
  action();
}

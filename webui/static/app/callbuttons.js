// Buttons that dial, wherever a page shows a number: while no call can begin they are off, and their title says why.

import { t } from "./i18n.js";
import { state, subscribe } from "./store.js";

const AFTER_THE_POPUP_MILLISECONDS = 50;
const LONGEST_EMERGENCY = 3; // digits; such a number goes before what only rings (calls/outbound.py)

let asked = 0;

/** Keep the buttons in step with the state, after what hurries is drawn; `drawCallButtons` does so for what is swapped in. */
export function startCallButtons() {
  subscribe(() => {
    const mine = ++asked; // begun anew with each change: what was put off for the last one must not run into this one's pop-up
    requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => mine === asked && drawCallButtons(), AFTER_THE_POPUP_MILLISECONDS)));
  });
}

/** Switch every such button on or off, as things stand. */
export function drawCallButtons() {
  for (const button of document.querySelectorAll("[data-dial], [data-reach=call]:not([data-never])")) {
    const number = button.dataset.dial?.replace(/\D/g, "");
    const why = reason(number !== undefined && number.length <= LONGEST_EMERGENCY);
    if (button.title === why && button.disabled === Boolean(why)) continue;
    button.disabled = Boolean(why);
    if (why) button.title = why;
    else button.removeAttribute("title");
  }
}

/** Say why no call can begin now; the server refuses for the same reasons. */
function reason(emergency) {
  if (!state.me) return "";
  if (state.call || state.agent.state === "on_call") return t("You are on a call. Hang up first.");
  if (emergency) return "";
  if (state.agent.state === "listening") return t("You listen to a call. Leave it first.");
  if (state.offers.length || state.agent.state === "offered") return t("A call is ringing at your desk. Answer or decline it first.");
  if (state.agent.state === "offline") return t("You are offline. Press Ready or Break first.");
  return "";
}

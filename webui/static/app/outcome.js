// What came of a phone meeting, in the card of its call: held, not held, another time, and a note.

import { api, quietly } from "./api.js";
import { h, icon } from "./dom.js";
import { when } from "./format.js";
import { t } from "./i18n.js";
import { pageLink } from "./navigate.js";
import { change, state } from "./store.js";

const WRITABLE = new Set(["held", "not_held"]); // once the talk is over

/** Return the part of a call's card about its meeting: `element`, and `follow(call)` after every change. */
export function outcomePart(callId) {
  const title = h("div", { class: "meeting-of-call" });
  const information = h("div", { class: "meeting-information" });
  const note = h("input", { class: "form-control", maxlength: 1000, "aria-label": t("Note about the meeting"), placeholder: t("Note about the meeting"), on: { change: () => write(chosen()) } });
  const button = (outcome, sign, words) => h("button", { type: "button", class: "btn", "aria-pressed": "false", "data-outcome": outcome, on: { click: () => write(outcome) } }, icon(sign), words);
  const buttons = [button("held", "check", t("Held")), button("not_held", "x", t("Not held"))];
  const again = h("a", { class: "btn" }, icon("calendar-time"), t("Another time"));
  const ask = h("div", { class: "stack", role: "group", "aria-label": t("What came of the meeting") }, h("div", { class: "popup-actions" }, buttons, again), note);
  const next = h("div", { class: "text-secondary" });
  const element = h("div", { class: "stack meeting-outcome", hidden: true }, title, information, next, ask);
  let shown = 0;

  const meeting = () => (state.meeting?.call_id === callId ? state.meeting.meeting : null);
  const chosen = () => (WRITABLE.has(meeting()?.state) ? meeting().state : "held");
  const write = async (outcome) => {
    const found = meeting();
    if (!found) return;
    const written = await quietly(api("POST", `/phone-meetings/${found.id}/outcome`, { outcome, note: note.value.trim() }));
    if (written) change({ meeting: { ...state.meeting, meeting: written } });
  };
  const follow = (call) => {
    const found = meeting();
    element.hidden = !found;
    if (!found) return;
    if (shown !== found.id) {
      shown = found.id;
      title.replaceChildren(icon("calendar-event"), pageLink(`/meetings/${found.id}`, t("Meeting: {name}", { name: found.name })));
      again.href = `/meetings/${found.id}/reschedule`;
      note.value = found.outcome_note;
    }
    information.textContent = found.information;
    information.hidden = !found.information;
    next.hidden = found.state !== "retry_wait" || !found.not_before;
    next.textContent = found.not_before ? t("The next attempt comes at {time}.", { time: when(found.not_before) }) : "";
    ask.hidden = call.state !== "ended" || !WRITABLE.has(found.state);
    for (const each of buttons) each.setAttribute("aria-pressed", String(each.dataset.outcome === found.state));
  };
  return { element, follow };
}

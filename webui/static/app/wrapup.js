// The card of the call one talks in or wraps up: who, note with a draft that is never lost, disposition, countdown.

import { api, ApiError, quietly } from "./api.js";
import { h, icon, toast } from "./dom.js";
import { clock, secondsUntil } from "./format.js";
import { t } from "./i18n.js";
import { chooser, createLink, somebodyElse } from "./match.js";
import { go, pageLink } from "./navigate.js";
import { noteField } from "./note.js";
import { outcomePart } from "./outcome.js";
import { refusingPart } from "./refusing.js";
import { callerOf } from "./ring.js";
import { change, load, state, subscribe } from "./store.js";
import { machineOf, textButton } from "./timeline.js";

let card = null;

export function startWrapUp() {
  subscribe(draw);
  setInterval(countDown, 250);
  addEventListener("pagehide", () => card?.note.unsent() && card.note.send(true));
}

function draw() {
  const call = state.call || state.wrapUp;
  if (!call || call.state === "offered") {
    if (card) {
      card.element.remove();
      card.note.leave();
      card = null;
    }
    return;
  }
  if (card?.id !== call.id) {
    card?.element.remove();
    card?.note.leave();
    card = build(call);
    document.getElementById("dock").prepend(card.element); // above what waits
  }
  card.update(call);
}

function build(call) {
  const id = call.id;
  const note = noteField(call);
  const outcome = outcomePart(id);
  const refusing = refusingPart(id);
  const disposition = h("select", { class: "form-select", id: `disposition-${id}` });
  const head = h("div", { class: "popup-head" });
  const who = h("div");
  const ask = h("div", { class: "stack" });
  const finish = h("div", { class: "popup-actions" });
  const element = h("section", { class: "popup", "data-call": id, role: "region", "aria-label": t("Note and wrap-up") }, head,
    h("div", { class: "popup-body" }, who, ask, outcome.element,
      h("div", {}, note.elements),
      h("div", {}, h("label", { class: "form-label", for: disposition.id }, t("Disposition")), disposition),
      refusing.element,
      finish));
  const fold = h("button", { type: "button", class: "popup-fold", "aria-expanded": "true", "aria-label": t("Fold the note"), on: { click: () => {
    const folded = element.classList.toggle("popup-folded");
    fold.setAttribute("aria-expanded", String(!folded));
  } } }, icon("chevron-down"));
  const save = async () => {
    await note.settled();
    if (note.asking()) {
      toast(t("Choose one of the two texts first."), "warning");
      return;
    }
    const chosen = disposition.value ? Number(disposition.value) : null;
    try {
      note.stored(await api("PUT", `/calls/${id}/disposition`, { disposition_id: chosen, note: note.value(), version: note.version() }));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.status === 409) await load().catch(() => {}); // the other text appears beside this one
      return;
    }
    const plans = state.lead?.attempt_id === id && state.lead.meetings.includes(chosen) ? state.lead.meeting : null;
    if (state.wrapUp?.id === id) await quietly(api("POST", "/me/wrap-up/finish"));
    change({ wrapUp: state.wrapUp?.id === id ? null : state.wrapUp });
    await load().catch(() => {});
    document.body.dispatchEvent(new CustomEvent("live-timeline"));
    if (plans) go(plans);
  };
  finish.append(
    h("button", { type: "button", class: "btn btn-primary", on: { click: save } }, icon("check"), t("Save and finish")),
    h("button", { type: "button", class: "btn", on: { click: () => extend() } }, t("+60 s")),
    h("a", { class: "btn", href: `/meetings/new?call=${id}` }, icon("calendar-plus"), t("Plan a meeting")));

  let shown = "";
  const update = (now) => {
    const over = now.state === "ended" || now.state === "announcing" || now.state === "playing"; // for who dropped it is over
    element.classList.toggle("popup-wrap-up", over);
    finish.hidden = !over;
    note.follow(now);
    outcome.follow(now);
    const marks = JSON.stringify([now.identification, now.contact_id, now.contact, now.organisation, over, now.machine, now.number, now.project, now.disposition_id, (state.me?.dispositions || []).length]);
    if (marks === shown) return;
    shown = marks;
    head.replaceChildren(icon(over ? "note" : "phone-call"), over ? t("Wrap-up") : now.project || t("Call"), h("span", { class: "timer", role: "timer" }), fold);
    const name = callerOf(now);
    who.replaceChildren(h("h2", { class: "popup-name" }, now.contact_id ? pageLink(`/contacts/${now.contact_id}`, name) : name),
      h("div", { class: "popup-sub" }, [now.organisation, now.number_shown === name ? "" : now.number_shown, machineOf(now.machine)].filter(Boolean).join(" · ")));
    const asking = { ...now, call_id: now.id };
    const open = !now.contact_id && !now.organisation_id;
    ask.replaceChildren(...[open && now.identification === "several" ? chooser(asking) : null, textButton(now, now.contact_id), now.hidden ? null : somebodyElse(now), open ? createLink(asking) : null].filter(Boolean));
    refusing.follow(now);
    options(disposition, now);
  };
  return { id, element, update, note };
}

function options(select, call) {
  const chosen = select.value || String(call.disposition_id ?? "");
  const fitting = (state.me?.dispositions || []).filter((each) => each.project_id === null || each.project_id === undefined || each.project_id === call.project_id);
  select.replaceChildren(h("option", { value: "" }, t("Choose …")), ...fitting.map((each) => h("option", { value: String(each.id) }, each.name)));
  select.value = chosen;
}

async function extend() {
  const agent = await quietly(api("POST", "/me/wrap-up/extend"));
  if (agent?.wrap_up_until) change({ agent: { ...state.agent, ...agent } });
}

function countDown() {
  const timer = card?.element.querySelector(".popup-head .timer");
  if (!timer) return;
  const until = state.agent.state === "wrap_up" ? state.agent.wrap_up_until : null;
  timer.textContent = !state.call && until ? clock(secondsUntil(until)) : "";
}

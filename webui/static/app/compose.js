// The card in which a text message is written. It stands in the dock, so that a call that rings meanwhile can still be answered.

import { askBeforeLeaving } from "./asking.js";
import { api, ApiError } from "./api.js";
import { announce, h, icon, toast } from "./dom.js";
import { t, tn } from "./i18n.js";
import { segments } from "./segments.js";

const LONGEST = 1600; // UTF-16 units, as the server counts
let card = null;

/** Open the card: to a number, or to a contact whose number is picked or, when there is none, asked for and kept. */
export async function compose(target) {
  if (card && !leave()) return;
  card = null;
  const [contact, ways] = await Promise.all([target.contactId ? read(`/contacts/${target.contactId}`) : null, read(`/text-ways${target.replyTo ? `?reply_to=${target.replyTo}` : ""}`)]);
  if (!ways || card || (target.contactId && !contact)) return;
  card = build(target, contact, ways.items);
  document.getElementById("dock").prepend(card.element);
  card.focus();
}

function read(path) {
  return api("GET", path).catch((error) => {
    if (!(error instanceof ApiError)) throw error;
    return null;
  });
}

/** Tell whether the card is gone: text that was typed is not thrown away unasked. */
function leave() {
  if (card.typed() && !window.confirm(t("The text message is not sent. Throw it away?"))) {
    card.focus();
    return false;
  }
  close();
  return true;
}

function close() {
  const { element, opener } = card;
  const inside = element.contains(document.activeElement);
  element.remove();
  card = null;
  if (inside && opener?.isConnected) opener.focus();
}

askBeforeLeaving(() => card?.typed());

function build(target, contact, ways) {
  const name = target.name || contact?.name || contact?.organisation || "";
  const to = recipient(target, contact);
  const from = sender(ways);
  const text = h("textarea", { class: "form-control", id: "text-message", rows: 4, maxlength: LONGEST, "aria-describedby": "text-count", required: true });
  const count = h("div", { class: "form-hint", id: "text-count" });
  const problem = h("div", { class: "invalid-feedback d-block", role: "alert", hidden: true });
  const send = h("button", { type: "submit", class: "btn btn-primary" }, icon("message"), t("Send"));
  const heading = h("span", { id: "text-title" }, name ? t("SMS to {name}", { name }) : t("SMS"));
  const shut = h("button", { type: "button", class: "popup-fold ms-auto", "aria-label": t("Close"), on: { click: leave } }, icon("x"));
  const form = h("form", { class: "popup-body", novalidate: true }, to.element, from.element,
    h("div", {}, h("label", { class: "form-label", for: text.id }, t("Message")), text, count), problem,
    h("div", { class: "popup-actions" }, send, h("button", { type: "button", class: "btn", on: { click: leave } }, t("Cancel"))));
  const element = h("section", { class: "popup popup-text", role: "dialog", "aria-labelledby": heading.id }, h("div", { class: "popup-head" }, icon("message"), heading, shut), form);

  const fault = (error) => {
    for (const [field, input] of [["number", to.input], ["text", text]]) {
      input?.classList.toggle("is-invalid", error?.field === field);
      if (error?.field === field) input?.setAttribute("aria-invalid", "true");
      else input?.removeAttribute("aria-invalid");
    }
    problem.hidden = !error;
    problem.textContent = error ? error.message : "";
    if (error?.field === "number" && to.input && !to.input.hidden) to.input.after(problem);
    else send.parentElement.before(problem);
    if (error) (error.field === "number" && to.focus() ? to.input : text).focus();
  };
  const draw = () => {
    const { alphabet, count: sms, left } = segments(text.value);
    const words = [tn("{count} SMS", "{count} SMS", sms), tn("room for {count} character more", "room for {count} characters more", left)];
    if (alphabet === "ucs2") words.push(t("with letters like ą an SMS holds 70 characters"));
    count.textContent = words.join(" · ");
    send.disabled = Boolean(from.problem());
  };
  text.addEventListener("input", () => {
    draw();
    form.toggleAttribute("data-unsaved", Boolean(text.value.trim())); // unfinished.js
  });
  from.element.addEventListener("change", draw);
  element.addEventListener("keydown", (event) => {
    if (event.key === "Escape") leave();
    else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit(send);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    event.stopPropagation();
    if (!send.disabled) dispatch();
  });

  let tried = { key: "", body: "" };
  const dispatch = async () => {
    const body = { number: to.number(), text: text.value, contact_id: target.contactId, reply_to: target.replyTo, project_id: from.project(), keep_number: to.keeps() };
    if (tried.body !== JSON.stringify(body)) tried = { key: newKey(), body: JSON.stringify(body) }; // the same again is not sent twice
    send.disabled = true;
    try {
      await api("POST", "/texts", { ...body, key: tried.key }, { quiet: true });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      draw();
      fault(error);
      return;
    }
    if (card?.element === element) close();
    toast(t("The text message is on its way."));
    announce(t("The text message is on its way."));
    document.body.dispatchEvent(new CustomEvent("live-timeline"));
    if (body.keep_number) document.body.dispatchEvent(new CustomEvent("contact-numbers"));
  };
  draw();
  return { element, opener: target.opener, typed: () => Boolean(text.value.trim()), focus: () => (to.focus() ? to.input : text).focus() };
}

/** A random name for one sending; crypto.randomUUID is there only under HTTPS. */
function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((each) => each.toString(16).padStart(2, "0")).join("");
}

/** To whom: a number that is given, one of the contact's, or another one, which the contact keeps. */
function recipient(target, contact) {
  const kinds = (contact?.numbers || []).filter((each) => each.takes_texts || each.e164 === target.number);
  const numbers = [...new Set([...(target.number ? [target.number] : []), ...kinds.map((each) => each.e164)])];
  const shown = (number) => kinds.find((each) => each.e164 === number)?.shown || target.shown || number;
  const input = h("input", { class: "form-control", id: "text-number", type: "tel", inputmode: "tel", autocomplete: "off", maxlength: 40, placeholder: "+48 601 234 567", "aria-describedby": contact ? "text-kept" : null });
  const kept = contact ? h("div", { class: "form-hint", id: "text-kept" }, t("The number is kept on the contact.")) : null;
  if (!numbers.length) {
    const label = h("label", { class: "form-label required", for: input.id }, t("Mobile number"));
    return { element: h("div", {}, label, input, kept), input, number: () => input.value, keeps: () => Boolean(contact), focus: () => true };
  }
  const chosen = target.number || numbers[0];
  if (!contact) return { element: h("div", { class: "number" }, shown(chosen)), input: null, number: () => chosen, keeps: () => false, focus: () => false };
  const other = h("div", { hidden: true }, h("label", { class: "visually-hidden", for: input.id }, t("Mobile number")), input, kept);
  const radio = (value, words) => h("label", { class: "form-check mb-1" }, h("input", { class: "form-check-input", type: "radio", name: "text-to", value, checked: value === chosen }), h("span", { class: "form-check-label number" }, words));
  const element = h("fieldset", { class: "number-choices" }, h("legend", { class: "form-label" }, t("To the number")), numbers.map((each) => radio(each, kinds.some(({ e164 }) => e164 === each) ? shown(each) : `${shown(each)} · ${t("not on the contact")}`)), radio("", t("Another number")), other);
  const picked = () => element.querySelector("input[name=text-to]:checked").value;
  element.addEventListener("change", (event) => {
    if (event.target === input) return;
    other.hidden = Boolean(picked());
    if (!other.hidden) input.focus();
  });
  return { element, input, number: () => picked() || input.value, keeps: () => !picked(), focus: () => !picked() };
}

/** From which of our numbers: as one line, or picked by project. */
function sender(ways) {
  const words = (way) => [way.project, way.sender_shown && t("from {number}", { number: way.sender_shown })].filter(Boolean).join(" · ") || t("No project");
  const note = h("div", { class: "alert alert-warning mb-0", role: "alert" });
  const select = ways.length > 1 ? h("select", { class: "form-select", id: "text-way" }, ways.map((way, place) => h("option", { value: String(place) }, words(way)))) : null;
  const way = () => ways[select ? Number(select.value) : 0];
  const draw = () => {
    note.hidden = !way().problem;
    note.textContent = way().problem;
  };
  select?.addEventListener("change", draw);
  const element = h("div", { class: "stack" }, select ? h("div", {}, h("label", { class: "form-label", for: select.id }, t("Project and sender")), select) : ways[0].problem ? null : h("div", { class: "popup-sub" }, words(ways[0])), note);
  draw();
  return { element, project: () => way().project_id, problem: () => way().problem };
}

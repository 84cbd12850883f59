// Text messages: the buttons that write one, the count of those nobody has dealt with, and word of what came and what failed.

import { announce, drawUnread, MOST_UNREAD, toast } from "./dom.js";
import { t, tn } from "./i18n.js";
import { compose } from "./compose.js";
import { change, state, subscribe, watch } from "./store.js";

const LONGEST_TOLD = 120;

/** Listen once: for buttons with data-text anywhere, and for what /live says. */
export function startTexting() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-text]");
    if (button) compose({ number: button.dataset.text, shown: button.dataset.shown || "", contactId: Number(button.dataset.contact) || null, name: button.dataset.name || "", replyTo: button.dataset.replyTo || null, opener: button });
  });
  subscribe(drawCount);
  watch(({ type, data }) => {
    if (type === "text.received") came(data);
    if (type === "text.seen") change({ unreadTexts: Math.max(0, state.unreadTexts - data.text_ids.length) });
    if (type === "text.status") told(data);
  });
}

function drawCount({ unreadTexts: count }) {
  drawUnread("unread-texts", count, tn("{count} text message waits", "{count} text messages wait", count));
}

function came(data) {
  change({ unreadTexts: Math.min(MOST_UNREAD, state.unreadTexts + 1) });
  const name = data.contact || data.number_shown || t("an unknown sender");
  const beginning = data.text.length > LONGEST_TOLD ? `${[...data.text].slice(0, LONGEST_TOLD).join("")}…` : data.text;
  const sentence = t("SMS from {name}: {text}", { name: isolated(name), text: isolated(beginning) });
  toast(sentence, "info", data.contact_id ? `/contacts/${data.contact_id}` : "/texts");
  announce(sentence);
  notify(t("SMS from {name}", { name }), beginning, data.text_id);
}

/** What somebody else wrote keeps its own direction, and cannot turn the rest of the sentence round. */
function isolated(text) {
  return `\u2068${text.replace(/[\u202a-\u202e\u2066-\u2069]/g, "")}\u2069`;
}

function notify(title, body, tag) {
  if (document.visibilityState === "visible" || state.me?.preferences?.notifications === false) return;
  if (!("Notification" in window) || Notification.permission !== "granted") return;
  new Notification(title, { body, tag }).addEventListener("click", () => window.focus());
}

function told({ state: now, number, contact_id: contactId, error, code }) {
  const sentences = {
    failed: t("The SMS to {number} could not be sent. {why}", { number, why: why(code, error) }),
    undelivered: t("The SMS to {number} was not delivered. {why}", { number, why: why(code, error) }),
    uncertain: t("Nobody knows whether the SMS to {number} was sent. Ask the customer before you send it again.", { number }),
  };
  if (sentences[now]) toast(sentences[now], "danger", contactId ? `/contacts/${contactId}` : "");
}

/** The carrier's own words; the product's own are translated. */
function why(code, error) {
  const ours = { "The telephone switch could not be reached.": t("The telephone switch could not be reached.") };
  return [code, ours[error] || error].filter(Boolean).join(" ");
}

// E-mails: the window that writes one, the buttons that open it, and word of what came and what failed.

import { api, ApiError } from "./api.js";
import { announce, drawUnread, h, toast } from "./dom.js";
import { openFax } from "./fax.js";
import { t, tn } from "./i18n.js";
import { labelled, read, write } from "./letter.js";
import { change, state, subscribe, watch } from "./store.js";

const REPLY = /^(re|odp|aw)\s*:/i;

/** Write an e-mail to a contact; without an address the contact's is taken, or asked for and kept. `answers`: an e-mail's id. */
export async function openEmail(contactId, address = "", { answers = null } = {}) {
  const [answered, templates] = await Promise.all([answers ? read(`/emails/${answers}`) : null, read("/email-templates")]);
  if (answers && !answered) return;
  await write({
    contactId,
    channel: "email",
    path: "emails",
    icon: "mail",
    title: (form) => t("E-mail to {name}", { name: form.contact || address }),
    done: t("The e-mail is on its way."),
    fields: (form, changed) => fields({ contactId, address, answered, templates: templates?.items || [] }, form, changed),
  });
}

function fields({ contactId, address, answered, templates }, form, changed) {
  const first = answered ? answered.address : address || form.addresses[0] || "";
  const to = h("input", { class: "form-control", id: "letter-to", type: "email", autocomplete: "off", maxlength: 254, value: first, required: true });
  const cc = h("input", { class: "form-control", id: "letter-cc", type: "text", autocomplete: "off", maxlength: 2000, "aria-describedby": "letter-cc-hint" });
  const subject = h("input", { class: "form-control", id: "letter-subject", maxlength: 300, value: answered ? replyTo(answered.subject) : "" });
  const text = h("textarea", { class: "form-control", id: "letter-text", rows: 10, maxlength: 100000 });
  const keep = h("input", { class: "form-check-input", type: "checkbox", id: "letter-keep", checked: !form.addresses.length });
  const keeping = h("label", { class: "form-check mb-0" }, keep, h("span", { class: "form-check-label" }, t("Keep this address on the contact")));
  const drawKeep = () => {
    keeping.hidden = !form.may_keep || !to.value.trim() || form.addresses.includes(to.value.trim());
  };
  to.addEventListener("input", drawKeep);
  drawKeep();
  const signature = form.signature ? `\n\n-- \n${form.signature}` : "";
  text.value = signature + (answered ? `\n\n${quoted(answered)}` : "");
  const picker = templates.length ? templatePicker(templates, contactId, { subject, text, signature, answered, changed }) : null;
  return {
    elements: [
      h("div", {}, h("label", { class: "form-label required", for: to.id }, t("To")), to, keeping),
      labelled(t("Copy to"), cc, h("div", { class: "form-hint", id: "letter-cc-hint" }, t("Several addresses with commas between them"))),
      picker,
      h("div", {}, h("label", { class: "form-label required", for: subject.id }, t("Subject")), subject),
      h("div", {}, h("label", { class: "form-label required", for: text.id }, t("Message")), text),
    ],
    inputs: { address: to, cc, subject, text },
    focus: () => {
      const field = !to.value ? to : !subject.value ? subject : text;
      field.focus();
      if (field === text) text.setSelectionRange(0, 0);
    },
    values: () => ({ address: to.value.trim(), cc: addresses(cc.value), subject: subject.value, text: text.value, answers: answered?.id || null, keep_address: !keeping.hidden && keep.checked }),
    draft: () => ({ address: to.value.slice(0, 300), cc: cc.value, subject: subject.value, text: text.value, answers: answered?.id || null }),
    restore: (draft) => {
      if ((draft.answers || null) !== (answered?.id || null)) return false; // begun about something else; it stays until this is sent
      to.value = draft.address || to.value;
      [cc.value, subject.value, text.value] = [draft.cc || "", draft.subject || "", draft.text || ""];
      drawKeep();
      return true;
    },
  };
}

function templatePicker(templates, contactId, { subject, text, signature, answered, changed }) {
  const select = h("select", { class: "form-select", id: "letter-template" }, h("option", { value: "" }, t("Without a template")), templates.map((each) => h("option", { value: String(each.id) }, each.name)));
  const problem = h("div", { class: "invalid-feedback d-block", role: "alert", hidden: true });
  let made = text.value;
  select.addEventListener("change", async () => {
    problem.hidden = true;
    if (!select.value) return;
    if (text.value.trim() !== made.trim() && !window.confirm(t("Take the template's text in place of what you typed?"))) {
      select.value = "";
      return;
    }
    try {
      const letter = await api("GET", `/contacts/${contactId}/email-templates/${select.value}`, undefined, { quiet: true });
      if (!answered && letter.subject) subject.value = letter.subject;
      text.value = made = letter.body + signature + (answered ? `\n\n${quoted(answered)}` : "");
      changed();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      problem.textContent = error.message;
      problem.hidden = false;
      select.value = "";
    }
  });
  return h("div", {}, h("label", { class: "form-label", for: select.id }, t("Template")), select, problem);
}

function addresses(typed) {
  return typed.split(/[,;\n]/).map((each) => each.trim()).filter(Boolean);
}

function replyTo(subject) {
  return REPLY.test(subject) ? subject : `Re: ${subject}`;
}

function quoted({ text, name, address }) {
  const lines = text.split("\n").slice(0, 200).map((each) => `> ${each}`);
  return [t("{name} wrote:", { name: name || address }), ...lines].join("\n");
}

/** Listen once: for buttons with data-email and data-fax anywhere, and for what /live says. */
export function startLetters() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-email], [data-fax]");
    if (!button) return;
    event.preventDefault();
    const contactId = Number(button.dataset.contact);
    if ("email" in button.dataset) openEmail(contactId, button.dataset.email, { answers: Number(button.dataset.answers) || null });
    else openFax(contactId, button.dataset.fax);
  });
  subscribe(({ unreadEmails: count }) => drawUnread("unread-emails", count, tn("{count} e-mail waits", "{count} e-mails wait", count)));
  watch(({ type, data }) => {
    if (type === "email.received") came(data);
    if (type.startsWith("email.")) document.body.dispatchEvent(new CustomEvent("live-timeline"));
  });
}

/** The inbox was shown, anew perhaps after something was dealt with: it says how many are left. */
export function countUnread(main) {
  const shown = main.querySelector("[data-unread-emails]");
  if (shown && state.me) change({ unreadEmails: Number(shown.dataset.unreadEmails) });
}

function came({ email_id: id, contact, contact_id: contactId, address, subject }) {
  change({ unreadEmails: state.unreadEmails + 1 });
  const from = isolated(contact || address || t("an unknown sender"));
  const sentence = t("E-mail from {name}: {subject}", { name: from, subject: isolated(subject || t("(no subject)")) });
  toast(sentence, "info", contactId ? `/emails/${id}` : "/emails?show=unmatched");
  announce(sentence);
}

/** What somebody else wrote keeps its own direction, and cannot turn the rest of the sentence round. */
function isolated(text) {
  return `\u2068${text.replace(/[\u202a-\u202e\u2066-\u2069]/g, "")}\u2069`;
}

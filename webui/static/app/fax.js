// Faxes: the window that sends a PDF to a contact's fax number.

import { h } from "./dom.js";
import { t } from "./i18n.js";
import { labelled, write } from "./letter.js";

/** Send a fax to a contact; without a number the contact's is taken, or asked for and kept. */
export async function openFax(contactId, number = "") {
  await write({
    contactId,
    channel: "fax",
    path: "faxes",
    icon: "printer",
    accept: "application/pdf",
    filesLabel: t("PDF to send"),
    title: (form) => t("Fax to {name}", { name: form.contact || number }),
    done: t("The fax is on its way."),
    fields: (form) => fields(number, form),
  });
}

function fields(number, form) {
  const to = h("input", { class: "form-control", id: "letter-to", type: "tel", inputmode: "tel", autocomplete: "off", maxlength: 40, list: "letter-numbers", value: number || form.addresses[0] || "", required: true });
  const known = h("datalist", { id: "letter-numbers" }, form.addresses.map((each) => h("option", { value: each })));
  const subject = h("input", { class: "form-control", id: "letter-subject", maxlength: 300 });
  const text = h("textarea", { class: "form-control", id: "letter-text", rows: 4, maxlength: 100000 });
  const keep = h("input", { class: "form-check-input", type: "checkbox", id: "letter-keep", checked: !form.addresses.length });
  const keeping = h("label", { class: "form-check mb-0" }, keep, h("span", { class: "form-check-label" }, t("Keep this number on the contact")));
  const drawKeep = () => {
    keeping.hidden = !form.may_keep || !to.value.trim() || form.addresses.includes(to.value.trim());
  };
  to.addEventListener("input", drawKeep);
  drawKeep();
  return {
    elements: [
      h("div", {}, h("label", { class: "form-label required", for: to.id }, t("Fax number")), to, known, keeping),
      labelled(t("Subject"), subject),
      labelled(t("Note for the cover page"), text),
    ],
    inputs: { number: to, subject, text },
    focus: () => (to.value ? document.getElementById("letter-files") : to)?.focus(),
    values: () => ({ number: to.value, subject: subject.value, text: text.value, keep_number: !keeping.hidden && keep.checked }),
    draft: () => ({ address: to.value, subject: subject.value, text: text.value }),
    restore: (draft) => {
      to.value = draft.address || to.value;
      [subject.value, text.value] = [draft.subject || "", draft.text || ""];
      drawKeep();
      return true;
    },
  };
}

// Calling, writing and faxing to a contact from its page: with one number at once, with several one is picked, and what is
// missing is asked for, kept on the contact for good and used, in one step (S3, S8).

import { api, quietly } from "./api.js";
import { choices, labelled, openDialog, radios } from "./dialogs.js";
import { h, toast } from "./dom.js";
import { t } from "./i18n.js";
import { dial } from "./softphone.js";

const FAXES = ["home_fax", "office_fax"];

/** What each way needs: which numbers serve it, how a new one is asked for, and what is done with it. */
function ways() {
  const kinds = { mobile: t("Mobile"), landline: t("Landline"), work: t("Work"), main: t("Main"), other: t("Other"), home_fax: t("Fax, home"), office_fax: t("Fax, office") };
  const fax = ({ type }) => FAXES.includes(type);
  return {
    call: { title: (name) => t("Call {name}", { name }), symbol: "phone", action: t("Call"), label: t("Telephone number"), serves: (each) => !fax(each), kinds, types: Object.keys(kinds).filter((each) => !FAXES.includes(each)), use: dialled },
    fax: { title: (name) => t("Fax to {name}", { name }), symbol: "printer", action: t("Next"), label: t("Fax number"), serves: fax, kinds, types: ["office_fax", "home_fax"], use: async (id, number) => (await import("./fax.js")).openFax(id, number) },
  };
}

async function dialled(contactId, number) {
  await dial(number, contactId);
}

/** Reach a contact: `kind` is call, fax or email; `changeable`: a new number or address may be kept on it. */
export async function reach(kind, { contactId, name, changeable }) {
  const contact = await quietly(api("GET", `/contacts/${contactId}`));
  if (!contact) return;
  if (kind === "email") {
    email(contact, name);
    return;
  }
  const way = ways()[kind];
  const numbers = contact.numbers.filter(way.serves);
  if (numbers.length === 1) way.use(contactId, valueOf(numbers[0]));
  else if (numbers.length || changeable) pick(kind, way, numbers, { contactId, name, changeable });
}

function valueOf(number) {
  return number.e164 || number.number;
}

/** Ask which number, or for the number there is not. */
function pick(kind, way, numbers, { contactId, name, changeable }) {
  const input = h("input", { class: "form-control", type: "tel", inputmode: "tel", name: "number", autocomplete: "off", maxlength: 100, placeholder: "+48 601 234 567", "data-first": !numbers.length });
  const type = choices("type", way.types.map((each) => [each, way.kinds[each]]));
  const typed = h("div", { hidden: numbers.length > 0 }, labelled(t("Kind of number"), type), labelled(way.label, input, t("The number is kept on the contact.")));
  const options = numbers.map((each) => [valueOf(each), h("span", {}, h("span", { class: "number" }, each.shown), ` · ${way.kinds[each.type] || each.type}`)]);
  const another = changeable ? [["", t("Another number")]] : [];
  const list = numbers.length ? radios("pick", t("Which number?"), [...options, ...another], options[0][0]) : null;
  const picked = () => list?.querySelector("input:checked").value || "";
  list?.addEventListener("change", () => {
    typed.hidden = Boolean(picked());
    if (!typed.hidden) input.focus();
  });
  openDialog({
    title: way.title(name), symbol: way.symbol, content: [list, typed], action: way.action,
    send: async () => {
      const number = picked() || valueOf(await keep(kind, contactId, type.value, input.value));
      way.use(contactId, number);
    },
  });
}

async function keep(purpose, contactId, type, number) {
  const kept = await api("POST", `/contacts/${contactId}/numbers`, { type, number, purpose }, { quiet: true });
  if (kept.others.length) toast(t("This number belongs to {names}, too.", { names: kept.others.join(", ") }), "warning");
  document.body.dispatchEvent(new CustomEvent("contact-numbers"));
  document.body.dispatchEvent(new CustomEvent("contact-changed"));
  return kept.number;
}

async function email(contact, name) {
  const open = async (address) => (await import("./email.js")).openEmail(contact.id, address);
  if (contact.email) {
    open(contact.email);
    return;
  }
  const input = h("input", { class: "form-control", type: "text", inputmode: "email", name: "email", autocomplete: "off", maxlength: 254, "data-first": true });
  openDialog({
    title: t("E-mail to {name}", { name }), symbol: "mail", content: [labelled(t("E-mail address"), input, t("The address is kept on the contact."))], action: t("Next"),
    send: async () => {
      const kept = await api("PUT", `/contacts/${contact.id}/email`, { email: input.value }, { quiet: true });
      document.body.dispatchEvent(new CustomEvent("contact-changed"));
      open(kept.email);
    },
  });
}

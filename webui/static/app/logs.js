// The dialog of Events (S9): a call, an e-mail or an SMS that was made elsewhere, with a note about it.

import { api, ApiError } from "./api.js";
import { choices, labelled, openDialog, radios } from "./dialogs.js";
import { announce, h } from "./dom.js";
import { localParts, momentOf, serverNow } from "./format.js";
import { t } from "./i18n.js";

/** Ask what happened and write it on the contact's timeline. */
export function writeLog({ contactId }) {
  const now = localParts(serverNow());
  const of = radios("of", t("What was it?"), [["call", t("A call")], ["email", t("An e-mail")], ["sms", t("An SMS")]], "call");
  const direction = choices("direction", [["outbound", t("To the customer")], ["inbound", t("From the customer")]]);
  const outcome = choices("outcome", [["", t("Not said")], ["answered", t("answered")], ["no_answer", t("no answer")], ["busy", t("busy")], ["voicemail", t("voicemail")]]);
  const day = h("input", { class: "form-control", type: "date", value: now.date, max: now.date, "data-field": "at" });
  const hour = h("input", { class: "form-control", type: "time", value: now.time });
  const text = h("textarea", { class: "form-control", name: "text", rows: 4, maxlength: 20000, dir: "auto" });
  const outcomePart = labelled(t("How it ended"), outcome);
  const what = () => of.querySelector("input:checked").value;
  of.addEventListener("change", () => { outcomePart.hidden = what() !== "call"; });
  openDialog({
    title: t("Log an event"), symbol: "list-check", action: t("Save"),
    content: [of, labelled(t("Direction"), direction), h("div", { class: "columns-even" }, labelled(t("Day"), day), labelled(t("Time"), hour)), outcomePart, labelled(t("Note"), text)],
    send: async () => {
      const at = day.value && hour.value ? momentOf(day.value, hour.value) : NaN;
      if (Number.isNaN(at)) throw new ApiError(t("Say when it was: day and time."), { field: "at" });
      const body = { of: what(), direction: direction.value, at: new Date(at).toISOString(), outcome: (what() === "call" && outcome.value) || null, text: text.value };
      await api("POST", `/contacts/${contactId}/logs`, body, { quiet: true });
      announce(t("The log is on the timeline."));
      document.body.dispatchEvent(new CustomEvent("live-timeline"));
    },
  });
}

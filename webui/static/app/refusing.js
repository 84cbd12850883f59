// Do not call again: what a customer asks during a call, on the card of the call.

import { api } from "./api.js";
import { h, icon, toast } from "./dom.js";
import { t } from "./i18n.js";

/** Return the menu that puts the number of a call on a do-not-call list; hidden while there is no number to put there. */
export function refusingPart(callId) {
  const list = h("div", { class: "menu-list stack" });
  const element = h("details", { class: "menu" }, h("summary", { class: "btn", role: "button" }, icon("phone-off"), t("Do not call again")), list);
  const put = async (everywhere) => {
    try {
      await api("PUT", `/calls/${callId}/do-not-call`, { everywhere });
    } catch {
      return; // the api has said why
    }
    element.open = false;
    toast(everywhere ? t("Nobody calls this customer any more.") : t("This project does not call the customer any more."), "success");
  };
  const button = (label, everywhere) => h("button", { type: "button", class: "btn", on: { click: () => put(everywhere) } }, label);
  let shown = false; // the project whose buttons stand there; none yet
  const follow = (call) => {
    element.hidden = !call.number || call.identification === "withheld" || Boolean(call.hidden);
    if (shown === call.project) return; // a button that is being pressed stays
    shown = call.project;
    const project = call.project ? [button(t("In the project {project}", { project: call.project }), false)] : [];
    list.replaceChildren(...project, button(t("Everywhere"), true));
  };
  return { element, follow };
}

// The dialog of Tag (S10): the words of the dictionary with check boxes; typing leaves those that fit.

import { api } from "./api.js";
import { openDialog } from "./dialogs.js";
import { h } from "./dom.js";
import { t } from "./i18n.js";
import { shownPart } from "./parts.js";

/** Let the person choose a contact's tags; saved together. */
export async function chooseTags({ contactId }) {
  const found = await shownPart(`/contacts/${contactId}/tags`);
  const body = found?.querySelector("[data-tags-body]");
  if (!body) return;
  const boxes = [...body.querySelectorAll("input[name=tag]")];
  const chosen = () => boxes.filter((each) => each.checked).map((each) => each.value);
  const was = chosen();
  const search = body.querySelector("[data-tag-search]");
  search?.setAttribute("data-first", "");
  search?.addEventListener("input", () => narrow(body, boxes, search.value));
  search?.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.ctrlKey || event.metaKey || !search.value.trim()) return;
    event.preventDefault();
    const first = boxes.find((each) => !each.closest("label").hidden);
    if (first) first.checked = !first.checked;
    search.select();
  });
  openDialog({
    title: t("Tags"), symbol: "tag", content: [body], action: boxes.length ? t("Save") : "",
    send: async () => {
      const saved = await api("PUT", `/contacts/${contactId}/tags`, { tags: chosen(), was }, { quiet: true });
      for (const box of document.querySelectorAll("[data-contact-tags]")) box.replaceChildren(...saved.tags.flatMap((name) => [h("span", { class: "badge bg-azure-lt" }, h("bdi", {}, name)), " "]));
      document.body.dispatchEvent(new CustomEvent("contact-changed"));
      document.body.dispatchEvent(new CustomEvent("live-timeline"));
    },
  });
}

function narrow(body, boxes, typed) {
  const wanted = fold(typed);
  for (const box of boxes) box.closest("label").hidden = Boolean(wanted) && !box.dataset.folded.includes(wanted);
  body.querySelector("[data-no-tag]").hidden = boxes.some((each) => !each.closest("label").hidden);
}

/** Letters without marks and case, as the server folds them, so far as one types them. */
function fold(text) {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().replaceAll("ł", "l").replace(/\s+/g, " ").trim();
}

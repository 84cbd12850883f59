// The form of a contact: what depends on another field, and the picture.

import { api, ApiError, quietly } from "./api.js";
import { toast } from "./dom.js";
import { t } from "./i18n.js";

/** Listen once. */
export function startContactForm() {
  document.addEventListener("input", (event) => event.target.id === "field-organisation" && follow(event.target.form));
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-country]")) follow(event.target.form);
    if (event.target.matches("[data-avatar-file]") && event.target.files.length) upload(event.target);
  });
  document.addEventListener("draft-restored", (event) => follow(event.target));
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-avatar-remove]");
    if (button) remove(button);
  });
}

/** An organisation's type counts for its contacts; provinces are suggested where we know them. */
function follow(form) {
  const type = form?.querySelector("[data-own-type]");
  if (type) type.disabled = form.elements.organisation.value.trim() !== "";
  const country = form?.querySelector("[data-country]");
  if (!country) return;
  if (country.value === "PL") form.elements.province.setAttribute("list", "voivodeships");
  else form.elements.province.removeAttribute("list");
}

let refusal = null; // said of the last file

/** The picture goes by itself: what is typed on the page stays. */
async function upload(input) {
  const menu = input.closest("[data-avatar]");
  const body = new FormData();
  body.append("file", input.files[0]);
  input.value = "";
  refusal?.remove();
  try {
    await api("PUT", `/contacts/${menu.dataset.avatar}/avatar`, body, { quiet: true });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    refusal = toast(error.message, "danger");
    return;
  }
  await redraw(menu);
  toast(t("The picture is saved."));
}

async function remove(button) {
  const menu = button.closest("[data-avatar]");
  await quietly(api("DELETE", `/contacts/${menu.dataset.avatar}/avatar`));
  await redraw(menu);
}

async function redraw(menu) {
  const selector = `[data-avatar="${menu.dataset.avatar}"]`;
  await window.htmx.ajax("GET", `/contacts/${menu.dataset.avatar}`, { source: menu, target: selector, select: selector, swap: "outerHTML" });
  document.querySelector(`${selector} summary`)?.focus();
}

// Wording a note or a log anew, striking it out, and what it said before.

import { api, ApiError, quietly } from "./api.js";
import { labelled, openDialog } from "./dialogs.js";
import { announce, h } from "./dom.js";
import { when } from "./format.js";
import { t } from "./i18n.js";
import { part } from "./parts.js";

/** Return what a line says: the whole of it, also of a long one whose beginning is shown. */
function saidIn(line) {
  return line.querySelector("[data-said] .timeline-text")?.textContent || "";
}

/** Ask for other words; `done()` when they are stored. */
export function correct(line, done) {
  const entry = line.dataset.entry;
  let version = Number(line.dataset.version);
  const text = h("textarea", { class: "form-control", name: "text", rows: 6, maxlength: 20000, dir: "auto", value: saidIn(line), "data-first": true });
  const theirs = h("div", { role: "alert", hidden: true });
  openDialog({
    title: t("Correct the text"), symbol: "edit", action: t("Save"),
    content: [labelled(t("Text"), text, t("What it said before is kept and can be read by everybody who sees it.")), theirs],
    send: async () => {
      try {
        await api("PUT", `/timeline/${entry}`, { text: text.value, version }, { quiet: true });
      } catch (error) {
        if (error instanceof ApiError && error.status === 409) version = await showTheirs(line, theirs, version);
        throw error;
      }
      announce(t("The correction is stored."));
      done();
    },
  });
}

/** Show what the line says now, so that saving again is meant; returns its version. */
async function showTheirs(line, box, version) {
  const fresh = await part(`${line.closest("[data-timeline]").dataset.timeline}/${line.dataset.entry}`).catch(() => null);
  const now = fresh?.querySelector("li[data-entry]");
  if (!now) return version;
  box.replaceChildren(h("div", {}, t("It says now:")), h("blockquote", { class: "timeline-text", dir: "auto" }, saidIn(now)));
  box.hidden = false;
  return Number(now.dataset.version);
}

/** Strike a line out, or take that back. */
export async function strike(line, struck, done) {
  const stored = await quietly(api("PUT", `/timeline/${line.dataset.entry}/struck`, { struck, version: Number(line.dataset.version) }));
  if (stored) announce(struck ? t("It is struck out.") : t("It is not struck out any more."));
  done();
}

/** Fill in what was said before, when somebody asks for it. */
export async function showVersions(details) {
  const box = details.querySelector(".timeline-earlier-texts");
  const found = await quietly(api("GET", `/timeline/${details.dataset.versions}/versions`));
  if (!found) return;
  const one = ({ text, at, by }) => h("li", {}, h("div", { class: "timeline-when" }, h("time", { datetime: at }, when(at)), by ? ` · ${by}` : ""), h("div", { class: "timeline-text", dir: "auto" }, text));
  box.replaceChildren(h("ol", { class: "timeline-earlier-list" }, found.items.map(one)));
}

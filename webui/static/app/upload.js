// Files that go along with something: chosen or dropped, uploaded at once with progress, named by their ids when it is sent.

import { api } from "./api.js";
import { h, icon } from "./dom.js";
import { t } from "./i18n.js";

/** Return a list of attachments: `element`, `ids()`, `busy()`, `restore(ids)`, `stop()`. `largest`: octets of all together. */
export function attachments({ largest, most, accept = "", label, changed }) {
  const rows = new Map(); // row -> {id, size, request}
  const input = h("input", { type: "file", class: "form-control", id: "letter-files", multiple: most > 1, accept: accept || null, "aria-describedby": "letter-files-hint" });
  const list = h("ul", { class: "letter-files" });
  const problem = h("div", { class: "invalid-feedback d-block", role: "alert", hidden: true });
  const hint = h("div", { class: "form-hint", id: "letter-files-hint" }, most > 1 ? t("{limit} MB together at most", { limit: largest >> 20 }) : t("{limit} MB at most", { limit: largest >> 20 }));
  const element = h("div", { class: "letter-drop" }, h("label", { class: "form-label", for: input.id }, label || t("Attachments")), list, input, hint, problem);

  const say = (sentence) => {
    problem.hidden = !sentence;
    problem.textContent = sentence || "";
  };
  const total = () => [...rows.values()].reduce((sum, each) => sum + each.size, 0);
  const add = (file) => {
    if (rows.size >= most) return say(t("These are too many files: at most {most}.", { most }));
    if (total() + file.size > largest) return say(t("The files together are larger than {limit} MB.", { limit: largest >> 20 }));
    say("");
    upload(file);
  };
  const upload = (file) => {
    const bar = h("progress", { max: 1, value: 0, "aria-label": t("Uploading {name}", { name: file.name }) });
    const row = draw(file.name, file.size, bar);
    const request = new XMLHttpRequest();
    rows.set(row, { id: null, size: file.size, request });
    request.upload.addEventListener("progress", (event) => event.lengthComputable && (bar.value = event.loaded / event.total));
    request.addEventListener("load", () => {
      const answer = parsed(request.responseText);
      if (request.status !== 201) return failed(row, answer?.error?.sentence || t("The server answered {status}. Try again.", { status: request.status }));
      rows.get(row).id = answer.id;
      bar.remove();
      changed();
    });
    request.addEventListener("error", () => failed(row, t("The file could not be uploaded. Check the network and try again.")));
    request.open("POST", `/api/v1/files?name=${encodeURIComponent(file.name)}`);
    request.setRequestHeader("content-type", "application/octet-stream");
    request.send(file);
  };
  const failed = (row, sentence) => {
    take(row);
    say(sentence);
  };
  const draw = (name, size, bar = null) => {
    const remove = h("button", { type: "button", class: "btn btn-sm btn-icon", "aria-label": t("Take {name} away", { name }) }, icon("x"));
    const row = h("li", {}, icon("paperclip"), h("span", { class: "letter-file" }, name), size ? h("span", { class: "text-secondary" }, megabytes(size)) : null, bar, remove);
    remove.addEventListener("click", () => {
      const { id, request } = rows.get(row) || {};
      request?.abort();
      if (id) api("DELETE", `/files/${id}`, undefined, { quiet: true }).catch(() => null);
      take(row);
      input.focus();
      changed();
    });
    list.append(row);
    return row;
  };
  const take = (row) => {
    rows.delete(row);
    row.remove();
  };
  input.addEventListener("change", () => {
    for (const file of input.files) add(file);
    input.value = "";
  });
  element.addEventListener("dragover", (event) => event.preventDefault());
  element.addEventListener("drop", (event) => {
    event.preventDefault();
    for (const file of event.dataTransfer.files) add(file);
  });
  return {
    element,
    ids: () => [...rows.values()].map((each) => each.id).filter(Boolean),
    busy: () => [...rows.values()].some((each) => !each.id),
    restore: (ids) => {
      for (const id of ids) rows.set(draw(t("File of the draft"), 0), { id, size: 0, request: null });
    },
    stop: () => {
      for (const { id, request } of rows.values()) if (!id) request?.abort();
    },
  };
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function megabytes(size) {
  const number = (value) => value.toLocaleString(document.documentElement.lang);
  return size < 1 << 20 ? t("{size} kB", { size: number(Math.ceil(size / 1024)) }) : t("{size} MB", { size: number(Math.round((10 * size) / (1 << 20)) / 10) });
}

// A part of a page as the server draws it, for scripts that put it in place themselves.

import { ApiError, toSignIn } from "./api.js";
import { toast } from "./dom.js";
import { t } from "./i18n.js";

/** Read a part of a page; throws an ApiError when there is none to be had. */
export async function part(path) {
  let response;
  try {
    response = await fetch(path, { credentials: "same-origin", headers: { accept: "text/html", "HX-Request": "true" } });
  } catch {
    throw new ApiError(t("The server cannot be reached. Check the network; the page goes on trying."));
  }
  if (response.headers.get("hx-redirect")) toSignIn();
  if (!response.ok || response.headers.get("hx-redirect")) throw new ApiError(t("The server answered {status}. Try again.", { status: response.status }), { status: response.status });
  return new DOMParser().parseFromString(await response.text(), "text/html");
}

/** Read a part of a page; a refusal is shown as a toast, and null comes back. */
export async function shownPart(path) {
  try {
    return await part(path);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    toast(error.message, "danger");
    return null;
  }
}

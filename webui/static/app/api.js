// The JSON API. A refusal becomes an ApiError with the sentence the server wrote, shown as a toast unless told otherwise.

import { toast } from "./dom.js";
import { useServerClock } from "./format.js";
import { t } from "./i18n.js";

export class ApiError extends Error {
  constructor(sentence, { status = 0, code = "network", field = null } = {}) {
    super(sentence);
    Object.assign(this, { status, code, field });
  }
}

/** Call `/api/v1` + path; returns the parsed answer (null when empty). `quiet`: do not show errors. */
export async function api(method, path, body, { quiet = false, keepalive = false } = {}) {
  try {
    return await request(method, path, body, keepalive);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.status === 401 && !keepalive) toSignIn();
    else if (!quiet) toast(error.message, "danger");
    throw error;
  }
}

async function request(method, path, body, keepalive) {
  let response;
  try {
    response = await fetch(`/api/v1${path}`, {
      method,
      keepalive,
      credentials: "same-origin",
      headers: { accept: "application/json", ...(body === undefined || body instanceof FormData ? {} : { "content-type": "application/json" }) },
      body: body === undefined || body instanceof FormData ? body : JSON.stringify(body),
    });
  } catch {
    throw new ApiError(t("The server cannot be reached. Check the network; the page goes on trying."));
  }
  useServerClock(response.headers.get("date"));
  const type = response.headers.get("content-type") || "";
  const answer = type.includes("json") ? await response.json().catch(() => null) : null;
  if (response.ok) return answer;
  const error = answer?.error || {};
  throw new ApiError(error.sentence || t("The server answered {status}. Try again.", { status: response.status }), {
    status: response.status,
    code: error.code || "error",
    field: error.field || null,
  });
}

/** Leave for the sign-in page, and come back here afterwards. */
export function toSignIn() {
  document.dispatchEvent(new Event("callcenter:signed-out"));
  location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
}

/** Run something started by a click; its error has been shown already. */
export async function quietly(promise) {
  try {
    return await promise;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return null;
  }
}

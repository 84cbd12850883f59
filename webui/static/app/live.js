// The live connection: one WebSocket that comes back by itself and goes on where it stopped (?after=SEQ).

import { api, toSignIn } from "./api.js";
import { apply, change, load, state } from "./store.js";

const PING_MILLISECONDS = 20000;
const LONGEST_WAIT = 10000;
const SIGNED_OUT = 4401;
let socket = null;
let tries = 0;
let timer = 0;
let lost = false;
let looking = null; // what the page shows

/** Connect, and stay connected until the page goes. */
export function startLive() {
  connect();
  addEventListener("online", () => retry(0));
  addEventListener("visibilitychange", () => document.visibilityState === "visible" && !state.connected && retry(0));
  setInterval(() => {
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ type: "ping" }));
  }, PING_MILLISECONDS);
}

function connect() {
  clearTimeout(timer);
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const mine = new WebSocket(`${scheme}://${location.host}/live?after=${state.seq}`);
  socket = mine;
  mine.addEventListener("open", () => {
    tries = 0;
    change({ connected: true });
    if (looking) say(looking);
    if (lost) load().catch(() => {});
    lost = false;
  });
  mine.addEventListener("message", (event) => apply(JSON.parse(event.data)));
  mine.addEventListener("close", (event) => {
    if (socket !== mine) return;
    if (event.code === SIGNED_OUT) toSignIn();
    lost = true;
    change({ connected: false });
    // A closed connection may mean that the sign-in ended: getMe answers 401 then, and api() leaves for the sign-in page.
    if (tries % 3 === 0) api("GET", "/me", undefined, { quiet: true }).catch(() => {});
    retry(Math.min(LONGEST_WAIT, 400 * 2 ** tries) * (0.7 + Math.random() * 0.6));
    tries += 1;
  });
}

/** Tell the server what the page shows: {contact_id} or {organisation_id} with their timeline, {campaign_id} live; null: none. */
export function look(subject) {
  if (!subject && !looking) return;
  looking = subject ? { type: "look", ...subject } : null;
  say(looking || { type: "look" });
}

function say(message) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

function retry(milliseconds) {
  clearTimeout(timer);
  timer = setTimeout(() => {
    if (!socket || socket.readyState > WebSocket.OPEN) connect();
  }, milliseconds);
}

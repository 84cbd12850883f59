// What this consultant has now: drawn from getMe, then kept up with the live events.

import { api } from "./api.js";
import { toast } from "./dom.js";
import { useZone } from "./format.js";
import { t } from "./i18n.js";

export const state = {
  me: null,
  seq: 0,
  agent: { state: "offline", since: null, reason: "", wrap_up_until: null, station_live: false },
  offers: [],
  call: null,
  wrapUp: null,
  unsaved: [],
  listeners: [], // supervisors in one's call, as far as one is told: {user_id, name, way, since}
  listening: null, // the call one listens to oneself, as getMe says it
  meetings: [], // phone meetings that are up, as meeting.due says them
  meeting: null, // that of the call or the wrap-up: {call_id, mode, meeting}
  lead: null, // of a campaign: shown to one, being called or wrapped up (getMe)
  missed: [], // one's own of the last hours that nobody has planned anew
  unreadTexts: 0, // that came for one's projects and nobody has dealt with
  unreadEmails: 0, // that came and nobody has dealt with
  ended: null, // the last call that failed, so that its reason can be read
  connected: false,
  switchUp: true,
  draining: false,
  queue: { waiting: 0, longest_seconds: 0 },
};

const MOST_STALE = 5; // then the server's numbers are taken to have begun anew
const facts = new Map(); // what /live said of a call: an answer of the API may be older than that
const listeners = new Set();
const watchers = new Set();
let loading = null;
let again = false;

/** Call `listener(state)` after every change, and once now. */
export function subscribe(listener) {
  listeners.add(listener);
  listener(state);
}

/** Call `watcher(event)` for every live event after the state has taken it in. */
export function watch(watcher) {
  watchers.add(watcher);
}

/** Change the state and draw. */
export function change(values) {
  Object.assign(state, values);
  for (const listener of listeners) listener(state);
}

/** Load everything anew. Calls made while one is under way share one more; an answer older than what /live has said is not taken. */
export function load() {
  if (loading) {
    again = true;
    return loading;
  }
  loading = (async () => {
    let stale = 0;
    try {
      do {
        again = false;
        const me = await api("GET", "/me", undefined, { quiet: true });
        if (me.seq < state.seq && stale < MOST_STALE) [again, stale] = [true, stale + 1]; // a pop-up that came meanwhile would vanish
        else take(me);
      } while (again);
    } finally {
      loading = null;
    }
  })();
  return loading;
}

function take(me) {
  useZone(me.time_zone || me.user?.time_zone);
  change({
    me,
    seq: state.seq || me.seq || 0, // later messages still come by /live; taking a newer number here would drop them
    agent: me.agent || state.agent,
    offers: me.offers || [],
    call: me.call || null,
    wrapUp: me.wrap_up || null,
    unsaved: me.unsaved || [],
    listeners: me.listeners || [],
    listening: me.listening || null,
    meetings: me.meetings || [],
    meeting: me.meeting || null,
    lead: me.lead || null,
    missed: me.missed || [],
    unreadTexts: me.unread_texts || 0,
    unreadEmails: me.unread_emails || 0,
    switchUp: me.switch_up !== false,
    draining: me.draining === true,
  });
}

const reducers = {
  "call.offered": (data) => change({ offers: [...state.offers.filter((offer) => offer.call_id !== data.call_id), data] }),
  "call.withdrawn": (data) => change({ offers: state.offers.filter((offer) => offer.call_id !== data.call_id) }),
  "call.answered": (data) => {
    learn(data.call_id, { state: "talking", answered_at: data.answered_at });
    change({ offers: state.offers.filter((offer) => offer.call_id !== data.call_id) });
    if (state.call?.id === data.call_id) change({ call: { ...state.call, state: "talking", answered_at: data.answered_at } });
    return load();
  },
  "call.ringing": (data) => {
    learn(data.call_id, { state: "ringing" });
    if (state.call?.id === data.call_id) change({ call: { ...state.call, state: "ringing" } });
    return state.call ? null : load();
  },
  "call.ended": (data) => {
    learn(data.call_id, { state: "ended", end_reason: data.reason, end_code: data.code, end_text: data.text });
    const call = state.call?.id === data.call_id ? state.call : null;
    const over = call ? { ...call, ...facts.get(call.id) } : null;
    change({
      offers: state.offers.filter((offer) => offer.call_id !== data.call_id),
      call: call ? null : state.call,
      wrapUp: over && data.wrap_up_until ? over : state.wrapUp, // at once: somebody is typing in its card
      ended: over || state.ended,
    });
    return load();
  },
  "call.changed": () => load(),
  "call.draft": (data) => {
    for (const place of ["call", "wrapUp"]) {
      const call = state[place];
      if (call?.id === data.call_id && data.version > call.note_version) change({ [place]: { ...call, draft: data.draft, note_version: data.version } });
    }
  },
  "call.digit": (data) => {
    if (state.call?.id === data.call_id) change({ call: { ...state.call, digits: (state.call.digits || "") + data.digit } });
  },
  "call.listeners": (data) => {
    if (state.call?.id === data.call_id) change({ listeners: data.listeners });
  },
  "listening.changed": (data) => {
    if (!data.call_id) change({ listening: null });
    return load();
  },
  "meeting.due": (data) => change({ meetings: [...state.meetings.filter((each) => each.meeting_id !== data.meeting_id), data] }),
  "meeting.dialling": (data) => {
    change({ meetings: state.meetings.filter((each) => each.meeting_id !== data.meeting_id) });
    return load();
  },
  "meeting.missed": () => load(),
  "lead.shown": () => load(),
  "lead.called": () => load(),
  "lead.withdrawn": (data) => {
    if (state.lead?.attempt_id === data.attempt_id) change({ lead: null });
    return load();
  },
  "meeting.changed": (data) => {
    const ours = state.meetings.some((each) => each.meeting_id === data.meeting_id) || state.missed.some((each) => each.id === data.meeting_id);
    return ours || state.meeting?.meeting.id === data.meeting_id ? load() : null;
  },
  "agent.state": (data) => {
    if (data.user_id !== state.me?.user?.id) return null;
    const before = state.agent.state;
    change({ agent: { ...state.agent, ...data } });
    return before !== data.state && (before === "wrap_up" || data.state === "wrap_up" || data.state === "on_call") ? load() : null;
  },
  "switch.state": (data) => change({ switchUp: data.up, draining: data.draining }),
  "queue.state": (data) => change({ queue: data }),
  notice: (data) => toast(t(data.sentence, data.values || {}), data.level, data.link),
  resync: (data) => {
    state.seq = data.seq;
    return load();
  },
};

/** Take in one message of /live: {seq, type, at, data}. Repeated ones are dropped. */
export async function apply(message) {
  if (message.seq !== null && message.seq !== undefined) {
    if (message.seq <= state.seq) return;
    state.seq = message.seq;
  }
  const pending = reducers[message.type]?.(message.data);
  for (const watcher of watchers) watcher(message);
  await pending?.catch?.((error) => console.warn("state could not be loaded", error));
}

function learn(callId, values) {
  facts.set(callId, { ...facts.get(callId), ...values });
}

/** Put a call the API just returned in its place, with what /live has said of it meanwhile. */
export function takeCall(answered) {
  const call = { ...answered, ...facts.get(answered.id) };
  const offers = state.offers.filter((offer) => offer.call_id !== call.id);
  if (call.state !== "ended") change({ call, offers, ended: null });
  else change({ offers, call: state.call?.id === call.id ? null : state.call, ended: call });
}

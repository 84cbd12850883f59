// The sound, the title and the system notification of a call that is offered.

import { audioContext } from "./levels.js";
import { t } from "./i18n.js";
import { state } from "./store.js";

let ringing = null;
let flashing = 0;
let title = "";
const shown = new Map();

/** Ring, flash and notify for these offers; an empty list is silence. */
export function ringFor(offers) {
  if (offers.length) start(offers[0]);
  else stop();
  for (const [id, notification] of shown) {
    if (!offers.some((offer) => offer.call_id === id)) {
      notification.close();
      shown.delete(id);
    }
  }
}

/** Play one ring on the chosen device, for trying it out. */
export function tryRing() {
  const audio = ringContext();
  const gain = audio.createGain();
  gain.connect(audio.destination);
  burst(audio, gain, audio.currentTime + 0.05);
}

let context = null;

/** Return the audio context that plays where it rings. */
export function ringContext() {
  const device = state.me?.preferences?.ring_device || "";
  context ||= device ? new AudioContext() : audioContext();
  if (context.setSinkId && context !== audioContext()) context.setSinkId(device).catch(() => {});
  if (context.state === "suspended") context.resume().catch(() => {});
  return context;
}

/** Forget the context, so that another ring device is used from the next ring on. */
export function ringDeviceChanged() {
  context = null;
}

function start(offer) {
  notify(offer);
  if (!flashing) {
    title = document.title;
    flashing = setInterval(() => {
      const calling = t("{name} is calling", { name: callerOf(offer) });
      document.title = document.title === calling ? title : calling;
    }, 1000);
  }
  if (ringing || (state.me?.preferences?.ring_volume ?? 70) === 0) return;
  const audio = ringContext();
  const gain = audio.createGain();
  gain.gain.value = (state.me?.preferences?.ring_volume ?? 70) / 100;
  gain.connect(audio.destination);
  const once = () => burst(audio, gain, audio.currentTime + 0.05);
  once();
  ringing = { gain, timer: setInterval(once, 3000) };
}

function stop() {
  if (flashing) {
    clearInterval(flashing);
    flashing = 0;
    document.title = title;
  }
  if (!ringing) return;
  clearInterval(ringing.timer);
  ringing.gain.disconnect();
  ringing = null;
}

/** Two soft notes, twice: heard beside talk, and not a shock in a headset. */
function burst(audio, target, at) {
  for (const [delay, frequency] of [[0, 880], [0.18, 660], [0.5, 880], [0.68, 660]]) {
    const oscillator = audio.createOscillator();
    const envelope = audio.createGain();
    oscillator.frequency.value = frequency;
    envelope.gain.setValueAtTime(0, at + delay);
    envelope.gain.linearRampToValueAtTime(0.25, at + delay + 0.02);
    envelope.gain.exponentialRampToValueAtTime(0.001, at + delay + 0.17);
    oscillator.connect(envelope).connect(target);
    oscillator.start(at + delay);
    oscillator.stop(at + delay + 0.2);
  }
}

function notify(offer) {
  if (document.visibilityState === "visible" || shown.has(offer.call_id) || state.me?.preferences?.notifications === false) return;
  if (!("Notification" in window) || Notification.permission !== "granted") return;
  const notification = new Notification(t("{name} is calling", { name: callerOf(offer) }), { body: [offer.number_shown, offer.project].filter(Boolean).join(" · "), tag: offer.call_id, requireInteraction: true });
  notification.addEventListener("click", () => {
    window.focus();
    notification.close();
  });
  shown.set(offer.call_id, notification);
}

/** Return what to call the caller of an offer or call. */
export function callerOf(offer) {
  const candidates = offer.candidates || [];
  if (offer.contact) return offer.contact; // whom a person chose, also where an organisation was found
  if (offer.identification === "matched" && candidates[0]) return candidates[0].name;
  return offer.number_shown || offer.caller_name || t("Hidden number");
}

/** Ask for notifications, at a click; a refusal is final and fine. */
export function askForNotifications() {
  if ("Notification" in window && Notification.permission === "default" && state.me?.preferences?.notifications !== false) Notification.requestPermission().catch(() => {});
}

// Short tones: one that says a meeting is up, and one in the consultant's ear when a customer the system dialled has answered.

import { audioContext } from "./levels.js";
import { ringContext } from "./ring.js";
import { station } from "./station.js";
import { state } from "./store.js";

let speaker = null;

/** One soft note where it rings: a meeting is up. */
export function chime() {
  const volume = state.me?.preferences?.ring_volume ?? 70;
  if (volume) play(ringContext(), [[0, 587]], volume / 100);
}

/** Two quick notes through the chosen speaker: the customer is there. Only where the audio is. */
export async function answeredTone() {
  if (station.status !== "live") return;
  const device = state.me?.preferences?.speaker || "";
  speaker ||= device ? new AudioContext() : audioContext();
  if (device && speaker.setSinkId) await speaker.setSinkId(device).catch(() => {}); // unplugged: the system's own
  if (speaker.state === "suspended") await speaker.resume().catch(() => {});
  play(speaker, [[0, 880], [0.12, 1175]], 0.8);
  document.documentElement.dataset.tone = String(Number(document.documentElement.dataset.tone || 0) + 1);
}

function play(audio, notes, volume) {
  for (const [delay, frequency] of notes) {
    const at = audio.currentTime + 0.02 + delay;
    const oscillator = audio.createOscillator();
    const envelope = audio.createGain();
    oscillator.frequency.value = frequency;
    envelope.gain.setValueAtTime(0, at);
    envelope.gain.linearRampToValueAtTime(0.2 * volume, at + 0.015);
    envelope.gain.exponentialRampToValueAtTime(0.001, at + 0.11);
    oscillator.connect(envelope).connect(audio.destination);
    oscillator.start(at);
    oscillator.stop(at + 0.12);
  }
}

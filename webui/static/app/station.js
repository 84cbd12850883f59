// This consultant's audio place: microphone, one nailed-up RTCPeerConnection to the switch, speaker. Comes back by itself.

import { api, ApiError } from "./api.js";
import { isDead, listen } from "./levels.js";
import { state, watch } from "./store.js";
import { audioLock } from "./tabs.js";

const GATHERING_MILLISECONDS = 2000;
const SILENCE_MILLISECONDS = 3000;
const LOST_MILLISECONDS = 4000; // ICE may recover a short loss by itself
const LONGEST_WAIT = 10000;
const MUTED = "callcenter-muted"; // the call one is muted in: a reload or another tab must not open the microphone

export const session = newSession();

/**
 * `status`: off, asking (for the microphone), denied, no_microphone, insecure, connecting, live, retrying, elsewhere (another tab),
 * other_device. `muted`, `silent` (the microphone gives nothing), `unplugged`.
 */
export const station = { status: "off", muted: false, silent: false, unplugged: false, inputLabel: "", microphone: null, speaker: null };

const listeners = new Set();
let lock = null;
let owner = false;
let peer = null;
let stream = null;
let attempt = 0;
let tries = 0;
let retryTimer = 0;
let lostTimer = 0;

/** Call `listener(station)` after every change, and once now. */
export function onStation(listener) {
  listeners.add(listener);
  listener(station);
}

function set(values) {
  Object.assign(station, values);
  for (const listener of listeners) listener(station);
}

/** Take part in deciding which tab has the audio, and plug in if it is this one. */
export function startStation() {
  if (!window.isSecureContext || !navigator.mediaDevices?.getUserMedia) {
    set({ status: "insecure" });
    return;
  }
  recallMute();
  addEventListener("storage", (event) => event.key === MUTED && recallMute());
  lock = audioLock({
    gained: () => {
      owner = true;
      plugIn();
    },
    elsewhere: () => set({ status: "elsewhere" }),
    lost: () => release("elsewhere"),
  });
  navigator.mediaDevices.addEventListener("devicechange", devicesChanged);
  addEventListener("pagehide", () => {
    if (owner && peer) navigator.sendBeacon(`/api/v1/me/station/close?session=${session}`);
  });
  addEventListener("pageshow", (event) => event.persisted && location.reload());
  watch(liveEvent);
  setInterval(checkMicrophone, 200);
}

/** Take the audio over from another tab or device, or try again after a failure. */
export function takeOver() {
  tries = 0;
  if (owner) plugIn();
  else lock?.take();
}

/** Mute or unmute the microphone; the track goes on with silence. */
export function mute(on) {
  if (on && state.call) localStorage.setItem(MUTED, state.call.id);
  else localStorage.removeItem(MUTED);
  applyMute(on);
}

function recallMute() {
  applyMute(Boolean(state.call) && localStorage.getItem(MUTED) === state.call.id);
}

function applyMute(on) {
  for (const track of stream?.getAudioTracks() || []) track.enabled = !on;
  set({ muted: on, silent: on ? false : station.silent });
}

/** Use the chosen devices (preferences) from now on, without leaving a call. */
export async function useDevices() {
  await useSpeaker();
  if (!peer || !stream) return;
  const fresh = await openMicrophone();
  if (fresh) await peer.getSenders()[0]?.replaceTrack(fresh.getAudioTracks()[0]);
}

function release(status) {
  owner = status !== "elsewhere";
  unplug();
  stopMicrophone();
  set({ status, silent: false });
}

function unplug() {
  attempt += 1;
  clearTimeout(retryTimer);
  clearTimeout(lostTimer);
  peer?.close();
  peer = null;
  station.speaker?.stop();
  station.speaker = null;
}

function stopMicrophone() {
  station.microphone?.stop();
  station.microphone = null;
  for (const track of stream?.getTracks() || []) track.stop();
  stream = null;
}

async function plugIn() {
  unplug();
  const mine = attempt;
  try {
    if (!stream?.getAudioTracks().some((track) => track.readyState === "live")) {
      set({ status: "asking" });
      if (!(await openMicrophone()) || mine !== attempt) return;
    }
    set({ status: station.status === "live" || tries ? "retrying" : "connecting" });
    await connect(mine);
  } catch (error) {
    if (mine !== attempt) return;
    if (!(error instanceof ApiError)) console.warn("the audio path could not be opened", error);
    retry();
  }
}

async function openMicrophone() {
  const wanted = state.me?.preferences?.microphone;
  const audio = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
  try {
    const fresh = await navigator.mediaDevices.getUserMedia({ audio: wanted ? { ...audio, deviceId: { ideal: wanted } } : audio });
    stopMicrophone();
    stream = fresh;
  } catch (error) {
    set({ status: error.name === "NotAllowedError" ? "denied" : "no_microphone" });
    return null;
  }
  const [track] = stream.getAudioTracks();
  track.enabled = !station.muted;
  track.addEventListener("ended", unplugged);
  set({ microphone: listen(stream), inputLabel: track.label, unplugged: false, silent: false });
  return stream;
}

async function connect(mine) {
  const urls = state.me?.stun_servers || [];
  peer = new RTCPeerConnection({ iceServers: urls.length ? [{ urls }] : [], bundlePolicy: "max-bundle" });
  const own = peer;
  const transceiver = own.addTransceiver(stream.getAudioTracks()[0], { direction: "sendrecv", streams: [stream] });
  const codecs = RTCRtpReceiver.getCapabilities("audio").codecs.filter((codec) => /\/pcm[ua]$/i.test(codec.mimeType));
  if (codecs.length) transceiver.setCodecPreferences(codecs); // G.711 only: the switch passes it on without decoding
  own.addEventListener("track", (event) => hear(event.streams[0] || new MediaStream([event.track])));
  own.addEventListener("connectionstatechange", () => own === peer && connectionChanged(own.connectionState));
  await own.setLocalDescription(await own.createOffer());
  await gathered(own);
  if (mine !== attempt) return;
  const answer = await api("POST", "/me/station", { session, sdp: own.localDescription.sdp }, { quiet: true });
  if (mine !== attempt) return;
  await own.setRemoteDescription({ type: "answer", sdp: answer.sdp });
}

function gathered(own) {
  return new Promise((resolve) => {
    if (own.iceGatheringState === "complete") resolve();
    own.addEventListener("icegatheringstatechange", () => own.iceGatheringState === "complete" && resolve());
    setTimeout(resolve, GATHERING_MILLISECONDS);
  });
}

function connectionChanged(now) {
  clearTimeout(lostTimer);
  if (now === "connected") {
    tries = 0;
    set({ status: "live" });
  } else if (now === "failed" || now === "closed") {
    retry();
  } else if (now === "disconnected") {
    set({ status: "retrying" });
    lostTimer = setTimeout(retry, LOST_MILLISECONDS);
  }
}

function retry() {
  if (!owner) return;
  unplug();
  set({ status: "retrying" });
  retryTimer = setTimeout(plugIn, Math.min(LONGEST_WAIT, 500 * 2 ** tries) * (0.8 + Math.random() * 0.4));
  tries += 1;
}

function hear(remote) {
  const audio = document.getElementById("remote-audio");
  audio.srcObject = remote;
  audio.play().catch(() => {}); // allowed while the page captures the microphone
  station.speaker?.stop();
  set({ speaker: listen(remote) });
  useSpeaker();
}

async function useSpeaker() {
  const audio = document.getElementById("remote-audio");
  if (!audio.setSinkId) return;
  await audio.setSinkId(state.me?.preferences?.speaker || "").catch(() => audio.setSinkId("").catch(() => {}));
}

function liveEvent(message) {
  if (message.type === "station.replaced" && message.data.session !== session && owner) {
    owner = false;
    unplug();
    stopMicrophone();
    set({ status: "other_device" });
    owner = true; // the lock is still ours: taking over plugs in at once
  } else if (message.type === "switch.state" && message.data.up && owner && station.status !== "other_device") {
    rejoin();
  }
}

/** After the switch or the link to it was away: keep the connection if the switch still has it, else plug in anew. */
async function rejoin() {
  try {
    const me = await api("GET", "/me", undefined, { quiet: true });
    const kept = me.agent?.station_live && (me.agent.station_session || session) === session && peer?.connectionState === "connected";
    if (!kept) plugIn();
  } catch {
    retry();
  }
}

let deadSince = 0;

function checkMicrophone() {
  const meter = station.microphone;
  if (!meter || !meter.running() || station.muted) {
    deadSince = 0;
    return;
  }
  const dead = isDead(meter.peak());
  if (!dead) deadSince = 0;
  else deadSince ||= performance.now();
  const silent = dead && performance.now() - deadSince > SILENCE_MILLISECONDS;
  if (silent !== station.silent && (silent || !dead)) set({ silent });
}

async function unplugged() {
  set({ unplugged: true });
  await devicesChanged();
}

async function devicesChanged() {
  if (!owner || (!station.unplugged && station.status !== "no_microphone")) return;
  if (!peer) {
    plugIn();
    return;
  }
  const fresh = await openMicrophone();
  if (fresh) await peer?.getSenders()[0]?.replaceTrack(fresh.getAudioTracks()[0]);
}

function newSession() {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

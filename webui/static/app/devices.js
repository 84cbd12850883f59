// Devices on the profile page: microphone, speaker, where it rings, a self-test with a level meter.

import { api, quietly } from "./api.js";
import { h, icon, toast } from "./dom.js";
import { t } from "./i18n.js";
import { audioContext, isDead, listen, percent } from "./levels.js";
import { askForNotifications, ringDeviceChanged, tryRing } from "./ring.js";
import { onStation, station, useDevices } from "./station.js";
import { change, load, state } from "./store.js";

const CHOICES = [
  ["microphone", "audioinput", () => t("Microphone")],
  ["speaker", "audiooutput", () => t("Headset or speaker")],
  ["ring_device", "audiooutput", () => t("Ring on")],
];

/** Draw the devices into `box`. */
export async function drawDevices(box) {
  if (!navigator.mediaDevices?.enumerateDevices) {
    box.replaceChildren(h("p", { class: "text-secondary" }, t("Browsers give the microphone only over HTTPS. Open this page with https://, or on the server itself.")));
    return;
  }
  if (!state.me) await load().catch(() => {}); // the page was loaded here: what was chosen is not known yet
  const devices = await navigator.mediaDevices.enumerateDevices();
  const fields = CHOICES.map(([name, kind, label]) => field(name, label(), devices.filter((device) => device.kind === kind && device.deviceId !== "default" && device.deviceId !== "communications")));
  box.replaceChildren(...fields, selfTest(), h("div", { class: "row-form" },
    h("button", { type: "button", class: "btn", on: { click: tryRing } }, icon("bell"), t("Try the ring")),
    h("button", { type: "button", class: "btn", on: { click: askForNotifications } }, t("Allow notifications"))));
}

function field(name, label, devices) {
  const select = h("select", { class: "form-select", id: `device-${name}`, on: { change: () => choose(name, select.value) } },
    h("option", { value: "" }, t("The system's choice")),
    devices.map((device, index) => h("option", { value: device.deviceId }, device.label || t("Device {number}", { number: index + 1 }))));
  select.value = state.me?.preferences?.[name] || "";
  if (select.selectedIndex < 0) select.value = "";
  return h("div", { class: "mb-3" }, h("label", { class: "form-label", for: select.id }, label), select);
}

async function choose(name, value) {
  const done = await quietly(api("PUT", "/me/preferences", { [name]: value }));
  if (done === null && name) return;
  change({ me: { ...state.me, preferences: { ...state.me?.preferences, [name]: value } } });
  if (name === "ring_device") ringDeviceChanged();
  else await useDevices();
}

/** Three seconds of the microphone on a meter, then a sentence that says what was heard; a tone tries the speaker. */
function selfTest() {
  const bar = h("span");
  const result = h("div", { class: "form-hint", role: "status" });
  const run = async () => {
    result.textContent = t("Say something …");
    const own = station.microphone ? null : await navigator.mediaDevices.getUserMedia({ audio: true }).catch(() => null);
    const meter = station.microphone || (own && listen(own));
    if (!meter) {
      result.textContent = t("No microphone could be opened. Allow it in the address bar, or plug one in.");
      return;
    }
    let loudest = 0;
    const ends = performance.now() + 3000;
    const measure = () => {
      const peak = meter.peak();
      loudest = Math.max(loudest, peak);
      bar.style.setProperty("width", `${percent(peak)}%`);
      if (performance.now() < ends && bar.isConnected) {
        requestAnimationFrame(measure);
        return;
      }
      bar.style.setProperty("width", "0");
      if (isDead(loudest)) result.textContent = t("Nothing was heard: the microphone is muted, or another one has to be chosen.");
      else if (percent(loudest) < 35) result.textContent = t("Very quiet. Move the microphone nearer, or raise its level in the system.");
      else result.textContent = t("The microphone works.");
      if (own) {
        meter.stop();
        for (const track of own.getTracks()) track.stop();
      }
    };
    measure();
  };
  onStation(() => {});
  return h("div", { class: "mb-3" }, h("div", { class: "form-label" }, t("Self-test")),
    h("div", { class: "row-form mb-2" }, h("button", { type: "button", class: "btn", on: { click: run } }, icon("microphone"), t("Test the microphone")),
      h("button", { type: "button", class: "btn", on: { click: tone } }, icon("volume"), t("Play a tone"))),
    h("div", { class: "meter", "aria-hidden": "true" }, bar), result);
}

/** Play a second of tone on the chosen speaker. */
async function tone() {
  const context = new AudioContext();
  const device = state.me?.preferences?.speaker || "";
  if (context.setSinkId && device) await context.setSinkId(device).catch(() => toast(t("The chosen speaker is not there now; the system's own is used.")));
  const oscillator = context.createOscillator();
  const gain = context.createGain();
  gain.gain.value = 0.2;
  oscillator.frequency.value = 440;
  oscillator.connect(gain).connect(context.destination);
  oscillator.start();
  oscillator.stop(context.currentTime + 1);
  oscillator.addEventListener("ended", () => context.close());
  audioContext();
}

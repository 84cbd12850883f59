// The desk: one document for the whole shift. Loads what this consultant has now, then follows the live events.

import { ApiError } from "./api.js";
import { startCallButtons } from "./callbuttons.js";
import { startDock } from "./dock.js";
import { toast } from "./dom.js";
import { loadTexts, t } from "./i18n.js";
import { startKeyboard } from "./keyboard.js";
import { startLive } from "./live.js";
import { startMeetingForms } from "./meetingform.js";
import { startMeetingList } from "./meetinglist.js";
import { startMeetings } from "./meetings.js";
import { openContact, startNavigation } from "./navigate.js";
import { enhance, fillCustomers, startPages } from "./pages.js";
import { startPopups } from "./popup.js";
import { callerOf } from "./ring.js";
import { startSoftphone } from "./softphone.js";
import { startStation } from "./station.js";
import { load, state, watch } from "./store.js";
import { startTexting } from "./texting.js";
import { startTopbar } from "./topbar.js";
import { startWrapUp } from "./wrapup.js";
import { setTheme } from "./theme.js";

async function start() {
  await loadTexts();
  startPages();
  startMeetingForms();
  startMeetingList();
  startNavigation(enhance);
  for (;;) {
    try {
      await load();
      break;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      toast(error.message, "danger");
      await new Promise((resolve) => setTimeout(resolve, 3000));
    }
  }
  if (["light", "dark"].includes(state.me.preferences?.theme)) setTheme(state.me.preferences.theme);
  startTopbar();
  startDock();
  startPopups();
  startSoftphone();
  startCallButtons();
  startWrapUp();
  startMeetings();
  startTexting();
  startKeyboard();
  watch(contactOpened);
  startLive();
  startStation();
  fillCustomers();
  document.documentElement.dataset.started = "yes";
}

function contactOpened(message) {
  if (message.type !== "contact.opened" || document.visibilityState !== "visible") return;
  const { contact_id: id, call_id: callId } = message.data;
  const call = state.offers.find((offer) => offer.call_id === callId) || (state.call?.id === callId ? state.call : null);
  openContact(id, call ? callerOf(call) : t("the caller's contact"));
}

start();

// The desk: one document for the whole shift. Loads what this consultant has now, then follows the live events.

import { ApiError } from "./api.js";
import { startCallButtons } from "./callbuttons.js";
import { startContactForm } from "./contactform.js";
import { startContactButtons } from "./contact_buttons.js";
import { startContactKept } from "./contact_kept.js";
import { startDock } from "./dock.js";
import { toast } from "./dom.js";
import { startDrafts } from "./drafts.js";
import { startLetters } from "./email.js";
import { loadTexts, t } from "./i18n.js";
import { startKeyboard } from "./keyboard.js";
import { startLeads } from "./leads.js";
import { startListening } from "./listening.js";
import { startLive } from "./live.js";
import { startMeetingForms } from "./meetingform.js";
import { startContactList } from "./contactlist.js";
import { startMeetingList } from "./meetinglist.js";
import { startMeetings } from "./meetings.js";
import { openContact, startNavigation } from "./navigate.js";
import { enhance, fillCustomers, startPages } from "./pages.js";
import { startPopups } from "./popup.js";
import { callerOf } from "./ring.js";
import { startSearchBox } from "./searchbox.js";
import { startSortable } from "./sortable.js";
import { startSoftphone } from "./softphone.js";
import { startStation } from "./station.js";
import { load, state, watch } from "./store.js";
import { startTexting } from "./texting.js";
import { startTickets } from "./tickets.js";
import { startTimeline } from "./timeline_page.js";
import { startTopbar } from "./topbar.js";
import { startUnfinished } from "./unfinished.js";
import { startWrapUp } from "./wrapup.js";
import { setTheme } from "./theme.js";

async function start() {
  await loadTexts();
  startPages();
  startDrafts();
  startContactForm();
  startSortable();
  startContactButtons();
  startContactKept();
  startTimeline();
  startMeetingForms();
  startContactList();
  startMeetingList();
  startTickets();
  startNavigation(enhance);
  startSearchBox();
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
  startUnfinished();
  startDock();
  startPopups();
  startSoftphone();
  startCallButtons();
  startWrapUp();
  startMeetings();
  startLeads();
  startListening();
  startTexting();
  startLetters();
  startKeyboard();
  watch(contactOpened);
  startLive();
  startStation();
  fillCustomers();
  document.documentElement.dataset.started = "yes";
  dispatchEvent(new Event("callcenter:started")); // early.js waits for it
}

function contactOpened(message) {
  if (message.type !== "contact.opened" || document.visibilityState !== "visible") return;
  const { contact_id: id, call_id: callId } = message.data;
  const call = state.offers.find((offer) => offer.call_id === callId) || (state.call?.id === callId ? state.call : null);
  openContact(id, call ? callerOf(call) : t("the caller's contact"));
}

start();

"""Why a lead was, or was not, dialled (B6), in sentences: each decision that was recorded, and what happens next. Pure.

A code has several sentences where not every decision knows as much: the first one whose values are all there is said.
Values: `until` and `at` are times (ISO 8601), `number` E.164, `outcome`, `mode` and `found` words of the lead's attempts,
`day` a date, `how` and `why` words of confirmation_models.py.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Any

from callcenter.campaigns.lead_models import Lead, LeadState
from callcenter.campaigns.models import Campaign, CampaignState

CODES: dict[str, tuple[str, ...]] = {
    # It was called, or was about to be.
    "dialled": ("{number} was dialled, attempt {attempt}.", "{number} was dialled.", "It was dialled."),
    "no_agent_ready": ("Nobody was ready to talk to the customer, so it was not dialled.",),
    "skipped": ("The consultant looked at it and did not call ({note}).", "The consultant looked at it and did not call."),
    "lead_busy": ("{number} is being called already.", "The customer is being called already."),
    "by_hand": ("A supervisor put it off until {until}.", "Somebody did this by hand."),
    # When it may be called.
    "hours": (
        "It is outside the calling hours where the customer is ({zone}), so it waits until {until}.",
        "It is outside the calling hours, so it waits until {until}.",
        "It is outside the calling hours.",
    ),
    "weekday": (
        "On this day of the week nobody is called, so it waits until {until}.",
        "On this day of the week nobody is called.",
    ),
    "holiday": (
        "It is a public holiday ({holiday}), so it waits until {until}.",
        "It is a public holiday, so it waits until {until}.",
        "It is a public holiday.",
    ),
    "delay": (
        "After the attempt ({outcome}) it waits until {until}.",
        "After the attempt it waits until {until}.",
        "It waits after an attempt.",
    ),
    "not_started": ("The campaign begins on {day}.", "The campaign has not been started."),
    "paused": ("The campaign was paused.",),
    "finished": ("The campaign was finished.",),
    "ended": ("The campaign ended on {day}.", "The campaign's last day is over."),
    "trunk_down": ("The trunk {trunk} does not take calls now.", "The trunk does not take calls now."),
    "spent": ("What may be spent on calls in a day is spent.",),
    # Whether it may be called at all.
    "do_not_call": ("{number} is on the do-not-call list.", "The customer asked not to be called again."),
    "objected": ("The customer objected to being called.",),
    "no_consent": (
        "No recorded consent of the customer covers calls for this purpose ({purpose}).",
        "No recorded consent of the customer covers such calls.",
    ),
    "erased": ("This person asked to be forgotten.",),
    "emergency": ("{number} is an emergency number.", "It is an emergency number."),
    "premium": ("{number} is a premium-rate number, which the project does not allow.", "It is a premium-rate number."),
    "foreign": (
        "{number} is in another country ({country}), which the project does not allow.",
        "{number} is in another country, which the project does not allow.",
        "The number is in another country, which the project does not allow.",
    ),
    "own_number": ("{number} is one of our own numbers.", "It is one of our own numbers."),
    "invalid": ("Not a telephone number in use: {number}.", "It is not a telephone number in use."),
    "no_number": ("There is no telephone number.",),
    "unreadable": ("This row cannot be read: a cell is too long, or a quotation mark is never closed.",),
    "bad_priority": (
        "No priority from 1 to 5: {text}. The usual one was taken.",
        "The priority is none from 1 to 5; the usual one was taken.",
    ),
    "duplicate": ("{number} is on the campaign's list already.", "It is on the campaign's list already."),
    "other_campaign": (
        "{number} is called by another running campaign as well: {campaign}.",
        "Another running campaign calls this number as well.",
    ),
    # What became of it.
    "disposition": (
        "The call ended as “{disposition}”, and it waits until {until}.",
        "The call ended as “{disposition}”.",
        "The consultant said how the call ended.",
    ),
    "agreed": (
        "The customer said yes (“{disposition}”): it is awaiting durable confirmation, and is no sale yet.",
        "The customer said yes: it is awaiting durable confirmation, and is no sale yet.",
    ),
    "terms_sent": (
        "The proposed terms were sent to the customer on {day} ({how}).",
        "The proposed terms were sent to the customer.",
    ),
    "yes_confirmed": (
        "The customer's own statement came on {day} ({how}): the spoken yes is confirmed.",
        "The customer's own statement came: the spoken yes is confirmed.",
    ),
    "yes_not_confirmed": (
        "The spoken yes was not confirmed ({why}), and is no sale.",
        "The spoken yes was not confirmed, and is no sale.",
    ),
    "yes_reopened": ("What was recorded as the end of the spoken yes was taken back.",),
    "yes_withdrawn": (
        "The call was given another disposition (“{disposition}”): the spoken yes awaits no confirmation any more.",
        "The call was given another disposition: the spoken yes awaits no confirmation any more.",
    ),
    "yes_stays": (
        "The call was given another disposition (“{disposition}”); the customer's confirmation stays.",
        "The call was given another disposition; the customer's confirmation stays.",
    ),
    "confirmed": ("The customer confirmed by pressing {key}.", "The customer confirmed."),
    "message_left": ("A recorded message was left on the answering machine.",),
    "message_not_allowed": (
        "No message was left on the answering machine: no recorded consent covers messages played by machine.",
    ),
    "heard": ("The customer heard the whole recorded message and pressed no key.",),
    "hung_up": ("The customer hung up during the recorded message.",),
    "wanted_agent": (
        "The customer asked to speak to somebody by pressing {key}; nobody was free, so they are to be called back.",
        "The customer asked to speak to somebody; nobody was free, so they are to be called back.",
    ),
    "abandoned_needs_agent": (
        "The customer answered and no consultant was free: it is dialled again only with one waiting for it.",
    ),
    "attempts_made": ("All attempts were made ({attempts}).", "All attempts were made."),
    "uncertain": (
        "The connection was lost during the call, so nobody knows what became of it. A supervisor says what comes next.",
    ),
    # What supervisors did.
    "called_next": ("A supervisor wants it to be called next.",),
    "put_back": ("A supervisor put it back on the list; its attempts are counted anew.",),
    "contact_deleted": ("The contact was deleted.",),
    "removed": ("A supervisor took it off the list.",),
    "priority": ("A supervisor gave it the priority {priority}.", "A supervisor gave it another priority."),
}
# Where a code says more once it is known for which means a consent was asked, or where a number stands already.
_PARTS: dict[tuple[str, str], tuple[str, ...]] = {
    ("duplicate", "file"): ("{number} comes earlier on the same list.", "It comes earlier on the same list."),
    ("no_consent", "automatic"): (
        "No recorded consent of the customer covers messages played by machine for this purpose ({purpose}).",
        "No recorded consent of the customer covers messages played by machine.",
    ),
    ("no_consent", "asking"): ("Calls that only ask for consent are made only where an administrator took them on in writing.",),
}
_UNKNOWN = "Something was decided about it ({code})."
_STATES: dict[str, tuple[str, dict[str, str]]] = {
    LeadState.SHOWN: ("A consultant looks at it now and decides whether to call.", {}),
    LeadState.DIALLING: ("It is being dialled now.", {}),
    LeadState.TALKING: ("The customer is being talked to now.", {}),
    LeadState.DONE: ("It is done: it is not called again.", {}),
    LeadState.EXHAUSTED: ("All attempts were made: it is not called again, unless a supervisor puts it back.", {}),
    LeadState.REFUSED: ("It may not be called.", {}),
    LeadState.UNCERTAIN: ("It waits for a supervisor to say what became of its last call.", {}),
    LeadState.REMOVED: ("It is off the list: it is not called, unless a supervisor puts it back.", {}),
}
_PACING = {  # why the dialer began no more lines, as pacing.py says
    "nobody": "The dialer last waited since no consultant was ready ({at}).",
    "no_room": "The dialer last waited since enough calls were ringing already ({at}).",
    "trouble": "The dialer last waited since the trunk refused calls ({at}).",
    "budget_spent": "The dialer last waited so that nobody would be rung without a consultant ({at}).",
}


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence with its values, both to be said in the reader's language."""

    sentence: str
    values: dict[str, Any]


def say(code: str, values: Mapping[str, Any]) -> Said:
    """Return the sentence of a decision."""
    part = str(values.get("means") or values.get("where") or "")
    for sentence in _PARTS.get((code, part), CODES.get(code, ())):
        if all(values.get(name) not in (None, "") for name in _names(sentence)):
            return Said(sentence, {name: values[name] for name in _names(sentence)})
    if code in CODES:
        return Said(CODES[code][-1], dict.fromkeys(_names(CODES[code][-1]), ""))
    return Said(_UNKNOWN, {"code": code})


def _names(sentence: str) -> list[str]:
    return [name for _, name, _, _ in Formatter().parse(sentence) if name]


def next_steps(
    lead: Lead, campaign: Campaign, now: dt.datetime, ahead: int, most: int, pacing: tuple[str, dt.datetime] | None
) -> list[Said]:
    """Return what happens with a lead next, and when. `ahead`: how many due ones come before it, at most `most` were counted.

    `pacing`: why the dialer last began no line, and when.
    """
    if lead.state != LeadState.WAITING:
        found = [Said(*_STATES[lead.state])]
        if lead.refusal and lead.refusal != "attempts_made":
            found.append(say(lead.refusal, lead.refusal_values))
        return found
    found = [*_of_campaign(campaign, now)]
    if lead.next_at > now:
        found.append(Said("It waits until {until}.", {"until": lead.next_at.isoformat()}))
    elif not found:
        found.append(_place(ahead, most))
        if pacing is not None and pacing[0] in _PACING:
            found.append(Said(_PACING[pacing[0]], {"at": pacing[1].isoformat()}))
    if lead.needs_agent:
        found.append(Said("It is dialled only with a consultant waiting for it.", {}))
    return found


def _of_campaign(campaign: Campaign, now: dt.datetime) -> list[Said]:
    """Return what keeps the whole campaign from dialling."""
    today = now.date()
    if campaign.state == CampaignState.FINISHED:
        return [Said("The campaign is finished: nobody is called any more.", {})]
    found = []
    if campaign.state == CampaignState.DRAFT:
        found.append(Said("The campaign has not been started.", {}))
    if campaign.state == CampaignState.PAUSED:
        found.append(Said("The campaign is paused: nothing new is dialled.", {}))
    if campaign.starts_on is not None and today < campaign.starts_on:
        found.append(Said("The campaign begins on {day}.", {"day": campaign.starts_on.isoformat()}))
    if campaign.ends_on is not None and today > campaign.ends_on:
        found.append(Said("The campaign ended on {day}.", {"day": campaign.ends_on.isoformat()}))
    return found


def _place(ahead: int, most: int) -> Said:
    if not ahead:
        return Said("It is the next to be called.", {})
    if ahead >= most:
        return Said("It may be called now; more than {count} come before it.", {"count": most})
    return Said("It may be called now; {count} come before it.", {"count": ahead})

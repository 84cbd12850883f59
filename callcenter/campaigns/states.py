"""What may be done with a campaign in its state, why it cannot start, and what to think of before it does. Pure."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from callcenter.campaigns import detecting
from callcenter.campaigns.models import CampaignMode, CampaignState, Detection
from callcenter.campaigns.views import Reason
from callcenter.errors import Conflict

DRAFT, RUNNING, PAUSED, FINISHED = CampaignState
ABANDONING = frozenset({CampaignMode.POWER, CampaignMode.PREDICTIVE})  # a person may answer before an agent is there

_AFTER = {
    "start": ({DRAFT}, RUNNING),
    "pause": ({RUNNING}, PAUSED),
    "resume": ({PAUSED}, RUNNING),
    "finish": ({RUNNING, PAUSED}, FINISHED),
}


@dataclass(frozen=True, slots=True)
class Situation:
    """All that decides whether a campaign can start. `today` by its own clock; `cap` in per cent; `leads`: some are waiting."""

    mode: CampaignMode
    today: dt.date
    project: str = ""
    project_enabled: bool = True
    trunk: str | None = ""
    trunk_enabled: bool = True
    caller_id: str = ""
    verified: frozenset[str] = frozenset()
    marketing: bool = True
    asking: bool = False  # it only asks for consent, and no administrator has taken that on
    company: str = ""
    about: str = ""
    message: str = ""
    abandoned_message: str = ""
    decide_ms: int = 1200
    answer_seconds: float = 2.0
    cap: float = 0.0
    detection: Detection = Detection.OFF
    hours: bool = True
    keys: frozenset[str] = frozenset()
    starts_on: dt.date | None = None
    ends_on: dt.date | None = None
    leads: bool = True
    serving: int = 1


def after(state: str, action: str) -> CampaignState:
    """Return the state that follows; raises Conflict when the action makes no sense now, and says what does."""
    allowed, then = _AFTER[action]
    if state in allowed:
        return then
    raise refusal(state, action)


def refusal(state: str, action: str) -> Conflict:
    """Return why an action makes no sense in a state."""
    match state, action:
        case CampaignState.FINISHED, _:
            return Conflict("This campaign is finished for good. Make a copy of it to call again.")
        case CampaignState.RUNNING, _:
            return Conflict("This campaign is running already.")
        case CampaignState.PAUSED, "pause":
            return Conflict("This campaign is paused already.")
        case CampaignState.PAUSED, _:
            return Conflict("This campaign is paused. Resume it.")
        case _, "finish":
            return Conflict("This campaign was never started. Delete it instead.")
        case _:
            return Conflict("This campaign is not running.")


def changeable(state: str) -> None:
    """Raise Conflict for a campaign nothing of which may change any more."""
    if state == FINISHED:
        raise refusal(state, "change")


def obstacles(seen: Situation) -> list[Reason]:
    """Return why it cannot start, each with what to do; none: it can."""
    return [*_line(seen), *_time(seen), *_words(seen)]


def warnings(seen: Situation) -> list[Reason]:
    """Return what to think of; the campaign starts all the same."""
    found = []
    if not seen.leads:
        found.append(Reason(code="no_leads", sentence="Nobody is waiting to be called yet. Add leads.", field="leads"))
    if seen.mode != CampaignMode.AGENTLESS and not seen.serving:
        found.append(_nobody(seen))
    if seen.mode == CampaignMode.AGENTLESS and not seen.serving and "agent" in seen.keys:
        found.append(_nobody(seen))
    if seen.mode == CampaignMode.AGENTLESS and "do_not_call" not in seen.keys:
        sentence = "Nobody who hears the message can say that they want no more calls. Give a key that meaning."
        found.append(Reason(code="no_key", sentence=sentence, field="keys"))
    if seen.detection != Detection.OFF:
        found += _of_detection(seen)
    if seen.mode in ABANDONING and seen.cap == 0:
        sentence = "Nobody may be left without a consultant, so one line per ready consultant is dialled, as in progressive mode."
        found.append(Reason(code="one_line", sentence=sentence, field="abandon_cap"))
    if seen.starts_on is not None and seen.starts_on > seen.today:
        sentence = "Nobody is called before {day}."
        found.append(Reason(code="later", sentence=sentence, values={"day": seen.starts_on.isoformat()}, field="starts_on"))
    return found


def _of_detection(seen: Situation) -> Iterator[Reason]:
    """What the time to decide about machines costs, or is too short for."""
    if seen.decide_ms < detecting.KNOWN_MS and seen.mode in (*ABANDONING, CampaignMode.AGENTLESS):
        sentence = "In {milliseconds} ms hardly any answering machine can be told from a person; most need 3 to 4 seconds."
        yield Reason(code="decides_soon", sentence=sentence, values={"milliseconds": str(seen.decide_ms)}, field="detection")
    if seen.mode in ABANDONING and seen.cap > 0 and seen.decide_ms > 1000 * seen.answer_seconds:
        sentence = (
            "Listening for machines takes longer than the {seconds} seconds in which a person must have a consultant:"
            " with none ready at that moment they are abandoned at once."
        )
        yield Reason(code="decides_late", sentence=sentence, values={"seconds": f"{seen.answer_seconds:g}"}, field="detection")


def _nobody(seen: Situation) -> Reason:
    sentence = "Nobody serves this campaign. Choose people, or let people serve the project."
    return Reason(code="nobody_serves", sentence=sentence, field="people")


def _line(seen: Situation) -> Iterator[Reason]:
    if not seen.project_enabled:
        sentence = "The project {project} is switched off."
        yield Reason(code="project_off", sentence=sentence, values={"project": seen.project}, field="project_id")
    if seen.trunk is None:
        sentence = "No trunk is chosen. Choose one here or in the project."
        yield Reason(code="no_trunk", sentence=sentence, field="trunk_id")
        return
    if not seen.trunk_enabled:
        sentence = "The trunk {trunk} is switched off."
        yield Reason(code="trunk_off", sentence=sentence, values={"trunk": seen.trunk}, field="trunk_id")
    if not seen.caller_id:
        sentence = "There is no number customers would see. Enter one here or in the project."
        yield Reason(code="no_caller_id", sentence=sentence, field="caller_id")
    elif seen.caller_id not in seen.verified:
        sentence = "The caller id {caller_id} is not verified for trunk {trunk}. Add it to the trunk first."
        values = {"caller_id": seen.caller_id, "trunk": seen.trunk}
        yield Reason(code="caller_id", sentence=sentence, values=values, field="caller_id")


def _time(seen: Situation) -> Iterator[Reason]:
    if not seen.hours:
        sentence = "Say on which days and at which hours customers may be called."
        yield Reason(code="no_hours", sentence=sentence, field="hours")
    if seen.ends_on is not None and seen.ends_on < seen.today:
        sentence = "Its last day, {day}, is over."
        yield Reason(code="ended", sentence=sentence, values={"day": seen.ends_on.isoformat()}, field="ends_on")


def _words(seen: Situation) -> Iterator[Reason]:
    if seen.asking:
        sentence = "Calls that only ask for consent need an administrator who takes this campaign on in writing."
        yield Reason(code="not_taken_on", sentence=sentence, field="asks_consent")
    if seen.marketing and not (seen.company and seen.about):
        sentence = "The opening is missing: which company calls, and what about. It must be said first in every call."
        yield Reason(code="no_opening", sentence=sentence, field="company" if not seen.company else "about")
    if seen.mode == CampaignMode.AGENTLESS and not seen.message:
        yield Reason(code="no_message", sentence="Upload the message that is played to customers.", field="message")
    elif seen.detection == Detection.MESSAGE and not seen.message:
        yield Reason(code="no_message", sentence="Upload the message that is left on answering machines.", field="message")
    if seen.mode == CampaignMode.AGENTLESS and seen.detection == Detection.CONNECT:
        sentence = (
            "In calls without consultants nobody can talk to an answering machine. Let it be hung up on, or leave the message."
        )
        yield Reason(code="no_consultant", sentence=sentence, field="detection")
    if seen.mode in ABANDONING and seen.cap > 0 and not seen.abandoned_message:
        sentence = (
            "Somebody may answer before a consultant is free: upload the message they hear, with the seller's name and number."
        )
        yield Reason(code="no_abandoned_message", sentence=sentence, field="abandoned")

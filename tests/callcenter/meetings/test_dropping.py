"""The consultant drops in a phone meeting: the customer hears the announcement, and what is kept of it is what happened."""

import pytest

from callcenter.calls import service as calls
from callcenter.calls.models import Call, Leg
from callcenter.errors import Conflict
from callcenter.events import AgentStateChanged, CallEnded, MeetingMissed, Notice
from callcenter.meetings import attempts as meeting_attempts
from callcenter.meetings import settings
from callcenter.phone import (
    Announce,
    Announced,
    Bridge,
    CloseStation,
    EndReason,
    HangUpLeg,
    LegEnded,
    LegState,
    LinkUp,
    Snapshot,
    StationState,
)
from callcenter.projects.models import Project
from callcenter.users import service as users
from tests.callcenter.calls.floor import ADMIN, CALLER, Floor
from tests.callcenter.meetings import desk
from tests.callcenter.meetings.office import history, planned, row
from tests.callcenter.meetings.test_settings import sound

GRACE, AWAY = 20, 180  # seconds, the settings' own
LOST = "The consultant's connection was lost."


async def announcement(office: Floor) -> str:
    """Give the project an announcement; returns its name."""
    return str((await office.do("sue", settings.set_announcement, office.project_id, sound(8))).announcement)


async def dialled(office: Floor, **fields: object) -> int:
    """Let Anna's automatic meeting be dialled; returns its id."""
    meeting_id = await planned(office, mode="automatic", **fields)
    await office.later(desk.OPENS - 10)
    await office.ready("anna")
    await office.later(10)
    await office.later(6)
    return meeting_id


async def call_of(office: Floor, meeting_id: int) -> Call:
    return await office.call((await desk.attempts(office, meeting_id))[-1].id)


async def played(office: Floor, heard: int, of: int = 8000, by: str = "near") -> None:
    """Let the switch say that the announcement's leg is over."""
    await office.event(LegEnded(await desk.leg(office), EndReason.COMPLETED, by, announced=Announced(heard, of)))  # type: ignore[arg-type]


def notices(office: Floor) -> list[str | None]:
    """Return where the notices of a consultant who dropped lead."""
    return [each.link for each in office.said(Notice, "sue") if each.sentence.startswith(LOST[:-1])]


async def attempt_lines(office: Floor, meeting_id: int) -> list[str]:
    return [each.text for each in await history(office, meeting_id) if each.kind == "attempt"]


async def test_a_customer_whose_consultant_drops_hears_the_announcement_once_the_grace_is_over(office: Floor) -> None:
    name = await announcement(office)
    contact_id = await office.add_contact("Jan")
    meeting_id = await dialled(office, contact_id=contact_id)
    leg_id = await desk.answers(office)
    office.shift(60)
    await office.lost("anna")
    await office.later(GRACE - 1)
    assert office.sent(Announce) == []
    await office.later(2)
    assert office.sent(Announce) == [Announce(leg_id, name)]
    call = await call_of(office, meeting_id)
    assert office.sent(Bridge)[-1] == Bridge(call.id, ())
    assert (call.state, call.end_reason, await desk.state(office, meeting_id)) == ("announcing", "", "in_talk")
    assert [each.reason for each in office.said(CallEnded, "anna")] == ["dropped"]
    assert (await office.states())["anna"] == "wrap_up"
    office.shift(8)
    await played(office, 8000)
    await played(office, 8000)
    call = await call_of(office, meeting_id)
    assert (call.state, call.end_reason, call.talk_seconds, call.heard_ms) == ("ended", "dropped", 60, 8000)
    (attempt,) = await desk.attempts(office, meeting_id)
    assert (attempt.result, await desk.state(office, meeting_id)) == ("dropped", "held")
    assert await attempt_lines(office, meeting_id) == [f"{LOST} The customer heard the whole announcement."]
    assert notices(office) == [f"/meetings/{meeting_id}"]
    (line,) = [each for each in await office.timeline(contact_id) if each.kind == "call"]
    assert line.text == f"Outbound call, 1:00. {LOST} The customer heard the whole announcement"
    assert line.data["dropped"] == {"text": f"{LOST} The customer heard the whole announcement.", "values": {}}
    await office.later(40)
    anna = await office.agent("anna")
    assert (anna.state, anna.reason, anna.call_id) == ("offline", "station_lost", None)
    assert len(office.said(CallEnded, "anna")) == 1
    await desk.invariants(office)


async def test_who_dropped_is_offline_after_the_call_and_was_ready_for_no_moment(office: Floor) -> None:
    async with office.database.unit_of_work() as uow:
        (await uow.session.get_one(Project, office.project_id)).wrap_up_seconds = 0
    await announcement(office)
    await dialled(office)
    await desk.answers(office)
    before = len(office.said(AgentStateChanged, "anna"))
    await office.lost("anna")
    await office.later(GRACE + 1)
    told = [each.state for each in office.said(AgentStateChanged, "anna")[before:]]
    assert (set(told), told[-1]) == ({"on_call", "offline"}, "offline")


async def test_who_comes_back_in_time_keeps_the_customer(office: Floor) -> None:
    await announcement(office)
    meeting_id = await dialled(office)
    await desk.answers(office)
    await office.lost("anna")
    await office.later(GRACE - 1)
    await office.live("anna", "tab2")
    await office.later(GRACE + AWAY)
    assert office.sent(Announce) == []
    assert (await call_of(office, meeting_id)).state == "talking"


async def test_hanging_up_is_no_drop(office: Floor) -> None:
    await announcement(office)
    meeting_id = await dialled(office)
    await desk.answers(office)
    await office.do("anna", calls.hang_up, (await call_of(office, meeting_id)).id)
    await office.lost("anna")
    await office.later(GRACE + AWAY)
    assert office.sent(Announce) == []
    call = await call_of(office, meeting_id)
    assert (call.end_reason, call.dropped_at) == ("completed", None)


async def test_of_a_meeting_called_by_hand_the_history_says_how_much_the_customer_heard(office: Floor) -> None:
    name = await announcement(office)
    meeting_id = await desk.due(office, mode="manual")
    await office.ready("anna")
    await office.do("anna", meeting_attempts.call_now, meeting_id)
    leg_id = await desk.answers(office)
    office.shift(5)
    await office.do("anna", calls.hold, (await call_of(office, meeting_id)).id, True)
    await office.lost("anna")
    await office.later(GRACE + 1)
    assert office.sent(Announce) == [Announce(leg_id, name)]
    await played(office, 2300, by="far")
    entry = next(each for each in await history(office, meeting_id) if each.kind == "attempt" and "heard" in each.data)
    assert (entry.text[:37], entry.data["heard"], entry.data["length"]) == (LOST, 2, 8)
    assert await desk.state(office, meeting_id) == "held"


async def test_who_answers_when_the_consultant_is_gone_hears_it_at_once_and_is_called_again(office: Floor) -> None:
    name = await announcement(office)
    meeting_id = await dialled(office)
    await desk.rings(office)
    await office.lost("anna")
    await office.later(GRACE + 1)
    assert office.sent(Announce) == [], "it rings: nobody is there to hear it"
    leg_id = await desk.answers(office)
    assert office.sent(Announce) == [Announce(leg_id, name)]
    call = await call_of(office, meeting_id)
    assert (call.state, call.answered_at, await desk.state(office, meeting_id)) == ("announcing", None, "dialling")
    await played(office, 8000)
    call = await call_of(office, meeting_id)
    assert (call.end_reason, call.answered_at, call.talk_seconds) == ("dropped", None, None)
    meeting = await row(office, meeting_id)
    assert (meeting.state, meeting.attempts) == ("retry_wait", 1)
    assert [each.result for each in await desk.attempts(office, meeting_id)] == ["dropped"]
    assert await attempt_lines(office, meeting_id) == [
        f"{LOST} The customer heard the whole announcement.",
        "Attempt {number}: the customer answered, and the consultant was not there.",
    ]
    assert notices(office) == []
    await office.later(40)
    assert (await office.states())["anna"] == "offline"
    await desk.invariants(office)


async def test_who_answers_in_the_grace_of_a_consultant_who_stays_away_has_not_talked(office: Floor) -> None:
    await announcement(office)
    meeting_id = await dialled(office)
    await office.lost("anna")
    await office.later(5)
    await desk.answers(office)
    assert office.sent(Announce) == []
    await office.later(GRACE)
    assert len(office.sent(Announce)) == 1
    await played(office, 8000)
    call = await call_of(office, meeting_id)
    assert (call.answered_at, call.talk_seconds, await desk.state(office, meeting_id)) == (None, None, "retry_wait")
    await desk.invariants(office)


@pytest.mark.parametrize(
    ("attempts", "reason"),
    [
        (1, "All attempts were made. The customer answered, but the consultant's connection was lost and they did not talk."),
        (3, "The window is over. The customer answered, but the consultant's connection was lost and they did not talk."),
    ],
)
async def test_a_meeting_missed_after_the_customer_answered_does_not_say_that_nobody_was_reached(
    office: Floor, attempts: int, reason: str
) -> None:
    await desk.rules(office, attempts=attempts)
    await announcement(office)
    contact_id = await office.add_contact("Jan")
    meeting_id = await dialled(office, contact_id=contact_id)
    await office.lost("anna")
    await office.later(5)
    await desk.answers(office)
    await office.later(GRACE)
    await played(office, 8000)
    await office.later(3600)
    meeting = await row(office, meeting_id)
    assert (meeting.state, meeting.reason) == ("missed", reason)
    assert [each.reason for each in office.said(MeetingMissed, "anna")] == [reason]
    (line,) = [each for each in await office.timeline(contact_id) if each.data.get("event") == "missed"]
    assert (line.data["reason"], line.text.endswith(reason)) == (reason, True)
    assert (await history(office, meeting_id))[-1].text == reason


async def test_without_an_announcement_the_customer_is_let_go_in_the_end_and_the_history_says_why(office: Floor) -> None:
    meeting_id = await dialled(office)
    leg_id = await desk.answers(office)
    office.shift(5)
    await office.lost("anna")
    await office.later(AWAY - 1)
    assert (await call_of(office, meeting_id)).state == "talking"
    await office.later(2)
    assert office.sent(Announce) == []
    assert office.sent(HangUpLeg) == [HangUpLeg(leg_id)]
    call = await call_of(office, meeting_id)
    assert (call.state, call.end_reason, call.talk_seconds) == ("ended", "dropped", 5)
    assert await attempt_lines(office, meeting_id) == [LOST]


async def test_a_consultant_who_comes_back_too_late_is_free_and_does_not_disturb_the_announcement(office: Floor) -> None:
    await announcement(office)
    meeting_id = await dialled(office)
    await desk.answers(office)
    await office.lost("anna")
    await office.later(GRACE + 1)
    call_id = (await call_of(office, meeting_id)).id
    commands = len(office.commands)
    await office.live("anna", "tab2")
    async with office.database.reading(office.people["anna"]) as uow:
        now = await calls.current(uow)
    assert (now.call, now.agent.state) == (None, "wrap_up")
    assert now.wrap_up is not None
    assert now.wrap_up.id == call_id
    with pytest.raises(Conflict):
        await office.do("anna", calls.hold, call_id, True)
    await office.do("anna", calls.finish_wrap_up)
    assert (await office.states())["anna"] == "ready"
    inbound, other = await office.talk("anna", number="+48605000000")
    assert (await office.call(other)).state == "talking"
    await played(office, 8000)
    assert (await office.states())["anna"] == "on_call", "the end of the first is nothing to the second"
    await office.leaves(inbound, EndReason.COMPLETED)
    assert [each for each in office.commands[commands:] if isinstance(each, Announce)] == []
    assert {each.state for each in await office.all(Leg)} == {"ended"}


async def test_who_is_shut_out_is_unplugged_and_counts_as_dropped(office: Floor) -> None:
    name = await announcement(office)
    meeting_id = await dialled(office)
    leg_id = await desk.answers(office)
    anna = office.people["anna"].id
    async with office.database.unit_of_work(ADMIN) as uow:
        await users.update_user(uow, anna, disabled=True)
    assert office.sent(CloseStation) == [CloseStation(str(anna))]
    await office.lost("anna")
    await office.later(GRACE + 1)
    assert office.sent(Announce) == [Announce(leg_id, name)]
    await played(office, 8000)
    await office.later(40)
    assert (await office.states())["anna"] == "offline"
    assert await desk.state(office, meeting_id) == "held"


async def test_after_a_restart_of_the_web_the_announcement_goes_on_and_after_one_of_the_switch_the_call_is_over(
    office: Floor,
) -> None:
    name = await announcement(office)
    meeting_id = await dialled(office)
    leg_id = await desk.answers(office)
    office.shift(5)
    await office.lost("anna")
    await office.later(GRACE + 1)
    call = await call_of(office, meeting_id)
    alive = LegState(leg_id, call.id, office.trunk_id, "outbound", "answered", CALLER)
    await office.event(LinkUp(Snapshot("boot", legs=(alive,))))
    assert office.sent(Announce) == [Announce(leg_id, name)] * 2, "said again: it may never have heard of it"
    assert (await call_of(office, meeting_id)).state == "announcing"
    back = StationState(str(office.people["anna"].id), "tab2", live=True, call_id=None)
    await office.event(LinkUp(Snapshot("another", stations=(back,))))
    call = await call_of(office, meeting_id)
    assert (call.state, call.end_reason, call.heard_ms, call.talk_seconds) == ("ended", "dropped", None, 5)
    assert await desk.state(office, meeting_id) == "held", "it is known what became of the talk"
    assert await attempt_lines(office, meeting_id) == [f"{LOST} How much of the announcement the customer heard is not known."]


async def test_a_switch_that_says_nothing_more_does_not_keep_the_customer(office: Floor) -> None:
    await announcement(office)
    meeting_id = await dialled(office)
    leg_id = await desk.answers(office)
    await office.lost("anna")
    await office.later(GRACE + 1)
    await office.later(91)
    assert office.sent(HangUpLeg) == [HangUpLeg(leg_id)]
    assert (await call_of(office, meeting_id)).state == "ended"


async def test_an_announcement_that_cannot_be_played_is_said_so(office: Floor) -> None:
    await announcement(office)
    meeting_id = await dialled(office)
    await desk.answers(office)
    await office.lost("anna")
    await office.later(GRACE + 1)
    await played(office, 0, 0)
    assert await attempt_lines(office, meeting_id) == [f"{LOST} The announcement could not be played."]


async def test_a_supervisor_can_cut_an_announcement_short(office: Floor) -> None:
    await announcement(office)
    meeting_id = await dialled(office)
    leg_id = await desk.answers(office)
    await office.lost("anna")
    await office.later(GRACE + 1)
    await office.do("sue", calls.hang_up, (await call_of(office, meeting_id)).id)
    assert office.sent(HangUpLeg) == [HangUpLeg(leg_id)]
    assert (await call_of(office, meeting_id)).state == "announcing", "the switch says how much was heard"
    await played(office, 1000)
    call = await call_of(office, meeting_id)
    assert (call.state, call.end_reason, call.heard_ms) == ("ended", "dropped", 1000)

"""One meeting from the moment its window opens: the countdown, the dial, what comes of it."""

import pytest

from callcenter.agents.models import Agent
from callcenter.calls import service as calls
from callcenter.calls.models import Call, Leg
from callcenter.errors import CallCenterError, Conflict, Invalid, NotFound, NotPermitted, Unavailable
from callcenter.events import ContactOpened, MeetingDialling, MeetingMissed, Notice
from callcenter.meetings import attempts as meeting_attempts
from callcenter.meetings import pop_ups
from callcenter.meetings.models import Attempt, Meeting
from callcenter.phone import Bridge, EndReason, LinkDown, LinkUp, Originate, Snapshot, SwitchDraining
from callcenter.trunks.service import TrunkInput, update_trunk
from tests.callcenter.calls.floor import ADMIN, CALLER, DIALLED, Floor
from tests.callcenter.meetings import desk
from tests.callcenter.meetings.desk import due, ends, state, waiting
from tests.callcenter.meetings.office import history, planned, row


async def test_an_automatic_meeting_counts_down_dials_talks_and_is_held(office: Floor) -> None:
    contact_id = await office.add_contact("Jan")
    meeting_id = await planned(office, mode="automatic", contact_id=contact_id)
    await office.later(desk.OPENS - 10)
    await office.ready("anna")
    await office.later(10)
    (attempt,) = await desk.attempts(office, meeting_id)
    (card,) = desk.cards(office, "anna")
    assert (attempt.state, attempt.number_in_meeting, attempt.dialled_at) == ("countdown", 0, None)
    assert (card.attempt_id, card.meeting_id, card.contact, card.number) == (attempt.id, meeting_id, "Jan", CALLER)
    assert card.countdown_until == attempt.countdown_until
    anna = await office.agent("anna")
    assert (anna.state, anna.call_id) == ("offered", attempt.id)
    assert office.sent(Originate) == []
    await office.later(6)
    (dialled,) = office.sent(Originate)
    assert (dialled.call_id, dialled.number, dialled.caller_id, dialled.ring_seconds) == (attempt.id, CALLER, DIALLED, 45)
    assert isinstance(office.commands[-1], Bridge)
    assert await state(office, meeting_id) == "dialling"
    assert [(each.meeting_id, each.call_id) for each in office.said(MeetingDialling, "anna")] == [(meeting_id, attempt.id)]
    assert [each.contact_id for each in office.said(ContactOpened, "anna")] == [contact_id]
    call = await office.call(attempt.id)
    assert (call.contact_id, call.identification, call.user_id) == (contact_id, "matched", office.people["anna"].id)
    await desk.rings(office)
    await desk.answers(office)
    assert await state(office, meeting_id) == "in_talk"
    await ends(office)
    meeting = await row(office, meeting_id)
    assert (meeting.state, meeting.attempts, meeting.next_at) == ("held", 1, None)
    (attempt,) = await desk.attempts(office, meeting_id)
    assert (attempt.state, attempt.result, attempt.number_in_meeting) == ("over", "answered", 1)
    assert (await office.states())["anna"] == "wrap_up"
    assert [each.text for each in await history(office, meeting_id) if each.kind == "state"] == [
        "The window has opened.",
        "Countdown before dialling.",
        "Attempt {number}: dialled.",
        "The customer answered.",
        "They talked.",
    ]
    assert "meeting" in {entry.kind for entry in await office.timeline(contact_id)}
    await desk.invariants(office)


@pytest.mark.parametrize(
    ("reason", "code"), [(EndReason.BUSY, 486), (EndReason.NO_ANSWER, 480), (EndReason.REJECTED, 603), (EndReason.FAILED, 503)]
)
async def test_who_is_not_reached_is_called_again_after_the_delay_and_no_oftener_than_allowed(
    office: Floor, reason: EndReason, code: int
) -> None:
    await desk.rules(office, attempts=2, retry_minutes=5)
    await office.ready("anna")
    meeting_id = await due(office)
    await office.later(6)
    await ends(office, reason, code)
    meeting = await row(office, meeting_id)
    assert (meeting.state, meeting.waiting, meeting.attempts) == ("retry_wait", "not_before", 1)
    await office.do("anna", calls.finish_wrap_up)
    await office.later(280)
    assert len(office.sent(Originate)) == 1, "not before the delay is over"
    await office.later(30)
    assert (await office.states())["anna"] == "offered"
    await office.later(6)
    assert len(office.sent(Originate)) == 2
    await ends(office, reason, code)
    meeting = await row(office, meeting_id)
    assert (meeting.state, meeting.attempts) == ("missed", 2)
    assert "attempts" in meeting.reason
    assert [(each.result, each.end_code) for each in await desk.attempts(office, meeting_id)] == [(reason.value, code)] * 2
    assert {"anna", "sue"} <= {name for name in ("anna", "sue") if office.said(MeetingMissed, name)}
    await desk.invariants(office)


async def test_a_retry_that_would_not_ring_to_its_end_in_the_window_is_no_retry(office: Floor) -> None:
    await desk.rules(office, attempts=5, retry_minutes=29)
    await office.ready("anna")
    meeting_id = await due(office)
    await office.later(60)
    await ends(office, EndReason.BUSY)
    meeting = await row(office, meeting_id)
    assert (meeting.state, meeting.reason) == ("missed", "The window is over and nobody was reached.")


async def test_not_now_puts_it_off_for_a_minute_and_frees_the_consultant(office: Floor) -> None:
    await office.ready("anna")
    meeting_id = await due(office)
    (attempt,) = await desk.attempts(office, meeting_id)
    with pytest.raises(Invalid, match="why"):
        await office.do("anna", meeting_attempts.not_now, attempt.id, " ")
    with pytest.raises(NotFound):
        await office.do("bob", meeting_attempts.not_now, attempt.id, "no")
    await office.do("anna", meeting_attempts.not_now, attempt.id, "on the other line")
    assert (await office.states())["anna"] == "ready"
    meeting = await row(office, meeting_id)
    assert (meeting.state, meeting.waiting, meeting.attempts) == ("due", "not_now", 0)
    assert "on the other line" in {entry.data.get("reason") for entry in await history(office, meeting_id)}
    await office.do("anna", meeting_attempts.not_now, attempt.id, "pressed twice")
    await office.later(10)
    assert (await office.states())["anna"] == "ready", "its job is gone too"
    await office.later(55)
    assert [each.result for each in await desk.attempts(office, meeting_id)] == ["not_now", ""]
    await office.later(6)
    assert len(office.sent(Originate)) == 1
    with pytest.raises(Conflict, match="already"):
        await office.do("anna", meeting_attempts.not_now, (await desk.attempts(office, meeting_id))[1].id, "too late")
    await desk.invariants(office)


@pytest.mark.parametrize(
    ("what", "code"),
    [
        ("break", "break"),
        ("offline", "offline"),
        ("audio", "no_audio"),
        ("switch", "switch_away"),
        ("stopping", "draining"),
        ("trunk", "trunk_off"),
        ("spending", "spent"),
    ],
)
async def test_what_happens_during_the_countdown_stops_it(office: Floor, what: str, code: str) -> None:
    await office.ready("anna")
    meeting_id = await due(office)
    assert (await office.states())["anna"] == "offered"
    await happens(office, what)
    await office.later(6)
    assert office.sent(Originate) == []
    assert (await state(office, meeting_id), await waiting(office, meeting_id)) == ("due", code)
    assert (await office.states())["anna"] == {"break": "break", "offline": "offline"}.get(what, "ready")
    await passes(office, what)
    await office.run_due()
    assert (await office.states())["anna"] == "offered", "it comes again by itself"
    await office.later(6)
    assert len(office.sent(Originate)) == 1
    await desk.invariants(office)


async def happens(office: Floor, what: str) -> None:
    match what:
        case "break" | "offline":
            await office.do("anna", calls.set_agent_state, what)
        case "audio":
            await office.lost("anna")
        case "switch":
            await office.event(LinkDown())
        case "stopping":
            await office.event(SwitchDraining(on=True))
        case "trunk":
            await trunk(office, enabled=False)
        case "spending":
            await trunk(office, minute_price="1", daily_spend="1")
            async with office.database.unit_of_work() as uow:  # somebody else has talked a minute on it
                long = Call(id="0" * 32, direction="outbound", state="ended", started_at=uow.now, match=[])
                uow.session.add(long)
                await uow.session.flush()
                leg = Leg(id=long.id, call_id=long.id, trunk_id=office.trunk_id, direction="outbound", state="ended")
                leg.started_at = leg.answered_at = leg.ended_at = uow.now
                uow.session.add(leg)


async def passes(office: Floor, what: str) -> None:
    """Let what stopped the countdown be over."""
    if what in ("break", "offline"):
        await office.do("anna", calls.set_agent_state, "ready")
        return
    if what in ("trunk", "spending"):
        await trunk(office, enabled=True)
    if what != "audio":
        await office.event(LinkUp(Snapshot("boot")))
    await office.live("anna")


async def trunk(floor: Floor, **fields: object) -> None:
    values = {"name": "carrier", "host": "192.0.2.1", "caller_ids": [DIALLED], **fields}
    async with floor.database.unit_of_work(ADMIN) as uow:
        await update_trunk(uow, floor.trunk_id, TrunkInput.model_validate(values))


async def test_a_manual_meeting_pops_up_and_one_click_dials(office: Floor) -> None:
    await office.ready("anna")
    meeting_id = await due(office, mode="manual")
    (card,) = desk.cards(office, "anna")
    assert (card.meeting_id, card.attempt_id, card.countdown_until) == (meeting_id, None, None)
    assert (await state(office, meeting_id), await waiting(office, meeting_id)) == ("due", "by_hand")
    assert [each.meeting_id for each in await office.do("anna", pop_ups.current)] == [meeting_id]
    assert await office.do("bob", pop_ups.current) == []
    call_id = await office.do("anna", meeting_attempts.call_now, meeting_id)
    assert office.sent(Originate)[0].call_id == call_id
    with pytest.raises(Conflict, match="You are calling"):
        await office.do("anna", meeting_attempts.call_now, meeting_id)
    await ends(office, EndReason.BUSY)
    assert await state(office, meeting_id) == "retry_wait"
    await office.do("anna", calls.finish_wrap_up)
    assert await office.do("anna", pop_ups.current) == []
    await office.later(301)
    assert len(desk.cards(office, "anna")) == 2
    await office.do("anna", meeting_attempts.call_now, meeting_id)
    await desk.answers(office)
    await ends(office)
    assert await state(office, meeting_id) == "held"
    await desk.invariants(office)


async def test_a_meeting_of_nobody_goes_to_who_presses_first(office: Floor) -> None:
    await office.ready("anna", "bob")
    meeting_id = await due(office, mode="manual", user_id=None)
    assert len(desk.cards(office, "anna")) == len(desk.cards(office, "bob")) == 1
    assert desk.cards(office, "celia") == []
    await office.do("bob", meeting_attempts.call_now, meeting_id)
    with pytest.raises(Conflict, match="Bob is calling"):
        await office.do("anna", meeting_attempts.call_now, meeting_id)
    await desk.answers(office)
    assert (await row(office, meeting_id)).user_id == office.people["bob"].id
    assert len(office.sent(Originate)) == 1
    assert await office.do("anna", pop_ups.current) == []


async def test_call_cuts_a_countdown_short(office: Floor) -> None:
    await office.ready("anna")
    meeting_id = await due(office)
    (attempt,) = await desk.attempts(office, meeting_id)
    assert await office.do("anna", meeting_attempts.call_now, meeting_id) == attempt.id
    await office.later(6)
    assert len(office.sent(Originate)) == 1
    await desk.invariants(office)


async def test_who_may_not_press_call_is_told_why(office: Floor) -> None:
    async def refused(who: str, error: type[CallCenterError], match: str) -> None:
        with pytest.raises(error, match=match):
            await office.do(who, meeting_attempts.call_now, meeting_id)

    meeting_id = await planned(office, mode="manual")
    await office.ready("anna", "bob")
    await refused("anna", Conflict, "not opened")
    await office.later(desk.OPENS)
    await refused("bob", NotFound, "no such")
    await refused("sue", Conflict, "Anna's")
    await office.lost("anna")
    await refused("anna", Conflict, "microphone")
    await office.live("anna")
    await office.do("anna", calls.set_agent_state, "offline")
    await refused("anna", Conflict, "offline")
    await office.do("anna", calls.set_agent_state, "ready")
    await desk.rules(office, hours={"0": [("00:00", "00:01")]}, time_zone="Asia/Tokyo")
    await refused("anna", Conflict, "calling hours")
    await desk.rules(office)
    await office.event(LinkDown())
    await refused("anna", Unavailable, "switch")
    await office.event(LinkUp(Snapshot("boot")))
    await office.live("anna")
    await office.later(1760)
    await refused("anna", Conflict, "no time left")
    await office.later(60)
    await refused("anna", Conflict, "not due")
    assert await state(office, meeting_id) == "missed"
    assert office.sent(Originate) == []


async def test_an_emergency_number_is_never_dialled_by_hand_or_by_the_system(office: Floor) -> None:
    await office.ready("anna")
    by_hand, by_system = await planned(office, mode="manual"), await planned(office, mode="automatic")
    async with office.database.unit_of_work() as uow:
        for meeting_id in (by_hand, by_system):
            (await uow.session.get_one(Meeting, meeting_id)).number = "112"
    await office.later(desk.OPENS)
    with pytest.raises(NotPermitted, match="emergency"):
        await office.do("anna", meeting_attempts.call_now, by_hand)
    assert await waiting(office, by_system) == "number"
    assert await office.all(Call) == []
    assert (await office.states())["anna"] == "ready"


async def test_a_call_the_switch_lost_is_uncertain_and_put_in_front_of_people(office: Floor) -> None:
    await office.ready("anna")
    meeting_id = await due(office)
    await office.later(6)
    await office.event(LinkDown())
    await office.event(LinkUp(Snapshot("new boot")))
    meeting = await row(office, meeting_id)
    assert meeting.state == "uncertain"
    assert [each.result for each in await desk.attempts(office, meeting_id)] == ["uncertain"]
    assert [each.link for each in office.said(Notice, "sue")] == [f"/meetings/{meeting_id}"]
    assert office.said(Notice, "anna")
    await office.later(3600)
    assert len(office.sent(Originate)) == 1, "nobody is called again before a person has said what became of it"
    await office.later(86400)
    assert len(office.said(Notice, "sue")) == 2, "people are reminded"
    await desk.invariants(office)


async def test_rows_stand_before_the_switch_is_asked_to_dial(office: Floor) -> None:
    await office.ready("anna")
    meeting_id = await due(office)
    seen: list[tuple[int, int, str]] = []
    order: list[str] = []

    async def before(uow: object) -> None:
        order.append("commit")

    office.database.before_commit.append(before)
    office.database.after_commit.append(lambda committed: order.extend(each.kind for each in committed.commands))
    await office.later(6)
    async with office.database.reading() as uow:
        attempt = (await desk.attempts(office, meeting_id))[0]
        assert await uow.session.get(Call, attempt.id) is not None
        assert (await uow.session.get(Attempt, attempt.id)).state == "dialling"  # type: ignore[union-attr]
        seen.append((len(await office.all(Leg)), len(await office.all(Agent)), attempt.state))
    assert order.index("originate") > order.index("commit")
    assert seen == [(1, 1, "dialling")]

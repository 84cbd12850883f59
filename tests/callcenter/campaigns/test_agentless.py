"""Messages instead of a consultant: left on machines after the beep, played to people who may press a key."""

from typing import Any

import pytest

from callcenter.calls import service as calls
from callcenter.calls.models import CallState
from callcenter.campaigns import agentless, choosing
from callcenter.campaigns.lead_models import Lead
from callcenter.campaigns.models import CampaignMode, PacingDecision
from callcenter.contacts import suppressions
from callcenter.contacts.consent_models import Consent
from callcenter.db import Database
from callcenter.events import Notice
from callcenter.phone import (
    Announce,
    Announced,
    Bridge,
    DtmfReceived,
    EndReason,
    HangUpLeg,
    LegEnded,
    LegState,
    LinkUp,
    MachineDetected,
    Originate,
    Play,
    Snapshot,
    Sound,
)
from callcenter.projects.models import Project
from tests.callcenter.campaigns.dialling import Room, invariants, open_room

MESSAGE = "message.wav"
KEYS = {"1": "confirm", "2": "agent", "9": "do_not_call"}
PLAYED = Announced(4000, 4000)


async def room_of(database: Database, people: int = 3, *, agreed: bool = True, **campaign: Any) -> Room:
    """Open a room with a campaign without consultants, and so many leads, contacts who agreed to messages by machine."""
    given = {"mode": "agentless", "message": MESSAGE, "keys": KEYS, "most_lines": 5, **campaign}
    room = await open_room(database, **given)
    for n in range(people):
        contact_id = await room.floor.add_contact(f"Person {n}", f"+48601{n:06}")
        await room.add_leads(1, first=n, contact_id=contact_id)
        if agreed:
            async with database.unit_of_work() as uow:
                said = {"channel": "call", "purpose": "service", "means": "automatic", "given": True, "source": "form"}
                uow.session.add(Consent(contact_id=contact_id, at=uow.now, recorded_at=uow.now, **said))
    return room


async def dialled(room: Room) -> Originate:
    """Dial, let the first one be answered and return it."""
    first = min(await room.tick(), key=lambda each: each.number)
    await room.answers(first)
    return first


async def press(room: Room, call: Originate, digit: str) -> None:
    await room.floor.event(DtmfReceived(call.leg_id, digit, 100))


async def over(room: Room, call: Originate, announced: Announced | None = PLAYED) -> None:
    for _ in range(2):
        await room.floor.event(LegEnded(call.leg_id, EndReason.COMPLETED, "near", announced=announced))
    await room.floor.later(3)


async def told(room: Room, call: Originate) -> list[str]:
    """Return what the contact's timeline says of a call."""
    contact_id = (await room.floor.call(call.call_id)).contact_id
    assert contact_id is not None
    entries = [each for each in await room.floor.timeline(contact_id) if each.call_id == call.call_id]
    return [each["text"] for entry in entries for each in entry.data.get("played", [])]


# --- playing ----------------------------------------------------------------------------------------------------------


async def test_whoever_answers_hears_the_message_and_has_time_for_a_key(database: Database) -> None:
    room = await room_of(database)
    first = await dialled(room)
    assert first.listening is None
    assert room.floor.sent(Announce) == [Announce(first.leg_id, MESSAGE, linger_ms=6000)]
    assert (await room.floor.call(first.call_id)).state == CallState.PLAYING
    assert (await room.lead()).state == "talking"
    await over(room, first)
    assert ((await room.lead()).state, (await room.lead()).outcome) == ("done", "heard")
    assert await room.counts() == {"dialled": 3, "answered": 1, "connected": 1}
    assert "heard" in await room.decisions()
    assert await told(room, first) == ["The customer heard the whole recorded message."]
    await invariants(room)


async def test_who_hangs_up_in_the_message_is_left_alone(database: Database) -> None:
    room = await room_of(database)
    first = await dialled(room)
    await over(room, first, Announced(1500, 4000))
    assert ((await room.lead()).state, (await room.lead()).outcome) == ("done", "hung_up")
    assert await told(room, first) == ["The customer heard {heard} of the {length} seconds of the recorded message."]


async def test_no_more_lines_than_it_may_have_whoever_is_ready_and_the_decision_can_be_replayed(database: Database) -> None:
    room = await room_of(database, 8, most_lines=3, abandon_cap=0)
    assert len(await room.tick()) == 3
    assert await room.tick() == []
    kept = [each for each in await room.floor.all(PacingDecision) if each.why == "agentless"]
    assert [each.lines for each in kept] == [3, 0]
    assert all(choosing.choose(each.inputs) == (each.lines, each.why) for each in kept)
    assert agentless.decided(0, 0, 50).lines == agentless.LINES
    assert agentless.decided(0, 100, 4).lines == 4
    await invariants(room)


async def test_without_a_consent_to_messages_nobody_is_dialled(database: Database) -> None:
    room = await room_of(database, agreed=False)
    assert await room.tick() == []
    assert ((await room.lead()).state, (await room.lead()).refusal) == ("refused", "no_consent")


async def test_a_switch_that_is_back_is_told_again_what_to_play(database: Database) -> None:
    room = await room_of(database, 1)
    first = await dialled(room)
    state = LegState(first.leg_id, first.call_id, room.floor.trunk_id, "outbound", "answered", first.number)
    await room.floor.event(LinkUp(Snapshot("boot", (state,))))
    assert room.floor.sent(Announce) == [Announce(first.leg_id, MESSAGE, linger_ms=6000)] * 2
    await room.floor.event(LinkUp(Snapshot("another")))
    await invariants(room)


async def test_a_message_the_switch_says_nothing_more_of_is_hung_up(database: Database) -> None:
    room = await room_of(database, 1)
    first = await dialled(room)
    await room.floor.later(100)
    assert HangUpLeg(first.leg_id, EndReason.COMPLETED) in room.floor.commands
    await invariants(room)


# --- keys -------------------------------------------------------------------------------------------------------------


async def test_confirm_is_the_outcome_and_ends_the_call(database: Database) -> None:
    room = await room_of(database)
    first = await dialled(room)
    await press(room, first, "5")
    assert HangUpLeg(first.leg_id, EndReason.COMPLETED) not in room.floor.commands, "a key without a meaning"
    await press(room, first, "1")
    await press(room, first, "9")
    assert HangUpLeg(first.leg_id, EndReason.COMPLETED) in room.floor.commands
    await over(room, first, Announced(1000, 4000))
    assert ((await room.lead()).state, (await room.lead()).outcome) == ("done", "confirmed")
    assert (await room.attempt(first.call_id)).key == "1"
    assert "confirmed" in await room.decisions()
    assert (await told(room, first))[-1] == "The customer confirmed by pressing a key."
    await invariants(room)


async def test_no_more_calls_is_kept_at_once_and_for_good(database: Database) -> None:
    room = await room_of(database)
    first = await dialled(room)
    await press(room, first, "9")
    async with database.reading() as uow:
        token = suppressions.number_token(uow, first.number)
        of_project = suppressions.of_project(room.floor.project_id)
        assert await suppressions.reasons(uow, [token], (of_project,))
    await over(room, first, Announced(1000, 4000))
    lead = await room.lead()
    assert (lead.state, lead.refusal, lead.outcome) == ("refused", "do_not_call", "do_not_call")
    assert "The customer asked for no more calls by pressing a key." in await told(room, first)
    contact_id = (await room.floor.call(first.call_id)).contact_id
    said = [each for each in await room.floor.all(Consent) if each.contact_id == contact_id and not each.given]
    assert [each.channel for each in said] == ["call"]
    await invariants(room)


async def test_who_asks_for_somebody_gets_who_is_ready(database: Database) -> None:
    room = await room_of(database)
    await room.floor.ready("anna")
    first = await dialled(room)
    assert (await room.floor.states())["anna"] == "ready", "nobody is taken before"
    await press(room, first, "2")
    call = await room.floor.call(first.call_id)
    assert (call.state, call.user_id) == ("talking", room.floor.people["anna"].id)
    assert len(room.floor.sent(Bridge)[-1].members) == 2
    await over(room, first, Announced(1000, 4000))
    await room.floor.do("anna", calls.finish_wrap_up)
    assert (await room.lead()).outcome == "talked"
    assert await room.counts() == {"dialled": 3, "answered": 1, "connected": 1}
    assert "The customer asked to speak to somebody by pressing a key." in await told(room, first)
    await invariants(room)


async def test_who_asks_for_somebody_waits_with_music_for_the_next_who_gets_ready(database: Database) -> None:
    room = await room_of(database)
    first = await dialled(room)
    await press(room, first, "2")
    assert Play(first.leg_id, Sound.MUSIC) in room.floor.commands
    await room.floor.later(30)
    assert (await room.floor.call(first.call_id)).state == "answered"
    await room.floor.ready("bob")
    assert (await room.floor.call(first.call_id)).user_id == room.floor.people["bob"].id
    await invariants(room)


@pytest.mark.parametrize("leaves", [True, False])
async def test_who_asks_for_somebody_in_vain_is_called_back(database: Database, leaves: bool) -> None:
    room = await room_of(database)
    first = await dialled(room)
    await press(room, first, "2")
    if leaves:
        await room.ends(first)
    async with database.reading() as uow:
        longest = (await uow.session.get_one(Project, room.floor.project_id)).max_wait_seconds
    await room.floor.later(longest + 1)
    assert ((await room.lead()).state, (await room.lead()).outcome) == ("done", "wanted_agent")
    assert [each.call_id for each in await room.floor.call_backs()] == [first.call_id]
    (told_of,) = room.floor.said(Notice)
    assert told_of.sentence == "{number} asked for a consultant, and none was free. It is on your call-back list."
    assert (told_of.values, told_of.link) == ({"number": "+48 601 000 000"}, "/call-backs")
    assert "wanted_agent" in await room.decisions()
    await invariants(room)


# --- machines ---------------------------------------------------------------------------------------------------------


async def found(room: Room, call: Originate, what: str = "machine") -> None:
    for _ in range(2):
        await room.floor.event(MachineDetected(call.leg_id, what))  # type: ignore[arg-type]


async def test_the_switch_is_asked_to_listen_with_the_campaigns_thresholds(database: Database) -> None:
    room = await room_of(database, detection="message", detection_settings={"decide_ms": 3500, "greeting_ms": 2000})
    first = await dialled(room)
    assert first.listening is not None
    assert (first.listening.greeting_ms, first.listening.pause_ms) == (2000, 600)
    assert room.floor.sent(Announce) == []
    await room.floor.later(2)
    assert room.floor.sent(Announce) == []
    await room.floor.later(1.6)
    assert [each.after for each in room.floor.sent(Announce)] == ["now"], "undecided is a person"


@pytest.mark.parametrize("mode", [CampaignMode.AGENTLESS, CampaignMode.PREDICTIVE, CampaignMode.PROGRESSIVE])
async def test_a_message_is_left_on_a_machine_after_the_beep(database: Database, mode: CampaignMode) -> None:
    room = await room_of(database, 1, mode=mode.value, abandon_cap=3.0, detection="message", abandoned_message="sorry.wav")
    await room.floor.ready("anna")
    first = await dialled(room)
    await found(room, first)
    assert room.floor.sent(Announce) == [Announce(first.leg_id, MESSAGE, after="beep", linger_ms=20)]
    assert (await room.floor.states())["anna"] in ("ready", "wrap_up"), "nobody has to listen to it"
    await over(room, first)
    assert ((await room.lead()).state, (await room.lead()).outcome) == ("done", "message_left")
    assert "message_left" in await room.decisions()
    assert await told(room, first) == ["The recorded message was left on the answering machine."]
    await invariants(room)


async def test_a_machine_that_ends_the_call_first_is_tried_again(database: Database) -> None:
    room = await room_of(database, 1, detection="message")
    first = await dialled(room)
    await found(room, first)
    await over(room, first, None)
    assert ((await room.lead()).state, (await room.lead()).outcome) == ("waiting", "machine")
    assert await room.counts() == {"dialled": 1, "machines": 1}
    await invariants(room)


async def test_no_message_is_left_without_a_consent_to_messages(database: Database) -> None:
    room = await room_of(database, 1, agreed=False, mode="predictive", abandon_cap=3.0, detection="message")
    await room.floor.ready("anna")
    first = await dialled(room)
    await found(room, first)
    assert room.floor.sent(Announce) == []
    assert HangUpLeg(first.leg_id, EndReason.COMPLETED) in room.floor.commands
    assert "message_not_allowed" in await room.decisions()
    await invariants(room)


@pytest.mark.parametrize(("detection", "then"), [("hang_up", "machine"), ("message", "message_left")])
async def test_a_machine_found_while_the_message_is_played_is_still_one(database: Database, detection: str, then: str) -> None:
    room = await room_of(database, 1, detection=detection)
    first = await dialled(room)
    await room.floor.later(2)
    assert [each.after for each in room.floor.sent(Announce)] == ["now"]
    await found(room, first)
    if then == "message_left":
        assert room.floor.sent(Play)[-1] == Play(first.leg_id, Sound.SILENCE)
        assert [each.after for each in room.floor.sent(Announce)] == ["now", "beep"]
    await over(room, first)
    assert (await room.lead()).outcome == then
    await invariants(room)


async def test_an_agent_who_was_on_the_call_is_freed_of_a_machine_found_in_time(database: Database) -> None:
    room = await room_of(database, 2, mode="progressive", detection="hang_up", detection_settings={"decide_ms": 3500})
    await room.floor.ready("anna", "bob")
    first, second = sorted(await room.tick(), key=lambda each: each.number)
    await room.answers(first)
    await room.answers(second)
    assert first.listening is not None
    await room.floor.later(3)
    await found(room, first)
    assert HangUpLeg(first.leg_id, EndReason.COMPLETED) in room.floor.commands
    await over(room, first, None)
    assert (await room.lead()).outcome == "machine"
    await found(room, second)
    assert (await room.floor.call(second.call_id)).state == "talking", "too late: the consultant decides"
    await invariants(room)


async def test_all_leads_are_seen_to_in_the_end(database: Database) -> None:
    room = await room_of(database, 7, most_lines=2)
    for _ in range(8):
        for each in await room.tick(5):
            await room.answers(each)
            await over(room, each)
    assert {each.state for each in await room.floor.all(Lead)} == {"done"}
    await invariants(room)


async def test_a_trunk_that_refuses_is_tried_by_one_call_every_few_seconds(database: Database) -> None:
    room = await room_of(database, 30)
    begun = 0
    for _ in range(12):
        for each in await room.tick():
            begun += 1
            await room.ends(each, EndReason.FAILED, 503)
    assert 5 <= begun <= 14
    await invariants(room)


async def test_who_presses_a_key_is_a_person_whatever_they_sounded_like(database: Database) -> None:
    room = await room_of(database, detection="hang_up", detection_settings={"decide_ms": 1200})
    first = await dialled(room)
    await room.floor.later(1.3)
    assert (await room.floor.call(first.call_id)).state == CallState.PLAYING
    await room.floor.ready("anna")
    await press(room, first, "2")
    await room.floor.event(MachineDetected(first.leg_id, "machine"))
    attempt = await room.attempt(first.call_id)
    assert (attempt.found, attempt.state, attempt.user_id) == ("human", "talking", room.floor.people["anna"].id)
    await room.floor.later(5)
    await room.ends(first)
    assert (await room.attempt(first.call_id)).outcome == "talked"

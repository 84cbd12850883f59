"""More lines than agents: who answers gets the longest ready agent at once, or waits two seconds, or hears nobody is free."""

from typing import Any

import pytest
from sqlalchemy import event

from callcenter.calls import service as calls
from callcenter.calls.models import Call
from callcenter.campaigns.lead_models import Lead
from callcenter.campaigns.models import CampaignMember
from callcenter.campaigns.observed import Decision, Observed, Settings
from callcenter.contacts.consent_models import Consent
from callcenter.db import Database
from callcenter.events import CallAnswered
from callcenter.phone import (
    Announce,
    Announced,
    Bridge,
    EndReason,
    HangUpLeg,
    LegEnded,
    LinkUp,
    Listening,
    MachineDetected,
    Originate,
    Snapshot,
)
from callcenter.projects.service import set_members
from tests.callcenter.campaigns.dialling import FILE, Room, invariants, open_room


class Told:
    """A pacer that says what it is told: so many lines at each tick."""

    lines = 0

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def tick(self, _seen: Observed) -> Decision:
        return Decision(Told.lines, "paced", {})


@pytest.fixture(autouse=True)
def told(monkeypatch: pytest.MonkeyPatch) -> type[Told]:
    """Let the tests say how many lines."""
    Told.lines = 0
    monkeypatch.setattr("callcenter.campaigns.dialer.Pacer", Told)
    return Told


async def room_of(database: Database, **campaign: Any) -> Room:
    given = {"mode": "predictive", "abandon_cap": 3.0, "abandoned_message": FILE, **campaign}
    room = await open_room(database, **given)
    await room.add_leads(8)
    return room


async def dial(room: Room, lines: int) -> list[Originate]:
    """Dial so many lines and none more."""
    Told.lines = lines
    found = await room.tick()
    Told.lines = 0
    assert len(found) == lines
    return found


async def test_who_answers_is_given_to_the_longest_ready(database: Database) -> None:
    room = await room_of(database)
    floor = room.floor
    await floor.ready("anna", "bob")
    first, second, third = await dial(room, 3)
    assert set((await floor.states()).values()) == {"ready"}
    assert floor.sent(Bridge) == []
    await room.rings(first)
    await room.answers(second)
    await room.answers(second)
    assert (await room.attempt(second.call_id)).user_id == floor.people["anna"].id
    assert [each.call_id for each in floor.said(CallAnswered, "anna")] == [second.call_id]
    await room.answers(first)
    assert (await floor.call(first.call_id)).user_id == floor.people["bob"].id
    assert {"talking"} == {(await room.lead(n)).state for n in (1, 2)}
    assert await room.counts() == {"dialled": 3, "answered": 2, "connected": 2}
    assert (await room.attempt(first.call_id)).bridged_ms is not None
    await invariants(room)
    await room.ends(third, EndReason.BUSY)
    await invariants(room)


async def test_nobody_free_for_two_seconds_is_an_abandoned_call(database: Database) -> None:
    room = await room_of(database)
    floor = room.floor
    await floor.ready("anna")
    first, second = await dial(room, 2)
    await room.answers(first)
    await room.answers(second)
    await floor.later(1.5)
    assert floor.sent(Announce) == []
    await floor.later(0.6)
    assert floor.sent(Announce) == [Announce(second.leg_id, FILE)]
    assert await room.counts() == {"dialled": 2, "answered": 2, "connected": 1, "abandoned": 1}
    await floor.event(LegEnded(second.leg_id, EndReason.COMPLETED, "near", announced=Announced(3000, 3000)))
    await floor.event(LegEnded(second.leg_id, EndReason.COMPLETED, "near", announced=Announced(3000, 3000)))
    await floor.later(5)
    lead = await room.lead(2)
    assert (lead.state, lead.outcome, lead.needs_agent) == ("waiting", "abandoned", True)
    assert await room.counts() == {"dialled": 2, "answered": 2, "connected": 1, "abandoned": 1}, "once"
    assert "abandoned_needs_agent" in await room.decisions(2)
    assert (await floor.call(second.call_id)).end_reason == "abandoned"
    await invariants(room)


async def test_an_agent_who_gets_ready_takes_who_waits_at_once(database: Database) -> None:
    room = await room_of(database)
    floor = room.floor
    await floor.ready("anna")
    first, second = await dial(room, 2)
    await room.answers(first)
    await room.answers(second)
    await floor.later(1)
    await floor.ready("bob")
    assert (await floor.call(second.call_id)).user_id == floor.people["bob"].id
    await floor.later(5)
    assert floor.sent(Announce) == []
    assert await room.counts() == {"dialled": 2, "answered": 2, "connected": 2}
    await invariants(room)


async def test_an_abandoned_lead_is_dialled_with_an_agent_on_it(database: Database) -> None:
    room = await room_of(database, abandoned_message="", delays={"no_agent": 1})
    floor = room.floor
    await floor.ready("anna")
    (first,) = await dial(room, 1)
    await floor.do("anna", calls.set_agent_state, "break")
    await room.answers(first)
    await floor.later(2.1)
    assert HangUpLeg(first.leg_id, EndReason.COMPLETED) in floor.commands
    await floor.later(61)
    found = await dial(room, 2)
    assert first.number not in [each.number for each in found], "nobody is ready for it"
    await floor.do("anna", calls.set_agent_state, "ready")
    found = await dial(room, 2)
    again = next(each for each in found if each.number == first.number)
    assert (await room.attempt(again.call_id)).user_id == floor.people["anna"].id
    assert (await floor.states())["anna"] == "on_call"
    await invariants(room)


async def test_a_caller_who_waits_comes_before_a_campaign(database: Database) -> None:
    room = await room_of(database)
    floor = room.floor
    await floor.ready("anna")
    (first,) = await dial(room, 1)
    leg = await floor.ring("+48602000000")
    await floor.do("anna", calls.decline, (await floor.call_of(leg)).id)
    assert (await floor.states())["anna"] == "ready"
    await room.answers(first)
    assert (await floor.call(first.call_id)).state == "answered", "she is kept for the caller, who is asked about again soon"
    await floor.later(2.1)
    assert floor.sent(Announce) != []


async def test_nobody_who_does_not_serve_the_campaign_gets_its_calls(database: Database) -> None:
    room = await room_of(database)
    floor = room.floor
    await floor.ready("anna", "bob")
    (first,) = await dial(room, 1)
    async with floor.database.unit_of_work() as uow:
        uow.session.add(CampaignMember(campaign_id=room.campaign_id, user_id=floor.people["bob"].id))
    await room.answers(first)
    assert (await floor.call(first.call_id)).user_id == floor.people["bob"].id


async def test_who_left_the_project_gets_nothing(database: Database) -> None:
    room = await room_of(database)
    floor = room.floor
    await floor.ready("anna")
    (first,) = await dial(room, 1)
    async with floor.database.unit_of_work(floor.people["sue"]) as uow:
        await set_members(uow, floor.project_id, [floor.people["bob"].id])
    await room.answers(first)
    assert (await floor.states())["anna"] == "ready"


async def test_a_customer_who_hangs_up_before_the_agent_came_counts_once(database: Database) -> None:
    room = await room_of(database)
    (first,) = await dial(room, 1)
    await room.answers(first)
    await room.ends(first)
    await room.floor.later(3)
    assert await room.counts() == {"dialled": 1, "answered": 1, "abandoned": 1}
    assert (await room.lead()).needs_agent
    await invariants(room)


async def test_a_switch_lost_while_somebody_waits_is_an_abandoned_call(database: Database) -> None:
    room = await room_of(database)
    (first,) = await dial(room, 1)
    await room.answers(first)
    await room.floor.event(LinkUp(Snapshot("another")))
    await room.floor.later(3)
    assert await room.counts() == {"dialled": 1, "answered": 1, "abandoned": 1}
    await invariants(room)


# --- machines ---------------------------------------------------------------------------------------------------------


async def listening(database: Database, what: str = "hang_up") -> tuple[Room, Originate]:
    room = await room_of(database, detection=what)
    await room.floor.ready("anna")
    (first,) = await dial(room, 1)
    return room, first


async def test_with_detection_a_person_waits_until_it_is_known(database: Database) -> None:
    room, first = await listening(database)
    await room.answers(first)
    assert (await room.floor.call(first.call_id)).state == "answered"
    await room.floor.event(MachineDetected(first.leg_id, "human"))
    assert (await room.floor.call(first.call_id)).state == "talking"
    assert await room.counts() == {"dialled": 1, "answered": 1, "connected": 1}


async def test_who_is_not_known_in_time_is_a_person(database: Database) -> None:
    room, first = await listening(database)
    await room.answers(first)
    await room.floor.later(1)
    assert (await room.floor.call(first.call_id)).state == "answered"
    await room.floor.later(0.3)
    assert (await room.floor.call(first.call_id)).state == "talking"
    await room.floor.event(MachineDetected(first.leg_id, "machine"))
    assert (await room.floor.call(first.call_id)).state == "talking", "the agent hears it, and decides"
    await room.ends(first)
    assert (await room.attempt(first.call_id)).outcome == "machine"
    assert (await room.lead()).state == "waiting"
    await invariants(room)


@pytest.mark.parametrize("early", [True, False])
async def test_a_machine_is_hung_up_and_tried_again(database: Database, early: bool) -> None:
    room, first = await listening(database)
    if early:
        await room.floor.event(MachineDetected(first.leg_id, "machine"))
    await room.answers(first)
    await room.floor.event(MachineDetected(first.leg_id, "machine"))
    await room.floor.event(MachineDetected(first.leg_id, "machine"))
    assert HangUpLeg(first.leg_id, EndReason.COMPLETED) in room.floor.commands
    await room.ends(first)
    await room.floor.later(3)
    lead = await room.lead()
    assert (lead.state, lead.outcome, lead.needs_agent) == ("waiting", "machine", False)
    assert await room.counts() == {"dialled": 1, "machines": 1}
    assert (await room.floor.states())["anna"] == "ready"
    await invariants(room)


@pytest.mark.parametrize(("seconds", "outcome"), [(12, "machine"), (300, "talked")])
async def test_a_machine_found_in_a_long_talk_was_a_person(database: Database, seconds: int, outcome: str) -> None:
    room, first = await listening(database)
    await room.answers(first)
    await room.floor.later(1)
    await room.floor.later(0.3)
    await room.floor.event(MachineDetected(first.leg_id, "machine"))
    await room.floor.later(seconds)
    assert await room.counts() == {"dialled": 1, "machines": 1}
    await room.ends(first)
    assert (await room.attempt(first.call_id)).outcome == outcome
    person = {"dialled": 1, "answered": 1, "connected": 1}
    assert await room.counts() == (person if outcome == "talked" else {"dialled": 1, "machines": 1})


async def test_a_machine_that_a_consultant_was_on_from_the_first_ring_is_no_person_under_the_cap(database: Database) -> None:
    room = await room_of(database, mode="progressive", detection="hang_up", detection_settings={"decide_ms": 4000})
    await room.floor.ready("anna")
    (first,) = await dial(room, 1)
    await room.answers(first)
    assert await room.counts() == {"dialled": 1, "answered": 1, "connected": 1}
    await room.floor.later(3)
    for _ in range(2):
        await room.floor.event(MachineDetected(first.leg_id, "machine"))
    assert await room.counts() == {"dialled": 1, "machines": 1}
    await room.ends(first)
    assert (await room.attempt(first.call_id)).outcome == "machine"
    assert await room.counts() == {"dialled": 1, "machines": 1}
    await invariants(room)


async def test_a_machine_may_be_given_to_an_agent(database: Database) -> None:
    room, first = await listening(database, "connect")
    await room.answers(first)
    await room.floor.event(MachineDetected(first.leg_id, "machine"))
    call: Call = await room.floor.call(first.call_id)
    assert (call.state, call.machine) == ("talking", "machine")
    assert await room.counts() == {"dialled": 1, "machines": 1}


async def test_a_machine_found_while_it_waits_for_an_agent_is_none_of_the_abandoned(database: Database) -> None:
    room, first = await listening(database)
    await room.floor.do("anna", calls.set_agent_state, "break")
    await room.answers(first)
    await room.floor.later(1.3)
    await room.floor.event(MachineDetected(first.leg_id, "machine"))
    await room.ends(first)
    await room.floor.later(3)
    assert (await room.lead()).outcome == "machine"
    assert await room.counts() == {"dialled": 1, "machines": 1}
    await invariants(room)


async def test_a_message_is_left_by_nobody_and_the_machine_counts_as_one(database: Database) -> None:
    room = await room_of(database, detection="message", message="message.wav", rule_pack="US")
    contact_id = await room.floor.add_contact("Ewa", "+48601000000")
    async with database.unit_of_work() as uow:
        (await uow.session.get_one(Lead, 1)).contact_id = contact_id
        said = {"channel": "call", "purpose": "service", "means": "automatic", "given": True, "source": "form"}
        uow.session.add(Consent(contact_id=contact_id, at=uow.now, recorded_at=uow.now, **said))
    await room.floor.ready("anna")
    (first,) = await dial(room, 1)
    assert first.listening == Listening()
    await room.answers(first)
    await room.floor.event(MachineDetected(first.leg_id, "machine"))
    assert room.floor.sent(Announce) == [Announce(first.leg_id, "message.wav", after="beep", linger_ms=20)]
    await room.floor.event(LegEnded(first.leg_id, EndReason.COMPLETED, "near", announced=Announced(3000, 3000)))
    assert (await room.lead()).outcome == "message_left"
    assert await room.counts() == {"dialled": 1, "machines": 1}
    assert (await room.floor.states())["anna"] == "ready"
    await invariants(room)


async def test_with_detection_a_person_waits_for_an_agent_no_longer_than_without(database: Database) -> None:
    room, first = await listening(database)
    await room.floor.do("anna", calls.set_agent_state, "break")
    await room.answers(first)
    await room.floor.later(1.3)
    await room.floor.later(0.8)
    assert room.floor.sent(Announce) == [Announce(first.leg_id, FILE)]
    await invariants(room)


async def test_the_answer_takes_few_statements(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    room = await room_of(database)
    await room.floor.ready("anna")
    (first,) = await dial(room, 1)
    seen: list[str] = []
    event.listen(database.engine.sync_engine, "before_cursor_execute", lambda *given: seen.append(given[2]))
    await room.answers(first)
    print(*seen, sep="\n\n")  # noqa: T201 - shown when it fails
    assert len(seen) <= 22


async def test_an_agent_who_asked_for_a_break_goes_there_after_the_call(database: Database) -> None:
    room = await room_of(database)
    await room.floor.ready("anna")
    (first,) = await dial(room, 1)
    await room.answers(first)
    await room.floor.do("anna", calls.set_agent_state, "break")
    await room.ends(first)
    await room.floor.do("anna", calls.finish_wrap_up)
    assert (await room.floor.states())["anna"] == "break"

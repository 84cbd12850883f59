"""Kinds and states: declared, retired, never lost while in use; and which state may follow which."""

import pytest

from callcenter.actor import SYSTEM
from callcenter.db import Database
from callcenter.errors import Conflict, Invalid, NotFound, NotPermitted
from callcenter.tickets import service, settings, usual
from callcenter.tickets.forms import TicketInput, TicketKindInput, TicketStateInput, TicketStepPair, TicketStepsInput
from callcenter.tickets.models import EVERY_KIND, TicketState
from tests.callcenter.tickets.conftest import Office


async def test_without_kinds_and_states_no_ticket_can_be_made(database: Database) -> None:
    async with database.unit_of_work(SYSTEM) as uow:
        assert not (await settings.get_settings(uow)).ready
        with pytest.raises(Invalid):
            await service.create(uow, TicketInput(title="First", kind_id=1))
        kind = await settings.add_kind(uow, TicketKindInput(name="Complaint"))
        with pytest.raises(Conflict, match="no states yet"):
            await service.create(uow, TicketInput(title="First", kind_id=kind.id))
        await settings.add_state(uow, TicketStateInput(name="New"))
        assert (await settings.get_settings(uow)).ready
        assert (await service.create(uow, TicketInput(title="First", kind_id=kind.id))).state == "New"


@pytest.mark.parametrize(("language", "first"), [("en", "New"), ("pl", "Nowe"), ("xx", "New")])
async def test_the_usual_states_come_in_the_language_of_who_asks(database: Database, language: str, first: str) -> None:
    async with database.unit_of_work(SYSTEM) as uow:
        await usual.put(uow, language)
        found = await settings.get_settings(uow)
        assert (found.states[0].name, found.states[0].starts, found.ready) == (first, True, True)
        with pytest.raises(Conflict):
            await usual.put(uow, language)


async def test_a_state_in_use_cannot_vanish_but_be_retired_and_brought_back(office: Office) -> None:
    made = await office.ticket()
    await office.move("anna", made.id, "In progress")
    progress = office.states["In progress"]
    with pytest.raises(Conflict, match="Tickets are in the state In progress"):
        await office.do("adam", settings.delete_state, progress)
    await office.do("adam", settings.retire_state, progress, True)
    assert (await office.do("anna", service.get, made.id)).state == "In progress"
    other = await office.ticket()
    with pytest.raises(Conflict, match="In progress is retired"):
        await office.move("anna", other.id, "In progress")
    assert "In progress" not in [each.name for each in (await office.do("anna", service.get, other.id)).next_states]
    assert (await office.move("anna", made.id, "Settled")).state == "Settled"  # what is in it may leave
    await office.do("adam", settings.retire_state, progress, False)
    assert (await office.move("anna", other.id, "In progress")).state == "In progress"
    await office.do("adam", settings.delete_state, office.states["Waiting for the customer"])
    with pytest.raises(NotFound):
        await office.do("adam", settings.delete_state, office.states["Waiting for the customer"])


async def test_where_tickets_begin_cannot_be_retired_deleted_or_made_an_end(office: Office) -> None:
    new = office.states["New"]
    for act in (settings.retire_state, settings.delete_state):
        with pytest.raises(Conflict, match="Tickets begin in New"):
            await office.do("adam", act, new, *([True] if act is settings.retire_state else []))
    with pytest.raises(Conflict, match="cannot end them"):
        await office.do("adam", settings.update_state, new, TicketStateInput(name="New", ends=True))
    with pytest.raises(Invalid, match="Settled ends a ticket"):
        await office.do("adam", settings.start_in, office.states["Settled"])
    await office.do("adam", settings.start_in, office.states["In progress"])
    assert (await office.ticket()).state == "In progress"
    await office.do("adam", settings.retire_state, new, True)


async def test_a_kind_may_have_steps_and_a_first_state_of_its_own(office: Office) -> None:
    new, progress, closed = (office.states[name] for name in ("New", "In progress", "Closed"))
    order = office.kinds["Order"]
    steps = TicketStepsInput(steps=[TicketStepPair(from_id=progress, to_id=closed), TicketStepPair(from_id=closed, to_id=closed)])
    await office.do("adam", settings.set_steps, order, steps)
    await office.do("adam", settings.update_kind, order, TicketKindInput(name="Order", start_id=progress))
    made = await office.ticket(kind_id=order)
    assert made.state == "In progress"
    assert [each.name for each in (await office.do("anna", service.get, made.id)).next_states] == ["Closed"]
    await office.do("adam", settings.set_steps, order, TicketStepsInput(own=False))
    assert len((await office.do("anna", service.get, made.id)).next_states) == 3
    with pytest.raises(Invalid, match="no such state"):
        await office.do("adam", settings.set_steps, EVERY_KIND, TicketStepsInput(steps=[TicketStepPair(from_id=new, to_id=999)]))
    with pytest.raises(Conflict, match="Tickets begin in In progress"):
        await office.do("adam", settings.retire_state, progress, True)


async def test_a_state_that_begins_to_end_tickets_ends_those_in_it(office: Office) -> None:
    made = await office.ticket()
    await office.move("anna", made.id, "Waiting for the customer")
    waiting = office.states["Waiting for the customer"]
    await office.do("adam", settings.update_state, waiting, TicketStateInput(name="Parked", colour="purple", ends=True))
    assert (await office.do("anna", service.get, made.id)).open is False
    await office.do("adam", settings.update_state, waiting, TicketStateInput(name="Parked", ends=False))
    assert (await office.do("anna", service.get, made.id)).open is True


async def test_a_retired_kind_is_offered_no_more_and_its_tickets_stay(office: Office) -> None:
    made = await office.ticket()
    kind = office.kinds["Complaint"]
    with pytest.raises(Conflict, match="Retire it instead"):
        await office.do("adam", settings.delete_kind, kind)
    await office.do("adam", settings.retire_kind, kind, True)
    with pytest.raises(Invalid, match="Complaint is retired"):
        await office.ticket()
    assert (await office.do("anna", service.get, made.id)).kind == "Complaint"
    await office.do("adam", settings.retire_kind, kind, False)
    await office.ticket()
    await office.do("adam", settings.delete_kind, office.kinds["Fault"])


async def test_names_are_each_there_once_and_the_order_is_ones_own(office: Office) -> None:
    for name in ("new", "  NEW ", ""):
        with pytest.raises((Conflict, Invalid)):
            await office.do("adam", settings.add_state, TicketStateInput(name=name))
    await office.do("adam", settings.move, TicketState, office.states["In progress"], True)
    await office.do("adam", settings.move, TicketState, office.states["In progress"], True)  # stands first already
    found = await office.do("anna", settings.get_settings)
    assert [each.name for each in found.states[:2]] == ["In progress", "New"]


async def test_only_administrators_keep_them(office: Office) -> None:
    for who in ("anna", "sofia"):
        with pytest.raises(NotPermitted):
            await office.do(who, settings.add_kind, TicketKindInput(name="Praise"))
        with pytest.raises(NotPermitted):
            await office.do(who, settings.set_steps, EVERY_KIND, TicketStepsInput())
        with pytest.raises(NotPermitted):
            await office.do(who, usual.put, "en")

"""The same file twice plans nothing twice, and an import is undone as a whole: what has not begun is cancelled."""

import pytest
from sqlalchemy import select, update

from callcenter.contacts import service as contacts
from callcenter.errors import Conflict, NotFound
from callcenter.events import MeetingChanged, Notice
from callcenter.meetings import import_undo, imports, service, timing
from callcenter.meetings.models import Meeting, MeetingEntry, MeetingImportRow
from tests.callcenter.calls.floor import Floor
from tests.callcenter.meetings import desk
from tests.callcenter.meetings.office import row
from tests.callcenter.meetings.test_changing import put
from tests.callcenter.meetings.test_imports import DAY, GOOD, Crash, file_of, many, people, rejected, run


async def stored(office: Floor) -> dict[str, Meeting]:
    async with office.database.reading() as uow:
        return {each.name: each for each in await uow.session.scalars(select(Meeting).order_by(Meeting.id))}


async def lines(office: Floor, import_id: int, state: str, who: str = "sue") -> list[import_undo.Line]:
    async with office.database.reading(office.people[who]) as uow:
        return await import_undo.lines(uow, import_id, state)


async def test_a_file_that_gives_a_contact_a_second_number_can_be_imported_again(office: Floor) -> None:
    """The first row's number is kept on Ola, who then has two: of the second row nobody could say which is meant."""
    await people(office)
    content = file_of(f"New,601 999 999,,{DAY} 14:30,,,Sales,,Ola Wilk", f"Old,,,{DAY} 15:30,,,Sales,,Ola Wilk", GOOD)
    assert (await run(office, content)).planned == 3
    async with office.database.reading(office.people["sue"]) as uow:
        (ola,) = (await contacts.list_contacts(uow, q="wilk")).items
        assert len(ola.numbers) == 2
    again = await run(office, content)
    assert (again.state, again.planned, again.already, again.rejected) == ("done", 0, 3, 0)
    meetings = await stored(office)
    assert [(each.line, each.meeting_id) for each in await lines(office, again.id, "already")] == [
        (2, meetings["New"].id),
        (3, meetings["Old"].id),
        (4, meetings["Offer"].id),
    ]
    assert len(meetings) == 3


async def test_only_the_rows_that_do_not_stand_are_planned_from_a_longer_file(office: Floor) -> None:
    first = await run(office, file_of(GOOD, GOOD.replace("Offer", "Contract")))
    meetings = await stored(office)
    await put(office, meetings["Offer"].id, state="missed")
    await office.do("sue", service.assign, [meetings["Offer"].id], None)
    await office.do("sue", service.cancel, meetings["Contract"].id, "Not then.")
    longer = file_of(
        GOOD, GOOD.replace("Offer", "Contract"), GOOD.replace("601 234 567", "601 234 568"), GOOD.replace("14:30", "14:15")
    )
    second = await run(office, longer)
    assert (second.same_as_id, second.planned, second.already, second.rejected) == (None, 3, 1, 0)
    assert [each.line for each in await lines(office, second.id, "already")] == [2]
    assert [each.line for each in await lines(office, second.id, "planned")] == [3, 4, 5]
    assert first.already == 0


async def test_rows_that_are_alike_in_one_file_are_meant_and_none_of_them_is_planned_again(office: Floor) -> None:
    assert (await run(office, file_of(GOOD, GOOD))).planned == 2
    again = await run(office, file_of(GOOD, GOOD, GOOD))
    assert (again.planned, again.already) == (0, 3)


async def test_what_was_planned_between_a_dry_run_and_its_planning_is_not_planned_twice(office: Floor) -> None:
    checked = await run(office, file_of(GOOD, GOOD.replace("Offer", "Contract")), dry_run=True)
    assert (checked.accepted, checked.already) == (2, 0)
    await run(office, file_of(GOOD))
    done = await imports.plan(office.database, office.people["sue"], checked.id)
    assert (done.planned, done.already, done.accepted, done.rejected) == (1, 1, 1, 0)
    async with office.database.reading() as uow:
        query = select(MeetingImportRow).where(MeetingImportRow.import_id == done.id, MeetingImportRow.state == "already")
        kept = (await uow.session.scalars(query)).one()
    assert (kept.line, kept.cells, kept.data) == (2, [], {}), "no copies of customers' data stay behind"


async def test_somebody_elses_meeting_stands_too_and_is_not_named_to_who_may_not_see_it(office: Floor) -> None:
    await run(office, file_of(GOOD))
    again = await run(office, file_of(GOOD.replace("anna", "bob")), "bob")
    assert (again.planned, again.already) == (0, 1)
    assert await lines(office, again.id, "already", "bob") == [import_undo.Line(2, None, "", "")]


async def test_an_undo_cancels_what_has_not_begun_and_names_what_was_dialled(office: Floor) -> None:
    contact_id = await office.add_contact("Jan", "+48605000001")
    names = ("Due", "Held", "Called", "Gone", "Waits", "Tried")
    done = await run(
        office, file_of(*(GOOD.replace("Offer", name) for name in names), f"Ours,,,{DAY} 12:00,,,Sales,bob,605000001")
    )
    meetings = await stored(office)
    await put(office, meetings["Due"].id, state="due")
    await put(office, meetings["Held"].id, state="held", attempts=1)
    await put(office, meetings["Called"].id, state="dialling", attempts=1)
    await put(office, meetings["Tried"].id, state="retry_wait", attempts=1)
    await office.do("sue", service.cancel, meetings["Gone"].id, "Not then.")
    office.messages.clear()
    undone = await imports.undo(office.database, office.people["sue"], done.id)
    assert (undone.state, undone.planned, undone.undone, undone.kept) == ("undone", 7, 3, 3)
    found = {name: (each.state, each.reason) for name, each in (await stored(office)).items()}
    cancelled = ("cancelled", import_undo.REASON)
    assert found == {
        "Due": cancelled,
        "Held": ("held", ""),
        "Called": ("dialling", ""),
        "Gone": ("cancelled", "Not then."),
        "Waits": cancelled,
        "Tried": ("retry_wait", ""),
        "Ours": cancelled,
    }
    kept = await lines(office, done.id, "kept")
    assert [(each.line, each.name, each.state) for each in kept] == [
        (3, "Held", "held"),
        (4, "Called", "dialling"),
        (7, "Tried", "retry_wait"),
    ]
    said = {who: [each.values["count"] for each in office.said(Notice, who)] for who in ("anna", "bob", "sue")}
    assert said == {"anna": ["2"], "bob": ["1"], "sue": []}
    assert office.said(MeetingChanged, "anna"), "open lists are read anew"
    assert {each.data["event"] for each in await office.timeline(contact_id)} == {"planned", "cancelled"}
    assert (await row(office, meetings["Waits"].id)).next_at is None, "the engine is done with it"
    again = await run(office, file_of(*(GOOD.replace("Offer", name) for name in names)))
    assert (again.same_as_id, again.planned, again.already) == (None, 3, 3)


async def test_a_countdown_is_taken_back_by_an_undo(office: Floor) -> None:
    done = await run(office, file_of(GOOD.replace("manual", "automatic")))
    async with office.database.unit_of_work() as uow:
        await uow.session.execute(update(Meeting).values(from_at=uow.now, next_at=uow.now))
        await timing.wake(uow, uow.now)
    await office.ready("anna")
    await office.run_due()
    (attempt,) = await desk.attempts(office, (await stored(office))["Offer"].id)
    assert attempt.state == "countdown"
    undone = await imports.undo(office.database, office.people["sue"], done.id)
    assert (undone.undone, undone.kept) == (1, 0)
    await office.later(6)
    (attempt,) = await desk.attempts(office, attempt.meeting_id)
    assert (attempt.state, attempt.result, (await office.states())["anna"]) == ("over", "withdrawn", "ready")
    await desk.invariants(office)


@pytest.mark.parametrize("inside", [True, False])
async def test_after_a_crash_an_undo_goes_on_and_cancels_nothing_twice(
    office: Floor, monkeypatch: pytest.MonkeyPatch, inside: bool
) -> None:
    done = await run(office, many(20))
    real, batches = import_undo.cancel_rows, 0

    async def crash(*given: object) -> tuple[int, int] | None:
        nonlocal batches
        batches += 1
        if batches == 3 and not inside:
            raise Crash
        result = await real(given[0], done.id, 4)  # type: ignore[arg-type]
        if batches == 3:
            raise Crash
        return result

    monkeypatch.setattr(import_undo, "cancel_rows", crash)
    with pytest.raises(Crash):
        await imports.undo(office.database, office.people["sue"], done.id)
    monkeypatch.undo()
    assert [each.state for each in (await stored(office)).values()].count("cancelled") == 8
    assert await imports.resume_all(office.database) == [], "it may still be running somewhere"
    office.shift(61)
    [undone] = await imports.resume_all(office.database)
    assert (undone.state, undone.undone, undone.kept) == ("undone", 20, 0)
    async with office.database.reading() as uow:
        entries = list(await uow.session.scalars(select(MeetingEntry).where(MeetingEntry.text == "Cancelled ({reason}).")))
    assert len(entries) == len({each.meeting_id for each in entries}) == 20
    assert {each.user_id for each in entries} == {office.people["sue"].id}


async def test_who_may_undo_and_when(office: Floor) -> None:
    done = await run(office, file_of(GOOD, "x,,,,,,,,"), "anna")
    with pytest.raises(NotFound):
        await imports.undo(office.database, office.people["bob"], done.id)
    undone = await imports.undo(office.database, office.people["anna"], done.id)
    assert undone.state == "undone"
    with pytest.raises(Conflict):
        await imports.undo(office.database, office.people["sue"], done.id)
    assert len(await rejected(office, done.id)) == 2, "the report stays"
    checked = await run(office, file_of(GOOD.replace("Offer", "Other")), dry_run=True)
    with pytest.raises(Conflict):
        await imports.undo(office.database, office.people["sue"], checked.id)

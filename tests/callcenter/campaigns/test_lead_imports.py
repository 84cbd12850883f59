"""Adding leads from files and contacts: all of them once, whatever happens meanwhile, and what was left out and why."""

import io
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select, text, update

from callcenter import clock
from callcenter.actor import AccountRole
from callcenter.campaigns import lead_checks, lead_imports, lead_reports, lead_sources, lead_storing
from callcenter.campaigns.lead_columns import LeadMapping
from callcenter.campaigns.lead_models import Lead, LeadImport, LeadImportRow, LeadNumber
from callcenter.campaigns.lead_rows import Reason, Row
from callcenter.campaigns.models import Campaign
from callcenter.contacts import service as contacts
from callcenter.contacts import suppressions
from callcenter.contacts.batches import Pace
from callcenter.contacts.filters import ContactFilter
from callcenter.contacts.service import ContactInput, NumberInput
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict, Invalid, NotFound, NotPermitted
from callcenter.files import service as files
from callcenter.files.models import File
from callcenter.users.models import User
from tests.callcenter.calls.floor import ADMIN, Floor
from tests.callcenter.campaigns.lists import campaign, decisions, lead

FILE = """Name;Phone;Phone 2;Priority;Contract
Jan Kowalski;601 000 001;601 000 002;1;A/1
Ewa Nowak;601 000 001;;;A/2
Iga Lis;;;;A/3
Ola Wilk;abc;112;;A/4
Adam Żuk;0700 123 456;601 000 005;;A/5
Piotr Łoś;+49 30 901820;;;A/6
Nasz Numer;22 123 45 67;;;A/7
"""


async def uploaded(floor: Floor, campaign_id: int, content: str | bytes = FILE, name: str = "list.csv", who: str = "sue") -> int:
    octets = content.encode() if isinstance(content, str) else content
    file = await files.store(floor.database, floor.people[who], name, octets)
    found = await lead_sources.digest(floor.database, file.id)
    return int((await floor.do(who, lead_imports.create, campaign_id, file.id, found)).id)


async def added(floor: Floor, campaign_id: int, content: str | bytes = FILE, **mapping: Any) -> LeadImport:
    """Upload a file and add its leads."""
    import_id = await uploaded(floor, campaign_id, content)
    chosen = LeadMapping.model_validate(mapping)
    await lead_imports.begin(floor.database, floor.people["sue"], campaign_id, import_id, chosen)
    await lead_imports.run(floor.database, floor.people["sue"], import_id)
    return await imported(floor, import_id)


async def imported(floor: Floor, import_id: int) -> LeadImport:
    async with floor.database.reading() as uow:
        return await uow.session.get_one(LeadImport, import_id)


async def names(floor: Floor, campaign_id: int) -> list[str]:
    async with floor.database.reading() as uow:
        return list(await uow.session.scalars(select(Lead.name).where(Lead.campaign_id == campaign_id).order_by(Lead.id)))


async def reported(floor: Floor, import_id: int) -> list[tuple[int, str]]:
    async with floor.database.reading() as uow:
        query = select(LeadImportRow.line, LeadImportRow.code).where(LeadImportRow.import_id == import_id)
        return [(line, code) for line, code in await uow.session.execute(query.order_by(LeadImportRow.line))]


def many(number: int, first: int = 0) -> str:
    return "\n".join(["Name,Phone", *(f"Jan Nowak {n},60100{n:04}" for n in range(first, first + number))])


async def test_good_rows_become_leads_and_the_others_are_reported_with_their_codes(floor: Floor) -> None:
    spring = await campaign(floor)
    found = await added(floor, spring)
    assert found.state == "done"
    assert found.report == {
        "rows": 7,
        "added": 2,
        "refused": {"duplicate": 1, "no_number": 1, "invalid": 1, "foreign": 1, "own_number": 1},
        "noted": {"premium": 1},
    }
    assert await reported(floor, found.id) == [
        *((3, "duplicate"), (4, "no_number"), (5, "invalid"), (6, "premium"), (7, "foreign"), (8, "own_number")),
    ]
    async with floor.database.reading() as uow:
        jan, adam = list(await uow.session.scalars(select(Lead).order_by(Lead.id)))
        numbers = list(await uow.session.scalars(select(LeadNumber).order_by(LeadNumber.lead_id, LeadNumber.position)))
    assert (jan.name, jan.folded, jan.priority, jan.fields, jan.state) == (
        *("Jan Kowalski", "jan kowalski", 1, {"contract": "A/1"}, "waiting"),
    )
    assert (adam.name, adam.folded, adam.priority) == ("Adam Żuk", "adam zuk", 3)
    assert [(each.lead_id, each.number) for each in numbers] == [
        *((jan.id, "+48601000001"), (jan.id, "+48601000002"), (adam.id, "+48601000005")),
    ]
    assert numbers[0].zones == ["Europe/Warsaw"]
    assert [code for code, _ in await decisions(floor, adam.id)] == ["premium"]


async def test_the_same_list_again_adds_nobody_and_warns(floor: Floor) -> None:
    spring = await campaign(floor)
    first = await added(floor, spring)
    again = await added(floor, spring)
    assert again.report["added"] == 0
    assert again.report["refused"]["duplicate"] == 3
    async with floor.database.reading(floor.people["sue"]) as uow:
        warned = await lead_imports.same_file(uow, again)
        assert warned is not None
        assert warned.id == first.id
        assert await lead_imports.same_file(uow, first) is None
    assert (await added(floor, await campaign(floor, "Other"), others="add")).report["refused"]["duplicate"] == 1


async def test_numbers_another_running_campaign_calls_are_skipped_or_added_and_reported_both_ways(floor: Floor) -> None:
    other = await campaign(floor, "Other")
    await lead(floor, other, "+48601000001")
    await lead(floor, other, "+48601000002", state="done")
    await lead(floor, await campaign(floor, "Paused", state="paused"), "+48601000003")
    content = many(3, 1)
    skipped = await added(floor, await campaign(floor, "Skips"), content)
    assert (skipped.report["added"], skipped.report["refused"]) == (2, {"other_campaign": 1})
    both = await added(floor, await campaign(floor, "Adds", state="draft"), content, others="add")
    assert both.report["added"] == 3
    assert both.report["noted"]["other_campaign"] >= 1


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1250", "utf-16", "iso8859-2"])
async def test_any_usual_encoding(floor: Floor, encoding: str) -> None:
    spring = await campaign(floor)
    await added(floor, spring, "Imię i nazwisko;Telefon\nŁucja Śnieg;601000001\n".encode(encoding))
    assert await names(floor, spring) == ["Łucja Śnieg"]


async def test_a_list_without_numbers_is_refused_before_anything_is_added(floor: Floor) -> None:
    spring = await campaign(floor)
    import_id = await uploaded(floor, spring, "Name;City\nJan;Łódź\n")
    sue = floor.people["sue"]
    looked = await lead_imports.look(floor.database, sue, spring, import_id, LeadMapping())
    assert looked.problem is not None
    with pytest.raises(Invalid):
        await lead_imports.begin(floor.database, sue, spring, import_id, LeadMapping())
    for wrong in (b"%PDF-1.4 no list", b"BEGIN:VCARD\nFN:Jan\nTEL:601000001\nEND:VCARD\n", _bomb()):
        other = await uploaded(floor, spring, wrong)
        with pytest.raises(Invalid):
            await lead_imports.look(floor.database, sue, spring, other, LeadMapping())


def _bomb() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("nothing.txt", "x")
    return packed.getvalue()


async def test_the_preview_shows_what_the_first_rows_become_and_writes_nothing(floor: Floor) -> None:
    spring = await campaign(floor)
    import_id = await uploaded(floor, spring)
    looked = await lead_imports.look(floor.database, floor.people["sue"], spring, import_id, LeadMapping())
    assert looked.columns == ["name", "number", "number", "priority", "field"]
    assert [row.refusal.code if row.refusal else "" for row in looked.rows] == [
        *("", "duplicate", "no_number", "invalid", "", "foreign", "own_number"),
    ]
    assert await names(floor, spring) == []


async def test_the_preview_says_which_numbers_are_repeated_and_adding_does_the_same(floor: Floor) -> None:
    spring = await campaign(floor)
    await lead(floor, spring, "+48601000009")
    rows = ("Jan;601000001;", "Jan again;601 000 001;", "Ewa;601000001;601000002", "Iga;601000002;", "Ola;601000009;")
    import_id = await uploaded(floor, spring, "\n".join(["Name;Phone;Phone 2", *rows]))
    sue = floor.people["sue"]
    looked = await lead_imports.look(floor.database, sue, spring, import_id, LeadMapping())
    assert [(row.numbers, row.refusal.values["where"] if row.refusal else "") for row in looked.rows] == [
        *((["+48601000001"], ""), ([], "file"), (["+48601000002"], ""), ([], "file"), ([], "campaign")),
    ]
    assert [each.code for each in looked.rows[2].left] == ["duplicate"]
    await lead_imports.begin(floor.database, sue, spring, import_id, LeadMapping())
    await lead_imports.run(floor.database, sue, import_id)
    assert (await imported(floor, import_id)).report["refused"] == {"duplicate": 3}
    assert await names(floor, spring) == ["Jan Kowalski", "Jan", "Ewa"]


async def test_after_a_crash_in_the_middle_it_goes_on_and_adds_none_twice(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    spring = await campaign(floor)
    import_id = await uploaded(floor, spring, many(100))
    sue = floor.people["sue"]
    await lead_imports.begin(floor.database, sue, spring, import_id, LeadMapping())

    def crash(moved: LeadImport) -> None:
        if moved.cursor > 40:
            raise RuntimeError

    monkeypatch.setattr(Pace, "end", lambda _self: None)  # twenty rows at a time
    with pytest.raises(RuntimeError):
        await lead_imports.run(floor.database, sue, import_id, crash)
    half = len(await names(floor, spring))
    assert 20 < half < 100
    await lead_imports.resume_all(floor.database)  # too early: whoever does it may be alive
    assert len(await names(floor, spring)) == half
    floor.shift(120)
    await lead_imports.resume_all(floor.database)
    found = await imported(floor, import_id)
    assert (found.state, found.report["added"], found.report["rows"], found.total) == ("done", 100, 100, 100)
    assert await names(floor, spring) == [f"Jan Nowak {n}" for n in range(100)]
    assert await floor.all(File) == []


async def test_two_who_go_on_with_the_same_file_add_it_once(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    spring = await campaign(floor)
    import_id = await uploaded(floor, spring, many(60))
    sue = floor.people["sue"]
    await lead_imports.begin(floor.database, sue, spring, import_id, LeadMapping())
    monkeypatch.setattr(Pace, "end", lambda _self: None)
    begun: list[int] = []

    def second(moved: LeadImport) -> None:
        if not begun:
            begun.append(moved.cursor)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await lead_imports.run(floor.database, sue, import_id, second)
    await lead_imports.run(floor.database, sue, import_id)
    await lead_imports.run(floor.database, sue, import_id)
    assert len(await names(floor, spring)) == 60


async def test_stopped_it_adds_no_more(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    spring = await campaign(floor)
    import_id = await uploaded(floor, spring, many(100))
    sue = floor.people["sue"]
    await lead_imports.begin(floor.database, sue, spring, import_id, LeadMapping())
    monkeypatch.setattr(Pace, "end", lambda _self: None)

    async def interrupted(database: Any, *_args: Any) -> None:
        async with database.unit_of_work(sue) as uow:
            if (await uow.session.get_one(LeadImport, import_id)).cursor:
                await lead_imports.stop(uow, spring, import_id)

    real = lead_storing.compare

    async def compare(uow: UnitOfWork, *given: Any) -> None:
        await real(uow, *given)
        await interrupted(floor.database)

    monkeypatch.setattr(lead_storing, "compare", compare)
    await lead_imports.run(floor.database, sue, import_id)
    found = await imported(floor, import_id)
    assert found.state == "stopped"
    assert 0 < len(await names(floor, spring)) < 100
    assert await floor.all(File) == []


async def test_who_asked_to_be_forgotten_comes_in_by_no_list_and_their_row_is_not_kept(floor: Floor) -> None:
    spring = await campaign(floor)
    async with floor.database.unit_of_work() as uow:
        token = suppressions.number_token(uow, "+48601000001")
        await suppressions.suppress(uow, [token], suppressions.ERASED)
    found = await added(floor, spring, many(2, 1))
    assert found.report["refused"] == {"erased": 1}
    assert [each.cells for each in await floor.all(LeadImportRow)] == [[]]


async def test_a_check_of_the_law_is_asked_for_every_lead(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    async def on_list(_uow: UnitOfWork, wanted: Campaign, rows: Sequence[Row]) -> dict[int, dict[str, Reason]]:
        assert wanted.name == "Spring"
        return {row.line: {each: Reason("do_not_call") for each in row.numbers if each.endswith("1")} for row in rows}

    monkeypatch.setattr(lead_checks, "CHECKS", [*lead_checks.CHECKS, on_list])
    spring = await campaign(floor)
    found = await added(floor, spring, "Name,Phone,Mobile\nJan,601000001,\nEwa,601000011,601000012\n")
    assert (found.report["added"], found.report["refused"], found.report["noted"]) == (1, {"do_not_call": 1}, {"do_not_call": 1})


async def contact(floor: Floor, first: str, *numbers: str) -> int:
    given = ContactInput(first_name=first, last_name="Kowal", numbers=[NumberInput(number=each) for each in numbers])
    async with floor.database.unit_of_work() as uow:
        return int((await contacts.create_contact(uow, given, "PL")).id)


async def test_contacts_that_fit_a_filter_become_leads_with_all_their_numbers(floor: Floor) -> None:
    spring = await campaign(floor)
    jan = await contact(floor, "Jan", "601000001", "22 555 00 11")
    await contact(floor, "Ewa")
    await contact(floor, "Ola", "112")
    sue = floor.people["sue"]
    async with floor.database.unit_of_work(sue) as uow:
        made = await lead_imports.add_contacts(uow, spring, ContactFilter(), "kowal", LeadMapping(priority=2))
    await lead_imports.run(floor.database, sue, made.id)
    found = await imported(floor, made.id)
    assert (found.state, found.total, found.report["added"]) == ("done", 3, 1)
    assert found.report["refused"] == {"no_number": 1, "emergency": 1}
    async with floor.database.reading() as uow:
        only = await uow.session.scalar(select(Lead))
        numbers = list(await uow.session.scalars(select(LeadNumber.number).order_by(LeadNumber.position)))
    assert only is not None
    assert (only.contact_id, only.name, only.priority) == (jan, "Jan Kowal", 2)
    assert numbers == ["+48601000001", "+48225550011"]
    titles = ("Line", "Reason", "Name")
    pieces = lead_reports.written(floor.database, sue, spring, made.id, lambda code, _: code, titles)
    lines = "".join([each async for each in pieces]).removeprefix("\ufeff").splitlines()
    assert lines == ["Line,Reason,Name", f"{jan + 1},no_number,Ewa Kowal", f"{jan + 2},emergency,Ola Kowal"]


async def test_a_lead_of_a_file_is_the_contact_who_alone_has_its_number(floor: Floor) -> None:
    spring = await campaign(floor)
    jan = await contact(floor, "Jan", "601000001")
    await contact(floor, "Ewa", "601000002")
    await contact(floor, "Ola", "601000002")
    await added(floor, spring, many(3, 1))
    async with floor.database.reading() as uow:
        found = list(await uow.session.scalars(select(Lead.contact_id).order_by(Lead.id)))
    assert found == [jan, None, None]


async def test_only_supervisors_and_only_into_a_campaign_that_goes_on(floor: Floor) -> None:
    spring, over = await campaign(floor), await campaign(floor, "Over", state="finished")
    with pytest.raises(NotPermitted):
        await uploaded(floor, spring, who="anna")
    with pytest.raises(Conflict):
        await uploaded(floor, over)
    with pytest.raises(NotFound):
        await uploaded(floor, 999)
    other = await uploaded(floor, spring)
    with pytest.raises(NotFound):
        await lead_imports.look(floor.database, floor.people["sue"], over, other, LeadMapping())


async def test_a_file_nobody_says_the_columns_of_is_gone_after_a_day(floor: Floor) -> None:
    spring = await campaign(floor)
    import_id = await uploaded(floor, spring)
    floor.shift(25 * 3600)
    await lead_imports.resume_all(floor.database)
    assert (await imported(floor, import_id)).state == "failed"
    assert await floor.all(File) == []


async def test_a_supervisor_who_was_deactivated_adds_no_more(floor: Floor) -> None:
    spring = await campaign(floor)
    import_id = await uploaded(floor, spring)
    sue = floor.people["sue"]
    await lead_imports.begin(floor.database, sue, spring, import_id, LeadMapping())
    async with floor.database.unit_of_work() as uow:
        await uow.session.execute(update(User).where(User.id == sue.id).values(disabled_at=clock.now()))
    floor.shift(120)
    await lead_imports.resume_all(floor.database)
    assert (await imported(floor, import_id)).state == "failed"
    async with floor.database.reading() as uow:
        assert await uow.session.scalar(select(func.count()).select_from(Lead)) == 0


async def test_a_list_is_its_senders_and_for_who_sees_all_accounts(floor: Floor) -> None:
    spring = await campaign(floor)
    theirs = (await added(floor, spring)).id
    async with floor.database.reading(ADMIN) as uow:
        assert [each.id for each in await lead_imports.list_imports(uow, spring)] == [theirs]
        assert (await lead_imports.get_import(uow, spring, theirs)).id == theirs
    narrow = replace(ADMIN, user_id=floor.people["anna"].id, accounts=frozenset({AccountRole.PARTNER_READER}))
    async with floor.database.reading(narrow) as uow:
        assert await lead_imports.list_imports(uow, spring) == []
        with pytest.raises(NotFound):
            await lead_imports.get_import(uow, spring, theirs)
    await floor.give("sue", AccountRole.PARTNER_READER)
    assert [each.id for each in await floor.do("sue", lead_imports.list_imports, spring)] == [theirs]


async def test_many_leads_are_known_to_the_planner_at_once(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or PostgreSQL would go on with plans for an empty table until it looks by itself, up to a minute later."""
    monkeypatch.setattr(lead_storing, "MANY", 2)
    await added(floor, await campaign(floor))
    if not floor.database.sqlite:
        async with floor.database.reading() as uow:
            query = text("SELECT reltuples FROM pg_class WHERE relname IN ('leads', 'lead_numbers')")
            assert min(await uow.session.scalars(query)) > 0


async def test_ticked_contacts_become_leads_and_no_others(floor: Floor) -> None:
    spring = await campaign(floor)
    jan = await contact(floor, "Jan", "601000001")
    await contact(floor, "Ewa", "601000002")
    zoe = await contact(floor, "Zoe", "601000003")
    sue = floor.people["sue"]
    async with floor.database.unit_of_work(sue) as uow:
        with pytest.raises(Invalid, match="at least one"):
            await lead_imports.add_contacts(uow, spring, ContactFilter(), "", LeadMapping(), [])
        made = await lead_imports.add_contacts(uow, spring, ContactFilter(), "", LeadMapping(), [zoe, jan, zoe, 99_999])
    await lead_imports.run(floor.database, sue, made.id)
    assert (await imported(floor, made.id)).total == 2
    async with floor.database.reading() as uow:
        assert list(await uow.session.scalars(select(Lead.contact_id).order_by(Lead.id))) == [jan, zoe]

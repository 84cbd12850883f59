"""The timeline as people read it and correct it, on both databases."""

import asyncio
import datetime as dt

import pytest
from sqlalchemy import event, select

from callcenter.actor import AccountRole, Actor, Role
from callcenter.contacts import corrections, logs, timeline_pages
from callcenter.contacts import service as contacts
from callcenter.contacts.forms import ContactInput, OrganisationInput
from callcenter.contacts.logs import LogInput
from callcenter.contacts.timeline import add_entry
from callcenter.contacts.timeline_pages import KINDS, Of, Place
from callcenter.db import Committed, Database
from callcenter.errors import CallCenterError, Conflict, Invalid, NotFound, NotPermitted
from callcenter.events import TimelineChanged
from callcenter.users.models import AuditEntry
from tests.callcenter.contacts.people import add_person

AT = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)
BLIND = frozenset({AccountRole.PARTNER_ADMIN})
READING = frozenset({AccountRole.CUSTOMER_READER})


async def contact(database: Database, name: str = "Kowalski", organisation: str = "") -> int:
    async with database.unit_of_work() as uow:
        return (await contacts.create_contact(uow, ContactInput(last_name=name, organisation=organisation), "PL")).id


async def fill(database: Database, contact_id: int | None, *kinds: str, organisation_id: int | None = None) -> list[int]:
    """Write entries a minute apart, the first the oldest; returns their ids."""
    async with database.unit_of_work() as uow:
        return [
            (
                await add_entry(
                    uow,
                    contact_id=contact_id,
                    organisation_id=organisation_id,
                    kind=kind,
                    text=f"{kind} {n}",
                    at=AT + dt.timedelta(minutes=n),
                )
            ).id
            for n, kind in enumerate(kinds)
        ]


async def note(database: Database, actor: Actor, contact_id: int, text: str = "likes tea") -> int:
    async with database.unit_of_work(actor) as uow:
        return (await contacts.add_note(uow, contact_id, text)).id


async def read(
    database: Database,
    of: Of,
    *kinds: str,
    before: Place | None = None,
    until: Place | None = None,
    limit: int = 50,
    actor: Actor | None = None,
) -> list[timeline_pages.Line]:
    async with database.reading(actor) if actor else database.reading() as uow:
        chosen = timeline_pages.wanted(kinds)
        return (await timeline_pages.page(uow, of, kinds=chosen, before=before, until=until, limit=limit)).items


async def test_pages_follow_one_another_by_key_whatever_is_written_meanwhile(database: Database) -> None:
    jan = await contact(database)
    ids = await fill(database, jan, *("note", "call") * 20)
    await fill(database, await contact(database, "Nowak"), "note", "note")
    seen: list[int] = []
    before = None
    for _ in range(5):
        lines = await read(database, Of(jan), before=before, limit=9)
        seen += [each.entry.id for each in lines]
        before = timeline_pages.place(str(lines[-1].place))
        await fill(database, jan, "note")  # an old one: nothing moves
    assert [each for each in seen if each in ids] == ids[::-1]
    assert len(seen) == len(set(seen))


async def test_entries_of_one_moment_are_each_on_one_page(database: Database) -> None:
    jan = await contact(database)
    async with database.unit_of_work() as uow:
        ids = [(await add_entry(uow, contact_id=jan, kind="note", text="x", at=AT)).id for _ in range(7)]
    first = await read(database, Of(jan), limit=3)
    rest = await read(database, Of(jan), before=first[-1].place, limit=10)
    assert [each.entry.id for each in (*first, *rest)] == ids[::-1]
    back_to = await read(database, Of(jan), until=rest[1].place)
    assert [each.entry.id for each in back_to] == ids[::-1][:5]


async def test_only_the_kinds_that_are_wanted_come_and_letters_are_e_mails(database: Database) -> None:
    jan = await contact(database)
    await fill(database, jan, "note", "mail", "call", "email", "text", "change", "call")
    assert [each.entry.kind for each in await read(database, Of(jan), "email")] == ["email", "mail"]
    assert [each.entry.kind for each in await read(database, Of(jan), "call", "note", limit=2)] == ["call", "call"]
    async with database.reading() as uow:
        counts = await timeline_pages.counts(uow, Of(jan))
    assert counts == dict.fromkeys(KINDS, 0) | {"note": 1, "email": 2, "call": 2, "text": 1, "change": 1}
    with pytest.raises(Invalid) as refused:
        await read(database, Of(jan), "carrier-pigeon")
    assert refused.value.field == "kind"


async def test_counting_ends_at_a_hundred(database: Database) -> None:
    jan = await contact(database)
    await fill(database, jan, *["call"] * 103)
    async with database.reading() as uow:
        assert (await timeline_pages.counts(uow, Of(jan)))["call"] == timeline_pages.MOST_COUNTED


async def test_an_organisation_shows_what_happened_with_all_its_contacts_wherever_they_came_from(database: Database) -> None:
    jan, ewa = await contact(database, "Kowalski", "Acme"), await contact(database, "Nowak", "Acme")
    other = await contact(database, "Obcy", "Inna")
    async with database.reading() as uow:
        [acme] = await contacts.list_organisations(uow, "acme")
    await fill(database, jan, "note", "call")
    await fill(database, ewa, "text", "note", "note")
    await fill(database, None, "call", organisation_id=acme.id)
    await fill(database, other, "note", organisation_id=acme.id)  # of when Obcy was there
    of = Of(organisation_id=acme.id)
    lines = await read(database, of)
    assert sorted((each.contact, each.entry.kind) for each in lines) == [
        ("", "call"),
        ("Kowalski", "call"),
        ("Kowalski", "note"),
        ("Nowak", "note"),
        ("Nowak", "note"),
        ("Nowak", "text"),
    ]
    assert [each.entry.at for each in lines] == sorted((each.entry.at for each in lines), reverse=True)
    two = await read(database, of, "note", "text", limit=2)
    assert [(each.contact, each.entry.kind) for each in two] == [("Nowak", "note"), ("Nowak", "note")]
    async with database.reading() as uow:
        assert (await timeline_pages.counts(uow, of))["note"] == 3
        assert sorted(await timeline_pages.members(uow, of)) == [jan, ewa]


async def test_a_timeline_one_may_not_see_is_not_there(database: Database) -> None:
    jan = await contact(database, "Kowalski", "Acme")
    blind = await add_person(database, "blind")
    blind = Actor(blind.user_id, blind.name, Role.SUPERVISOR, accounts=BLIND)
    [entry] = await fill(database, jan, "note")
    async with database.reading() as uow:
        [acme] = await contacts.list_organisations(uow, "acme")
    for of in (Of(jan), Of(organisation_id=acme.id), Of(4711)):
        with pytest.raises(NotFound):
            await read(database, of, actor=blind)
    async with database.unit_of_work(blind) as uow:
        for refused in (
            corrections.correct(uow, entry, "mine", 1),
            corrections.strike(uow, entry, True, 1),
            corrections.versions(uow, entry),
            logs.add_log(uow, jan, log()),
        ):
            with pytest.raises(NotFound):
                await refused


@pytest.mark.parametrize("text", ["", "1", "x.1", "1.x", "9" * 40 + ".1", "1.99999999999", "-1.-1", "1.0"])
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        timeline_pages.place(text)
    assert refused.value.field == "before"


async def test_the_entry_of_another_contact_is_no_place(database: Database) -> None:
    jan, ewa = await contact(database), await contact(database, "Nowak")
    [own], [foreign] = await fill(database, jan, "note"), await fill(database, ewa, "note")
    async with database.reading() as uow:
        assert (await timeline_pages.place_of(uow, Of(jan), own)).id == own
        for entry_id in (foreign, 4711):
            with pytest.raises(Invalid):
                await timeline_pages.place_of(uow, Of(jan), entry_id)


async def test_a_page_asks_the_database_twice_however_many_people_wrote(database: Database) -> None:
    jan = await contact(database)
    for n in range(5):
        await note(database, await add_person(database, f"person{n}"), jan, f"note {n}")
    statements: list[str] = []
    engine = database.reader.sync_engine
    event.listen(engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    lines = await read(database, Of(jan))
    assert [each.author for each in lines] == [f"Person{n}" for n in (4, 3, 2, 1, 0)]
    assert len([each for each in statements if each.lstrip().upper().startswith("SELECT")]) == 2


async def test_a_correction_keeps_what_was_said_before(database: Database) -> None:
    jan, anna = await contact(database), await add_person(database)
    entry_id = await note(database, anna, jan, "likes tee")
    async with database.unit_of_work(anna) as uow:
        await corrections.correct(uow, entry_id, "likes tea", 1)
    async with database.unit_of_work(anna) as uow:
        entry = await corrections.correct(uow, entry_id, " likes coffee ", 2)
        assert (entry.text, entry.version) == ("likes coffee", 3)
        await corrections.correct(uow, entry_id, "likes coffee", 3)  # nothing changed, nothing kept
    async with database.reading(anna) as uow:
        said = await corrections.versions(uow, entry_id)
        assert [(each.version.version, each.version.text, each.by) for each in said] == [
            (1, "likes tee", "Anna"),
            (2, "likes tea", "Anna"),
        ]
        assert said[0].version.at < said[1].version.at
        audited = await uow.session.scalars(select(AuditEntry).where(AuditEntry.subject == "timeline").order_by(AuditEntry.id))
        assert [(each.action, each.subject_id, each.detail["contact_id"]) for each in audited] == [
            ("timeline.corrected", str(entry_id), jan)
        ] * 2
    [line] = await read(database, Of(jan))
    assert (line.author, line.corrected_by, line.struck_by) == ("Anna", "Anna", "")
    assert line.entry.corrected_at is not None


@pytest.mark.parametrize("text", ["", "  \n ", "\x01", "x" * 20_001])
async def test_a_correction_needs_a_text_people_can_read(database: Database, text: str) -> None:
    jan, anna = await contact(database), await add_person(database)
    entry_id = await note(database, anna, jan)
    async with database.unit_of_work(anna) as uow:
        with pytest.raises(Invalid):
            await corrections.correct(uow, entry_id, text, 1)
        with pytest.raises(Invalid):
            await contacts.add_note(uow, jan, text)


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "\u202eright to left", "שלום 🎉", "x" * 20_000])
async def test_any_text_is_kept_as_it_is(database: Database, text: str) -> None:
    jan, anna = await contact(database), await add_person(database)
    entry_id = await note(database, anna, jan, text)
    async with database.unit_of_work(anna) as uow:
        await corrections.correct(uow, entry_id, text[:19_999] + "!", 1)
    [line] = await read(database, Of(jan))
    assert line.entry.text == text[:19_999] + "!"


async def test_only_the_author_words_anew_and_a_supervisor_who_may_change_strikes_out(database: Database) -> None:
    jan, anna, ewa = await contact(database), await add_person(database), await add_person(database, "ewa")
    sofia = await add_person(database, "sofia", Role.SUPERVISOR)
    reader = Actor(sofia.user_id, sofia.name, Role.SUPERVISOR, accounts=READING)
    entry_id = await note(database, anna, jan)
    for other in (ewa, sofia, reader):
        async with database.unit_of_work(other) as uow:
            with pytest.raises(NotPermitted):
                await corrections.correct(uow, entry_id, "other words", 1)
    for other in (ewa, reader):
        async with database.unit_of_work(other) as uow:
            with pytest.raises(NotPermitted):
                await corrections.strike(uow, entry_id, True, 1)
    async with database.unit_of_work(sofia) as uow:
        await corrections.strike(uow, entry_id, True, 1)
    [line] = await read(database, Of(jan))
    assert (line.entry.text, line.struck_by) == ("likes tea", "Sofia")
    async with database.unit_of_work(anna) as uow:
        with pytest.raises(Conflict):
            await corrections.correct(uow, entry_id, "other words", 2)
        await corrections.strike(uow, entry_id, True, 2)  # it is already
        entry = await corrections.strike(uow, entry_id, False, 2)
        assert (entry.struck_at, entry.version) == (None, 3)


async def test_what_is_no_note_or_is_gone_cannot_be_corrected(database: Database) -> None:
    jan, anna = await contact(database), await add_person(database)
    [call] = await fill(database, jan, "call")
    async with database.unit_of_work(anna) as uow:
        for refused, expected in (
            (corrections.correct(uow, call, "we talked", 1), Conflict),
            (corrections.strike(uow, call, True, 1), Conflict),
            (corrections.correct(uow, 4711, "words", 1), NotFound),
            (corrections.versions(uow, 4711), NotFound),
        ):
            with pytest.raises(expected):
                await refused


async def test_of_two_corrections_at_once_the_second_is_told(database: Database) -> None:
    jan, anna = await contact(database), await add_person(database)
    entry_id = await note(database, anna, jan)

    async def correct(text: str) -> str:
        try:
            async with database.unit_of_work(anna) as uow:
                await corrections.correct(uow, entry_id, text, 1)
        except CallCenterError as refused:
            return type(refused).__name__
        return "done"

    assert sorted(await asyncio.gather(correct("one"), correct("two"))) == ["Conflict", "done"]
    async with database.reading(anna) as uow:
        assert len(await corrections.versions(uow, entry_id)) == 1


def log(**changes: object) -> LogInput:
    given = {"of": "call", "direction": "outbound", "at": dt.datetime.now(dt.UTC), "text": "asked for an offer"}
    return LogInput.model_validate(given | changes)


async def test_a_log_stands_where_it_happened_and_its_first_text_where_it_was_written(database: Database) -> None:
    jan, anna = await contact(database), await add_person(database)
    await note(database, anna, jan, "later")
    yesterday = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    async with database.unit_of_work(anna) as uow:
        entry = await logs.add_log(uow, jan, log(at=yesterday, outcome="no_answer"))
        assert (entry.kind, entry.at, entry.data["of"], entry.data["outcome"]) == ("log", yesterday, "call", "no_answer")
        await corrections.correct(uow, entry.id, "asked for two offers", 1)
        [first] = await corrections.versions(uow, entry.id)
        assert first.version.at == uow.now
    assert [each.entry.kind for each in await read(database, Of(jan))] == ["note", "log"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"at": dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)}, "at"),
        ({"at": dt.datetime(1900, 1, 1, tzinfo=dt.UTC)}, "at"),
        ({"of": "sms", "outcome": "busy"}, "outcome"),
        ({"text": " "}, "text"),
    ],
)
async def test_a_log_that_cannot_be_is_refused(database: Database, changes: dict[str, object], field: str) -> None:
    jan, anna = await contact(database), await add_person(database)
    async with database.unit_of_work(anna) as uow:
        with pytest.raises(Invalid) as refused:
            await logs.add_log(uow, jan, log(**changes))
    assert refused.value.field == field


async def test_whatever_is_written_or_changed_is_told_to_who_looks(database: Database) -> None:
    jan, anna = await contact(database), await add_person(database)
    told: list[TimelineChanged] = []

    def listen(committed: Committed) -> None:
        told.extend(each.event for each in committed.outgoing if isinstance(each.event, TimelineChanged))

    database.after_commit.append(listen)
    entry_id = await note(database, anna, jan)
    async with database.unit_of_work(anna) as uow:
        await corrections.correct(uow, entry_id, "other words", 1)
    async with database.unit_of_work(anna) as uow:
        await corrections.strike(uow, entry_id, True, 2)
    assert [(each.contact_id, each.entry_id) for each in told] == [(jan, entry_id)] * 3


async def test_a_new_organisation_has_nothing_to_show(database: Database) -> None:
    async with database.unit_of_work() as uow:
        made = await contacts.create_organisation(uow, OrganisationInput(name="Nowa"), "PL")
        of = Of(organisation_id=made.id)
        assert await timeline_pages.page(uow, of) == timeline_pages.Lines([], False)
        assert set((await timeline_pages.counts(uow, of)).values()) == {0}
        assert await timeline_pages.members(uow, of) == []

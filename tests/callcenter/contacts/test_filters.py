"""Filters of the list of contacts: the same as looking at each contact, whatever is combined, whoever asks."""

import datetime as dt
import random
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import delete, func, insert, select

from callcenter.actor import AccountRole, Actor
from callcenter.contacts import index, pages, queries, rows, search, sets, text
from callcenter.contacts import service as contacts
from callcenter.contacts.field_models import CustomField, CustomOption, CustomValue, DictionaryEntry
from callcenter.contacts.filters import ContactFilter
from callcenter.contacts.index_log import ContactChange, ContactPosting
from callcenter.contacts.models import Contact, ContactManager, ContactTag, ContactTerm, Number, Organisation, OrganisationManager
from callcenter.db import Database, UnitOfWork
from callcenter.errors import Unavailable
from tests.callcenter.contacts.people import add_person

FIRST = ["Jan", "Łucja", "Jan Maria", "Ewa", "", "Ędward", "محمد"]
LAST = ["Kowalski", "Kowal", "Nowak-Kow", "Zych", "", "O'Neil", "50%", "Źdźbło"]
CITIES = ["Kraków", "Kraśnik", "Nowy Sącz", "", "Łódź"]
STREETS = ["ul. Długa 5", "Rynek 12/3", "", "Dłużna 5a"]
POSTCODES = ["30-001", "30-012", "00 950", ""]
EMAILS = ["jan.kowalski@acme.pl", "", "ewa@kra.example", "a_b%c@x.pl"]
PROVINCES = ["małopolskie", "łódzkie", ""]
NUMBERS = ["48501234567", "48226001002", "12", "442079460958", "48501999888", "50150150150"]
SMALL = {"FEW": 3, "_STEPS": (2, 3), "_CHECKED": 2, "ENOUGH": 4, "MANY": 8}


class World:
    """A few contacts with values that look alike, and what filters may name."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.entries: dict[str, list[int]] = {}
        self.users: list[int] = []
        self.options: list[int] = []
        self.fields: dict[str, int] = {}
        self.organisations: list[int] = []

    async def settle(self, uow: UnitOfWork, users: list[int]) -> None:
        """Make what contacts refer to."""
        self.users = users
        for kind in ("position", "stage", "source", "segment", "tag"):
            entries = [DictionaryEntry(kind=kind, name=f"{kind} {n}", folded=f"{kind} {n}") for n in range(3)]
            uow.session.add_all(entries)
            await uow.session.flush()
            self.entries[kind] = [each.id for each in entries]
        for kind in ("text", "number", "date", "choices", "yes_no"):
            made = CustomField(key=kind, name=kind, kind=kind)
            uow.session.add(made)
            await uow.session.flush()
            self.fields[kind] = made.id
        options = [CustomOption(field_id=self.fields["choices"], name=str(n), folded=str(n)) for n in range(3)]
        uow.session.add_all(options)
        for name in ("Acme", "Zakład Żółty", "Acme Kow"):
            uow.session.add(Organisation(name=name, folded=text.fold(name), created_at=uow.now))
        await uow.session.flush()
        self.options = [each.id for each in options]
        self.organisations = list(await uow.session.scalars(select(Organisation.id).order_by(Organisation.id)))
        uow.session.add(OrganisationManager(user_id=users[0], organisation_id=self.organisations[0]))

    async def add(self, uow: UnitOfWork) -> None:
        """Add a contact of random values."""
        contact = Contact(created_at=uow.now, updated_at=uow.now, sort_name="", folded="")
        self.dress(contact)
        uow.session.add(contact)
        await uow.session.flush()
        await self.attach(uow, contact)

    def dress(self, contact: Contact) -> None:
        """Give it columns."""
        pick = self.chance.choice
        contact.first_name, contact.last_name, contact.city, contact.email = pick(FIRST), pick(LAST), pick(CITIES), pick(EMAILS)
        contact.address1, contact.address2, contact.postcode = pick(STREETS), pick(STREETS), pick(POSTCODES)
        contact.province, contact.country, contact.type = pick(PROVINCES), pick(["PL", "DE", ""]), pick(["partner", "customer"])
        contact.organisation_id = pick([None, *self.organisations])
        for kind in ("position", "stage", "source", "segment"):
            setattr(contact, f"{kind}_id", pick([None, *self.entries[kind]]))

    async def attach(self, uow: UnitOfWork, contact: Contact) -> None:  # noqa: C901 - one table after the other
        """Give it what stands in other tables, and its search text."""
        for table in (Number, ContactTag, ContactManager, CustomValue):
            await uow.session.execute(delete(table).where(table.contact_id == contact.id))

        def some(values: list[Any]) -> list[Any]:
            return self.chance.sample(values, self.chance.randrange(len(values)))

        held = some(NUMBERS)
        for each in held:
            await uow.session.execute(insert(Number).values(contact_id=contact.id, type="other", raw=each, digits=each))
        for each in some(self.entries["tag"]):
            await uow.session.execute(insert(ContactTag).values(contact_id=contact.id, entry_id=each))
        for each in some(self.users):
            await uow.session.execute(insert(ContactManager).values(contact_id=contact.id, user_id=each))
        values: list[dict[str, Any]] = []

        def value(kind: str, **given: Any) -> None:
            values.append({"field_id": self.fields[kind], **given})

        if self.chance.random() < 0.7:
            value("number", number=self.chance.choice([-3.5, -1, 0, 0.1, 1, 1.05, 7, 8, 1e6]))
            value(
                "date", day=dt.date(self.chance.randrange(2019, 2024), self.chance.randrange(1, 13), self.chance.randrange(1, 29))
            )
            value("yes_no", number=float(self.chance.random() < 0.5))
            value("text", text="Zażółć Kow", folded="zazolc kow")
            for each in some(self.options):
                value("choices", option_id=each)
        for row in values:
            await uow.session.execute(insert(CustomValue).values(contact_id=contact.id, **row))
        organisation = ""
        if contact.organisation_id is not None:
            organisation = (await uow.session.get_one(Organisation, contact.organisation_id)).name
        await rows.index(uow, contact, organisation, held)
        await uow.session.flush()

    async def disturb(self, uow: UnitOfWork) -> None:
        """Change some contacts, delete one, add one."""
        ids = list(await uow.session.scalars(select(Contact.id).order_by(Contact.id)))
        for each in self.chance.sample(ids, 3):
            contact = await uow.session.get_one(Contact, each)
            self.dress(contact)
            await self.attach(uow, contact)
        gone = self.chance.choice(ids)
        await uow.session.execute(delete(ContactTerm).where(ContactTerm.contact_id == gone))
        await uow.session.execute(delete(Contact).where(Contact.id == gone))
        await self.add(uow)

    def question(self) -> tuple[str, dict[str, Any]]:
        """Return something to look for."""
        pick = self.chance.choice
        every: dict[str, Any] = {
            "first_name": pick(["j", "jan", "Łuc", "edw", "maria j", "محم"]),
            "last_name": pick(["kow", "kowal", "kowals", "z", "o'n", "nowak kow", "%", "50"]),
            "address": pick(["dlu", "długa 5", "ryn", "5", "_"]),
            "postcode": pick(["30", "30-0", "300", "00-9"]),
            "city": pick(["kra", "Krak", "sacz", "lod", "krakow"]),
            "province": pick(["mal", "łódz"]),
            "country": [pick(["PL", "DE", "FR"])],
            "email": pick(["acme", "jan", "kowalski@acme", "a_b%"]),
            "numbers": [pick(["501", "01", "5012", "48 501", "0048501", "0501", "12", "999888", "22 600"])],
            "organisation": pick(["acm", "acme", "zolty", "kow acme"]),
            "organisation_id": pick(self.organisations),
            "managers": self.chance.sample(self.users, 2),
            "mine": pick(self.users),
            "type": pick(["customer", "partner"]),
            "tags": self.chance.sample(self.entries["tag"], 2),
            "custom": [self._custom()],
        }
        every |= {kind: self.chance.sample(self.entries[kind], 2) for kind in ("position", "stage", "source", "segment")}
        chosen = self.chance.sample(sorted(every), self.chance.choice([0, 1, 1, 2, 2, 3]))
        q = pick(["", "", "", "kow", "jan kow", "501", "kow 501", "5", "acme", "0048501", "x"])
        return q, {name: every[name] for name in chosen} | {"all_tags": self.chance.random() < 0.5}

    def _custom(self) -> dict[str, Any]:
        pick = self.chance.choice
        low, high = sorted(self.chance.sample([-4.0, -1, 0, 0.5, 1, 7, 7.5, 2e6], 2))
        first, last = sorted(self.chance.sample(["2019-05-05", "2020-01-01", "2021-06-14", "2021-06-30", "2023-12-31"], 2))
        return pick(
            [
                {"key": "text", "text": pick(["zaz", "kow", "zazolc"])},
                {"key": "number", **pick([{"least": low}, {"most": high}, {"least": low, "most": high}])},
                {"key": "date", **pick([{"first": first}, {"last": last}, {"first": first, "last": last}])},
                {"key": "choices", "options": self.chance.sample(self.options, 2)},
                {"key": "yes_no", "yes": pick([True, False])},
                {"key": "gone", "text": "x"},
            ]
        )


async def naive(database: Database, world: World, q: str, given: dict[str, Any], actor: Actor) -> list[int]:  # noqa: C901 - one question after the other
    """Return who fits by looking at each contact, in order of name."""
    async with database.reading() as uow:
        people = list(await uow.session.scalars(select(Contact).options(*queries.LOADED)))
        of_contact = set((await uow.session.execute(select(ContactManager.contact_id, ContactManager.user_id))).all())
        manages = select(OrganisationManager.organisation_id, OrganisationManager.user_id)
        of_organisation = set((await uow.session.execute(manages)).all())
        digits = [each.digits for each in await uow.session.scalars(select(Number))]
        known = set(await uow.session.scalars(select(ContactTerm.term)))

    def begins(value: str, typed: str) -> bool:
        words = text.words(typed)
        return bool(words) and all(any(each.startswith(word) for each in text.words(value)) for word in words)

    def managed(contact: Contact, users: list[int]) -> bool:
        return any((contact.id, each) in of_contact or (contact.organisation_id, each) in of_organisation for each in users)

    def start(wanted: search.Wanted) -> str:
        there = any(each.startswith(wanted.start) for each in known)
        return wanted.start if there or wanted.other is None else wanted.other

    def custom(contact: Contact, wanted: dict[str, Any]) -> bool:
        own = [each for each in contact.custom if each.field_id == world.fields.get(wanted["key"])]
        match wanted["key"]:
            case "text":
                return any(begins(each.text, wanted["text"]) for each in own)
            case "number":
                return any(wanted.get("least", -1e9) <= (each.number or 0) <= wanted.get("most", 1e9) for each in own)
            case "date":
                return any(wanted.get("first", "0") <= str(each.day) <= wanted.get("last", "9") for each in own)
            case "choices":
                return any(each.option_id in wanted["options"] for each in own)
            case "yes_no":
                return any(each.number == float(wanted["yes"]) for each in own)
        return False

    def fits(contact: Contact) -> bool:
        organisation = contact.organisation.name if contact.organisation else ""
        texts = {name: getattr(contact, name) for name in ("first_name", "last_name", "city", "province", "email")}
        texts |= {"address": f"{contact.address1} {contact.address2}", "organisation": organisation}
        tags = [each.id for each in contact.tags]
        everything = " ".join([contact.first_name, contact.last_name, organisation, contact.email])
        own = [each.digits for each in contact.numbers]
        parts = [start(each) for each in search.parse(q)]
        numbers = [start(search.number_part(each)) for each in given.get("numbers", [])]
        return all(
            [
                *(begins(texts[name], given[name]) for name in texts if name in given),
                *(begins(everything, each) or (each.isdigit() and any(each in n for n in own)) for each in parts),
                "postcode" not in given
                or "".join(text.words(contact.postcode)).startswith("".join(text.words(given["postcode"]))),
                "country" not in given or contact.country in given["country"],
                all(any(each in number for number in own) for each in numbers),
                given.get("organisation_id") in (None, contact.organisation_id),
                "managers" not in given or managed(contact, given["managers"]),
                "mine" not in given or managed(contact, [given["mine"]]),
                given.get("type") in (None, contact.type),
                "tags" not in given or (all if given["all_tags"] else any)(each in tags for each in given["tags"]),
                *(getattr(contact, f"{each}_id") in given[each] for each in CHOSEN if each in given),
                *(custom(contact, each) for each in given.get("custom", [])),
                seen(contact),
            ]
        )

    def seen(contact: Contact) -> bool:
        roles = {f"{contact.type}_admin", f"{contact.type}_reader"}
        mine = f"{contact.type}_manager" in actor.accounts and managed(contact, [actor.id])
        return bool(roles & actor.accounts) or mine

    assert digits
    return [each.id for each in sorted(filter(fits, people), key=lambda each: (each.sort_name, each.id))]


CHOSEN = ("position", "stage", "source", "segment")
READER = frozenset({AccountRole.PARTNER_READER})
MANAGER = frozenset({AccountRole.PARTNER_MANAGER, AccountRole.CUSTOMER_MANAGER})
MIXED = frozenset({AccountRole.PARTNER_MANAGER, AccountRole.CUSTOMER_READER})


async def walked(database: Database, actor: Actor, q: str, wanted: ContactFilter) -> list[int]:
    """Return all pages joined."""
    found: list[int] = []
    after = None
    while True:
        async with database.reading(actor) as uow:
            page = await contacts.list_contacts(uow, q=q, wanted=wanted, after=after, limit=4)
        found += [each.id for each in page.items]
        after = page.next
        if after is None:
            return found
        assert len(page.items) == 4


@pytest.mark.parametrize("seed", range(2))
async def test_any_filters_find_what_looking_at_each_contact_finds(
    database: Database, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if seed % 2:
        for name, value in SMALL.items():
            monkeypatch.setattr(pages, name, value)
        monkeypatch.setattr(sets, "MOST_ROWS", 6)
        monkeypatch.setattr(sets, "_AT_ONCE", 3)
    anna, ewa = await add_person(database), await add_person(database, "ewa")
    world = World(seed)
    async with database.unit_of_work() as uow:
        await world.settle(uow, [anna.id, ewa.id, (await _third(uow))])
        for _ in range(30):
            await world.add(uow)
    actors = [anna, *(replace(anna, accounts=each) for each in (READER, MANAGER, MIXED, frozenset()))]
    for n in range(30):
        if n % 3 == 1:
            async with database.unit_of_work() as uow:
                await world.disturb(uow)
        if n % 5 == 2:
            await index.catch_up(database)
        q, given = world.question()
        for actor in actors:
            expected = await naive(database, world, q, given, actor)
            found = await walked(database, actor, q, ContactFilter.model_validate(given))
            single = actor is anna and len(search.parse(q)) == 1 and not ContactFilter.model_validate(given)
            assert (sorted(found), sorted(expected)) == ((sorted(expected),) * 2) if single else found == expected, (q, given)
            async with database.reading(actor) as uow:
                count = await queries.count_contacts(uow, q=q, wanted=ContactFilter.model_validate(given))
                every = await queries.matching(uow, q=q, wanted=ContactFilter.model_validate(given))
            assert (count.number, count.more) == (len(expected), False), (q, given)
            assert every == sorted(expected)


async def _third(uow: UnitOfWork) -> int:
    from callcenter.users.models import User

    user = User(login="kim", name="Kim", role="consultant", accounts=[], password_hash="", created_at=uow.now)
    uow.session.add(user)
    await uow.session.flush()
    return user.id


async def test_after_all_contacts_are_gone_the_index_is_empty(database: Database) -> None:
    anna = await add_person(database)
    world = World(7)
    async with database.unit_of_work() as uow:
        await world.settle(uow, [anna.id, anna.id])
        world.users = [anna.id]
        for _ in range(20):
            await world.add(uow)
    await index.catch_up(database)
    for _ in range(5):
        async with database.unit_of_work() as uow:
            await world.disturb(uow)
    async with database.unit_of_work() as uow:
        await uow.session.execute(delete(Contact))
    assert await index.catch_up(database)
    async with database.reading() as uow:
        left = await uow.session.scalars(select(ContactPosting.key))
        assert list(left) == []
        assert await uow.session.scalar(select(func.count()).select_from(ContactChange)) == 0


async def test_built_at_once_the_index_is_the_one_that_grew(database: Database) -> None:
    anna = await add_person(database)
    world = World(9)
    async with database.unit_of_work() as uow:
        await world.settle(uow, [anna.id])
        for _ in range(30):
            await world.add(uow)
    await index.catch_up(database)
    for _ in range(4):
        async with database.unit_of_work() as uow:
            await world.disturb(uow)
    await index.catch_up(database)
    query = select(ContactPosting.key, ContactPosting.block, ContactPosting.bits).order_by(ContactPosting.key)
    async with database.reading() as uow:
        grew = (await uow.session.execute(query)).all()
    async with database.unit_of_work() as uow:
        await (await uow.session.connection()).run_sync(index.build)
    async with database.reading() as uow:
        assert (await uow.session.execute(query)).all() == grew


async def test_while_too_many_contacts_are_new_filters_say_so(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sets, "MOST_CHANGED", 2)
    async with database.unit_of_work() as uow:
        for n in range(3):
            await contacts.create_contact(uow, contacts.ContactInput(last_name=f"Nowak{n}"), "PL")
    async with database.reading() as uow:
        with pytest.raises(Unavailable):
            await contacts.list_contacts(uow, wanted=ContactFilter(last_name="now"))

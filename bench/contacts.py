"""The list of contacts: every filter by itself, twenty combinations of three, search as you type, one contact, and the caller.

Server time of list_contacts (a page of 50, loaded) on SQLite and on PostgreSQL, each beside the bare SQL a reader would write
for it (ids only, in order of name, LIMIT 50), in turns. The first time of each is left out: statements are built then.
"""

import asyncio
import datetime as dt
import gc
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import text

from bench import contact_seed, kept
from bench.contact_seed import entry
from bench.figures import Run, percentile
from callcenter import clock
from callcenter.actor import EVERY_ACCOUNT, AccountRole, Actor, Role
from callcenter.config import Settings
from callcenter.contacts import identify, queries, timeline_pages
from callcenter.contacts import service as contacts
from callcenter.contacts.filters import ContactFilter
from callcenter.contacts.timeline_pages import Of
from callcenter.db import Database
from callcenter.phone_fake import FakePhone
from callcenter.users.models import Session, User
from callcenter.users.sessions import hash_secret
from callcenter.wiring import wire
from tests import postgres
from webui.app import create_app
from webui.live import LiveHub

ROUNDS = 15
ANNA = Actor(7, "Anna", Role.CONSULTANT, accounts=EVERY_ACCOUNT)
READER = Actor(8, "Ewa", Role.CONSULTANT, accounts=frozenset({AccountRole.PARTNER_READER}))
FEW = Actor(5, "Kim", Role.CONSULTANT, accounts=frozenset({AccountRole.CUSTOMER_MANAGER, AccountRole.PARTNER_MANAGER}))
_LIST = "SELECT id FROM contacts c WHERE {where} ORDER BY sort_name, id LIMIT 51"
_STAGE, _SOURCE, _SEGMENT = "c.stage_id = {}", "c.source_id = {}", "c.segment_id = {}"
_TAG = "EXISTS (SELECT 1 FROM contact_tags t WHERE t.entry_id = {} AND t.contact_id = c.id)"
_NUMBER = "EXISTS (SELECT 1 FROM numbers n WHERE n.contact_id = c.id AND n.digits LIKE '%{}%')"
_MANAGED = (
    "(EXISTS (SELECT 1 FROM contact_managers m WHERE m.user_id = {0} AND m.contact_id = c.id) OR"
    " c.organisation_id IN (SELECT organisation_id FROM organisation_managers WHERE user_id = {0}))"
)
_CUSTOM = "EXISTS (SELECT 1 FROM custom_values v WHERE v.contact_id = c.id AND v.field_id = {} AND {})"

# Each filter by itself, with the bare condition; several at once are joined by AND.
ONE: dict[str, tuple[dict[str, Any], str]] = {
    "first name": ({"first_name": "mał"}, "c.first_name LIKE 'Mał%'"),
    "last name": ({"last_name": "ko"}, "c.last_name LIKE 'Ko%'"),
    "last name, end of the alphabet": ({"last_name": "zo"}, "c.last_name LIKE 'Zo%'"),
    "address": ({"address": "5"}, "c.address1 LIKE '% 5%'"),
    "postcode": ({"postcode": "30-0"}, "c.postcode LIKE '30-0%'"),
    "city": ({"city": "Warszawa"}, "c.city = 'Warszawa'"),
    "small city": ({"city": "zako"}, "c.city LIKE 'Zako%'"),
    "province": ({"province": "maz"}, "c.province LIKE 'maz%'"),
    "country": ({"country": ["DE"]}, "c.country = 'DE'"),
    "position": ({"position": [entry("position", 3)]}, f"c.position_id = {entry('position', 3)}"),
    "e-mail": ({"email": "gmail"}, "c.email LIKE '%@gmail%'"),
    "e-mail of one": ({"email": "barbara.kowa"}, "c.email LIKE 'barbara.kowa%'"),
    "segment": ({"segment": [entry("segment", 0)]}, _SEGMENT.format(entry("segment", 0))),
    "source": ({"source": [entry("source", 9)]}, _SOURCE.format(entry("source", 9))),
    "stage": ({"stage": [entry("stage", 1)]}, _STAGE.format(entry("stage", 1))),
    "number, three digits": ({"numbers": ["501"]}, _NUMBER.format("501")),
    "number, five common digits": ({"numbers": ["+48 501"]}, _NUMBER.format("48501")),
    "number, six digits": ({"numbers": ["501 234"]}, _NUMBER.format("501234")),
    "tag": ({"tags": [entry("tag", 2)]}, _TAG.format(entry("tag", 2))),
    "all of two tags": ({"tags": [entry("tag", 0), entry("tag", 1)], "all_tags": True}, f"{_TAG} AND {_TAG}".format(401, 402)),
    "organisation": (
        {"organisation": "zaklad"},
        "c.organisation_id IN (SELECT id FROM organisations WHERE folded LIKE '%zaklad%')",
    ),
    "organisation by id": ({"organisation_id": 77}, "c.organisation_id = 77"),
    "managers": ({"managers": [50, 51]}, f"({_MANAGED.format(50)} OR {_MANAGED.format(51)})"),
    "my contacts": ({"mine": 7}, _MANAGED.format(7)),
    "type": ({"type": "partner"}, "c.type = 'partner'"),
    "own field, text": ({"custom": [{"key": "remark", "text": "krak"}]}, _CUSTOM.format(1, "v.folded LIKE '%krak%'")),
    "own field, number": (
        {"custom": [{"key": "worth", "least": 1000, "most": 5000}]},
        _CUSTOM.format(2, "v.number BETWEEN 1000 AND 5000"),
    ),
    "own field, day": (
        {"custom": [{"key": "since", "first": "2021-03-10", "last": "2022-05-20"}]},
        _CUSTOM.format(3, "v.day BETWEEN '2021-03-10' AND '2022-05-20'"),
    ),
    "own field, choice": ({"custom": [{"key": "interest", "options": [3]}]}, _CUSTOM.format(4, "v.option_id = 3")),
    "own field, yes": ({"custom": [{"key": "vip", "yes": True}]}, _CUSTOM.format(5, "v.number = 1")),
}
THREE = [
    ("stage", "segment", "city"),
    ("stage", "source", "segment"),
    ("city", "first name", "type"),
    ("last name, end of the alphabet", "city", "stage"),
    ("last name", "small city", "type"),
    ("number, five common digits", "city", "segment"),
    ("number, three digits", "stage", "own field, yes"),
    ("number, six digits", "stage", "segment"),
    ("my contacts", "stage", "city"),
    ("managers", "tag", "segment"),
    ("tag", "own field, choice", "province"),
    ("all of two tags", "stage", "e-mail"),
    ("own field, number", "own field, day", "own field, yes"),
    ("own field, text", "stage", "country"),
    ("organisation", "city", "segment"),
    ("postcode", "city", "stage"),
    ("postcode", "small city", "type"),
    ("address", "e-mail", "position"),
    ("country", "type", "all of two tags"),
    ("first name", "last name", "e-mail"),
]
TYPED = [
    "k",
    "ko",
    "kow",
    "kowa",
    "b",
    "ba",
    "barbara",
    "barbara k",
    "barbara ko",
    "anna",
    "anna z",
    "501",
    "501 2",
    "anna 501",
    "piotr gmail",
]
Asked = Callable[[], Awaitable[object]]


async def run(count: int = 1_000_000) -> Run:
    """Measure once, on both databases."""
    name, found = f"contact-filters-{count}", Run(contacts=float(count))
    file = await asyncio.to_thread(kept.sqlite, name, lambda url: contact_seed.fill(url, count))
    found |= await _measure("sqlite", f"sqlite+aiosqlite:///{file}")
    if postgres.find_binaries() is not None:
        with kept.postgresql(name, lambda url: contact_seed.fill(url, count, file)) as url:
            found |= await _measure("postgresql", url)
    return found


async def _measure(kind: str, url: str) -> Run:
    with tempfile.TemporaryDirectory() as folder:
        database = wire(Database(url, settings=Settings(data_dir=Path(folder), _env_file=None)))
        try:
            async with _browser(database) as client:
                return await _asked(kind, _questions(database, client))
        finally:
            await database.close()


@asynccontextmanager
async def _browser(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """Yield what asks for pages as one of the people."""
    cookie = clock.new_id()
    async with database.unit_of_work() as uow:
        person = await uow.session.get_one(User, ANNA.user_id)
        person.accounts = sorted(EVERY_ACCOUNT)
        times = {"created_at": uow.now, "seen_at": uow.now, "expires_at": uow.now + dt.timedelta(hours=9)}
        uow.session.add(Session(user_id=person.id, token_hash=hash_secret(cookie), **times))
    app = create_app(database.settings, database, FakePhone(), LiveHub(database))
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 1234))
    headers = {"cookie": f"callcenter_session={cookie}", "HX-Request": "true"}
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver", headers=headers) as client:
        yield client


async def _asked(kind: str, groups: dict[str, dict[str, tuple[Asked, Asked | None]]]) -> Run:
    found: Run = {}
    for group, questions in groups.items():
        every: list[tuple[float, float]] = []
        for name, (ask, bare) in questions.items():
            ours, theirs = await _times(ask), await _times(bare, 2) if bare else []
            every += ours
            walls = [wall for wall, _ in ours]
            label = f"{kind}, {group}: {name}"
            found |= {f"{label} p50 [ms]": percentile(walls, 0.5), f"{label} p95 [ms]": percentile(walls, 0.95)}
            found |= {f"{label} max [ms]": max(walls), f"{label}, own work p95 [ms]": percentile([own for _, own in ours], 0.95)}
            if theirs:
                found[f"{label}, bare SQL [ms]"] = percentile([wall for wall, _ in theirs], 0.5)
        found[f"{kind}, {group}: all, p95 [ms]"] = percentile([wall for wall, _ in every], 0.95)
        found[f"{kind}, {group}: all, own work p95 [ms]"] = percentile([own for _, own in every], 0.95)
    return found


async def _times(ask: Asked, rounds: int = ROUNDS) -> list[tuple[float, float]]:
    """Return milliseconds by the clock, and of this process's own work (on SQLite that is all of it)."""
    found = []
    gc.collect()  # the product does so only when nobody would wait (callcenter/main/web.py)
    gc.disable()
    for _ in range(rounds + 1):
        began, worked = time.perf_counter(), time.process_time()
        await ask()
        found.append(((time.perf_counter() - began) * 1000, (time.process_time() - worked) * 1000))
    gc.enable()
    return found[1:]


def _questions(database: Database, client: httpx.AsyncClient) -> dict[str, dict[str, tuple[Asked, Asked | None]]]:  # noqa: C901 - one by one
    def listed(given: dict[str, Any], q: str = "", actor: Actor = ANNA) -> Asked:
        async def ask() -> object:
            async with database.reading(actor) as uow:
                return await contacts.list_contacts(uow, q=q, wanted=ContactFilter.model_validate(given))

        return ask

    def bare(where: str) -> Asked:
        async def ask() -> object:
            async with database.reading() as uow:
                return (await uow.session.execute(text(_LIST.format(where=where)))).all()

        return ask

    async def counted() -> object:
        async with database.reading(ANNA) as uow:
            return await queries.count_contacts(uow, wanted=ContactFilter(city="Warszawa"))

    async def opened() -> object:
        async with database.reading(ANNA) as uow:
            await contacts.get_contact(uow, contact_seed.BUSY)
            return await timeline_pages.page(uow, Of(contact_seed.BUSY))

    async def paged() -> object:
        return (await client.get(f"/contacts/{contact_seed.BUSY}")).raise_for_status()

    numbers = [row[1][0][4] for row in (contact_seed._person(n) for n in range(100, 100 + 4 * ROUNDS, 4))]
    callers, again = iter(numbers * 3), iter(numbers * 3)

    async def called() -> object:
        async with database.reading() as uow:
            return await identify.identify(uow, next(callers), "PL")

    async def called_bare() -> object:
        async with database.reading() as uow:
            query = text("SELECT c.id, c.last_name FROM numbers n JOIN contacts c ON c.id = n.contact_id WHERE e164 = :e")
            return (await uow.session.execute(query, {"e": next(again)})).all()

    few = _MANAGED.format(5)
    threes: dict[str, tuple[Asked, Asked | None]] = {}
    for names in THREE:
        given = {key: value for name in names for key, value in ONE[name][0].items() if key != "custom"}
        own = [value for name in names for value in ONE[name][0].get("custom", [])]
        where = " AND ".join(ONE[name][1] for name in names)
        threes[", ".join(names)] = (listed(given | ({"custom": own} if own else {})), bare(where))
    return {
        "one filter": {name: (listed(given), bare(where)) for name, (given, where) in ONE.items()},
        "three filters": threes,
        "typed": {each: (listed({}, each), None) for each in TYPED},
        "who sees few": {
            "a reader of partners": (listed({}, actor=READER), bare("c.type = 'partner'")),
            "a reader of partners types": (listed({}, "ko", READER), None),
            "a manager of five": (listed({}, actor=FEW), bare(few)),
            "a manager of five types": (listed({}, "a", FEW), None),
        },
        "other": {
            "count of a city": (counted, None),
            "a contact with 1,000 entries": (opened, None),
            "its whole page": (paged, None),
            "caller": (called, called_bare),
        },
    }

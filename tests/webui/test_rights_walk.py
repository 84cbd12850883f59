"""Every account role goes through every door of the web: no word of an account that is not theirs comes out, nothing changes."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from starlette.routing import Route

from callcenter.actor import EVERY_ACCOUNT, AccountRole, Actor, Role
from callcenter.contacts.rights import Extent, extent
from callcenter.db import Base
from callcenter.inbox import StoredEvent
from callcenter.projects.service import set_members
from tests.webui import rights_table
from tests.webui.conftest import Person, Site
from tests.webui.rights_change import ACROSS, REFUSED, Change
from tests.webui.rights_plant import CALLS_FROM, KINDS, SECRET_NUMBER, Account, Planted, plant
from tests.webui.rights_table import CHANGES, ELSEWHERE, FILES
from tests.webui.rights_words import secret
from webui import routes

SEVERAL = [
    frozenset({AccountRole.PARTNER_READER, AccountRole.CUSTOMER_MANAGER}),
    frozenset({AccountRole.CUSTOMER_ADMIN, AccountRole.PARTNER_MANAGER}),
]
ROLES = [frozenset(), *(frozenset({each}) for each in AccountRole), EVERY_ACCOUNT, *SEVERAL]
ON_BOTH = {frozenset({AccountRole.PARTNER_READER}), *SEVERAL}  # the rest of the sets on PostgreSQL: make soak
PICTURES = {"/api/v1/contacts/{contact_id}/avatar", "/contacts/{id:int}/avatar"}  # no words are in them
OWN = {"contact_bulks", "contact_bulk_rows"}  # what one asked for, and the report of it
CHANGED_BY_READING = {"audit", "sessions", "tokens", "events", "event_counters", "agents", "calendar_feeds"}
SAME_SITE = {"sec-fetch-site": "same-origin"}
SHOWN_AT = {  # where somebody who may see an account does find it: else the walk would prove nothing
    "/api/v1/call-backs",
    "/api/v1/calls",
    "/api/v1/calls/{call_id}",
    "/api/v1/contacts",
    "/api/v1/contacts/{contact_id}",
    "/api/v1/contacts/{contact_id}/timeline",
    "/api/v1/messages",
    "/api/v1/organisations",
    "/api/v1/organisations/{organisation_id}",
    "/api/v1/phone-meetings",
    "/api/v1/phone-meetings/export",
    "/api/v1/phone-meetings/{meeting_id}",
    "/api/v1/texts",
    "/api/v1/texts/{text_id}",
    "/calls/all",
    "/calls/{id}",
    "/calls/{id}/candidates",
    "/contacts",
    "/contacts/{id:int}",
    "/api/v1/contacts/duplicates",
    "/api/v1/contacts/{contact_id}/consents",
    "/api/v1/duplicate-pairs",
    "/api/v1/emails",
    "/api/v1/emails/{email_id}",
    "/api/v1/emails/{email_id}/files/{file_id}",
    "/api/v1/organisations/{organisation_id}/tickets",
    "/api/v1/organisations/{organisation_id}/timeline",
    "/api/v1/search",
    "/api/v1/tickets",
    "/api/v1/tickets/{ticket_id}",
    "/api/v1/tickets/{ticket_id}/files/{file_id}",
    "/api/v1/timeline/{entry_id}/versions",
    "/contacts/duplicates",
    "/contacts/rows",
    "/contacts/{id:int}/tickets",
    "/contacts/{id:int}/timeline",
    "/contacts/{id:int}/timeline/{entry:int}",
    "/emails",
    "/emails/{id:int}",
    "/emails/{id:int}/candidates",
    "/organisations",
    "/organisations/{id:int}",
    "/organisations/{id:int}/contacts",
    "/organisations/{id:int}/tickets",
    "/organisations/{id:int}/timeline",
    "/organisations/{id:int}/timeline/lines/{entry:int}",
    "/tickets",
    "/tickets/find",
    "/tickets/{id:int}",
    "/tickets/{id:int}/files/{file:int}",
    "/meetings",
    "/meetings/{id:int}",
    "/meetings/contacts",
    "/messages",
    "/texts",
}


def doors() -> list[tuple[str, str]]:
    """Return every method and path of the route table."""
    found = [each for each in routes.table() if isinstance(each, Route)]
    return sorted({(method, each.path) for each in found for method in (each.methods or {"GET"}) - {"HEAD"}})


def name_of(roles: frozenset[AccountRole]) -> str:
    return "+".join(sorted(roles)) or "none"


def sees(roles: Iterable[AccountRole], kind: str) -> bool:
    return extent(acting(roles), kind) == Extent.ALL  # a manager manages nothing of what is planted


def changes(roles: Iterable[AccountRole], kind: str) -> bool:
    return extent(acting(roles), kind, change=True) == Extent.ALL


def acting(roles: Iterable[AccountRole]) -> Actor:
    return Actor(1, "", Role.ADMINISTRATOR, accounts=frozenset(roles))


def test_every_door_is_known() -> None:
    """Somebody has said of every door that changes something what it has to do with accounts."""
    known = CHANGES.keys() | FILES.keys()
    every = [f"{method} {path}" for method, path in doors() if method != "GET"]
    unknown = [each for each in every if each not in known and not any(re.fullmatch(one, each) for one in ELSEWHERE)]
    assert not unknown, "say in rights_table.py what these have to do with accounts"
    assert not known - set(every), "these doors are gone"


def sets_of(roles: Iterable[frozenset[AccountRole]]) -> pytest.MarkDecorator:
    """Run a test with each of these sets: on SQLite with all, on PostgreSQL with ON_BOTH, in soak with the others."""
    given = [pytest.param(each, False, id=name_of(each)) for each in roles]
    given += [
        pytest.param(each, True, id=f"{name_of(each)}-soak", marks=pytest.mark.soak) for each in roles if each not in ON_BOTH
    ]
    return pytest.mark.parametrize(("roles", "soak"), given)


def spare(site: Site, roles: frozenset[AccountRole], *, soak: bool) -> None:
    """Skip what the other run does."""
    if site.database.sqlite is soak and roles not in ON_BOTH:
        pytest.skip("the rules are the same queries on both: all sets on PostgreSQL are walked by make soak")


@sets_of(ROLES)
async def test_nothing_of_a_hidden_account_comes_out(site: Site, roles: frozenset[AccountRole], soak: bool) -> None:
    spare(site, roles, soak=soak)
    planted = await plant(site)
    found: dict[str, set[str]] = {kind: set() for kind in KINDS}
    faults: list[str] = []
    for role in (Role.ADMINISTRATOR, Role.CONSULTANT) if len(roles) != 1 else (Role.ADMINISTRATOR,):  # who may see most
        person = await member(site, planted, f"walker-{role}", role, roles)
        asked: set[str] = set()
        for kind in KINDS:
            found[kind] |= await read_all(site, person, planted, planted.accounts[kind], asked, roles, faults)
    assert not faults
    for kind in KINDS:
        if sees(roles, kind):
            assert found[kind] >= SHOWN_AT, f"nothing of a {kind} at {SHOWN_AT - found[kind]}"


@sets_of([each for each in ROLES if each != EVERY_ACCOUNT])
async def test_nothing_of_a_forbidden_account_changes(site: Site, roles: frozenset[AccountRole], soak: bool) -> None:
    spare(site, roles, soak=soak)
    planted = await plant(site)
    person = await member(site, planted, "walker", Role.ADMINISTRATOR, roles)
    before, faults = await everything(site), list[str]()
    async with site.client(person.bearer) as client:
        for kind in KINDS:
            allowed = {"see": sees(roles, kind), "change": changes(roles, kind)}
            for door, change in CHANGES.items():
                if not allowed[change.needs]:
                    with noting(faults):
                        await try_to(client, door, change, planted, planted.accounts[kind], roles)
            for method, across in ACROSS:
                if not sees(roles, kind):
                    mine = planted.accounts[next(each for each in KINDS if each != kind)]
                    where, sent = across(mine, planted.accounts[kind])
                    answer = await client.request(method, where, **sent, headers=SAME_SITE)
                    with noting(faults):
                        assert answer.status_code in REFUSED | {200, 303, 409, 422}, (
                            f"{where}: {answer.status_code} {answer.text}"
                        )
                        refuse_answer(answer, sent, where, roles)
        for door, change in FILES.items():
            if not all(sees(roles, kind) for kind in KINDS):
                with noting(faults):
                    await try_to(client, door, change, planted, planted.accounts["customer"], roles)
    after = await everything(site)
    assert (faults, {table for table in before if before[table] != after[table]}) == ([], set())


async def member(site: Site, planted: Planted, login: str, role: Role, roles: frozenset[AccountRole]) -> Person:
    """Add somebody with account roles who serves the project."""
    person = await site.person(login, role, accounts=roles)
    async with site.database.unit_of_work() as uow:
        await set_members(uow, planted.project, [planted.worker.id, person.id])
    return person


async def read_all(
    site: Site,
    person: Person,
    planted: Planted,
    account: Account,
    asked: set[str],
    roles: frozenset[AccountRole],
    faults: list[str],
) -> set[str]:
    """Read every door; returns those at which the account was found, which fails where it is hidden.

    `asked`: what was read for the other account already, and is the same for this one.
    """
    found: set[str] = set()
    async with site.client(person.bearer) as client:
        for path in [path for method, path in doors() if method == "GET"]:
            for query in rights_table.queries(path, account):
                where = str(httpx.URL(rights_table.address(path, planted, account), params=query))
                if where in asked and path not in SHOWN_AT:
                    continue
                asked.add(where)
                answer = await client.get(where)
                with noting(faults):
                    check(answer, path, roles)
                if path in PICTURES:
                    with noting(faults):
                        assert (answer.status_code == 200) == sees(roles, account.kind), f"{path} of a {account.kind}"
                if secret(account.kind) in answer.text.casefold():
                    found.add(path)
        for path in (f"/contacts/{account.more.gone}", f"/api/v1/contacts/{account.more.gone}"):
            answer = await client.get(path)
            with noting(faults):
                assert sees(roles, account.kind) or answer.status_code in REFUSED, f"{path} tells what became of it"
    async with site.database.reading() as uow:
        told = list(await uow.session.scalars(select(StoredEvent.data).where(StoredEvent.user_id == person.id)))
    with noting(faults):
        refuse_words(str(told), "/live", roles)
    return found


def check(answer: httpx.Response, path: str, roles: frozenset[AccountRole]) -> None:
    assert answer.status_code != 500, f"{path}: {answer.text}"
    refuse_words(f"{answer.headers} {answer.text}", path, roles)
    if not roles and re.match(r"(/api/v1)?/(contacts|organisations)(/|$)", path):
        assert answer.status_code == 403, f"{path} is not for who has no account role"


@contextmanager
def noting(faults: list[str]) -> Iterator[None]:
    """Note what fails and go on, so that one walk tells of every leak."""
    try:
        yield
    except AssertionError as fault:
        faults.append(str(fault).partition("\n")[0])


def refuse_words(text: str, path: str, roles: frozenset[AccountRole]) -> None:
    for kind in KINDS:
        if not sees(roles, kind):
            assert secret(kind) not in text.casefold(), f"{path} tells of a {kind}"
            assert SECRET_NUMBER[kind] not in re.sub(r"[\s\u00a0-]", "", text), f"{path} has the number of a {kind}"


async def try_to(
    client: httpx.AsyncClient, door: str, change: Change, planted: Planted, account: Account, roles: frozenset[AccountRole]
) -> None:
    method, path = door.split(" ")
    where = rights_table.address(path, planted, account)
    sent = change.send(planted, account)
    answer = await client.request(method, where, **sent, headers=SAME_SITE)
    assert answer.status_code in change.refused, f"{door} of a {account.kind}: {answer.status_code} {answer.text[:500]}"
    refuse_answer(answer, sent, where, roles)


def refuse_answer(answer: httpx.Response, sent: dict[str, Any], where: str, roles: frozenset[AccountRole]) -> None:
    """Fail when a refusal tells of who is hidden; what was sent may come back."""
    if not any(secret(kind) in str(sent).casefold() for kind in KINDS):
        refuse_words(f"{answer.headers} {answer.text}", where, roles)


async def everything(site: Site) -> dict[str, list[Any]]:
    """Return all rows of all tables but those that reading writes, and the trail."""
    found: dict[str, list[Any]] = {}
    async with site.database.reading() as uow:
        for table in Base.metadata.sorted_tables:
            if table.name not in CHANGED_BY_READING | OWN:
                found[table.name] = sorted(map(repr, await uow.session.execute(select(table))))
    return found


def test_the_numbers_of_the_walk_differ() -> None:
    assert len({*CALLS_FROM.values(), *SECRET_NUMBER.values()}) == 4

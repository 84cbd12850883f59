"""Filters of a list that a person keeps under a name: one's own only, at most 50."""

import re
from urllib.parse import parse_qsl, urlencode

from sqlalchemy import func, select

from callcenter.db import UnitOfWork
from callcenter.errors import Conflict, Invalid, NotFound
from callcenter.users.models import SavedFilter, User

MOST = 50
LONGEST_NAME = 60
LONGEST_QUERY = 2000
_PAGE = re.compile(r"[a-z][a-z_]{0,39}")
_PLACES = {"after", "before", "limit"}  # of a page of the list, no part of what is looked for


async def list_filters(uow: UnitOfWork, page: str = "") -> list[SavedFilter]:
    """Return one's filters of a page (phone_meetings ...), "" for every page, by name."""
    query = select(SavedFilter).where(SavedFilter.user_id == uow.actor.id)
    if page:
        query = query.where(SavedFilter.page == page)
    found = await uow.session.scalars(query)
    return sorted(found, key=lambda each: (each.page, each.name.casefold(), each.id))


async def save_filter(uow: UnitOfWork, page: str, name: str, query: str) -> SavedFilter:
    """Keep what stands after ? in a list's address under a name; the same name again replaces it."""
    if not _PAGE.fullmatch(page):
        raise Invalid("There is no such list.", field="page")
    name, query = _name(name), _query(query)
    await uow.session.execute(select(User.id).where(User.id == uow.actor.id).with_for_update())  # counted one at a time
    own = await list_filters(uow)
    found = next((each for each in own if each.page == page and each.name == name), None)
    if found is None:
        if len(own) >= MOST:
            raise Conflict("You have {most} saved filters already. Delete one first.", most=MOST)
        found = SavedFilter(user_id=uow.actor.id, page=page, name=name, created_at=uow.now)
        uow.session.add(found)
    found.query = query
    await uow.session.flush()
    return found


async def rename_filter(uow: UnitOfWork, filter_id: int, name: str) -> SavedFilter:
    """Give a filter another name; raises Conflict when another one of the list has it."""
    found, name = await _own(uow, filter_id), _name(name)
    same = select(func.count()).where(
        SavedFilter.user_id == found.user_id, SavedFilter.page == found.page, SavedFilter.name == name, SavedFilter.id != found.id
    )
    if await uow.session.scalar(same):
        raise Conflict("You have a filter called {name} already.", name=name)
    found.name = name
    await uow.session.flush()
    return found


async def delete_filter(uow: UnitOfWork, filter_id: int) -> None:
    """Forget a filter."""
    await uow.session.delete(await _own(uow, filter_id))
    await uow.session.flush()


async def _own(uow: UnitOfWork, filter_id: int) -> SavedFilter:
    found = await uow.session.get(SavedFilter, filter_id)
    if found is None or found.user_id != uow.actor.id:
        raise NotFound("There is no such filter.")
    return found


def _name(name: str) -> str:
    name = " ".join("".join(each for each in name if each.isprintable() or each.isspace()).split())
    if not name or len(name) > LONGEST_NAME:
        raise Invalid("A filter needs a name of at most {most} characters.", field="name", most=LONGEST_NAME)
    return name


def _query(query: str) -> str:
    """Return the query as it is kept, without the place in the list."""
    query = query.removeprefix("?")
    if len(query) > LONGEST_QUERY:
        raise Invalid("This filter is too long to be kept.", field="query")
    try:
        pairs = parse_qsl(query, max_num_fields=200, errors="strict")
    except ValueError as error:
        raise Invalid("This is no filter of a list.", field="query") from error
    kept = urlencode([(name, value) for name, value in pairs if value and name not in _PLACES])
    if not kept:
        raise Invalid("Nothing is filtered yet. Choose filters first, then save them.", field="query")
    if "%00" in kept:
        raise Invalid("The text holds a character that cannot be kept.", field="query")
    return kept

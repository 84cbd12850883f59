"""Which source works best (S5): of each source's contacts, with how many one talked and how many phone meetings were held.

Counted exactly, which takes a second or two over a million contacts: on the reading side, so that calls do not wait, and kept
for TEN_MINUTES for all who may see the same contacts.
"""

import asyncio
import datetime as dt
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select

from callcenter import clock
from callcenter.actor import Actor, Role
from callcenter.calls.models import Call
from callcenter.contacts import dictionaries
from callcenter.contacts.models import Contact
from callcenter.contacts.visibility import may_see, sees_all
from callcenter.db import Database
from callcenter.meetings.models import Meeting, MeetingState

TEN_MINUTES = 600.0  # seconds


@dataclass(frozen=True, slots=True)
class SourceFigures:
    """What came of a source's contacts: calls that were answered, phone meetings that were held. `source` "" for none."""

    source: str
    retired: bool
    contacts: int
    calls: int
    meetings: int


@dataclass(frozen=True, slots=True)
class SourceReport:
    """The figures in the dictionary's order, contacts without a source last, and when they were counted."""

    at: dt.datetime
    rows: tuple[SourceFigures, ...]


class SourceReports:
    """Counts, and keeps what was counted for a while."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: dict[Any, tuple[float, SourceReport]] = {}
        self._counting = asyncio.Lock()

    async def get(self, actor: Actor) -> SourceReport:
        """Return the report over the contacts the actor may see (supervisors)."""
        actor.require(Role.SUPERVISOR)
        key = "all" if sees_all(actor) else (actor.user_id, actor.accounts)
        async with self._counting:
            now = clock.monotonic()
            self._kept = {each: kept for each, kept in self._kept.items() if now - kept[0] < TEN_MINUTES}
            if key not in self._kept:
                self._kept[key] = (now, await _count(self._database, actor))
            return self._kept[key][1]


async def _count(database: Database, actor: Actor) -> SourceReport:
    seen = () if sees_all(actor) else (may_see(actor),)
    async with database.reading(actor) as uow:

        async def by_source(query: Select[Any, Any], *where: ColumnElement[bool]) -> dict[int | None, int]:
            found = await uow.session.execute(query.where(*where, *seen).group_by(Contact.source_id))
            return {source: count for source, count in found}  # noqa: C416 - rows are no pairs to mypy

        contacts = await by_source(select(Contact.source_id, func.count()))
        talked = select(Contact.source_id, func.count()).join(Call, Call.contact_id == Contact.id)
        calls = await by_source(talked, Call.answered_at.is_not(None))
        met = select(Contact.source_id, func.count()).join(Meeting, Meeting.contact_id == Contact.id)
        meetings = await by_source(met, Meeting.state == MeetingState.HELD)
        entries = await dictionaries.list_entries(uow, "source", retired=True)
        named: list[tuple[int | None, str, bool]] = [(each.id, each.name, each.retired_at is not None) for each in entries]
        rows = (
            SourceFigures(name, retired, contacts.get(key, 0), calls.get(key, 0), meetings.get(key, 0))
            for key, name, retired in [*named, (None, "", False)]
        )
        return SourceReport(uow.now, tuple(each for each in rows if each.contacts or (each.source and not each.retired)))

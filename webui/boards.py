"""The live pages of campaigns: each board is read once a second at most for everybody who watches, and drawn once a language.

A socket whose page looks at a campaign is told `campaign.board` when something of its board changed, at most once a second; the
page then asks for the drawn part. What others did in other processes is seen the same way. Counting the day and the leads is
dearer than the rest: it is done every COUNTED seconds, or more seldom where it takes long.
"""

import asyncio
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar

from callcenter import clock
from callcenter.campaigns import board
from callcenter.campaigns.board import Worked
from callcenter.campaigns.board_views import Board, BoardToday
from callcenter.db import Database
from callcenter.errors import CallCenterError
from callcenter.events import Transient
from webui import i18n, plots, views
from webui.live_socket import LiveSocket, transient

SECONDS = 1.0  # between two readings, and between two messages to a page
SPREAD = 0.5  # over which pages are told, one after another: they all ask then, and a pop-up must not wait behind them
COUNTED = 3.0  # between two counts of the day and the leads
SHARE = 200.0  # counting takes no more than one part in so many of the time
FORGOTTEN = 60.0  # seconds after which a board nobody watches is
_FRESH = 0.9 * SECONDS


class BoardChanged(Transient):
    """Something of a campaign's board changed, to the pages that show it (they said so by a look): they load it anew."""

    TYPE: ClassVar[str] = "campaign.board"
    campaign_id: int


@dataclass(slots=True)
class _Kept:
    """A board as it was read last. `mark` tells whether another shows the same. `drawn`: by language and time zone."""

    board: Board
    mark: str
    read_at: float
    today: BoardToday
    worked: Worked
    counted_at: float
    rests: float
    drawn: dict[tuple[str, str], str] = field(default_factory=dict)


class Boards:
    """The boards of this process. `readings` and `counts` say how often the database was asked."""

    def __init__(self, database: Database) -> None:
        self.readings = self.counts = 0
        self._database = database
        self._kept: dict[int, _Kept] = {}
        self._locks: dict[int, asyncio.Lock] = {}

    async def board(self, campaign_id: int) -> Board:
        """Return a campaign's board, not older than a second; raises NotFound. Who may see it is the caller's to ask."""
        return (await self._read(campaign_id)).board

    async def drawn(self, campaign_id: int) -> str:
        """Return the live part of the page in the language and time zone of the request; raises NotFound."""
        kept, tongue = await self._read(campaign_id), i18n.current()
        key = (tongue.language, tongue.time_zone)
        if key not in kept.drawn:
            kept.drawn[key] = draw(kept.board)
        return kept.drawn[key]

    def forget(self, campaign_id: int) -> None:
        """Read a campaign's board anew when it is asked for next: a person has just changed it."""
        if campaign_id in self._kept:
            self._kept[campaign_id].read_at = float("-inf")

    async def round(self, sockets: Iterable[LiveSocket]) -> None:
        """Tell the pages whose board changed since they were told last."""
        watching: dict[int, list[LiveSocket]] = {}
        for each in sockets:
            if each.watching is not None:
                watching.setdefault(each.watching, []).append(each)
        old = clock.monotonic() - FORGOTTEN
        self._kept = {each: kept for each, kept in self._kept.items() if each in watching or kept.read_at > old}
        self._locks = {each: lock for each, lock in self._locks.items() if each in self._kept or lock.locked()}
        told: list[tuple[LiveSocket, int, str]] = []
        for campaign_id, pages in watching.items():
            try:
                kept = await self._read(campaign_id)
            except CallCenterError:
                continue  # it was deleted meanwhile; its pages say so when they are loaded
            told += [(page, campaign_id, kept.mark) for page in pages if page.board_mark != kept.mark]
        for n, (page, campaign_id, mark) in enumerate(told):
            if n:
                await asyncio.sleep(SPREAD / len(told))
            if page.watching == campaign_id:
                page.board_mark = mark
                page.push_transient(transient(BoardChanged(campaign_id=campaign_id)))

    async def _read(self, campaign_id: int) -> _Kept:
        async with self._locks.setdefault(campaign_id, asyncio.Lock()):
            kept = self._kept.get(campaign_id)
            if kept is None or clock.monotonic() - kept.read_at >= _FRESH:
                kept = self._kept[campaign_id] = await self._anew(campaign_id, kept)
            return kept

    async def _anew(self, campaign_id: int, before: _Kept | None) -> _Kept:
        begun = clock.monotonic()
        async with self._database.reading() as uow:
            if before is None or begun - before.counted_at >= before.rests:
                today, worked = await board.today(uow, campaign_id)
                counted_at = clock.monotonic()
                rests = max(COUNTED, SHARE * (counted_at - begun))
                self.counts += 1
            else:
                today, worked, counted_at, rests = before.today, before.worked, before.counted_at, before.rests
            found = await board.now(uow, campaign_id, today, worked)
        self.readings += 1
        mark = hashlib.sha256(found.model_dump_json(exclude={"at": True, "today": {"counted_at"}}).encode()).hexdigest()
        drawn = before.drawn if before is not None and before.mark == mark else {}
        return _Kept(found, mark, begun, today, worked, counted_at, rests, drawn)


def draw(found: Board) -> str:
    """Return the live part of the page."""
    plot = plots.outcomes(found.today.hours, found.time_zone)
    return views.environment().get_template("campaigns/watch_live.html").render(board=found, plot=plot)

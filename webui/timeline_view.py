"""A timeline as the templates draw it (contacts/side.html and, for the lines alone, contacts/timeline.html).

For a contact or an organisation alike: `path` is where its lines are read (webui/pages/timeline.py has the contact's).
"""

from dataclasses import dataclass
from urllib.parse import urlencode

from callcenter.actor import Actor
from callcenter.calls.running import Running, running
from callcenter.contacts import corrections, timeline_pages
from callcenter.contacts.timeline_pages import KINDS, MOST_COUNTED, Line, Of, Place
from callcenter.db import UnitOfWork

PAGE = 30


@dataclass(frozen=True, slots=True)
class View:
    """What is drawn. `newest`: the first page, with the calls that go on and how many there are of each kind.

    `notes`: where the API takes a note, "" when none can be written here. `changeable`: the actor may change whose it is.
    """

    actor: Actor
    of: Of
    path: str
    notes: str
    lines: list[Line]
    running: list[Running]
    kinds: tuple[str, ...]
    counts: dict[str, int]
    older: str
    newest: bool
    changeable: bool

    @property
    def chips(self) -> list[tuple[str, str]]:
        """Return the kinds that can be chosen, with how many there are; past 99 they are not counted."""
        shown = [each for each in KINDS if self.counts.get(each) or each in self.kinds]
        return [(each, f"{MOST_COUNTED - 1}+" if self.counts[each] >= MOST_COUNTED else str(self.counts[each])) for each in shown]

    def may_word(self, line: Line) -> bool:
        """Tell whether the actor may word a line anew."""
        return line.entry.struck_at is None and corrections.may_word(self.actor, line.entry)

    def may_strike(self, line: Line) -> bool:
        """Tell whether the actor may strike a line out, or take that back."""
        return corrections.may_strike(self.actor, line.entry, change=self.changeable)


async def view(
    uow: UnitOfWork,
    of: Of,
    path: str,
    *,
    kinds: tuple[str, ...] = (),
    before: Place | None = None,
    until: Place | None = None,
    limit: int = PAGE,
    notes: str = "",
) -> View:
    """Return a page of a timeline: older than `before`, down to `until`; raises NotFound for one the actor may not see."""
    limit = timeline_pages.MOST_LINES if until is not None else limit
    found = await timeline_pages.page(uow, of, kinds=kinds, before=before, until=until, limit=limit)
    newest = before is None
    ended = found.older or (until is not None and bool(found.items) and await _more(uow, of, kinds, found.items[-1].place))
    query = ({"kind": ",".join(kinds)} if kinds else {}) | ({"before": str(found.items[-1].place)} if ended else {})
    calls_too = newest and (not kinds or "call" in kinds)
    return View(
        actor=uow.actor,
        of=of,
        path=path,
        notes=notes,
        lines=found.items,
        running=await running(uow, contact_id=of.contact_id, organisation_id=of.organisation_id) if calls_too else [],
        kinds=kinds,
        counts=await timeline_pages.counts(uow, of) if newest else {},
        older=f"{path}?{urlencode(query)}" if ended else "",
        newest=newest,
        changeable=await timeline_pages.changeable(uow, of),
    )


async def single(uow: UnitOfWork, of: Of, path: str, entry_id: int) -> View:
    """Return a view with one line, or with none when it is not there any more."""
    await timeline_pages.check_visible(uow, of)
    line = await timeline_pages.one(uow, of, entry_id)
    lines = [line] if line else []
    changeable = await timeline_pages.changeable(uow, of)
    return View(uow.actor, of, path, "", lines, [], (), {}, "", newest=False, changeable=changeable)


async def _more(uow: UnitOfWork, of: Of, kinds: tuple[str, ...], last: Place) -> bool:
    return bool((await timeline_pages.page(uow, of, kinds=kinds, before=last, limit=1)).items)

"""The recorded pacing decisions of a campaign, each worked out again from its inputs (B6)."""

from typing import Any, NamedTuple

from sqlalchemy import select

from callcenter.actor import Role
from callcenter.campaigns import pacing_words
from callcenter.campaigns.board_views import PacingDecisionOut
from callcenter.campaigns.changes import stored
from callcenter.campaigns.choosing import choose
from callcenter.campaigns.models import PacingDecision
from callcenter.db import UnitOfWork

PAGE = 50


class Decisions(NamedTuple):
    """Decisions, the latest first; `next` is what to pass as `before`, None: these are the first that were made."""

    items: list[PacingDecisionOut]
    next: int | None


async def list_decisions(uow: UnitOfWork, campaign_id: int, *, before: int = 0, why: str = "", limit: int = PAGE) -> Decisions:
    """Return decisions made before the one with the id `before` (0: the latest), for the reason `why` ("": any) (supervisors)."""
    uow.actor.require(Role.SUPERVISOR)
    await stored(uow, campaign_id)
    query = select(PacingDecision).where(PacingDecision.campaign_id == campaign_id).order_by(PacingDecision.id.desc())
    if before:
        query = query.where(PacingDecision.id < before)
    if why:
        query = query.where(PacingDecision.why == why)
    rows = list(await uow.session.scalars(query.limit(limit + 1)))
    items = [told(each) for each in rows[:limit]]
    return Decisions(items, items[-1].id if len(rows) > limit else None)


def told(row: PacingDecision) -> PacingDecisionOut:
    """Return a decision as it is shown, worked out again. Pure."""
    sentence, values = pacing_words.say(row.why, row.lines, row.inputs)
    again = replayed(row.inputs)
    return PacingDecisionOut(
        id=row.id,
        at=row.at,
        lines=row.lines,
        why=row.why,
        sentence=sentence,
        values=values,
        inputs=row.inputs,
        again=again[0] if again else None,
        again_why=again[1] if again else None,
        same=None if again is None else again == (row.lines, row.why),
    )


def replayed(inputs: dict[str, Any]) -> tuple[int, str] | None:
    """Return the lines and the reason that come out of a decision's inputs; None for a stop. Pure."""
    return None if "stopped" in inputs else choose(inputs)

"""Leads as rows: claiming the next ones, and what the dialer does with each, always with a decision that says why (B6).

A lead is claimed in one statement, so that of two processes only one has it. Whoever claims commits what follows (the
attempt and its call, or the preview) in the same transaction, or gives the lead back in it.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import CTE, Integer, Select, Text, Update, bindparam, false, literal_column, select, true, union_all, update

from callcenter.campaigns.lead_models import Lead, LeadDecision, LeadNumber, LeadState
from callcenter.campaigns.lead_states import may_follow
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict, NotFound

PRIORITIES = range(1, 6)  # 1 comes first
_MOST = bindparam("most", type_=Integer, literal_execute=True)
YES = frozenset({"agreed", "yes_confirmed", "yes_not_confirmed"})  # codes a lead that is done stands with
_WAITING = literal_column(f"'{LeadState.WAITING.value}'", Text)
_WANTED = {None: None, True: true(), False: false()}


def _next(priority: int, needs_agent: bool | None) -> Select[Any]:
    """Return the choice among the leads of one priority: a range of ix_leads_next (or of ix_leads_needs_agent), in its order.

    The state and the limit stand in the statement's text. PostgreSQL may plan a statement once for all values of its parameters:
    such a plan cannot know that a state in a parameter is the one the index is of, and takes a limit there for a tenth of the
    table.
    """
    chosen = (
        select(Lead.id)
        .where(Lead.campaign_id == bindparam("campaign"), Lead.state == _WAITING)
        .where(Lead.priority == literal_column(str(priority), Integer), Lead.next_at <= bindparam("at"))
        .order_by(Lead.next_at, Lead.id)
        .limit(_MOST)
        .with_for_update(skip_locked=True)
    )
    return chosen if needs_agent is None else chosen.where(Lead.needs_agent.is_(_WANTED[needs_agent]))


def _due(needs_agent: bool | None) -> CTE:
    """Return the choice among all: one priority after the other, and no further than wanted.

    A single ORDER BY priority, next_at would walk past every lead of a priority that is put off until tomorrow.
    """
    each = [select(_next(priority, needs_agent).subquery().c.id) for priority in PRIORITIES]
    return union_all(*each).limit(_MOST).cte("due")


def _claim(needs_agent: bool | None, shown: bool) -> Update:
    """Return the statement of `take`, built once: building it costs more than running it.

    The choice is a table expression, which PostgreSQL works out once; a subquery it might work out again for each row.
    """
    given: dict[str, Any] = {"state": bindparam("taken"), "changed_at": bindparam("at"), "refusal": "", "refusal_values": {}}
    if shown:
        given["user_id"] = bindparam("user")
    return update(Lead).where(Lead.id.in_(select(_due(needs_agent).c.id))).values(given)


_CLAIM = {(each, shown): _claim(each, shown) for each in (None, True, False) for shown in (True, False)}


async def take(
    uow: UnitOfWork,
    campaign_id: int,
    n: int,
    *,
    needs_agent: bool | None = None,
    state: LeadState = LeadState.DIALLING,
    user_id: int | None = None,
) -> list[Lead]:
    """Claim the next `n` leads of a campaign that are due, first those of priority 1; nobody else can have them.

    `needs_agent`: only those that are dialled with an agent waiting for them, only others, None: both. `state`: DIALLING, or
    SHOWN to the consultant `user_id`. Leads another transaction holds are passed over.
    """
    values = {"campaign": campaign_id, "at": uow.now, "most": n, "taken": state.value}
    if user_id is not None:
        values["user"] = user_id
    statement = (
        _CLAIM[needs_agent, user_id is not None]
        .returning(Lead)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    found = list(await uow.session.scalars(statement, values))
    return sorted(found, key=lambda lead: (lead.priority, lead.next_at, lead.id))


async def held(uow: UnitOfWork, lead_id: int) -> Lead:
    """Return a lead, locked, as it stands now; raises NotFound."""
    query = select(Lead).where(Lead.id == lead_id).with_for_update().execution_options(populate_existing=True)
    lead = await uow.session.scalar(query)
    if lead is None:
        raise NotFound("There is no such lead.")
    return lead


async def numbers(uow: UnitOfWork, leads: Iterable[Lead]) -> dict[int, list[LeadNumber]]:
    """Return the numbers of leads in the order they are tried, by the lead's id."""
    found: dict[int, list[LeadNumber]] = {lead.id: [] for lead in leads}
    query = select(LeadNumber).where(LeadNumber.lead_id.in_(found)).order_by(LeadNumber.lead_id, LeadNumber.position)
    for number in await uow.session.scalars(query):
        found[number.lead_id].append(number)
    return found


def next_number(lead: Lead, numbers: Sequence[LeadNumber]) -> LeadNumber | None:
    """Return the number to dial: the first from the lead's position on that is not refused, then from the start. Pure."""
    good = [each for each in numbers if not each.refusal]
    return next((each for each in good if each.position >= lead.position), good[0] if good else None)


def change(uow: UnitOfWork, lead: Lead, state: LeadState) -> None:
    """Let a lead go into another state; raises Conflict when that may not follow (lead_states)."""
    if not may_follow(LeadState(lead.state), state):
        raise Conflict("This lead is {state} now; that cannot be done.", state=lead.state)
    lead.state, lead.changed_at = state.value, uow.now


def decide(uow: UnitOfWork, lead_id: int, code: str, **values: Any) -> None:
    """Write down why a lead was, or was not, dialled: a code of explaining.py with its values; stored just before the commit.

    Times are stored as ISO 8601 in UTC.
    """
    stored = {name: _plain(value) for name, value in values.items()}
    uow.write_line(LeadDecision, lead_id=lead_id, at=uow.now, code=code, values=stored, user_id=uow.actor.user_id)


def _plain(value: Any) -> Any:
    return value.astimezone(dt.UTC).isoformat() if isinstance(value, dt.datetime) else value


def put_off(uow: UnitOfWork, lead: Lead, until: dt.datetime, code: str, values: dict[str, Any] | None = None) -> None:
    """Let a lead wait until a time: the hours, a delay after an attempt (code "delay"), what the customer asked for."""
    given = values or {}
    _waits(uow, lead, until, code, {name: _plain(value) for name, value in given.items()})
    decide(uow, lead.id, code, **{**given, "until": until})


def give_back(uow: UnitOfWork, lead: Lead, code: str = "", values: dict[str, Any] | None = None) -> None:
    """Put a claimed lead back as it was, to be claimed again at once: it was not dialled (skipped, the trunk is down).

    `code`: why, when that is worth a decision.
    """
    given = values or {}
    _waits(uow, lead, lead.next_at, code, {name: _plain(value) for name, value in given.items()})
    if code:
        decide(uow, lead.id, code, **given)


def _waits(uow: UnitOfWork, lead: Lead, at: dt.datetime, code: str, values: dict[str, Any]) -> None:
    change(uow, lead, LeadState.WAITING)
    lead.next_at, lead.attempt_id, lead.refusal, lead.refusal_values = at, None, code, values


def refuse(uow: UnitOfWork, lead: Lead, code: str, values: dict[str, Any] | None = None) -> None:
    """A lead may not be called, for good."""
    _ends(uow, lead, LeadState.REFUSED, code, values or {})


def finish(uow: UnitOfWork, lead: Lead, code: str, values: dict[str, Any] | None = None) -> None:
    """A lead is done (code "disposition", "confirmed", or one of YES)."""
    _ends(uow, lead, LeadState.DONE, code, values or {})


def exhaust(uow: UnitOfWork, lead: Lead, values: dict[str, Any] | None = None) -> None:
    """All attempts of a lead were made."""
    _ends(uow, lead, LeadState.EXHAUSTED, "attempts_made", {"attempts": lead.attempts, **(values or {})})


def uncertain(uow: UnitOfWork, lead: Lead, values: dict[str, Any] | None = None) -> None:
    """Nobody knows what became of a lead's call: a person says so, it is not dialled again by itself."""
    _ends(uow, lead, LeadState.UNCERTAIN, "uncertain", values or {})


def _ends(uow: UnitOfWork, lead: Lead, state: LeadState, code: str, values: dict[str, Any]) -> None:
    change(uow, lead, state)
    lead.attempt_id = None
    if state is LeadState.DONE and code not in YES:  # a spoken yes stands with the lead, and what became of it
        lead.refusal, lead.refusal_values = "", {}
    else:
        lead.refusal, lead.refusal_values = code, {name: _plain(value) for name, value in values.items()}
    decide(uow, lead.id, code, **values)


def refuse_number(uow: UnitOfWork, number: LeadNumber, code: str, values: dict[str, Any] | None = None) -> None:
    """One of a lead's numbers may not be called; the others may."""
    number.refusal = code
    decide(uow, number.lead_id, code, **{"number": number.number, **(values or {})})

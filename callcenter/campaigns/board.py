"""The live page of a campaign as figures: who does what, the lines, the cap, the last decision, and what today brought.

Two readings: `now` is a handful of small statements and may be read once a second; `today` counts leads and the day's attempts
and is read more seldom (webui/boards.py keeps both for everybody who watches).
"""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Float, case, func, select

from callcenter.actor import Role
from callcenter.agents.models import AgentState
from callcenter.calls.models import Call
from callcenter.campaigns import going, left, limits, pacing_words, periods, queries, serving
from callcenter.campaigns.board_views import (
    OUTCOMES,
    Board,
    BoardAgent,
    BoardHour,
    BoardLines,
    BoardPacing,
    BoardPeriod,
    BoardToday,
    Doing,
)
from callcenter.campaigns.cap import left as may_still
from callcenter.campaigns.changes import stored
from callcenter.campaigns.lead_models import LeadAttempt
from callcenter.campaigns.models import Campaign, PacingDecision
from callcenter.campaigns.serving import Server
from callcenter.db import UnitOfWork
from callcenter.users.models import User

HOUR = dt.timedelta(hours=1)
_STATES = tuple(each.value for each in AgentState if each != AgentState.OFFLINE)
_GROUPS = {
    "": "going",
    "talked": "talked",
    **dict.fromkeys(("heard", "hung_up", "confirmed", "do_not_call", "wanted_agent"), "heard"),
    "abandoned": "abandoned",
    **dict.fromkeys(("machine", "message_left"), "machine"),
    **dict.fromkeys(("no_answer", "rejected", "cancelled"), "no_answer"),
    "busy": "busy",
}
_REACHED = (
    "talked",
    "heard",
    "hung_up",
    "confirmed",
    "do_not_call",
    "wanted_agent",
    "message_left",
)  # outcomes after which a lead is not dialled again as a rule
_LINES = select(LeadAttempt.id, LeadAttempt.state, LeadAttempt.started_at, LeadAttempt.outcome)
_LATEST = select(PacingDecision).order_by(PacingDecision.id.desc()).limit(1)

Worked = dict[int, dict[str, int]]  # of each agent: calls, talk, wait and wrap_up in seconds


async def read(uow: UnitOfWork, campaign_id: int) -> Board:
    """Return all of it, counted now (supervisors); raises NotFound."""
    return await now(uow, campaign_id, *await today(uow, campaign_id))


async def now(uow: UnitOfWork, campaign_id: int, counted: BoardToday, worked: Worked) -> Board:
    """Return how the campaign stands now, with what was `counted` of the day a moment ago (supervisors); raises NotFound."""
    uow.actor.require(Role.SUPERVISOR)
    campaign = await stored(uow, campaign_id)
    query = _LINES.where(LeadAttempt.campaign_id == campaign.id, LeadAttempt.state.in_(("dialling", "answered", "talking")))
    live = {row.id: row for row in await uow.session.execute(query)}
    servers = await serving.everybody(uow, campaign)
    names = dict((await uow.session.execute(select(User.id, User.name).where(User.id.in_([s.user_id for s in servers])))).all())
    agents = [_agent(each, names, live, worked.get(each.user_id, {})) for each in servers]
    ringing = [row.started_at for row in live.values() if row.state == going.DIALLING]
    return Board(
        campaign_id=campaign.id,
        at=uow.now,
        state=campaign.state,
        mode=campaign.mode,
        time_zone=campaign.time_zone,
        agents=sorted(agents, key=lambda each: (each.name.casefold(), each.user_id)),
        by_state={state: sum(1 for each in agents if each.state == state) for state in _STATES},
        lines=BoardLines(
            ringing=len(ringing),
            ringing_since=min(ringing, default=None),
            answered=sum(1 for row in live.values() if row.state == going.ANSWERED and not row.outcome),
            talking=sum(1 for row in live.values() if row.state == going.TALKING),
        ),
        period=await _period(uow, campaign),
        pacing=await _pacing(uow, campaign),
        today=counted,
    )


def _agent(server: Server, names: dict[int, str], live: dict[str, Any], worked: dict[str, int]) -> BoardAgent:
    on_call = server.state == AgentState.ON_CALL
    doing: Doing = ""
    if on_call:
        own = live.get(server.call_id or "")
        doing = "elsewhere" if own is None else "ringing" if own.state == going.DIALLING else "talking"
    return BoardAgent(
        user_id=server.user_id,
        name=names.get(server.user_id, ""),
        state=server.state,
        reason=server.reason,
        since=server.since,
        doing=doing,
        kept=server.state == AgentState.READY and (server.kept or server.spare),
        spare=server.able and server.spare,
        call_id=server.call_id if on_call else None,
        calls=worked.get("calls", 0),
        talk_seconds=worked.get("talk", 0),
        wait_seconds=worked.get("wait", 0),
        wrap_up_seconds=worked.get("wrap_up", 0),
    )


async def _period(uow: UnitOfWork, campaign: Campaign) -> BoardPeriod:
    found = limits.of(campaign, uow.now)
    first = periods.first_day(campaign, uow.now)
    totals = await periods.totals(uow, campaign.id, first)
    rate = 100 * totals.abandoned / totals.answered if totals.answered else None
    return BoardPeriod(
        begins=first,
        ends=first + dt.timedelta(days=found.period_days - 1),
        cap=found.cap,
        dialled=totals.dialed,
        answered=totals.answered,
        connected=totals.connected,
        abandoned=totals.abandoned,
        machines=totals.machines,
        no_answers=totals.no_answers,
        busies=totals.busies,
        failures=totals.failures,
        rate=rate,
        may_still=max(0, may_still(found.cap / 100, totals.answered, totals.abandoned)),
    )


async def _pacing(uow: UnitOfWork, campaign: Campaign) -> BoardPacing | None:
    row = await uow.session.scalar(_LATEST.where(PacingDecision.campaign_id == campaign.id))
    if row is None:
        return None
    sentence, values = pacing_words.say(row.why, row.lines, row.inputs)
    return BoardPacing(id=row.id, at=row.at, lines=row.lines, why=row.why, sentence=sentence, values=values)


async def today(uow: UnitOfWork, campaign_id: int) -> tuple[BoardToday, Worked]:
    """Count what today brought, by the campaign's clock, and what each agent did (supervisors); raises NotFound."""
    uow.actor.require(Role.SUPERVISOR)
    campaign = await stored(uow, campaign_id)
    midnight = dt.datetime.combine(limits.today(campaign, uow.now), dt.time(), ZoneInfo(campaign.time_zone)).astimezone(dt.UTC)
    hours, finishing = await _hours(uow, campaign, midnight)
    over = sum(each.total - each.going for each in hours)
    answered = sum(each.talked + each.heard + each.abandoned for each in hours)
    waiting = (await queries.figures(uow, campaign_id)).left
    pace = await _pace(uow, campaign)
    counted = BoardToday(
        counted_at=uow.now,
        left=waiting,
        hours_left=left.hours(waiting, pace, over, finishing, campaign.attempts),
        dialled=sum(each.total for each in hours),
        answered=answered,
        answer_rate=100 * answered / over if over else None,
        hours=hours,
    )
    return counted, await _worked(uow, campaign, midnight)


async def _hours(uow: UnitOfWork, campaign: Campaign, midnight: dt.datetime) -> tuple[list[BoardHour], int]:
    """Return the day's hours with attempts, and those between; and how many attempts were the last their lead needed."""
    ends = [midnight + HOUR * (n + 1) for n in range(25)]  # a day has 25 hours when the clock goes back
    hour = case(*((LeadAttempt.started_at < end, n) for n, end in enumerate(ends)), else_=len(ends))
    query = select(hour, LeadAttempt.outcome, func.count()).group_by(hour, LeadAttempt.outcome)
    query = query.where(LeadAttempt.campaign_id == campaign.id, LeadAttempt.started_at >= midnight)
    found: dict[int, dict[str, int]] = {}
    finishing = 0
    for n, outcome, count in await uow.session.execute(query.where(going.CALLED)):
        group, counts = _GROUPS.get(outcome, "failed"), found.setdefault(n, {})
        counts[group] = counts.get(group, 0) + count
        finishing += count if outcome in _REACHED else 0
    span = range(min(found), max(found) + 1) if found else range(0)
    return [BoardHour(begins=midnight + HOUR * n, **found.get(n, {})) for n in span], finishing


async def _pace(uow: UnitOfWork, campaign: Campaign) -> float:
    """Return how many attempts an hour were begun in the last hour, 0 where it is too early to say."""
    since = max(uow.now - HOUR, campaign.started_at or uow.now)
    query = select(func.count(), func.min(LeadAttempt.started_at))
    query = query.where(LeadAttempt.campaign_id == campaign.id, LeadAttempt.started_at >= since, going.CALLED)
    count, first = (await uow.session.execute(query)).one()
    return left.pace(count, (uow.now - first).total_seconds()) if count else 0.0


async def _worked(uow: UnitOfWork, campaign: Campaign, midnight: dt.datetime) -> Worked:
    """Return what each agent did in this campaign's calls of today; one look at the day's attempts with their calls."""
    after = Call.wrapped_at > Call.ended_at  # not so where a message was left meanwhile
    wrapped = func.sum(case((after, _seconds(uow, Call.ended_at, Call.wrapped_at)), else_=0.0))
    calls = func.count(LeadAttempt.bridged_at)
    columns = (LeadAttempt.user_id, calls, func.sum(Call.talk_seconds), func.sum(LeadAttempt.waited_seconds), wrapped)
    query = select(*columns).join(Call, Call.id == LeadAttempt.id).group_by(LeadAttempt.user_id)
    query = query.where(LeadAttempt.campaign_id == campaign.id, LeadAttempt.started_at >= midnight)
    rows = await uow.session.execute(query.where(LeadAttempt.user_id.is_not(None)))
    names = ("calls", "talk", "wait", "wrap_up")
    found: Worked = {}
    for user_id, *rest in rows:
        found[user_id or 0] = {name: round(value or 0) for name, value in zip(names, rest, strict=True)}
    return found


def _seconds(uow: UnitOfWork, start: Any, end: Any) -> ColumnElement[float]:
    if uow.database.sqlite:
        return (func.julianday(end, type_=Float()) - func.julianday(start, type_=Float())) * 86_400.0
    return func.date_part("epoch", end - start, type_=Float())


assert set(_GROUPS.values()) <= set(OUTCOMES)  # noqa: S101 - two lists of one thing

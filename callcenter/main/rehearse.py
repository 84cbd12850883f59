"""`callcenter rehearse CAMPAIGN`: a day of a campaign in the model, before it is launched."""

import asyncio
from typing import Annotated

import typer
from sqlalchemy import or_, select

from callcenter.campaigns import rehearsal_plan
from callcenter.campaigns.models import Campaign
from callcenter.campaigns.rehearsing import SEEDS, Plan, RehearsedDay, live, ranges
from callcenter.db import UnitOfWork
from callcenter.errors import NotFound
from callcenter.main.commanding import open_database

_SOURCES = {"campaign": "measured in this campaign", "project": "measured in its project", "assumed": "ASSUMED"}
_LABELS = {
    "talk_hours": ("Talk time", "h", 1),
    "occupancy": ("Occupancy", "%", 1),
    "dialled": ("Lines dialled", "", 0),
    "answered": ("People who answered", "", 0),
    "abandoned": ("Left without a consultant", "", 0),
    "rate": ("  of those who answered", "%", 2),
    "hours_left": ("The leads last", "h", 1),
}


def command(
    campaign: Annotated[str, typer.Argument(help="Its number or its name.")],
    agents: Annotated[
        int | None,
        typer.Option(min=1, max=rehearsal_plan.MOST_AGENTS, help="Consultants; else all who serve it."),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, max=100, help="Days to live through, each with other luck.")] = SEEDS,
) -> None:
    """Live through a day of a campaign in a model with its own numbers; nobody is called."""

    async def read() -> Plan:
        async with open_database() as database, database.reading() as uow:
            return await rehearsal_plan.plan(uow, await _find(uow, campaign), agents)

    plan = asyncio.run(read())
    for line in described(plan):
        typer.echo(line)
    days = []
    for seed in range(1, seeds + 1):
        days.append(live(plan, seed))
        typer.echo(f"Day {seed} of {seeds}", err=True)
    typer.echo()
    for line in told(days):
        typer.echo(line)


async def _find(uow: UnitOfWork, said: str) -> int:
    number = int(said) if said.isascii() and said.isdigit() and len(said) < 10 else 0
    query = select(Campaign.id).where(or_(Campaign.name == said, Campaign.id == number))
    found = (await uow.session.scalars(query.order_by(Campaign.name != said))).first()
    if found is None:
        raise NotFound("There is no such campaign.")
    return found


def described(plan: Plan) -> list[str]:
    """Return what the day is like, a line each, with what is measured and what assumed."""

    def of(what: str) -> str:
        count = plan.sample[what]
        return f"({_SOURCES[plan.sources[what]]}{f', {count} of them' if count else ''})"

    lines = [
        f"{plan.name}: {plan.mode}, {plan.agents} consultants for {plan.hours:g} hours, at most {plan.cap:g} % abandoned.",
        f"{plan.leads} leads, tried up to {plan.attempts} times, rung for {plan.ring_seconds} s.",
        f"Answered {100 * plan.answer:.1f} %, of those machines {100 * plan.machines:.1f} %, after {plan.ring:.0f} s "
        + of("answers"),
        f"A talk lasts {plan.talk:.0f} s " + of("talk"),
        f"A wrap-up lasts {plan.wrap_up:.0f} s " + of("wrap_up"),
        "ASSUMED: everybody is there all day, with a break of seven minutes every two hours; rates stay the same all day.",
    ]
    if plan.reading:
        lines.append(f"ASSUMED: a lead is looked at for {plan.reading:.0f} s before it is called.")
    return lines


def told(days: list[RehearsedDay]) -> list[str]:
    """Return what came of the days, a line for each figure: the middle, and from the least to the most."""
    lines = [f"{'A day':27}{'middle':>10}{'least':>10}{'most':>10}"]
    for name, found in ranges(days).items():
        label, unit, places = _LABELS[name]
        values = "".join(f"{value:>10,.{places}f}" for value in (found.middle, found.least, found.most))
        lines.append(f"{label:27}{values} {unit}".rstrip())
    if any(each.ran_out for each in days):
        lines.append("The leads do not last the day.")
    return lines

"""May this lead be called, now or at all: everything that speaks against it, asked at import and again before each call.

The order is from what can never be mended to what only needs waiting. Codes are those of explaining.py.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import select

from callcenter.campaigns import hours, limits, rule_packs
from callcenter.campaigns.models import Campaign, CampaignMode
from callcenter.campaigns.rules import Pack, Standing
from callcenter.contacts import consents, suppressions
from callcenter.contacts.consent_models import Consent
from callcenter.contacts.models import Contact, Number
from callcenter.db import UnitOfWork
from callcenter.projects.dialling import Decision, Rules, decide
from callcenter.projects.models import Project, ProjectNumber
from callcenter.trunks.models import Trunk

_AGAIN = dt.timedelta(days=1)  # until what a person may mend (the campaign's end, hours that never come) is looked at again
_KINDS = {"emergency": "emergency", "premium": "premium", "foreign": "foreign"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a lead may be called. `code` "" says yes; with `until` it is put off until then, else refused for good.

    `e164` and `zones` are of the number, to be stored. `may_hear`: a message may be played to them by a machine should no agent
    be free; `may_leave`: one may be left on their answering machine. `values` of a yes say what it rests on (pack, version,
    consent_id): they belong into the recorded decision.
    """

    code: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    until: dt.datetime | None = None
    e164: str = ""
    zones: tuple[str, ...] = ()
    may_hear: bool = False
    may_leave: bool = False


class Asked(NamedTuple):
    """Somebody to be called: the number as it was written, whose it is if anybody's, their country if known."""

    number: str
    contact_id: int | None = None
    country: str = ""


@dataclass(slots=True)
class _Known:
    """What was read for all who are asked about at once."""

    project: Project
    own: set[str]
    suppressed: dict[str, set[str]]
    said: dict[int, list[Consent]]
    countries: dict[int, str]
    owners: dict[str, set[int]]


async def may_dial(uow: UnitOfWork, campaign: Campaign, asked: Sequence[Asked]) -> list[Verdict]:
    """Tell of leads, in order, whether they may be called on a number (E.164) this moment.

    A handful of statements, each by an index, however many are asked about (at most some thousands at a time).
    """
    found = await check_on_import(uow, campaign, asked)
    return [each if each.code else _now(uow, campaign, each) for each in found]


async def check_on_import(uow: UnitOfWork, campaign: Campaign, asked: Sequence[Asked]) -> list[Verdict]:
    """Tell of many at once, in order, whether they could be called at all: everything but the time. No `until` is set.

    A fixed number of statements, however many are asked about (at most some thousands at a time).
    """
    project = await uow.session.get_one(Project, campaign.project_id)
    rules = Rules(
        region=project.region,
        by_hand=False,
        allow_premium=project.allow_premium,
        foreign_countries=frozenset(project.foreign_countries),
    )
    decided = [decide(each.number, rules) for each in asked]
    standing = limits.of(campaign, uow.now)
    known = await _read(uow, project, asked, [each.e164 for each in decided if each.allowed])
    return [_judged(uow, campaign, known, standing, each, found) for each, found in zip(asked, decided, strict=True)]


def needs(campaign: Campaign, purpose: str, at: dt.datetime) -> str:
    """Return the means (person, automatic) for which the campaign's customers must have agreed, "" for none."""
    standing = limits.of(campaign, at)
    if campaign.mode == CampaignMode.AGENTLESS:
        return "automatic" if standing.needs_consent(purpose, "message") else ""
    return "person" if standing.needs_consent(purpose, "talk") else ""


async def _read(uow: UnitOfWork, project: Project, asked: Sequence[Asked], dialled: Sequence[str]) -> _Known:
    own = set(await uow.session.scalars(select(ProjectNumber.number).where(ProjectNumber.number.in_(set(dialled)))))
    for ids in await uow.session.scalars(select(Trunk.caller_ids)):
        own |= {str(each) for each in ids}
    of_project = suppressions.of_project(project.id)
    tokens = {suppressions.number_token(uow, each): each for each in dialled}
    found = await suppressions.reasons(uow, tokens, (suppressions.ERASED, suppressions.DO_NOT_CALL, of_project))
    owners = await _owners(uow, [each for each in dialled if each])
    people = {each.contact_id for each in asked if each.contact_id is not None} | {
        one for some in owners.values() for one in some
    }
    countries = select(Contact.id, Contact.country).where(Contact.id.in_(people), Contact.country != "")
    return _Known(
        project=project,
        own=own | ({project.caller_id} if project.caller_id else set()),
        suppressed={tokens[token]: why for token, why in found.items()},
        said=await consents.said_of(uow, people, "call") if people else {},
        countries={row.id: row.country for row in await uow.session.execute(countries)} if people else {},
        owners=owners,
    )


async def _owners(uow: UnitOfWork, dialled: Sequence[str]) -> dict[str, set[int]]:
    """Return whose the numbers are: an objection of theirs counts although the lead names nobody."""
    query = select(Number.e164, Number.contact_id).where(Number.e164.in_(set(dialled)))
    found: dict[str, set[int]] = {}
    for e164, contact_id in await uow.session.execute(query):
        if e164 is not None and contact_id is not None:
            found.setdefault(e164, set()).add(contact_id)
    return found


def _judged(uow: UnitOfWork, campaign: Campaign, known: _Known, standing: Standing, asked: Asked, decision: Decision) -> Verdict:
    if not asked.number.strip():
        return Verdict("no_number")
    if not decision.allowed:
        values = dict(decision.refusal.values) if decision.refusal is not None else {}
        return Verdict(_KINDS.get(decision.kind, "invalid"), values | {"number": asked.number[:40]}, e164=decision.e164)
    number = decision.e164
    plain = Verdict(values={"number": number}, e164=number, zones=_zones(known, asked, number))
    if number in known.own:
        return replace(plain, code="own_number")
    suppressed = known.suppressed.get(number, set())
    if suppressions.ERASED in suppressed:
        return replace(plain, code="erased")
    if suppressed:
        where = "everywhere" if suppressions.DO_NOT_CALL in suppressed else "project"
        return replace(plain, code="do_not_call", values=plain.values | {"list": where})
    who = {asked.contact_id} if asked.contact_id is not None else known.owners.get(number, set())
    if any("call" in consents.objections(known.said.get(each or 0, [])) for each in who):
        return replace(plain, code="objected")
    return _agreed(uow, campaign, known, standing, asked, plain)


def _zones(known: _Known, asked: Asked, number: str) -> tuple[str, ...]:
    return hours.zones_of(number, asked.country or known.countries.get(asked.contact_id or 0, ""))


def _agreed(uow: UnitOfWork, campaign: Campaign, known: _Known, standing: Standing, asked: Asked, plain: Verdict) -> Verdict:
    """Ask for the consent the use needs: of the contact the lead names, nobody else's."""
    purpose = known.project.purpose
    values: dict[str, Any] = {**plain.values, "pack": standing.pack, "version": standing.version, "purpose": purpose}
    if purpose == consents.ASKING and not campaign.asks_consent.strip():
        return replace(plain, code="no_consent", values=values | {"means": "asking"})
    said = known.said.get(asked.contact_id or 0, [])
    means = needs(campaign, purpose, uow.now)
    relied = consents.covering(said, "call", purpose, means) if means else None
    if means and relied is None:
        return replace(plain, code="no_consent", values=values | {"means": means})
    automatic = consents.covering(said, "call", purpose, "automatic")
    may_hear = automatic is not None or not standing.needs_consent(purpose, "abandoned")
    may_leave = automatic is not None or not standing.needs_consent(purpose, "message")
    if relied is not None:
        values |= {"means": means, "consent_id": relied.id}
    return replace(plain, values=values, may_hear=may_hear, may_leave=may_leave)


def _now(uow: UnitOfWork, campaign: Campaign, verdict: Verdict) -> Verdict:
    """Say whether it is the time for it: the campaign's days, then hours, weekdays and holidays where the customer may be."""
    day, clock = limits.today(campaign, uow.now), ZoneInfo(campaign.time_zone)
    if campaign.starts_on is not None and day < campaign.starts_on:
        start = dt.datetime.combine(campaign.starts_on, dt.time(), clock).astimezone(dt.UTC)
        return replace(verdict, code="not_started", values={"day": campaign.starts_on.isoformat()}, until=start)
    if campaign.ends_on is not None and day > campaign.ends_on:
        return replace(verdict, code="ended", values={"day": campaign.ends_on.isoformat()}, until=uow.now + _AGAIN)
    packs = _packs(campaign, verdict.e164)
    windows = limits.of(campaign, uow.now).hours
    for each in packs[1:]:
        windows = hours.within(windows, each.at(day).hours)

    def closed(date: dt.date) -> str:
        return next(filter(None, (each.holiday(date) for each in packs)), "")

    found = hours.when(uow.now, verdict.zones, windows, closed)
    if not found.code:
        return verdict
    until = found.until or uow.now + _AGAIN
    return replace(verdict, code=found.code, values={**found.values, "until": until.isoformat()}, until=until)


def _packs(campaign: Campaign, number: str) -> list[Pack]:
    """Return the campaign's rules and, for a number of another country there are rules of, that one's too."""
    own = rule_packs.find(campaign.rule_pack)
    other = rule_packs.packs().get(hours.region_of(number))
    return [own] if other is None or other is own else [own, other]

"""Who may be calling: a number against contacts and organisations (architecture, "Identification"; S4, B1)."""

import functools
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Select, bindparam, or_, select
from sqlalchemy.orm import aliased

from callcenter.actor import SYSTEM, Actor
from callcenter.contacts import numbers
from callcenter.contacts.models import Contact, Number, Organisation
from callcenter.contacts.numbers import ParsedNumber
from callcenter.contacts.visibility import organisations_visible_to, sees_all, visible_to
from callcenter.db import UnitOfWork
from callcenter.events import Candidate

MAXIMUM_CANDIDATES = 100

Rule = Literal["e164", "last_nine"]
MatchKind = Literal["matched", "several", "unknown", "withheld", "invalid", "short"]


@dataclass(frozen=True, slots=True)
class Match:
    """What a number says about who calls. One candidate: matched; two or more: several, and nobody is preselected."""

    kind: MatchKind
    number: ParsedNumber
    candidates: list[Candidate]


async def identify(uow: UnitOfWork, number: str, region: str, *, withheld: bool = False, everybody: bool = False) -> Match:
    """Find everybody the number may belong to, each with the rule that says so: E.164 first, else the last nine digits.

    Among those the actor may see, or `everybody`: whose a call is does not hang on who makes it or takes it; what that person
    is shown does (visibility.hidden). At most two statements, each on an index. Withheld, short and unusable numbers are
    kinds of their own; of these only an unusable one of nine digits or more is looked for, by its last nine.
    """
    parsed = numbers.parse(number, region)
    if withheld or parsed.kind in ("withheld", "empty"):
        return Match("withheld", parsed, [])
    if parsed.kind == "alphanumeric":
        return Match("invalid", parsed, [])
    if parsed.kind == "short":
        return Match("short", parsed, [])
    candidates: list[Candidate] = []
    if parsed.e164:
        candidates = await _find(uow, "e164", parsed.e164, everybody)
    if not candidates and parsed.last_nine:
        candidates = await _find(uow, "last_nine", parsed.last_nine, everybody)
    return Match(decide(parsed, len(candidates)), parsed, candidates)


def decide(number: ParsedNumber, candidates: int) -> MatchKind:
    """Return what a full or unusable number and so many candidates mean."""
    if candidates:
        return "matched" if candidates == 1 else "several"
    return "unknown" if number.kind == "valid" else "invalid"


async def _find(uow: UnitOfWork, rule: Rule, wanted: str, everybody: bool) -> list[Candidate]:
    """Return the owners of the numbers that are `wanted` by a rule, contacts before organisations."""
    query = _everybody(rule) if everybody or sees_all(uow.actor) else _query(rule, uow.actor)
    rows = (await uow.session.execute(query, {"wanted": wanted})).all()
    contacts = dict.fromkeys(_contact(row, rule) for row in rows if row.contact_id is not None)
    organisations = dict.fromkeys(_organisation(row, rule) for row in rows if row.contact_id is None)
    return [*contacts, *organisations]


@functools.cache
def _everybody(rule: Rule) -> Select[*tuple[Any, ...]]:
    """Return the query for who sees all, built once: building it costs more than running it, and leaves garbage."""
    return _query(rule, SYSTEM)


def _query(rule: Rule, actor: Actor) -> Select[*tuple[Any, ...]]:
    column = {"e164": Number.e164, "last_nine": Number.last_nine}[rule]
    employer, owner = aliased(Organisation), aliased(Organisation)
    conditions = [column == bindparam("wanted")]
    if not sees_all(actor):
        seen = visible_to(actor).where(Contact.id == Number.contact_id).correlate(Number).exists()
        seen_owner = organisations_visible_to(actor).where(Organisation.id == Number.organisation_id).correlate(Number)
        conditions.append(or_(seen, seen_owner.exists()))
    return (
        select(
            Number.contact_id,
            Contact.first_name,
            Contact.last_name,
            Contact.avatar_id,
            employer.id.label("employer_id"),
            employer.name.label("employer"),
            Number.organisation_id,
            owner.name.label("owner"),
        )
        .outerjoin(Contact, Contact.id == Number.contact_id)
        .outerjoin(employer, employer.id == Contact.organisation_id)
        .outerjoin(owner, owner.id == Number.organisation_id)
        .where(*conditions)
        .order_by(Number.id)
        .limit(MAXIMUM_CANDIDATES)
    )


def _contact(row: Any, rule: str) -> Candidate:
    name = f"{row.first_name} {row.last_name}".strip() or row.employer or ""
    return Candidate(
        contact_id=row.contact_id,
        organisation_id=row.employer_id,
        name=name,
        organisation=row.employer,
        avatar_id=row.avatar_id,
        rule=rule,
    )


def _organisation(row: Any, rule: str) -> Candidate:
    rule = f"organisation_{rule}"
    return Candidate(organisation_id=row.organisation_id, name=row.owner, organisation=row.owner, rule=rule)

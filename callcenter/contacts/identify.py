"""Who may be calling: a number against contacts and organisations (architecture, "Identification"; S4, B1)."""

import functools
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Select, bindparam, or_, select
from sqlalchemy.orm import aliased

from callcenter.actor import Role
from callcenter.contacts import numbers
from callcenter.contacts.models import Contact, Number, Organisation
from callcenter.contacts.numbers import ParsedNumber
from callcenter.contacts.visibility import visible_by
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


async def identify(uow: UnitOfWork, number: str, region: str, *, withheld: bool = False) -> Match:
    """Find everybody the number may belong to, each with the rule that says so: E.164 first, else the last nine digits.

    At most two statements, each on an index. Withheld, short and unusable numbers are kinds of their own; of these only
    an unusable one of nine digits or more is looked for, by its last nine.
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
        candidates = await _find(uow, "e164", parsed.e164)
    if not candidates and parsed.last_nine:
        candidates = await _find(uow, "last_nine", parsed.last_nine)
    return Match(decide(parsed, len(candidates)), parsed, candidates)


def decide(number: ParsedNumber, candidates: int) -> MatchKind:
    """Return what a full or unusable number and so many candidates mean."""
    if candidates:
        return "matched" if candidates == 1 else "several"
    return "unknown" if number.kind == "valid" else "invalid"


async def _find(uow: UnitOfWork, rule: Rule, wanted: str) -> list[Candidate]:
    """Return the owners of the numbers that are `wanted` by a rule, contacts before organisations."""
    rows = (await uow.session.execute(_query(uow.actor.role, rule), {"wanted": wanted})).all()
    contacts = dict.fromkeys(_contact(row, rule) for row in rows if row.contact_id is not None)
    organisations = dict.fromkeys(_organisation(row, rule) for row in rows if row.contact_id is None)
    return [*contacts, *organisations]


@functools.cache
def _query(role: Role, rule: Rule) -> Select[*tuple[Any, ...]]:
    """Return the query for what a role may see, built once: building it costs more than running it, and leaves garbage."""
    column = {"e164": Number.e164, "last_nine": Number.last_nine}[rule]
    employer, owner = aliased(Organisation), aliased(Organisation)
    seen = visible_by(role).where(Contact.id == Number.contact_id).correlate(Number).exists()
    return (
        select(
            Number.contact_id,
            Contact.first_name,
            Contact.last_name,
            employer.id.label("employer_id"),
            employer.name.label("employer"),
            Number.organisation_id,
            owner.name.label("owner"),
        )
        .outerjoin(Contact, Contact.id == Number.contact_id)
        .outerjoin(employer, employer.id == Contact.organisation_id)
        .outerjoin(owner, owner.id == Number.organisation_id)
        .where(column == bindparam("wanted"), or_(Number.contact_id.is_(None), seen))
        .order_by(Number.id)
        .limit(MAXIMUM_CANDIDATES)
    )


def _contact(row: Any, rule: str) -> Candidate:
    name = f"{row.first_name} {row.last_name}".strip() or row.employer or ""
    return Candidate(contact_id=row.contact_id, organisation_id=row.employer_id, name=name, organisation=row.employer, rule=rule)


def _organisation(row: Any, rule: str) -> Candidate:
    rule = f"organisation_{rule}"
    return Candidate(organisation_id=row.organisation_id, name=row.owner, organisation=row.owner, rule=rule)

"""The search box on every page: what is found while somebody types, a group for each kind of thing.

PROVIDERS are asked in order; a capability that has something to find adds its own: a function of (unit of work, what was
typed, how many) that returns what the actor may see, best first.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from callcenter.contacts import numbers, organisations, text
from callcenter.contacts import service as contacts
from callcenter.contacts.identify import identify
from callcenter.contacts.models import ACCOUNT_TYPES, Contact, Number, Organisation
from callcenter.contacts.rights import extent
from callcenter.db import UnitOfWork
from callcenter.tickets import service as tickets

MOST_CONTACTS, MOST_OTHERS = 6, 4
SHORTEST_NUMBER = 3  # digits of what may be dialled


@dataclass(frozen=True, slots=True)
class Found:
    """Something that fits. `path` is its page; `number` may be dialled (E.164, or as typed), `contact_id` for whom."""

    title: str
    detail: str
    path: str
    number: str = ""
    shown: str = ""
    contact_id: int | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Things of a kind (a key of PROVIDERS) that fit."""

    kind: str
    items: list[Found]


@dataclass(frozen=True, slots=True)
class Typed:
    """A telephone number that was typed and that nobody has, as far as the actor sees. `add`: they may make a contact of it."""

    number: str
    shown: str
    add: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found."""

    groups: list[Group] = field(default_factory=list)
    number: Typed | None = None


Provider = Callable[[UnitOfWork, str, int], Awaitable[list[Group]]]


async def search(uow: UnitOfWork, q: str) -> Answer:
    """Return what fits what was typed."""
    q = " ".join(q.split())
    if not q:
        return Answer()
    groups = [each for provider in PROVIDERS.values() for each in await provider(uow, q, MOST_OTHERS) if each.items]
    return Answer(groups, await _nobodys(uow, q))


async def find_contacts(uow: UnitOfWork, q: str, most: int) -> list[Group]:
    """Return contacts by name, number or organisation; those whose e-mail it is are a group of their own."""
    found = (await contacts.list_contacts(uow, q=q, limit=MOST_CONTACTS)).items
    by_mail = [each for each in found if _is_mail(each, q)]
    others = [each for each in found if each not in by_mail]
    return [Group("contact", [_contact(each, q) for each in others]), Group("email", [_contact(each, q) for each in by_mail])]


async def find_organisations(uow: UnitOfWork, q: str, most: int) -> list[Group]:
    """Return organisations by name, city, e-mail or number."""
    return [Group("organisation", [_organisation(each, q) for each in await organisations.list_organisations(uow, q, most)])]


async def find_tickets(uow: UnitOfWork, q: str, most: int) -> list[Group]:
    """Return tickets by id (#1042) or words of the title."""
    found = await tickets.search(uow, q, most)
    return [Group("ticket", [Found(f"#{each.id} {each.title}", each.state, f"/tickets/{each.id}") for each in found])]


PROVIDERS: dict[str, Provider] = {"contact": find_contacts, "organisation": find_organisations, "ticket": find_tickets}


async def _nobodys(uow: UnitOfWork, q: str) -> Typed | None:
    """Return a number that was typed if it can be dialled and is nobody's."""
    if not q or any(each.isalpha() for each in q):
        return None
    parsed = numbers.parse(q, uow.database.settings.region)
    if parsed.kind not in ("valid", "short") or len(parsed.digits) < SHORTEST_NUMBER:
        return None
    if parsed.kind == "valid" and (await identify(uow, q, uow.database.settings.region)).candidates:
        return None
    add = any(extent(uow.actor, each, change=True) for each in ACCOUNT_TYPES)
    return Typed(parsed.e164 or parsed.digits, numbers.show(parsed.e164 or q), add and parsed.kind == "valid")


def _is_mail(contact: Contact, q: str) -> bool:
    typed = text.fold(q)
    return "@" in typed and typed in text.fold(contact.email)


def _contact(contact: Contact, q: str) -> Found:
    organisation = contact.organisation.name if contact.organisation else ""
    number = _number(contact.numbers, q)
    parts = [organisation if contact.name else "", contact.email if _by_mail(contact, q) else ""]
    parts = [*parts, contact.position.name if contact.position and not any(parts) else ""]
    detail = " · ".join(each for each in parts if each)
    return Found(contact.name or organisation, detail, f"/contacts/{contact.id}", *number, contact.id)


def _by_mail(contact: Contact, q: str) -> bool:
    """Tell whether what was typed is in the e-mail and not in the name, so that one sees why it fits."""
    words = text.words(q)
    return bool(contact.email) and any(
        each in text.words(contact.email) or text.fold(contact.email).startswith(each)
        for each in words
        if each not in text.words(contact.name)
    )


def _organisation(organisation: Organisation, q: str) -> Found:
    number = _number(organisation.numbers, q)
    return Found(organisation.name, organisation.city, f"/organisations/{organisation.id}", *number)


def _number(own: list[Number], q: str) -> tuple[str, str]:
    """Return the number that was typed a part of, else the first: to be dialled, and as people read it."""
    typed = numbers.search_digits(q)
    callable_ = [each for each in own if each.type not in ("home_fax", "office_fax")]
    fits = [each for each in callable_ if typed and typed.lstrip("0") in each.digits]
    chosen = (fits or callable_ or [None])[0]  # type: ignore[list-item]
    return (chosen.e164 or chosen.raw, chosen.shown) if chosen else ("", "")

"""Whom and what a file of meetings means by a name: its projects, its users, its contacts. Several that fit are nobody."""

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from callcenter.actor import Role
from callcenter.contacts import numbers, text
from callcenter.contacts import service as contacts
from callcenter.contacts.models import Contact, Number
from callcenter.db import UnitOfWork
from callcenter.errors import Invalid
from callcenter.projects import service as projects
from callcenter.projects.fields import ProjectOut
from callcenter.users.models import User

_SHOWN = 60
_FEW = 3  # contacts looked at: two that fit are one too many


class Names:
    """What names mean to whoever imports; projects and users once found are remembered from batch to batch."""

    def __init__(self) -> None:
        self._projects: list[ProjectOut] | None = None
        self._users: dict[str, int | None] = {}

    async def project(self, uow: UnitOfWork, name: str) -> ProjectOut:
        """Return the project of a name, however it is written large or small; raises Invalid."""
        if not name:
            raise Invalid("Say which project the meeting belongs to.", field="project")
        if self._projects is None:
            everything = uow.actor.may(Role.SUPERVISOR)
            self._projects = await (projects.list_projects(uow) if everything else projects.projects_of(uow))
        found = [each for each in self._projects if each.name == name]
        found = found or [each for each in self._projects if text.fold(each.name) == text.fold(name)]
        if len(found) != 1:
            raise Invalid("There is no project {project} in which you may plan.", field="project", project=name[:_SHOWN])
        return found[0]

    async def user(self, uow: UnitOfWork, login: str) -> int | None:
        """Return the id of who signs in as `login`, or alone has this name; None for anybody of the project; raises Invalid."""
        if not login:
            return None
        if login not in self._users:
            found = await uow.session.scalar(select(User.id).where(User.login == login.casefold()))
            named = select(User.id).where(User.name == login, User.disabled_at.is_(None)).limit(2)
            others = list(await uow.session.scalars(named)) if found is None else []
            self._users[login] = others[0] if len(others) == 1 else found
        if self._users[login] is None:
            raise Invalid("There is no user {login}.", field="user", login=login[:_SHOWN])
        return self._users[login]

    async def contact(self, uow: UnitOfWork, said: str, region: str) -> Contact | None:
        """Return the one contact of this e-mail address, number or whole name, numbers loaded; None when nothing is said."""
        if not said:
            return None
        found = await _contacts(uow, said, region) if text.words(said) else []
        if len(found) > 1:
            raise Invalid(
                "Several contacts fit {contact}. Write the number or the e-mail address of the one you mean.",
                field="contact",
                contact=said[:_SHOWN],
            )
        if not found:
            raise Invalid("There is no contact {contact}.", field="contact", contact=said[:_SHOWN])
        return found[0]


async def _contacts(uow: UnitOfWork, said: str, region: str) -> list[Contact]:
    """Return contacts that fit, numbers loaded; never more than it takes to see that they are several."""
    if "@" in said:
        return await _by_email(uow, said)
    seen = contacts.visible_to(uow.actor)
    parsed = numbers.parse(said, region)
    if parsed.digits and not any(each.isalpha() for each in said):
        same = Number.e164 == parsed.e164 if parsed.e164 else Number.digits == parsed.digits
        query = seen.where(Contact.id.in_(select(Number.contact_id).where(same, Number.contact_id.is_not(None))))
    else:
        words = text.words(said)
        turned = {" ".join(words[at:] + words[:at]) for at in range(len(words))}  # either name may come first
        query = seen.where(Contact.sort_name.in_(turned))
    query = query.options(selectinload(Contact.numbers)).order_by(Contact.id).limit(_FEW)
    return list(await uow.session.scalars(query))


async def _by_email(uow: UnitOfWork, address: str) -> list[Contact]:
    """Return contacts with this very address, found by its words: addresses themselves have no index."""
    found: list[Contact] = []
    after: str | None = None
    while len(found) < _FEW:
        page = await contacts.list_contacts(uow, q=address, after=after, limit=200)
        found += [each for each in page.items if each.email.casefold() == address.casefold()]
        after = page.next
        if after is None:
            break
    return found


def number_of(contact: Contact | None, typed: str) -> str:
    """Return the number to call: the one typed, else the only one of the contact; raises Invalid."""
    if typed:
        return typed
    if contact is None:
        raise Invalid("Say which number to call.", field="number")
    known = [each for each in contact.numbers if each.valid]
    if len(known) != 1:
        raise Invalid(
            "{contact} has {count} numbers. Say which one to call.", field="number", contact=contact.name, count=len(known)
        )
    return known[0].raw if known[0].e164 is None else known[0].e164

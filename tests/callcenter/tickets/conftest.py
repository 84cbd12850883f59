"""An office with the usual kinds and states, people of every sort, and customers some of whom not everybody may see."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest

from callcenter.actor import EVERY_ACCOUNT, AccountRole, Actor, Role
from callcenter.contacts import service as contacts
from callcenter.contacts.forms import ContactInput
from callcenter.db import Database
from callcenter.tickets import service, settings, usual
from callcenter.tickets.forms import TicketInput, TicketOut, TicketStateChange
from callcenter.users.models import User

T = TypeVar("T")
PEOPLE: dict[str, tuple[Role, frozenset[AccountRole]]] = {
    "anna": (Role.CONSULTANT, EVERY_ACCOUNT),
    "piotr": (Role.CONSULTANT, EVERY_ACCOUNT),
    "paula": (Role.CONSULTANT, frozenset({AccountRole.PARTNER_READER})),  # sees partners only
    "noor": (Role.CONSULTANT, frozenset()),  # sees nobody
    "sofia": (Role.SUPERVISOR, EVERY_ACCOUNT),
    "pola": (Role.SUPERVISOR, frozenset({AccountRole.PARTNER_ADMIN})),  # sees partners only
    "adam": (Role.ADMINISTRATOR, EVERY_ACCOUNT),
}


@dataclass
class Office:
    """People by login, customers by name, states and kinds by name."""

    database: Database
    people: dict[str, Actor] = field(default_factory=dict)
    contacts: dict[str, int] = field(default_factory=dict)
    states: dict[str, int] = field(default_factory=dict)
    kinds: dict[str, int] = field(default_factory=dict)

    async def do(self, who: str, act: Callable[..., Awaitable[T]], *given: Any, **more: Any) -> T:
        """Let somebody do something in a transaction of its own."""
        async with self.database.unit_of_work(self.people[who]) as uow:
            return await act(uow, *given, **more)

    async def ticket(self, who: str = "anna", /, **fields: Any) -> TicketOut:
        """Make a ticket."""
        wanted = {"title": "Broken kettle", "kind_id": self.kinds["Complaint"], **fields}
        return await self.do(who, service.create, TicketInput.model_validate(wanted))

    async def move(self, who: str, ticket_id: int, state: str, came_from: str | None = None) -> TicketOut:
        """Put a ticket into a state."""
        seen = self.states[came_from] if came_from else None
        return await self.do(who, service.set_state, ticket_id, TicketStateChange(state_id=self.states[state], from_id=seen))


@pytest.fixture
async def office(database: Database) -> Office:
    """Open an office, on each kind of database."""
    office = Office(database)
    async with database.unit_of_work() as uow:
        for login, (role, accounts) in PEOPLE.items():
            user = User(
                login=login,
                name=login.title(),
                role=role.value,
                accounts=sorted(accounts),
                password_hash="",
                created_at=uow.now,
            )
            uow.session.add(user)
            await uow.session.flush()
            office.people[login] = Actor(user.id, user.name, role, accounts=accounts)
        await usual.put(uow, "en")
        found = await settings.get_settings(uow)
        office.states = {each.name: each.id for each in found.states}
        office.kinds = {each.name: each.id for each in found.kinds}
        for name, kind in (("Jan", "customer"), ("Ewa", "customer"), ("Olga", "partner")):
            data = ContactInput.model_validate({"first_name": name, "type": kind})
            office.contacts[name] = (await contacts.create_contact(uow, data, "PL")).id
        firm = ContactInput(first_name="Zofia", organisation="Mill")
        office.contacts["Zofia"] = (await contacts.create_contact(uow, firm, "PL")).id
    return office

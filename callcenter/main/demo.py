"""Demo data: people who may sign in, the customers of the built-in carrier as contacts, a project and a trunk to the carrier."""

import asyncio
import datetime as dt
from collections.abc import Callable

from sqlalchemy import func, select, update

from callcenter.actor import SYSTEM, Role
from callcenter.config import Settings, host_port
from callcenter.contacts import consents, dictionaries
from callcenter.contacts import service as contacts
from callcenter.contacts.consents import ConsentInput
from callcenter.contacts.field_models import CHOSEN
from callcenter.contacts.forms import ContactInput, NumberInput, OrganisationInput
from callcenter.contacts.models import Contact
from callcenter.db import Database, UnitOfWork
from callcenter.main import twilio_demo
from callcenter.meetings import settings as meetings
from callcenter.meetings.forms import SettingsInput
from callcenter.projects import service as projects
from callcenter.projects.models import Project
from callcenter.projects.service import ProjectInput
from callcenter.tickets import service as tickets
from callcenter.tickets import settings as ticket_settings
from callcenter.tickets import usual
from callcenter.tickets.forms import TicketInput
from callcenter.trunks import service as trunks
from callcenter.trunks.models import Trunk
from callcenter.trunks.service import TrunkInput
from callcenter.users import service as users
from callcenter.users.models import User
from callcenter.wiring import wire
from telephony.lab.accounts import TRUNK, passwords
from telephony.lab.customers import CUSTOMERS, DEMO_NUMBER, Behaviour

PASSWORD = "rehearse-a-day"  # noqa: S105 - for a machine's own demo, printed at every start
PEOPLE = (
    ("anna", "Anna Nowak", Role.CONSULTANT),
    ("piotr", "Piotr Wiśniewski", Role.CONSULTANT),
    ("maria", "Maria Zając", Role.SUPERVISOR),
    ("admin", "Adam Admin", Role.ADMINISTRATOR),
)
_TRUNK = "Built-in carrier"
_DISPOSITIONS = ("Order taken", "Question answered", "Complaint", "Call back later", "Wrong number")
_WORDS = {  # each kind's as an administrator would keep them
    "position": ("Owner", "CEO", "Purchasing", "Accounting", "Assistant"),
    "stage": ("Lead", "Interested", "Offer sent", "Customer", "Former customer"),
    "source": ("Website", "Trade fair", "Recommendation", "Advertisement", "Called us"),
    "segment": ("Household", "Small business", "Large company"),
    "tag": ("VIP", "Newsletter", "Call in the morning"),
}
_TICKETS = ("Invoice with a wrong address", "Wants an offer for next year", "Parcel did not arrive")
_NOTES = ("Asked for an offer by e-mail.", "Prefers to be called in the morning.", "Invoice corrected, thanked us.")


def welcome(settings: Settings) -> str:
    """Return how to sign in and what to try."""
    twilio = settings.demo_trunk == "twilio-demo"
    more = "." if twilio else " - or run `callcenter handset call` in another terminal."
    return "\n".join(
        [
            "Sign in as (password for all: " + PASSWORD + ")",
            *(f"  {login:<8} {role.value}" for login, _, role in PEOPLE),
            f"Allow the microphone, press Ready, then Let a customer call{more}",
            *(["Calls and messages go over a Twilio of our own on this machine."] if twilio else []),
        ]
    )


def seed(settings: Settings, say: Callable[[str], None]) -> None:
    """Fill an empty database; an existing one only gets the trunk's present address and password."""
    asyncio.run(_seed(settings, say))


_ANY_HOUR = {str(day): [("00:00", "24:00")] for day in range(7)}  # of phone meetings: a demo is tried at night, too


async def _seed(settings: Settings, say: Callable[[str], None]) -> None:
    database = Database(settings.sqlalchemy_url, settings=settings)
    wire(database)
    try:
        async with database.reading() as uow:
            empty = not await uow.session.scalar(select(func.count()).select_from(User))
        if empty:
            say("Adding demo people, customers and a project ...")
            for login, name, role in PEOPLE:
                await users.add_user(database, SYSTEM, login, name, role.value, PASSWORD)
        async with database.unit_of_work() as uow:
            if empty:
                await _add_words(uow)
                await _add_customers(uow)
                await _add_project(uow, await _put_carrier(uow, settings))
                await _add_tickets(uow)
            else:
                await _lead_to(uow, await _put_carrier(uow, settings))
    finally:
        await database.close()


async def _put_carrier(uow: UnitOfWork, settings: Settings) -> int:
    """Make the trunk to the demo's carrier what that expects now, switch off the other carrier's; returns its id."""
    twilio = settings.demo_trunk == "twilio-demo"
    trunk_id = await twilio_demo.put_trunk(uow, settings) if twilio else await _put_trunk(uow, settings)
    other = _TRUNK if twilio else twilio_demo.NAME
    await uow.session.execute(update(Trunk).where(Trunk.name == other).values(enabled=False))
    return trunk_id


async def _lead_to(uow: UnitOfWork, trunk_id: int) -> None:
    """Let the demo's project call by this trunk, if it called by the other carrier's."""
    demos = select(Trunk.id).where(Trunk.name.in_((_TRUNK, twilio_demo.NAME)))
    await uow.session.execute(update(Project).where(Project.trunk_id.in_(demos)).values(trunk_id=trunk_id))


async def _put_trunk(uow: UnitOfWork, settings: Settings) -> int:
    """Make the trunk to the built-in carrier what the carrier expects now; returns its id."""
    host, port = host_port(settings.lab_sip)
    data = TrunkInput(
        name=_TRUNK,
        host=host,
        port=port,
        username=TRUNK,
        password=passwords(settings.data_dir)["trunk"],
        register_=True,
        trusted=True,
        caller_ids=[DEMO_NUMBER],
        emergency=True,
    )
    for trunk in await trunks.list_trunks(uow):
        if trunk.name == _TRUNK:
            return (await trunks.update_trunk(uow, trunk.id, data)).id
    return (await trunks.add_trunk(uow, data)).id


async def _add_project(uow: UnitOfWork, trunk_id: int) -> None:
    """Add the project customers call, served by everybody in the demo but the administrator."""
    data = ProjectInput(
        name="Customer service", numbers=[DEMO_NUMBER], trunk_id=trunk_id, caller_id=DEMO_NUMBER, answer_early=True
    )
    project = await projects.add_project(uow, data)
    serving = await uow.session.scalars(select(User.id).where(User.role != Role.ADMINISTRATOR.value))
    await projects.set_members(uow, project.id, list(serving))
    await meetings.set_settings(uow, project.id, SettingsInput(hours=_ANY_HOUR))
    await projects.set_dispositions(uow, None, _DISPOSITIONS)


async def _add_words(uow: UnitOfWork) -> None:
    """Declare the words that people choose from."""
    for kind, names in _WORDS.items():
        for name in names:
            await dictionaries.add_entry(uow, kind, name)


async def _add_customers(uow: UnitOfWork) -> None:
    """Add the carrier's customers with some history: a shared number gets both people, a company's own the organisation."""
    for n, customer in enumerate(CUSTOMERS):
        number = NumberInput(type="mobile" if customer.number.startswith("+485") else "work", number=customer.number)
        for person in customer.contacts:
            first, _, last = person.partition(" ")
            chosen = {kind: _WORDS[kind][n % len(_WORDS[kind])] for kind in CHOSEN}
            tags = [_WORDS["tag"][n % 3]] if n % 2 else []
            named = {"first_name": first, "last_name": last, "organisation": customer.organisation, "numbers": [number]}
            data = ContactInput.model_validate({**named, **chosen, "tags": tags})
            contact = await contacts.create_contact(uow, data, "PL")
            await _add_history(uow, contact, n)
            if customer.behaviour in (Behaviour.PRESSES, Behaviour.MACHINE):  # whom a message by machine is tried on
                agreed = ConsentInput(channel="call", purpose="service", means="automatic", given=True, source="demo")
                await consents.record(uow, contact.id, agreed)
        if customer.organisation and not customer.contacts:
            company = OrganisationInput(name=customer.organisation, numbers=[number])
            await contacts.create_organisation(uow, company, "PL")


async def _add_history(uow: UnitOfWork, contact: Contact, n: int) -> None:
    """Write a few notes of the last weeks on a contact's timeline."""
    for k in range(n % 3 + 1):
        at = uow.now - dt.timedelta(days=3 * n + 7 * k + 1, hours=k)
        await contacts.add_entry(uow, contact_id=contact.id, kind="note", text=_NOTES[(n + k) % len(_NOTES)], at=at)


async def _add_tickets(uow: UnitOfWork) -> None:
    """Declare the usual kinds and states, and give some customers a ticket, one of them Anna's and due today."""
    await usual.put(uow, "en")
    kinds = await ticket_settings.list_kinds(uow)
    people = list(await uow.session.scalars(select(Contact.id).order_by(Contact.id).limit(len(_TICKETS))))
    anna = await uow.session.scalar(select(User.id).where(User.login == "anna"))
    for n, (title, contact_id) in enumerate(zip(_TICKETS, people, strict=False)):
        wanted = TicketInput(title=title, kind_id=kinds[n % len(kinds)].id, contact_id=contact_id)
        if n == 0:
            wanted = wanted.model_copy(update={"assignee_id": anna, "due_at": uow.now + dt.timedelta(hours=2)})
        await tickets.create(uow, wanted)

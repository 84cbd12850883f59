"""A small call centre floor for tests: people, a project, a trunk, and a switch that is driven by hand."""

from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Integer, inspect, select

from callcenter import clock
from callcenter.actor import EVERY_ACCOUNT, SYSTEM, AccountRole, Actor, Role
from callcenter.agents.models import Agent
from callcenter.calls import service as calls
from callcenter.calls.models import Call, CallBack, Leg, Offer
from callcenter.contacts.models import Contact, Number, TimelineEntry
from callcenter.db import Committed, Database
from callcenter.events import CallOffered, LiveEvent
from callcenter.phone import Command, EndReason, Event, LegAnswered, LegEnded, LegOffered, StationLive, StationLost
from callcenter.projects.service import ProjectInput, add_project, set_members
from callcenter.scheduler import Scheduler
from callcenter.switchboard import dispatch
from callcenter.trunks.service import TrunkInput, add_trunk
from callcenter.users.models import User

ADMIN = Actor(None, "root", Role.ADMINISTRATOR, accounts=EVERY_ACCOUNT)
DIALLED = "+48221234567"
CALLER = "+48601234567"


@dataclass
class Floor:
    """What the tests act on. `commands` and `messages` are what left after commits, in order."""

    database: Database
    people: dict[str, Actor]
    project_id: int
    trunk_id: int
    commands: list[Command] = field(default_factory=list)
    messages: list[tuple[LiveEvent, tuple[int, ...] | None]] = field(default_factory=list)
    moved: float = 0.0

    def committed(self, committed: Committed) -> None:
        """Collect what leaves (an after-commit listener)."""
        self.commands.extend(committed.commands)
        self.messages.extend((each.event, each.recipients) for each in committed.outgoing)

    async def event(self, event: Event) -> None:
        """Let the switch say something."""
        async with self.database.unit_of_work() as uow:
            await dispatch(uow, event)

    async def do(self, who: str, door: Any, *args: Any, **kwargs: Any) -> Any:
        """Let a person use a door of the service."""
        async with self.database.unit_of_work(self.people[who]) as uow:
            return await door(uow, *args, **kwargs)

    async def live(self, who: str, session: str = "tab1") -> None:
        await self.event(StationLive(str(self.people[who].id), session))

    async def lost(self, who: str, session: str = "tab1") -> None:
        await self.event(StationLost(str(self.people[who].id), session))

    async def ready(self, *names: str) -> None:
        """Make people ready, one after another, so that the first is the longest ready."""
        for name in names:
            await self.live(name)
            await self.do(name, calls.set_agent_state, "ready")
            self.shift(0.01)

    async def ring(
        self, number: str = CALLER, dialled: str = DIALLED, *, withheld: bool = False, leg_id: str = "", name: str = ""
    ) -> str:
        """Let a customer call; returns the leg's id."""
        leg_id = leg_id or clock.new_id()
        await self.event(
            LegOffered(leg_id, self.trunk_id, number, name, dialled, withheld, f"ref-{leg_id}", received=clock.monotonic())
        )
        return leg_id

    async def leaves(self, leg_id: str, reason: EndReason = EndReason.CANCELLED) -> None:
        await self.event(LegEnded(leg_id, reason, "far"))

    async def talk(self, who: str, **ring: Any) -> tuple[str, str]:
        """Make a call that `who`, the only ready one, answers; returns leg and call."""
        leg_id = await self.ring(**ring)
        call_id = (await self.call_of(leg_id)).id
        await self.do(who, calls.answer, call_id)
        await self.event(LegAnswered(leg_id))
        return leg_id, call_id

    async def run_due(self) -> int:
        """Run what is due, until nothing is."""
        scheduler, total = Scheduler(self.database), 0
        while ran := await scheduler.run_due():
            total += ran
        return total

    def shift(self, seconds: float) -> None:
        """Let time pass."""
        self.moved += seconds
        clock.shift(self.moved)

    async def later(self, seconds: float) -> int:
        """Let time pass and run what became due."""
        self.shift(seconds)
        return await self.run_due()

    def said(self, kind: type[LiveEvent], who: str = "") -> list[Any]:
        """Return the messages of a kind, to one person if named."""
        wanted = self.people[who].id if who else None
        return [event for event, to in self.messages if isinstance(event, kind) and (wanted is None or wanted in (to or ()))]

    def sent(self, kind: type[Any]) -> list[Any]:
        """Return the commands of a kind."""
        return [command for command in self.commands if isinstance(command, kind)]

    def offers(self) -> list[tuple[str, str]]:
        """Return (who, call) of all pop-ups, in order."""
        names = {actor.user_id: name for name, actor in self.people.items()}
        return [(names[to[0]], event.call_id) for event, to in self.messages if isinstance(event, CallOffered) and to is not None]

    async def all(self, kind: type[Any]) -> list[Any]:
        """Return all rows of a table, in the order they were written where their keys are counted.

        Without an order PostgreSQL puts a new row into the first page with room, before older ones.
        """
        keys = [key for key in inspect(kind).primary_key if isinstance(key.type, Integer)]
        async with self.database.reading() as uow:
            return list(await uow.session.scalars(select(kind).order_by(*keys)))

    async def call_of(self, leg_id: str) -> Call:
        async with self.database.reading() as uow:
            leg = await uow.session.get_one(Leg, leg_id)
            return await uow.session.get_one(Call, leg.call_id)

    async def call(self, call_id: str) -> Call:
        async with self.database.reading() as uow:
            return await uow.session.get_one(Call, call_id)

    async def agent(self, who: str) -> Agent:
        async with self.database.reading() as uow:
            return await uow.session.get_one(Agent, self.people[who].id)

    async def states(self) -> dict[str, str]:
        agents = {agent.user_id: agent.state for agent in await self.all(Agent)}
        return {name: agents[actor.id] for name, actor in self.people.items() if actor.id in agents}

    async def results(self) -> list[str]:
        return [offer.result for offer in sorted(await self.all(Offer), key=lambda offer: offer.id)]

    async def call_backs(self) -> list[CallBack]:
        return await self.all(CallBack)

    async def add_contact(self, name: str, number: str = CALLER) -> int:
        """Write a contact with one E.164 number."""
        async with self.database.unit_of_work() as uow:
            contact = Contact(first_name=name, last_name="", created_at=uow.now, updated_at=uow.now)
            contact.numbers = [Number(raw=number, digits=number[1:], e164=number, last_nine=number[-9:])]
            uow.session.add(contact)
            await uow.session.flush()
            return contact.id

    async def give(self, who: str, *accounts: AccountRole) -> None:
        """Let a person have these account roles and no others."""
        actor = self.people[who]
        async with self.database.unit_of_work() as uow:
            (await uow.session.get_one(User, actor.id)).accounts = sorted(accounts)
        self.people[who] = replace(actor, accounts=frozenset(accounts))

    async def timeline(self, contact_id: int) -> list[TimelineEntry]:
        return [entry for entry in await self.all(TimelineEntry) if entry.contact_id == contact_id]


async def open_floor(database: Database, names: tuple[str, ...] = ("anna", "bob", "celia"), **project: Any) -> Floor:
    """Set up people (and the supervisor sue), a project they serve, and a trunk; time stands still but for `shift`."""
    clock.stop(True)
    people: dict[str, Actor] = {}
    async with database.unit_of_work(SYSTEM) as uow:
        for name in (*names, "sue"):
            role = Role.SUPERVISOR if name == "sue" else Role.CONSULTANT
            user = User(
                login=name,
                name=name.capitalize(),
                role=role.value,
                accounts=sorted(EVERY_ACCOUNT),
                password_hash="",
                created_at=uow.now,
            )
            uow.session.add(user)
            await uow.session.flush()
            people[name] = Actor(user.id, user.name, role, accounts=EVERY_ACCOUNT)
        trunk = await add_trunk(uow, TrunkInput(name="carrier", host="192.0.2.1", caller_ids=[DIALLED], emergency=True))
        rules = {"name": "Sales", "numbers": [DIALLED], "trunk_id": trunk.id, "caller_id": DIALLED, **project}
        made = await add_project(uow, ProjectInput.model_validate(rules))
        await set_members(uow, made.id, [people[name].id for name in names])
    floor = Floor(database, people, made.id, trunk.id)
    database.after_commit.append(floor.committed)
    return floor

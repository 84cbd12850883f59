"""A floor for those who listen in: two supervisors, one of them serving the project, an administrator; who is in the bridge."""

import pytest

from callcenter.actor import Actor, Role
from callcenter.calls import service as calls
from callcenter.calls.models import Listening
from callcenter.db import Database
from callcenter.errors import CallCenterError
from callcenter.phone import Bridge, PortRole, Way
from callcenter.projects import service as projects
from callcenter.users.models import AuditEntry, User
from callcenter.wiring import wire
from tests.callcenter.calls.floor import Floor, open_floor


async def open_listening(database: Database) -> Floor:
    """A floor on which sue serves the project, and rob is an administrator who serves none; anna talks to a customer."""
    wire(database)
    floor = await open_floor(database)
    async with database.unit_of_work() as uow:
        for name, role in (("rob", Role.ADMINISTRATOR), ("tom", Role.SUPERVISOR)):
            user = User(login=name, name=name.capitalize(), role=role.value, password_hash="", created_at=uow.now)
            user.accounts = sorted(floor.people["sue"].accounts)
            uow.session.add(user)
            await uow.session.flush()
            floor.people[name] = Actor(user.id, user.name, role, accounts=floor.people["sue"].accounts)
    await serve(floor, "anna", "bob", "celia", "sue")
    for name in ("sue", "rob", "tom"):
        await floor.live(name)
    await floor.ready("anna")
    return floor


async def serve(floor: Floor, *names: str) -> None:
    async with floor.database.unit_of_work(floor.people["rob"]) as uow:
        await projects.set_members(uow, floor.project_id, [floor.people[name].id for name in names])


def bridge(floor: Floor) -> Bridge:
    """The last bridge the switch was told of."""
    found: Bridge = floor.sent(Bridge)[-1]
    return found


def there(floor: Floor) -> dict[str, Way]:
    """The supervisors in the last bridge, and how they are there."""
    names = {str(actor.user_id): name for name, actor in floor.people.items()}
    return {names[each.id]: each.way for each in bridge(floor).members if each.role is PortRole.SUPERVISOR}


async def open_ones(floor: Floor) -> list[Listening]:
    return [each for each in await floor.all(Listening) if each.ended_at is None]


async def trail(floor: Floor) -> list[AuditEntry]:
    entries = [each for each in await floor.all(AuditEntry) if each.action.startswith("call.listening")]
    return sorted(entries, key=lambda each: each.id)


async def refused(floor: Floor, who: str, call_id: str, way: str = "listen") -> CallCenterError:
    with pytest.raises(CallCenterError) as error:
        await floor.do(who, calls.listen, call_id, way)
    return error.value


async def sweep(floor: Floor) -> None:
    async with floor.database.unit_of_work() as uow:
        await calls.sweep(uow, {})

"""The one table of what each role in the house may do with the work of projects.

What account roles allow with accounts: contacts/rights.py.
"""

import enum
from types import MappingProxyType

from callcenter.actor import Actor, Role
from callcenter.db import UnitOfWork
from callcenter.errors import NotPermitted
from callcenter.projects.models import Membership


class Act(enum.StrEnum):
    """Something done with the work of a project."""

    LISTEN = "listen"  # to its running calls, whisper and take part in them
    HIDE_LISTENING = "hide_listening"  # let consultants not be told that somebody listens


class Reach(enum.IntEnum):
    """In which projects: none, those one serves, all (and what belongs to no project)."""

    NONE = 0
    SERVED = 1
    ALL = 2


RIGHTS = MappingProxyType(
    {
        Act.LISTEN: {Role.SUPERVISOR: Reach.SERVED, Role.ADMINISTRATOR: Reach.ALL, Role.SYSTEM: Reach.ALL},
        Act.HIDE_LISTENING: {Role.ADMINISTRATOR: Reach.ALL, Role.SYSTEM: Reach.ALL},
    }
)


def reach(role: Role, act: Act) -> Reach:
    """Return in which projects a role may do something. Pure."""
    return RIGHTS[act].get(role, Reach.NONE)


def require_some(actor: Actor, act: Act) -> None:
    """Raise NotPermitted unless the actor may do something in some project."""
    if reach(actor.role, act) is Reach.NONE:
        actor.require(min((role for role in RIGHTS[act]), key=list(Role).index))


async def may(uow: UnitOfWork, act: Act, project_id: int | None, *, user_id: int | None, role: Role) -> bool:
    """Tell whether a person of this role may do something in a project (None: what belongs to none)."""
    far = reach(role, act)
    if far is not Reach.SERVED:
        return far is Reach.ALL
    if project_id is None or user_id is None:
        return False
    return await uow.session.get(Membership, (project_id, user_id)) is not None


async def require(uow: UnitOfWork, act: Act, project_id: int | None) -> None:
    """Raise NotPermitted unless the actor may do something in a project (None: what belongs to none)."""
    require_some(uow.actor, act)
    if not await may(uow, act, project_id, user_id=uow.actor.user_id, role=uow.actor.role):
        raise NotPermitted("You do not serve the project of this call. An administrator may do this in all projects.")

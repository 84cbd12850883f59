"""The one table of what each account role allows (S17), and what each thing one does with accounts needs.

Pure; visibility.py makes queries of it. Why so, and what of a hidden account others see: docs/decisions/0014-account-rights.md.
"""

import enum
from types import MappingProxyType
from typing import NamedTuple

from callcenter.actor import AccountRole, Actor, Role
from callcenter.errors import NotPermitted

PARTNER, CUSTOMER = "partner", "customer"


class Extent(enum.IntEnum):
    """Of which accounts of a type: none, those one manages, all."""

    NONE = 0
    MANAGED = 1
    ALL = 2


class Right(NamedTuple):
    """What a role allows with accounts of a type."""

    type: str
    read: Extent
    change: Extent


RIGHTS = MappingProxyType(
    {
        AccountRole.PARTNER_MANAGER: Right(PARTNER, Extent.MANAGED, Extent.MANAGED),
        AccountRole.CUSTOMER_MANAGER: Right(CUSTOMER, Extent.MANAGED, Extent.MANAGED),
        AccountRole.PARTNER_READER: Right(PARTNER, Extent.ALL, Extent.NONE),
        AccountRole.CUSTOMER_READER: Right(CUSTOMER, Extent.ALL, Extent.NONE),
        AccountRole.PARTNER_ADMIN: Right(PARTNER, Extent.ALL, Extent.ALL),
        AccountRole.CUSTOMER_ADMIN: Right(CUSTOMER, Extent.ALL, Extent.ALL),
    }
)


class Action(enum.StrEnum):
    """Something done with accounts. All but READ and what is in NEEDS as such are changes."""

    READ = "read"  # lists, search, the page, the timeline, exports of what the list shows; being assigned what is theirs
    WRITE_NOTE = "write_note"  # on the timeline; calling, texting, planning a meeting with them
    CHANGE = "change"  # fields, numbers, tags, avatar, organisation
    CREATE = "create"  # whoever changes only what they manage becomes the manager of what they make
    SET_MANAGERS = "set_managers"
    DELETE = "delete"  # and merging two of them
    IMPORT = "import"  # accounts of the type chosen; as with CREATE, who changes only what they manage becomes the manager


class Need(NamedTuple):
    """What an action needs: this extent of reading or changing accounts of the type, and at least this role in the house."""

    change: bool
    extent: Extent
    role: Role = Role.CONSULTANT


NEEDS = MappingProxyType(  # any one of these will do
    {
        Action.READ: (Need(False, Extent.MANAGED),),
        Action.WRITE_NOTE: (Need(False, Extent.MANAGED),),
        Action.CHANGE: (Need(True, Extent.MANAGED),),
        Action.CREATE: (Need(True, Extent.MANAGED),),
        Action.SET_MANAGERS: (Need(True, Extent.ALL), Need(True, Extent.MANAGED, Role.SUPERVISOR)),
        Action.DELETE: (Need(True, Extent.ALL), Need(True, Extent.MANAGED, Role.SUPERVISOR)),
        Action.IMPORT: (Need(True, Extent.MANAGED, Role.SUPERVISOR),),
    }
)


def may(actor: Actor, action: Action, account_type: str) -> bool:
    """Tell whether the actor may do something with accounts of a type; with which of them, visibility.py says."""
    return any(actor.may(need.role) and extent(actor, account_type, change=need.change) >= need.extent for need in NEEDS[action])


def require(actor: Actor, action: Action, account_type: str) -> None:
    """Raise NotPermitted unless the actor may do something with accounts of a type."""
    if not may(actor, action, account_type):
        raise NotPermitted("Your account roles do not allow this. An administrator gives them on the page Users.")


def require_any(actor: Actor, action: Action) -> None:
    """Raise NotPermitted unless the actor may do something with accounts of one type at least."""
    if not any(may(actor, action, each) for each in (CUSTOMER, PARTNER)):
        require(actor, action, CUSTOMER)


def extent(actor: Actor, account_type: str, *, change: bool = False) -> Extent:
    """Return which accounts of a type the actor may read, or change: the widest that any of their roles allows."""
    if actor.role == Role.SYSTEM:
        return Extent.ALL
    own = (RIGHTS[each] for each in actor.accounts)
    return max((each.change if change else each.read for each in own if each.type == account_type), default=Extent.NONE)


def creatable_type(actor: Actor) -> str:
    """Return the type a new account of the actor has when nothing else is said: customer, unless only partners are theirs."""
    return CUSTOMER if extent(actor, CUSTOMER, change=True) or not extent(actor, PARTNER, change=True) else PARTNER

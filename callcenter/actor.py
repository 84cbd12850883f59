"""Who is acting: carried by every unit of work and checked by every service."""

import enum
from dataclasses import dataclass

from callcenter.errors import NotPermitted


class Role(enum.StrEnum):
    """What a user may do; each role may do all that the ones before it may."""

    CONSULTANT = "consultant"
    SUPERVISOR = "supervisor"
    ADMINISTRATOR = "administrator"
    SYSTEM = "system"


class AccountRole(enum.StrEnum):
    """What a user may do with accounts (organisations and contacts) of a type (S17); what each allows: contacts/rights.py."""

    PARTNER_MANAGER = "partner_manager"
    CUSTOMER_MANAGER = "customer_manager"
    PARTNER_READER = "partner_reader"
    CUSTOMER_READER = "customer_reader"
    PARTNER_ADMIN = "partner_admin"
    CUSTOMER_ADMIN = "customer_admin"


EVERY_ACCOUNT = frozenset({AccountRole.PARTNER_ADMIN, AccountRole.CUSTOMER_ADMIN})  # reads and changes all accounts

_RANK = {role: rank for rank, role in enumerate(Role)}


def at_least(role: Role, wanted: Role) -> bool:
    """Tell whether who has a role may do what is for `wanted`."""
    return _RANK[role] >= _RANK[wanted]


@dataclass(frozen=True, slots=True)
class Actor:
    """The person, or the system itself, on whose behalf something happens. Without account roles no account is seen."""

    user_id: int | None
    name: str
    role: Role
    language: str = "en"
    time_zone: str = "Europe/Warsaw"
    session_id: int | None = None
    address: str | None = None
    accounts: frozenset[AccountRole] = frozenset()

    def may(self, role: Role) -> bool:
        """Tell whether the actor has at least `role`."""
        return at_least(self.role, role)

    def require(self, role: Role) -> None:
        """Raise NotPermitted unless the actor has at least `role`."""
        if not self.may(role):
            raise NotPermitted("Your role does not allow this. It needs the role {role}.", role=role.value)

    @property
    def id(self) -> int:
        """The user's id; raises NotPermitted for the system, which is nobody's desk."""
        if self.user_id is None:
            raise NotPermitted("This needs a signed-in person.")
        return self.user_id


SYSTEM = Actor(user_id=None, name="system", role=Role.SYSTEM, accounts=EVERY_ACCOUNT)

"""People who act in tests of the contact centre."""

from callcenter.actor import EVERY_ACCOUNT, Actor, Role
from callcenter.db import Database
from callcenter.users.models import User


async def add_person(database: Database, login: str = "anna", role: Role = Role.CONSULTANT) -> Actor:
    """Add a user who cannot sign in, and return them as an actor."""
    async with database.unit_of_work() as uow:
        user = User(
            login=login, name=login.title(), role=role.value, accounts=sorted(EVERY_ACCOUNT), password_hash="", created_at=uow.now
        )
        uow.session.add(user)
        await uow.session.flush()
        return Actor(user.id, user.name, role, accounts=EVERY_ACCOUNT)

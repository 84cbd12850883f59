"""What the rest of the house asks of phone meetings: facts to react to, and work for an agent who is free."""

from callcenter.db import UnitOfWork
from callcenter.facts import Fact


async def react(uow: UnitOfWork, fact: Fact) -> None:
    """Hear of a fact (a reaction of Database)."""


async def feed(uow: UnitOfWork, user_id: int) -> bool:
    """Give a free agent the meeting that is due; tells whether there was one (a feeder of Database)."""
    return False

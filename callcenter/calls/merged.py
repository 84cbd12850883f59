"""Two organisations became one: the calls of the one that goes are the other's."""

from sqlalchemy import update

from callcenter.calls.models import Call
from callcenter.db import UnitOfWork
from callcenter.facts import Fact, OrganisationMerged


async def react(uow: UnitOfWork, fact: Fact) -> None:
    """Hear of a fact (a reaction of Database): an organisation that was merged into another."""
    if isinstance(fact, OrganisationMerged):
        theirs = update(Call).where(Call.organisation_id == fact.gone_id)
        await uow.session.execute(theirs.values(organisation_id=fact.kept_id))

"""Two contacts became one: calls that are going on go on with the survivor, on every page that shows them."""

from sqlalchemy import select

from callcenter.calls.models import Call
from callcenter.db import UnitOfWork
from callcenter.events import CallChanged, ContactOpened
from callcenter.facts import ContactMerged, Fact


async def react(uow: UnitOfWork, fact: Fact) -> None:
    """Hear of a fact (a reaction of Database): a merge; the calls' own reference is moved already."""
    if not isinstance(fact, ContactMerged):
        return
    going = select(Call).where(Call.state != "ended").execution_options(populate_existing=True)
    for call in await uow.session.scalars(going):
        named = any(each.get("contact_id") == fact.loser_id for each in call.match)
        if named:
            call.match = _without(call.match, fact)
        if call.user_id is not None and (named or call.contact_id == fact.survivor_id):
            uow.emit(CallChanged(call_id=call.id), [call.user_id])
            if call.contact_id == fact.survivor_id:
                uow.emit(ContactOpened(contact_id=fact.survivor_id, call_id=call.id), [call.user_id])


def _without(match: list[dict[str, object]], fact: ContactMerged) -> list[dict[str, object]]:
    """Return the candidates with the survivor in the loser's place, once."""
    found: dict[tuple[object, object], dict[str, object]] = {}
    for each in match:
        told = each | {"contact_id": fact.survivor_id} if each.get("contact_id") == fact.loser_id else each
        found.setdefault((told.get("contact_id"), told.get("organisation_id")), told)
    return list(found.values())

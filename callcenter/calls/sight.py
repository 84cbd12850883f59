"""What of a call a person sees who may not see every account: the number, the times and who took it, but not whose it is.

The call stays the customer's in the database whoever takes it (docs/decisions/0014-account-rights.md).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from callcenter.actor import Actor
from callcenter.calls.models import Call
from callcenter.contacts import visibility
from callcenter.contacts.visibility import Hidden
from callcenter.db import UnitOfWork
from callcenter.errors import NotPermitted
from callcenter.events import Candidate

HIDDEN = "hidden"  # instead of Call.identification: somebody has the number, and this person may not see who
_FOUND = ("matched", "several")


class Seen(NamedTuple):
    """What a person sees of whom a call is with. `hidden`: an account they may not see."""

    hidden: bool
    identification: str
    candidates: list[Candidate]
    caller_name: str


async def of(uow: UnitOfWork, call: Call, person: Actor | None = None) -> Seen:
    """Return what a person (None: the actor) sees of a call; asks nothing for who sees all accounts."""
    return seen(call, await concealed(uow, [call], person))


async def concealed(uow: UnitOfWork, calls: Sequence[Call], person: Actor | None = None) -> Hidden:
    """Return the accounts of these calls, candidates too, that a person (None: the actor) may not see."""
    if visibility.sees_all(person or uow.actor):
        return Hidden()
    fitted: list[dict[str, Any]] = [each for call in calls for each in call.match]
    people = [*(call.contact_id for call in calls), *(each.get("contact_id") for each in fitted)]
    firms = [*(call.organisation_id for call in calls), *(each.get("organisation_id") for each in fitted)]
    return await visibility.hidden(uow, people, firms, actor=person)


def seen(call: Call, concealed: Hidden) -> Seen:
    """Return what somebody sees of a call from whom these accounts are concealed. Pure."""
    fitted = [Candidate.model_validate(each) for each in call.match]
    candidates = [each for each in fitted if not concealed.covers(each.contact_id, each.organisation_id)]
    if concealed.covers(call.contact_id, call.organisation_id):
        return Seen(True, HIDDEN, [], "")
    nobody = bool(fitted) and not candidates and call.contact_id is None and call.organisation_id is None
    if nobody and call.identification in _FOUND:
        return Seen(False, HIDDEN, [], "")
    return Seen(False, call.identification, candidates, call.caller_name)


async def refuse(uow: UnitOfWork, call: Call, *, own: bool = False) -> None:
    """Raise NotPermitted when the call is with an account the actor may not see; `own`: unless they took the call."""
    if own and call.user_id == uow.actor.user_id:
        return
    if (await of(uow, call)).hidden:
        raise NotPermitted("This call is with an account you may not see. Ask somebody who may.")

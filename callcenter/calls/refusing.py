"""Do not call again: what a customer asks during a call, pressed by whoever talks with them."""

from callcenter.calls import rows, sight
from callcenter.calls.models import Call
from callcenter.contacts import consents, numbers, suppressions, timeline
from callcenter.contacts.consents import ConsentInput
from callcenter.db import UnitOfWork
from callcenter.errors import Invalid
from callcenter.users.service import audit

SOURCE = "Said in a call."


async def do_not_call(uow: UnitOfWork, call_id: str, *, everywhere: bool) -> Call:
    """Put the number of one's call on the do-not-call list of the call's project, or on everybody's.

    `everywhere`, as well as in a call of no project: nobody calls them any more; then the contact's objection is recorded, too.
    Pressed twice it changes nothing. Raises Invalid when the number is withheld or no telephone number.
    """
    call = await rows.own(uow, call_id)
    await sight.refuse(uow, call, own=True)
    project = await rows.project_of(uow, call)
    number = numbers.parse(call.number, project.region if project else uow.database.settings.region).e164
    if number is None:
        raise Invalid("This call has no telephone number that could be put on the list.")
    of = None if everywhere or project is None else project
    new = await suppressions.refuse(uow, number, of.id if of else None)
    audit(uow, "do_not_call.in_call", "call", call.id, project_id=of.id if of else None, contact_id=call.contact_id)
    if not new or call.contact_id is None:
        return call
    if of is None and not (await sight.of(uow, call)).hidden:
        await consents.record(uow, call.contact_id, ConsentInput(channel="call", given=False, source=SOURCE))
    else:
        said = {"channel": "call", "purpose": "", "means": "", "given": False, "project": of.name if of else ""}
        await timeline.add_entry(
            uow,
            contact_id=call.contact_id,
            kind="consent",
            text=SOURCE,
            at=uow.now,
            call_id=call.id,
            user_id=uow.actor.user_id,
            data=said,
        )
    return call

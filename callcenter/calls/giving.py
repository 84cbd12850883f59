"""Calls that were dialled without an agent and are answered: given to one who is ready, or given up (the customer is told).

Who waits for whom, and for how long, is decided by those who placed the call (they hear of LegPickedUp).
"""

import structlog

from callcenter import jobs
from callcenter.agents import service as agents
from callcenter.calls import announcing, ending, rows, sight, talking
from callcenter.calls.models import Call, CallState
from callcenter.contacts.visibility import viewer
from callcenter.db import UnitOfWork
from callcenter.events import ContactOpened
from callcenter.phone import EndReason
from callcenter.users.models import User

log = structlog.get_logger(__name__)


def waits(call: Call) -> bool:
    """Tell whether somebody is on the line of a call and no agent is. Pure."""
    return call.state == CallState.ANSWERED and call.user_id is None


async def give(uow: UnitOfWork, call: Call, user_id: int) -> bool:
    """Bring the customer of an answered call and a ready agent together, at once and without a question.

    False, and nothing happens, when the call waits for nobody any more or the agent is not ready now. The routing lock is
    held (rows.lock). The desk draws the call by agent.state and call.answered, as any other.
    """
    legs = await rows.live_legs(uow, call.id) if waits(call) else []
    if not legs or not await agents.take(uow, user_id, call.id):
        return False
    call.user_id = user_id
    uow.send(rows.bridge(call, legs))
    talking.talk(uow, call)
    if call.contact_id is not None:
        user = await uow.session.get_one(User, user_id)
        if not (await sight.of(uow, call, viewer(user_id, user.accounts))).hidden:
            uow.emit(ContactOpened(contact_id=call.contact_id, call_id=call.id), [user_id])
    return True


async def abandon(uow: UnitOfWork, call: Call) -> bool:
    """Give up a call for whose customer nobody is free: they hear its announcement, if there is one, and are hung up on.

    Tells whether it was so: False for a call that waits for nobody (any more).
    """
    if not waits(call):
        return False
    log.info("call.abandoned", call_id=call.id, announcement=bool(call.announcement))
    legs = await rows.live_legs(uow, call.id)
    if not call.announcement or not legs:
        await ending.hang_up(uow, call, EndReason.ABANDONED)
        return True
    call.state = CallState.ANNOUNCING.value
    announcing.announce(uow, call, legs)
    due = uow.now + announcing.LONGEST
    await jobs.put(uow, f"{ending.ANNOUNCEMENT}:{call.id}", ending.ANNOUNCEMENT, due, call_id=call.id)
    return True

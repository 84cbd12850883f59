"""Messages played by machine: to a customer who may press a key, or to the machine that answered, after its beep.

Nobody of ours is on the call meanwhile. The switch plays, waits and hangs up by itself; LegEnded says how much was played. What
is played to whom, and what a key means, is decided by those who placed the call (they hear of KeyPressed and CallOver).
"""

from collections.abc import Iterable

import structlog

from callcenter import jobs
from callcenter.calls import announcing, ending, giving, offers, rows
from callcenter.calls.entries import MACHINES
from callcenter.calls.models import Call, CallState, Leg
from callcenter.contacts import timeline
from callcenter.db import UnitOfWork
from callcenter.phone import Announce, Bridge, Play, Sound

log = structlog.get_logger(__name__)

GIVES_WAY_MS = 20  # of silence after what is left on a machine: what lingers gives way to a consultant, should it be a person
KEY_MS = 6000  # that a customer has for a key once the message is over


async def play(uow: UnitOfWork, call: Call, name: str) -> bool:
    """Play a message (a file in Settings.announcements) to whoever answered a call; an agent who is on it is freed.

    To a machine (Call.machine) it is left after the beep; a person may press a key until KEY_MS after its end. False, and
    nothing happens, when nobody is on the line. One that is played already begins anew: the person turned out to be a machine.
    """
    legs = [leg for leg in await rows.live_legs(uow, call.id) if leg.state == rows.ANSWERED]
    if not legs or call.state not in (CallState.ANSWERED, CallState.TALKING, CallState.PLAYING):
        return False
    freed = None
    log.info("call.playing", call_id=call.id, machine=call.machine, user_id=call.user_id)
    if call.state == CallState.TALKING:
        await ending.free_listeners(uow, call)
        call.answered_at = None  # nobody talked: it is a machine
        freed = await ending.free_agent(uow, call, ending.PLAYED)
    again = call.state == CallState.PLAYING
    call.state, call.announcement, call.held = CallState.PLAYING.value, name, False
    tell(uow, call, legs, again=again)
    due = uow.now + announcing.LONGEST * (2 if call.machine in MACHINES else 1)
    await jobs.put(uow, f"{ending.ANNOUNCEMENT}:{call.id}", ending.ANNOUNCEMENT, due, call_id=call.id)
    timeline.touched(uow, call.contact_id, call.organisation_id)
    await offers.feed_from(uow, freed)
    return True


def tell(uow: UnitOfWork, call: Call, legs: Iterable[Leg], *, again: bool = False) -> None:
    """Tell the switch to play a call's message; it does nothing where it does so already, unless `again`."""
    uow.send(Bridge(call.id, ()))
    for leg in legs:
        if again:
            uow.send(Play(leg.id, Sound.SILENCE))
        if call.machine in MACHINES:
            uow.send(Announce(leg.id, call.announcement, after="beep", linger_ms=GIVES_WAY_MS))
        else:
            uow.send(Announce(leg.id, call.announcement, linger_ms=KEY_MS))


async def wait_for_agent(uow: UnitOfWork, call: Call, announcement: str) -> bool:
    """Let a customer who hears a message wait, with music, for an agent (giving.give); False when none is played any more.

    `announcement`: the file they hear should that agent drop, "" for none.
    """
    if call.state != CallState.PLAYING:
        return False
    call.state, call.announcement = CallState.ANSWERED.value, announcement
    await jobs.drop(uow, f"{ending.ANNOUNCEMENT}:{call.id}")
    for leg in await rows.live_legs(uow, call.id):
        uow.send(Play(leg.id, Sound.MUSIC))
    return giving.waits(call)

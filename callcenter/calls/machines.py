"""What the carrier, or the switch by the sound, found at the far end of a call that left: a person, a machine, a fax."""

from sqlalchemy import select

from callcenter.calls import entries, rows
from callcenter.calls.models import Call, CallState, Leg
from callcenter.db import UnitOfWork
from callcenter.events import CallChanged
from callcenter.facts import MachineFound
from callcenter.phone import MachineDetected

UNKNOWN = "unknown"


async def machine_detected(uow: UnitOfWork, event: MachineDetected) -> None:
    """Keep what was found, also when the call is over, and show it to who has the call. What is known stays known."""
    await rows.lock(uow)
    query = select(Call).join(Leg, Leg.call_id == Call.id).where(Leg.id == event.leg_id, Leg.direction == "outbound")
    call = await uow.session.scalar(query)
    if call is None or call.machine == event.found or (call.machine and event.found == UNKNOWN):
        return
    call.machine = event.found
    uow.note(MachineFound(call.id, event.found))
    if call.state == CallState.ENDED:
        await entries.write(uow, call)
    if call.user_id is not None:
        uow.emit(CallChanged(call_id=call.id), [call.user_id])

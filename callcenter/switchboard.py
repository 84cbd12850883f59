"""Every event of the switch goes, in order, to the service that owns it: one transaction per event."""

from collections import Counter

import structlog

from callcenter.calls import service as calls
from callcenter.db import Database, UnitOfWork
from callcenter.patience import patiently
from callcenter.phone import (
    DtmfReceived,
    Event,
    LegAnswered,
    LegEnded,
    LegOffered,
    LegRinging,
    LinkDown,
    LinkUp,
    MachineDetected,
    Phone,
    StationLive,
    StationLost,
    SwitchDraining,
    TextReceived,
    TextStatus,
    TrunkChanged,
)
from callcenter.texts import service as texts

log = structlog.get_logger(__name__)


class Switchboard:
    """Takes the switch's events, in order, one after another.

    While the database is locked or gone the same event is tried again, for as long as it takes: the others queue up
    behind it, and the switch keeps the audio going. An event our own code fails on is logged and left out, so that one
    fault does not stop all calls. `up`: the switch is joined. `behind`: an event waits for the database. `counters`:
    events, retried, failed.
    """

    def __init__(self, database: Database, phone: Phone) -> None:
        self._database = database
        self._phone = phone
        self.up = False
        self.behind = False
        self.counters: Counter[str] = Counter({"events": 0, "retried": 0, "failed": 0})

    async def run(self) -> None:
        """Take events until cancelled."""
        async for event in self._phone.events():
            await self.take(event)

    async def take(self, event: Event) -> None:
        """See to one event, however long the database is away."""
        self.counters["events"] += 1
        if isinstance(event, LinkUp | LinkDown):
            self.up = isinstance(event, LinkUp)
        try:
            await patiently(lambda: self._dispatch(event), lambda error, _: self._away(event, error))
        except Exception:
            self.counters["failed"] += 1
            log.exception("switchboard.event_failed", kind=event.kind)
        if self.behind:
            self.behind = False
            log.info("switchboard.database_back", kind=event.kind)

    async def _dispatch(self, event: Event) -> None:
        async with self._database.unit_of_work() as uow:
            await dispatch(uow, event)

    def _away(self, event: Event, error: Exception) -> None:
        if not self.behind:
            log.error("switchboard.database_away", kind=event.kind, error=str(error)[:500])
        self.behind = True
        self.counters["retried"] += 1


async def dispatch(uow: UnitOfWork, event: Event) -> None:  # noqa: C901 - one arm per event, no more
    """Hand an event to the service that owns it."""
    match event:
        case LegOffered():
            await calls.leg_offered(uow, event)
        case LegRinging():
            await calls.leg_ringing(uow, event)
        case LegAnswered():
            await calls.leg_answered(uow, event)
        case LegEnded():
            await calls.leg_ended(uow, event)
        case MachineDetected():
            await calls.machine_detected(uow, event)
        case DtmfReceived():
            await calls.dtmf_received(uow, event)
        case TextReceived():
            await texts.received(uow, event)
        case TextStatus():
            await texts.status(uow, event)
        case StationLive():
            await calls.station_live(uow, event)
        case StationLost():
            await calls.station_lost(uow, event)
        case TrunkChanged():
            await calls.trunk_changed(uow, event)
        case SwitchDraining(on=on):
            await calls.switch_draining(uow, on)
        case LinkUp(snapshot=snapshot):
            await calls.link_up(uow, snapshot)
            await texts.link_up(uow)
        case LinkDown():
            await calls.link_down(uow)

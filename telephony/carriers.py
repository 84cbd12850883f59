"""Several adapters as the one carrier the switch sees: each has the trunks of its kind."""

import asyncio
from collections.abc import Mapping, Sequence

from callcenter.phone import AnyTrunk, Originate, SendText, TraceLine, TrunkReport, TrunkState, Webhook, WebhookAnswer
from telephony.legs import Carrier, CarrierLeg, CarrierListener


class Carriers:
    """Implements telephony.legs.Carrier over others, by the `kind` of trunk each takes; the first answers for unknown trunks."""

    def __init__(self, kinds: Mapping[str, Carrier]) -> None:
        self._kinds = dict(kinds)
        self._first = next(iter(self._kinds.values()))
        self._of_trunk: dict[int, Carrier] = {}

    async def start(self, listener: CarrierListener) -> None:
        """Start each, in order; raises Unavailable with a sentence."""
        for carrier in self._kinds.values():
            await carrier.start(listener)

    async def stop(self) -> None:
        """Stop all at once."""
        await asyncio.gather(*(carrier.stop() for carrier in self._kinds.values()))

    def configure(self, trunks: Sequence[AnyTrunk]) -> None:
        """Give each the whole set; it takes its own."""
        self._of_trunk = {each.trunk_id: self._kinds[each.kind] for each in trunks if each.kind in self._kinds}
        for carrier in self._kinds.values():
            carrier.configure(trunks)

    def _of(self, trunk_id: int) -> Carrier:
        return self._of_trunk.get(trunk_id, self._first)

    def originate(self, command: Originate) -> CarrierLeg:
        """Dial on the trunk's adapter."""
        return self._of(command.trunk_id).originate(command)

    def send_text(self, command: SendText) -> None:
        """Send on the trunk's adapter; raises Invalid with a sentence."""
        self._of(command.trunk_id).send_text(command)

    async def webhook(self, query: Webhook) -> WebhookAnswer:
        """Ask the trunk's adapter."""
        return await self._of(query.trunk_id).webhook(query)

    async def test(self, trunk_id: int) -> TrunkReport:
        """Ask the trunk's adapter; raises NotFound."""
        return await self._of(trunk_id).test(trunk_id)

    async def set_webhooks(self, trunk_id: int) -> TrunkReport:
        """Ask the trunk's adapter; raises NotFound."""
        return await self._of(trunk_id).set_webhooks(trunk_id)

    def trace(self, trunk_id: int) -> tuple[TraceLine, ...]:
        """Ask the trunk's adapter."""
        return self._of(trunk_id).trace(trunk_id)

    def states(self) -> tuple[TrunkState, ...]:
        """Return every trunk's state."""
        return tuple(state for carrier in self._kinds.values() for state in carrier.states())

    @property
    def counters(self) -> dict[str, int]:
        """Sum the adapters' totals by name."""
        total: dict[str, int] = {}
        for carrier in self._kinds.values():
            for name, count in carrier.counters.items():
                total[name] = total.get(name, 0) + count
        return total

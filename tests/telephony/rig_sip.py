"""The stories' rig over the real switch with a SIP trunk and RTP on loopback.

The customers are legs of a second SIP adapter, which plays the carrier; browsers are scripted (their own tests have
real ones). Foreign telephones ring the switch in tests/peers.
"""

from callcenter.config import Settings
from callcenter.phone import ConfigureTrunks, TrunkConfig
from callcenter.phone_fake import Outcome
from telephony.media.rtp_port import RtpPorts
from telephony.sip.trunks import SipCarrier
from tests.telephony.disturbed import disturbed
from tests.telephony.far_end import HOST, FarEnd, SipCustomer
from tests.telephony.rig import TRUNK, Disturbance
from tests.telephony.rig_real import RealRig


class SipRig(RealRig):
    """All of the real thing but the browser. What its carrier says is disturbed as datagrams are."""

    texts = False

    async def open_world(self) -> None:
        self.far_end = FarEnd(self.folder, range(41000, 41999))
        await self.far_end.carrier.start(self.far_end)

    async def close_world(self) -> None:
        await self.far_end.carrier.stop()

    def make_carrier(self) -> SipCarrier:
        self._carrier = SipCarrier(Settings(data_dir=self.folder, sip=f"{HOST}:0"), RtpPorts(range(42000, 42999), HOST))
        return self._carrier

    async def configure(self) -> None:
        self.send(ConfigureTrunks((TrunkConfig(TRUNK, "far", HOST, self.far_end.port),)))
        self.far_end.aim(self._carrier.listening[1])
        await self.snapshot()

    def customer_calls(self, number: str, dialled: str) -> SipCustomer:
        return self.far_end.call(number, dialled)

    def when_called(self, number: str, outcome: Outcome) -> None:
        self.far_end.outcomes[number] = outcome

    def dialled(self, number: str) -> SipCustomer:
        return self.far_end.by_number[number]

    def disturb(self, how: Disturbance) -> None:
        disturbed(self.far_end.carrier, how)

    def customer_texts(self, number: str, dialled: str, text: str) -> str:
        raise NotImplementedError

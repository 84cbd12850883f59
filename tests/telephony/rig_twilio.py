"""The stories' rig over the real switch with a Twilio trunk: tests/peers/twilio is at its far end.

What differs from the other kinds, and why: a web that restarts drops the webhooks in its hands; Twilio then asks at the
number's fallback address, as it is set by SetWebhooks. While the link is down the web holds webhooks for a moment.
"""

from callcenter.config import Settings
from callcenter.phone import ConfigureTrunks, SetWebhooks, TrunkChanged, TrunkReport, TwilioConfig
from callcenter.phone_fake import Outcome
from telephony.carriers import Carriers
from telephony.legs import Carrier
from telephony.twilio.carrier import TwilioCarrier
from telephony.twilio.patience import Patience
from tests.peers.twilio import PeerCall, TwilioPeer
from tests.telephony.rig import TRUNK, Disturbance
from tests.telephony.rig_real import RealRig
from tests.telephony.twilio.front import HOST, Front, free_port

FIRM = "+48221234567"


class TwilioRig(RealRig):
    """All of the real thing but the browser and Twilio."""

    patience = Patience(
        webhook=2.0,
        asking=3.0,
        overdue=0.5,
        silent=1.0,
        uncertain=0.5,
        retry=0.05,
        refusal=0.3,
        ended=0.5,
        leftovers=0.5,
        text=0.5,
    )
    machine_detection = False
    calls_per_second = 500.0
    longest_call_seconds = 0

    async def open_world(self) -> None:
        self.peer = TwilioPeer()
        await self.peer.start()
        self.peer.own(FIRM)
        self.front = Front(lambda: self.phone)
        await self.front.start()
        self._streams = f"{HOST}:{free_port()}"

    async def close_world(self) -> None:
        await self.peer.stop()
        await self.front.stop()

    def make_carrier(self) -> Carrier:
        self.carrier = TwilioCarrier(Settings(data_dir=self.folder, streams=self._streams), self.patience)
        return Carriers({"twilio": self.carrier})

    @property
    def config(self) -> TwilioConfig:
        return TwilioConfig(
            TRUNK,
            "twilio",
            self.peer.account_sid,
            self.peer.auth_token,
            public_url=self.front.url,
            stream_url=f"ws://{self._streams}/streams",
            api_url=self.peer.url,
            numbers=(FIRM,),
            calls_per_second=self.calls_per_second,
            machine_detection=self.machine_detection,
            longest_call_seconds=self.longest_call_seconds,
        )

    async def configure(self) -> None:
        before = len(self._ready())
        self.send(ConfigureTrunks((self.config,)))
        await self.until(lambda: len(self._ready()) > before)
        report = await self.phone.ask(SetWebhooks(TRUNK), timeout=30)
        assert isinstance(report, TrunkReport)
        assert all(each.ok for each in report.checks), report

    def _ready(self) -> list[TrunkChanged]:
        return [each for each in self.of(TrunkChanged) if each.trunk.state == "ready"]

    async def restart_web(self) -> None:
        self.front.drop()
        await super().restart_web()

    def customer_calls(self, number: str, dialled: str) -> PeerCall:
        return self.peer.customer_calls(number, dialled)

    def when_called(self, number: str, outcome: Outcome) -> None:
        self.peer.when_called(number, outcome)

    def dialled(self, number: str) -> PeerCall:
        return self.peer.dialled(number)

    def disturb(self, how: Disturbance) -> None:
        faults = self.peer.faults
        match how:
            case Disturbance.TWICE:
                faults.twice = True
            case Disturbance.LATE:
                faults.late = 0.3
            case Disturbance.REORDERED:
                faults.order = "reversed"
            case Disturbance.LOST:  # all that tells the state of a call: then Twilio has to be asked
                faults.lose = {"initiated", "ringing", "answered", "completed", "number"}

    def customer_texts(self, number: str, dialled: str, text: str) -> str:
        return self.peer.customer_texts(number, dialled, text)

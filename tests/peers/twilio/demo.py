"""The demo's Twilio: the peer with the demo customers behind it, driven by the rehearsal's control connection."""

import asyncio
import dataclasses
import random
from collections import deque
from typing import Any

import structlog

from callcenter.config import Settings, host_port
from callcenter.errors import Conflict, Invalid, NotFound, Unavailable
from callcenter.main.twilio_demo import Account
from callcenter.phone_fake import Outcome
from telephony.lab.control import Control
from telephony.lab.customers import CUSTOMERS, DEMO_NUMBER, Behaviour, Customer, normal
from tests.peers.twilio.call import PeerCall
from tests.peers.twilio.demo_customer import OUTCOMES, DemoCall
from tests.peers.twilio.peer import TwilioPeer
from tests.peers.twilio.texts import PeerMessage, TextOutcome
from tests.peers.twilio.told import Callback

log = structlog.get_logger(__name__)

_WITHHELD = "+266696687"  # ANONYMOUS on a keypad: what Twilio says of a caller who hides
_REMEMBERED = 100  # ended calls kept for the control connection
_ANSWER_AFTER = 3.0  # seconds
_ANSWER = "Thank you, I have read it. Please call me tomorrow."
_TEXTS = {
    Behaviour.SILENT: TextOutcome.SENT,
    Behaviour.REJECTS: TextOutcome.UNSUBSCRIBED,
    Behaviour.TROUBLE: TextOutcome.UNDELIVERED,
}


class DemoPeer(TwilioPeer):
    """The peer, with the demo customers at the far ends (telephony.lab.control.Carrier)."""

    def __init__(self, account: Account, address: tuple[str, int]) -> None:
        host, port = address
        super().__init__(account_sid=account.account_sid, auth_token=account.auth_token, host=host, port=port)
        self.customers = {each.number: each for each in CUSTOMERS}
        self._calls: dict[str, DemoCall] = {}
        self._past: deque[DemoCall] = deque(maxlen=_REMEMBERED)

    # --- what the control connection asks -----------------------------------------------------------------------------

    async def let_call(self, number: str | None = None, dialled: str | None = None, tone: int = 0) -> DemoCall:
        """Let a customer (a random one who is free) call one of our numbers; raises Conflict, NotFound."""
        customer = self._customer(number) if number else self._anybody()
        if self._talks(customer):
            raise Conflict("{name} is on the phone already.", name=customer.name)
        target = normal(dialled or DEMO_NUMBER)
        if target not in self.numbers:
            raise NotFound("{number} is none of this account's numbers.", number=target)
        call = self.customer_calls(_WITHHELD if customer.withheld else customer.number, target)
        return self._follow(DemoCall(call, customer, "in", tone))

    def demo_calls(self) -> list[DemoCall]:
        """Return the customers' calls, those that ended lately first."""
        return [*self._past, *self._calls.values()]

    def demo_call(self, sid: str) -> DemoCall:
        """Return a call in progress; raises NotFound."""
        if sid not in self._calls:
            raise NotFound("This customer is not on the phone any more.")
        return self._calls[sid]

    def behave(self, number: str, behaviour: str) -> Customer:
        """Change what a customer does when called."""
        if behaviour not in set(Behaviour):
            raise Invalid("Customers do not know how to behave like {behaviour}.", field="behaviour", behaviour=behaviour)
        changed = dataclasses.replace(self._customer(number), behaviour=Behaviour(behaviour))
        self.customers[changed.number] = changed
        return changed

    # --- what the product asks ----------------------------------------------------------------------------------------

    def dial(self, options: dict[str, Any], callback: Callback | None) -> PeerCall:
        """Call a customer; a number that is none of theirs does not exist."""
        customer = self.customers.get(options["To"])
        if customer is None:
            outcome = Outcome.UNREACHABLE
        else:
            outcome = Outcome.BUSY if self._talks(customer) else OUTCOMES.get(customer.behaviour, Outcome.RINGS)
        self.when_called(options["To"], outcome)
        call = super().dial(options, callback)
        if customer is not None:
            self._follow(DemoCall(call, customer, "out"))
        return call

    def text_outcome(self, number: str) -> TextOutcome:
        """Return what becomes of a text: most customers get it, a landline takes none."""
        customer = self.customers.get(number)
        if not number.startswith("+485"):
            return TextOutcome.LANDLINE
        return TextOutcome.FAILED if customer is None else _TEXTS.get(customer.behaviour, TextOutcome.DELIVERED)

    def send_text(self, message: PeerMessage) -> None:
        """Send a text; a customer who gets it answers."""
        super().send_text(message)
        if self.text_outcome(message.to) is TextOutcome.DELIVERED and message.direction == "outbound-api":
            self.spawn(self._answer(message))

    async def _answer(self, message: PeerMessage) -> None:
        await asyncio.sleep(_ANSWER_AFTER)
        self.customer_texts(message.to, message.from_, _ANSWER)

    def alert(self, code: int, sid: str, sentence: str) -> None:
        """Note what Twilio's debugger would show, in our log too."""
        super().alert(code, sid, sentence)
        log.warning("twilio would show an alert", code=code, sid=sid, sentence=sentence)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _customer(self, number: str) -> Customer:
        if normal(number) not in self.customers:
            raise NotFound("{number} is not the number of a demo customer.", number=number)
        return self.customers[normal(number)]

    def _anybody(self) -> Customer:
        free = [each for each in self.customers.values() if not self._talks(each)]
        if not free:
            raise Conflict("All demo customers are on the phone already.")
        return random.choice(free)

    def _talks(self, customer: Customer) -> bool:
        return any(each.customer.number == customer.number for each in self._calls.values())

    def _follow(self, call: DemoCall) -> DemoCall:
        async def until_over() -> None:
            try:
                await call.live()
            finally:
                self._calls.pop(call.call.sid, None)
                self._past.append(call)

        self._calls[call.call.sid] = call
        log.info("customer's call", number=call.customer.number)
        self.spawn(until_over())
        return call


class _Carrier:
    """The peer as the control connection knows carriers."""

    def __init__(self, peer: DemoPeer) -> None:
        self.customers = peer.customers
        self.let_call, self.calls, self.call, self.behave = peer.let_call, peer.demo_calls, peer.demo_call, peer.behave

    def registered(self) -> list[str]:
        """Nobody registers at Twilio."""
        return []


async def serve(settings: Settings, account: Account, stop: asyncio.Event) -> None:
    """Run until `stop` is set; raises Unavailable when the address is taken."""
    peer = DemoPeer(account, host_port(settings.lab_twilio))
    peer.webhooks.verify = not settings.tls_cert  # whose name is not this machine's
    peer.ringing_seconds = 0.1
    hooks = account.webhooks
    peer.own(DEMO_NUMBER, voice_url=f"{hooks}/voice", status_callback=f"{hooks}/status", sms_url=f"{hooks}/text")
    try:
        await peer.start()
    except OSError as error:
        raise Unavailable(
            "The demo's Twilio cannot listen on {address}: {why}. Free it or set CALLCENTER_LAB_TWILIO.",
            address=settings.lab_twilio,
            why=error.strerror or str(error),
        ) from error
    control = Control(_Carrier(peer), settings.socket_path("lab"))
    try:
        await control.open()
        log.info("the demo's Twilio is ready", url=peer.url, customers=len(peer.customers))
        await stop.wait()
    finally:
        await control.close()
        await peer.stop()
        log.info("the demo's Twilio has stopped", calls=len(peer.calls), messages=len(peer.messages), alerts=len(peer.alerts))

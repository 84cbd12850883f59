"""Two legs joined by the exchange, signalling only: audio goes straight between the ends, as with a carrier's proxy."""

from telephony.lab.leg import Leg
from telephony.lab.message import Message
from telephony.lab.transactions import ServerTransaction


class Relay:
    """Passes what happens on one leg to the other. Set both legs before anything is answered."""

    def __init__(self) -> None:
        self.caller: Leg | None = None
        self.callee: Leg | None = None

    def leg_progress(self, leg: Leg, response: Message) -> None:
        """The callee rings."""
        if self.caller is not None:
            self.caller.ring(response.body if response.is_sdp else b"")

    def leg_answered(self, leg: Leg, message: Message) -> None:
        """The callee answered (and so do we), or the caller confirmed it."""
        if leg is self.callee and self.caller is not None:
            if self.caller.state == "ended":
                leg.hang_up()
                return
            self.caller.ring()  # pyVoIP loses a 200 that nothing came before
            self.caller.accept(message.body)

    def leg_requested(self, leg: Leg, request: Message, transaction: ServerTransaction) -> None:
        """Pass hold, UPDATE, INFO on and bring the answer back."""
        other = self._other(leg)
        if other is None or other.state != "answered" or request.method not in ("INVITE", "UPDATE", "INFO", "OPTIONS"):
            leg.reply(transaction, 481, "Call/Transaction Does Not Exist")
            return

        def answered(response: Message) -> None:
            if response.status >= 200:
                leg.reply(transaction, response.status, response.reason, response.body if response.is_sdp else b"")

        other.request(request.method, request.body, request.first("Content-Type") or "application/sdp", answered)

    def leg_ended(self, leg: Leg, status: int, reason: str) -> None:
        """One end refused, gave up or hung up: so does the other."""
        other = self._other(leg)
        if other is None:
            return
        if leg is self.callee and other.state == "ringing":
            other.refuse(status if status >= 300 else 480, reason if status >= 300 else "Temporarily Unavailable")
        else:
            other.hang_up()

    def _other(self, leg: Leg) -> Leg | None:
        return self.callee if leg is self.caller else self.caller

"""Twilio's requests of us, each checked for its signature, and what they are answered."""

from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import structlog

from callcenter import clock
from callcenter.phone import LegOffered, Webhook, WebhookAnswer
from telephony.legs import CarrierListener
from telephony.twilio import outcomes, signatures, trace, twiml
from telephony.twilio.inbound import InboundLeg, caller
from telephony.twilio.streams import Streams
from telephony.twilio.texts import Texts

if TYPE_CHECKING:
    from telephony.twilio.account import Account

log = structlog.get_logger(__name__)

ECHO = "echo"  # our own, by which a test of the trunk reaches us as Twilio would
_LONGEST_NAME = 100
_DONE = WebhookAnswer(204)


class Webhooks:
    """Answers webhooks of whichever account signed them."""

    def __init__(self, streams: Streams, texts: Texts) -> None:
        self._streams, self._texts = streams, texts

    async def take(self, accounts: Iterable["Account"], listener: CarrierListener, webhook: Webhook) -> WebhookAnswer:
        """Take a webhook for one of these accounts: 403 when none of them signed it."""
        received = clock.monotonic()
        account = next((each for each in accounts if signatures.genuine(each.config, webhook)), None)
        if account is None:
            return WebhookAnswer(403)
        fields = dict([*parse_qsl(webhook.query), *webhook.params])
        account.trace.record(False, "webhook", f"{webhook.path}?{webhook.query}\n{trace.form(webhook.params)}")
        answer = await self._answer(account, listener, webhook.path, fields, received)
        if answer.body:
            account.trace.record(True, "webhook", f"{webhook.path} {answer.status}\n{answer.body}")
        return answer

    async def _answer(
        self, account: "Account", listener: CarrierListener, path: str, fields: dict[str, str], received: float
    ) -> WebhookAnswer:
        match path:
            case "voice" | "ringing":
                return WebhookAnswer(200, await self._voice(account, listener, fields, received), twiml.TYPE)
            case "status":
                self._status(account, fields)
            case "machine":
                self._machine(account, listener, fields)
            case "text":
                self._texts.received(account, listener, fields)
                return WebhookAnswer(200, twiml.NOTHING, twiml.TYPE)
            case "text-status":
                self._texts.status(listener, fields.get("message", ""), fields)
            case "echo":
                return WebhookAnswer(200, fields.get("nonce", ""))
            case _:
                return WebhookAnswer(404)
        return _DONE

    # --- calls --------------------------------------------------------------------------------------------------------

    async def _voice(self, account: "Account", listener: CarrierListener, fields: dict[str, str], received: float) -> str:
        """Say what an inbound call is to do; the first time, tell that it rings."""
        sid, book = fields.get("CallSid", ""), account.book
        leg = book.call(sid)
        if leg is None and sid in book.over:
            return book.fetched(sid)
        new = leg is None and sid != "" and sid not in book.final and fields.get("Direction", "inbound") == "inbound"
        if new and fields.get("CallStatus", "ringing") not in outcomes.FINAL:
            leg = self._offer(account, listener, fields, received)
        if not isinstance(leg, InboundLeg):
            return twiml.hang_up()
        return await leg.instructions()

    def _offer(self, account: "Account", listener: CarrierListener, fields: dict[str, str], received: float) -> InboundLeg:
        leg = InboundLeg(clock.new_id(), account, listener, self._streams)
        leg.called(fields["CallSid"])
        account.count("calls_in")
        number, withheld = caller(fields.get("From", ""))
        listener.leg_offered(
            leg,
            LegOffered(
                leg_id=leg.leg_id,
                trunk_id=leg.trunk_id,
                number=number,
                name="" if withheld else fields.get("CallerName", "")[:_LONGEST_NAME],
                dialled=fields.get("To", ""),
                withheld=withheld,
                provider_ref=leg.provider_ref,
                received=received,
            ),
        )
        return leg

    def _status(self, account: "Account", fields: dict[str, str]) -> None:
        """Take Twilio's word for the state of a call. One that nobody here knows is ended: its switch is gone."""
        sid, status, book = fields.get("CallSid", ""), fields.get("CallStatus", ""), account.book
        leg_id = fields.get("leg", "")
        leg = book.leg(leg_id) or book.call(sid)
        if leg is not None:
            leg.called(sid)
            if leg.provider_ref == sid:
                leg.told_status(status, fields)
                return
        if status in outcomes.FINAL:
            book.final.note(sid)
        elif leg_id and sid and sid not in book.final:
            account.end_call(sid)

    def _machine(self, account: "Account", listener: CarrierListener, fields: dict[str, str]) -> None:
        leg = account.book.leg(fields.get("leg", ""))
        if leg is not None and not leg.ended and fields.get("AnsweredBy", ""):
            listener.machine_detected(leg, outcomes.picked_up_by(fields["AnsweredBy"]))

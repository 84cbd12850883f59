"""Text messages: sent once, followed by Twilio's word for their state, asked about when no word comes."""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import structlog

from callcenter.phone import SendText, TextReceived, TextStatus
from telephony.legs import CarrierListener
from telephony.twilio import outcomes, signatures
from telephony.twilio.book import Recent
from telephony.twilio.errors import Refused, TooFast, Uncertain, Unsent

if TYPE_CHECKING:
    from telephony.twilio.account import Account

log = structlog.get_logger(__name__)

_TRIES = 6
_LOOKS = 5  # at a message no word comes of, ever further apart
_ORDER: dict[str, int] = {"sent": 1, "uncertain": 1, "delivered": 2, "undelivered": 2, "failed": 2}


class Texts:
    """The messages of all accounts."""

    def __init__(self) -> None:
        self._told = Recent()  # by our id of a message, the last state told

    def send(self, account: "Account", listener: CarrierListener, command: SendText) -> None:
        """Send a message."""
        account.spawn(self._send(account, listener, command))

    async def _send(self, account: "Account", listener: CarrierListener, command: SendText) -> None:
        callback = signatures.address(account.config, "text-status", f"message={command.message_id}")
        try:
            sent = await self._hand_over(account, command, callback)
        except Refused as error:
            account.refused(error)
            self._tell(listener, TextStatus(command.message_id, "failed", code=error.code, words=error.words))
        except Unsent as error:
            self._tell(listener, TextStatus(command.message_id, "failed", words=f"Twilio cannot be reached: {error}"))
        except Uncertain as error:
            log.warning("twilio.text_uncertain", message=command.message_id, reason=str(error))
            self._tell(listener, TextStatus(command.message_id, "uncertain", words=str(error)))
        else:
            account.count("texts_out")
            await self._follow(account, listener, command.message_id, sent)

    async def _hand_over(self, account: "Account", command: SendText, callback: str) -> Any:
        """Ask for a message to be sent, again only while it certainly is not."""
        wait = account.patience.retry
        for tried in range(1, _TRIES + 1):
            try:
                return await account.api.send(command, callback)
            except (TooFast, Unsent) as error:
                if tried == _TRIES:
                    raise
                await asyncio.sleep(max(wait, error.after if isinstance(error, TooFast) else 0.0))
                wait *= 2
        raise AssertionError

    async def _follow(self, account: "Account", listener: CarrierListener, message_id: str, sent: Any) -> None:
        """Tell what is known, and ask when Twilio says nothing more."""
        wait = account.patience.text
        for _ in range(_LOOKS):
            self._take(listener, message_id, str(sent.status), str(sent.sid), sent.error_code, sent.error_message or "")
            await asyncio.sleep(wait)
            if _ORDER.get(self._told.get(message_id, ""), 0) > 1:
                return
            wait *= 4
            try:
                sent = await account.api.message(str(sent.sid))
            except (Refused, Unsent, Uncertain) as error:
                log.info("twilio.look_failed", message=message_id, error=str(error))

    def status(self, listener: CarrierListener, message_id: str, params: Mapping[str, str]) -> None:
        """Take Twilio's word for the state of a message."""
        code, words = params.get("ErrorCode", ""), params.get("ErrorMessage", "")
        status = params.get("MessageStatus", "") or params.get("SmsStatus", "")
        self._take(listener, message_id, status, params.get("MessageSid", ""), int(code) if code.isdigit() else None, words)

    def _take(self, listener: CarrierListener, message_id: str, status: str, sid: str, code: int | None, words: str) -> None:
        state = outcomes.of_text(status)
        if message_id and state is not None:
            wrong = state in ("undelivered", "failed")
            words = (words or status) if wrong else ""
            self._tell(listener, TextStatus(message_id, state, sid, code if wrong else None, words[:200]))

    def _tell(self, listener: CarrierListener, status: TextStatus) -> None:
        """Tell a state that is further than the one told before; a final one is final."""
        if _ORDER[status.state] > _ORDER.get(self._told.get(status.message_id, ""), 0):
            self._told.note(status.message_id, status.state)
            listener.text_status(status)

    def received(self, account: "Account", listener: CarrierListener, params: Mapping[str, str]) -> None:
        """Take a message that came in."""
        sid = params.get("MessageSid", "") or params.get("SmsSid", "")
        if sid:
            account.count("texts_in")
            told = TextReceived(
                account.config.trunk_id, sid, params.get("From", ""), params.get("To", ""), params.get("Body", "")
            )
            listener.text_received(told)

"""The Test button of an account: what works, and what to do about what does not; and the setting of its webhooks."""

import asyncio
import secrets
from typing import TYPE_CHECKING, Any

import orjson
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from callcenter.phone import Check, TrunkReport
from telephony.twilio import signatures
from telephony.twilio.errors import Refused, Uncertain, Unsent
from telephony.twilio.webhooks import ECHO

if TYPE_CHECKING:
    from telephony.twilio.account import Account
    from telephony.twilio.port import StreamPort
    from telephony.twilio.streams import Streams

_SECONDS = 6.0  # longer than Twilio takes, shorter than a person waits


async def run(account: "Account", streams: "Streams") -> TrunkReport:
    """Try an account: credentials, each number and where it leads, our public address, our audio streams. Never raises."""
    credentials = await _credentials(account)
    work = [_webhooks(account), _streams(account, streams)]
    if credentials.ok:
        work = [*(_number(account, each) for each in account.config.numbers), *work]
    return TrunkReport((credentials, *(await asyncio.gather(*work))))


async def set_webhooks(account: "Account") -> TrunkReport:
    """Tell Twilio where the calls and messages to each of our numbers go: to us. Never raises."""
    if not account.config.numbers:
        return TrunkReport(
            (Check("number", False, "No numbers are entered. Enter the numbers of this account, then set their webhooks."),)
        )
    return TrunkReport(tuple([await _set(account, each) for each in account.config.numbers]))


async def _credentials(account: "Account") -> Check:
    problem = await account.try_credentials()
    if problem is None and account.config.api_key:
        try:
            await account.api.number(next(iter(account.config.numbers), ""))
        except (Refused, Unsent, Uncertain):
            return Check("credentials", False, "Twilio accepts the auth token, but not the API key with its secret.")
    account.problem("account", problem)
    if problem is None:
        return Check("credentials", True, "Twilio accepts the account SID with its token or key.")
    return Check("credentials", False, problem.sentence, {name: str(value) for name, value in problem.values.items()})


def wanted(account: "Account") -> dict[str, str]:
    """Return where a number's calls and messages are to go, by Twilio's names."""
    return {
        "voice_url": signatures.address(account.config, "voice"),
        "status_callback": signatures.address(account.config, "status"),
        "sms_url": signatures.address(account.config, "text"),
    }


async def _number(account: "Account", number: str) -> Check:
    told = {"number": number}
    try:
        found = await account.api.number(number)
    except (Refused, Unsent, Uncertain) as error:
        return Check("number", False, "Twilio could not be asked for {number} ({reason}).", {**told, "reason": str(error)})
    if found is None:
        return Check("number", False, "{number} is none of this account's numbers.", told)
    elsewhere = [name for name, address in wanted(account).items() if getattr(found, name) != address]
    if found.voice_application_sid or found.trunk_sid:  # they go before the addresses
        elsewhere.append("voice_application_sid" if found.voice_application_sid else "trunk_sid")
    if elsewhere:
        told["fields"] = ", ".join(elsewhere)
        return Check("number", False, "{number} does not lead to us yet ({fields}). Set its webhooks.", told)
    return Check("number", True, "Calls and messages to {number} come to us.", told)


async def _set(account: "Account", number: str) -> Check:
    told = {"number": number}
    try:
        found = await account.api.number(number)
        if found is None:
            return Check("number", False, "{number} is none of this account's numbers.", told)
        methods = dict.fromkeys(("voice_method", "voice_fallback_method", "status_callback_method", "sms_method"), "POST")
        # A web that is restarted leaves a webhook without an answer: Twilio then asks there, and finds the same call waiting.
        others = {} if found.voice_fallback_url else {"voice_fallback_url": wanted(account)["voice_url"]}
        others |= {name: "" for name in ("voice_application_sid", "trunk_sid") if getattr(found, name)}
        await account.api.set_number(str(found.sid), **wanted(account), **methods, **others)
    except (Refused, Unsent, Uncertain) as error:
        return Check("number", False, "Twilio did not change {number} ({reason}).", {**told, "reason": str(error)})
    return Check("number", True, "Calls and messages to {number} come to us.", told)


async def _webhooks(account: "Account") -> Check:
    """Reach ourselves as Twilio would: a signed webhook to the public address, which says a word only we know."""
    config, nonce = account.config, secrets.token_hex(8)
    told = {"address": config.public_url}
    params = (("nonce", nonce),)
    headers = {
        "X-Twilio-Signature": signatures.sign(config, ECHO, "", params),
        "Content-Type": "application/x-www-form-urlencoded",
    }
    try:
        async with asyncio.timeout(_SECONDS):
            address = signatures.address(config, ECHO)
            status, text = await account.api.fetch("POST", address, list(params), headers)
    except (OSError, TimeoutError, ValueError) as error:
        told["reason"] = str(error) or "no answer in time"
        return Check("public_url", False, "The public address {address} cannot be reached from here ({reason}).", told)
    if status == 403:
        sentence = "{address} leads to us, but refuses webhooks: this is not the address they were signed for."
        return Check("public_url", False, sentence=sentence, values=told)
    if text != nonce:
        told["status"] = str(status)
        return Check("public_url", False, "The public address {address} does not lead to this switch (HTTP {status}).", told)
    return Check("public_url", True, "Webhooks reach us at {address}.", told)


async def _streams(account: "Account", streams: "Streams") -> Check:
    """Reach our own audio streams as Twilio would, with a token of our own."""
    told = {"address": account.config.stream_url}
    began = asyncio.Event()

    def hear(port: "StreamPort", _: str) -> None:
        began.set()
        port.close()

    token = streams.expect(hear)
    try:
        async with asyncio.timeout(_SECONDS), connect(account.config.stream_url, compression=None) as socket:
            await socket.send(_start(token))
            await began.wait()
    except (OSError, TimeoutError, ValueError, WebSocketException) as error:
        told["reason"] = str(error) or "no answer in time"
        return Check("stream_url", False, "The address of the audio streams {address} cannot be reached ({reason}).", told)
    finally:
        streams.expect_no_more(token)
    return Check("stream_url", True, "Audio streams reach us at {address}.", told)


def _start(token: str) -> str:

    start: dict[str, Any] = {"streamSid": "MZtest", "callSid": "", "mediaFormat": {"encoding": "audio/x-mulaw"}}
    return orjson.dumps({"event": "start", "start": {**start, "customParameters": {"token": token}}}).decode()

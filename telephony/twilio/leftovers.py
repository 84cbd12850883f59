"""Calls at Twilio that nobody here knows: of a switch that was killed. They cost money, and are ended."""

import asyncio
from typing import TYPE_CHECKING, Any

import structlog

from telephony.twilio.errors import Refused, Uncertain, Unsent
from telephony.twilio.outbound import OutboundLeg

if TYPE_CHECKING:
    from telephony.twilio.account import Account

log = structlog.get_logger(__name__)

_ALIVE = ("queued", "ringing", "in-progress")
_EVERY = 30  # looks: ten minutes, as a rule


async def end_them(account: "Account") -> None:
    """Look at once, then now and then. A caller who rings is left a while: their call asks us what to do, and is ours then."""
    before: set[str] = set()
    while not account.retired:
        found = await look(account)
        for each in found:
            sid = str(each.sid)
            if each.status == "in-progress" or sid in before:
                log.warning("twilio.leftover", call=sid, status=each.status)
                account.count("twilio_leftovers")
                account.end_call(sid)
        before = {str(each.sid) for each in found}
        await asyncio.sleep(account.patience.leftovers * (1 if before else _EVERY))


async def look(account: "Account") -> list[Any]:
    """Return the calls from and to our numbers that nobody here knows; those just being dialled are ours."""
    numbers = set(account.config.numbers)
    found: list[Any] = []
    if not numbers:
        return found
    for status in _ALIVE:
        try:
            found += await account.api.alive(status)
        except (Refused, Unsent, Uncertain) as error:
            log.info("twilio.look_failed", trunk=account.config.name, error=str(error))
    asked = {leg.command.number for leg in account.book if isinstance(leg, OutboundLeg) and leg.asked}
    return [each for each in found if _left_over(account, each, numbers, asked)]


def _left_over(account: "Account", call: Any, numbers: set[str], asked: set[str]) -> bool:
    ours = call.to in numbers if call.direction == "inbound" else call._from in numbers
    sid = str(call.sid)
    return ours and not account.book.knows(sid) and sid not in account.book.final and call.to not in asked

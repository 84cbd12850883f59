"""Asking the built-in carrier (telephony/lab, demo only) to let its customers call: one JSON object a line on its socket."""

import asyncio
import json
from typing import Any

from callcenter.config import Settings
from callcenter.errors import CallCenterError, Conflict, Invalid, NotFound, Unavailable

_PATIENCE = 5.0  # seconds for an answer from a process on this machine
_ERRORS: dict[str, type[CallCenterError]] = {"not_found": NotFound, "conflict": Conflict, "invalid": Invalid}


async def customers(settings: Settings) -> list[dict[str, Any]]:
    """Return the demo customers: number, name, behaviour, organisation, contacts, withheld, laws."""
    answer = await _ask(settings, {"do": "customers"})
    return list(answer["customers"])


async def let_call(
    settings: Settings, customer: str | None = None, dialled: str | None = None, *, tone: int = 0
) -> dict[str, Any]:
    """Let a customer (number; None: anybody free) call `dialled` (None: the demo project's number); returns the call.

    With `tone` (Hz) the customer hums it instead of speaking, for measurements.
    """
    answer = await _ask(settings, {"do": "call", "customer": customer, "dialled": dialled, "tone": tone})
    return dict(answer["call"])


async def calls(settings: Settings) -> list[dict[str, Any]]:
    """Return the customers' calls, the ended ones of late included.

    Each: id, number, name, other, direction (in, out: as the product sees it), state (calling, ringing, talking, ended),
    outcome, status, seconds, law, received, sent, digits (what the far end pressed), heard ({level, hertz} of the
    last second, level in dB of full scale).
    """
    answer = await _ask(settings, {"do": "calls"})
    return list(answer["calls"])


async def hang_up(settings: Settings, call_id: str) -> None:
    """Let the customer put the phone down."""
    await _ask(settings, {"do": "hang_up", "call": call_id})


async def press(settings: Settings, call_id: str, digits: str) -> None:
    """Let the customer press keys (0-9 * # A-D)."""
    await _ask(settings, {"do": "press", "call": call_id, "digits": digits})


async def behave(settings: Settings, customer: str, behaviour: str) -> dict[str, Any]:
    """Change what a customer does when called: answers, slow, brief, announcement, busy, silent, rejects, trouble,
    presses, machine.
    """
    answer = await _ask(settings, {"do": "behave", "customer": customer, "behaviour": behaviour})
    return dict(answer["customer"])


async def registered(settings: Settings) -> list[str]:
    """Return the accounts registered at the carrier now: `callcenter` is the product's trunk."""
    answer = await _ask(settings, {"do": "registered"})
    return [str(each) for each in answer["accounts"]]


async def _ask(settings: Settings, request: dict[str, Any]) -> dict[str, Any]:
    try:
        async with asyncio.timeout(_PATIENCE):
            reader, writer = await asyncio.open_unix_connection(settings.socket_path("lab"), limit=2**20)
            try:
                writer.write(json.dumps(request).encode() + b"\n")
                await writer.drain()
                line = await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError) as error:
        raise Unavailable("The built-in carrier is not running; start the product with --demo.") from error
    if not line:
        raise Unavailable("The built-in carrier is not running; start the product with --demo.")
    answer = json.loads(line)
    if answer.get("ok"):
        return dict(answer)
    raise _ERRORS.get(answer.get("code", ""), Unavailable)(str(answer["sentence"]), **answer.get("values", {}))

"""The lab's control connection: one JSON object a line on a local socket, one answer a line (callcenter/rehearsal.py asks).

Asked: {"do": "customers" | "call" | "calls" | "hang_up" | "press" | "behave" | "registered", ...}. Answered: {"ok": true, ...}
or {"ok": false, "code", "sentence", "values"}.
"""

import asyncio
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import structlog

from callcenter.errors import CallCenterError, Invalid
from telephony.lab.customers import Customer

log = structlog.get_logger(__name__)

_LINE = 65_536


class Call(Protocol):
    """A customer on the phone."""

    def view(self) -> dict[str, object]:
        """Return what is told of the call (callcenter/rehearsal.py)."""

    def press(self, digits: str) -> None:
        """Press keys; raises ValueError for one no phone has."""

    def hang_up(self) -> None:
        """Put the phone down."""


class Carrier(Protocol):
    """Whose customers these are: the SIP exchange, or another carrier's."""

    customers: dict[str, Customer]

    async def let_call(self, number: str | None = None, dialled: str | None = None, tone: int = 0) -> Call:
        """Let a customer (None: one who is free) call the product; raises Conflict, NotFound."""

    def calls(self) -> Sequence[Call]:
        """Return the customers' calls, those that ended lately first."""

    def call(self, call_id: str) -> Call:
        """Return a call in progress; raises NotFound."""

    def behave(self, number: str, behaviour: str) -> Customer:
        """Change what a customer does when called; raises NotFound, Invalid."""

    def registered(self) -> list[str]:
        """Return who is registered now."""


class Control:
    """The listening end. `open` makes the folder private (0700) when it makes it, and the socket 0600."""

    def __init__(self, carrier: Carrier, path: Path) -> None:
        self._carrier = carrier
        self._path = path
        self._server: asyncio.AbstractServer | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def open(self) -> None:
        """Listen; a socket left over from a crash is replaced. Raises Invalid when the folder is not ours alone."""
        folder = self._path.parent
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.stat()
        if found.st_uid != os.getuid() or found.st_mode & 0o022:
            raise Invalid("The folder {folder} can be changed by others; give it to yourself with mode 700.", folder=str(folder))
        self._path.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(self._connected, self._path, limit=_LINE)
        finally:
            os.umask(before)

    async def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
            for writer in self._writers:
                writer.close()
            await self._server.wait_closed()
        self._path.unlink(missing_ok=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while line := await reader.readline():
                writer.write(json.dumps(await self._answer(line)).encode() + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError) as error:  # ValueError: a line over the limit
            log.info("control connection dropped", why=str(error))
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            asked = json.loads(line)
            if not isinstance(asked, dict):
                raise Invalid("This is no request.")
            return {"ok": True, **await self._do(asked)}
        except CallCenterError as error:
            return {"ok": False, "code": error.code, "sentence": error.sentence, "values": error.values}
        except (ValueError, TypeError) as error:
            return {"ok": False, "code": "invalid", "sentence": "This is no request.", "values": {}, "why": str(error)}

    async def _do(self, asked: dict[str, Any]) -> dict[str, Any]:
        carrier = self._carrier
        match asked.get("do"):
            case "customers":
                return {"customers": [_view(each) for each in carrier.customers.values()]}
            case "call":
                tone = int(asked.get("tone") or 0)
                call = await carrier.let_call(asked.get("customer"), asked.get("dialled"), tone)
                return {"call": call.view()}
            case "calls":
                return {"calls": [each.view() for each in carrier.calls()]}
            case "hang_up":
                carrier.call(str(asked.get("call"))).hang_up()
                return {}
            case "press":
                carrier.call(str(asked.get("call"))).press(str(asked.get("digits", "")))
                return {}
            case "behave":
                return {"customer": _view(carrier.behave(str(asked.get("customer")), str(asked.get("behaviour"))))}
            case "registered":
                return {"accounts": carrier.registered()}
            case _:
                raise Invalid("The built-in carrier does not know this request.")


def _view(customer: Customer) -> dict[str, object]:
    return {
        "number": customer.number,
        "name": customer.name,
        "behaviour": customer.behaviour.value,
        "organisation": customer.organisation,
        "contacts": list(customer.contacts),
        "withheld": customer.withheld,
        "laws": list(customer.laws),
    }

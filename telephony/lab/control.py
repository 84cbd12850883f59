"""The lab's control connection: one JSON object a line on a local socket, one answer a line (callcenter/rehearsal.py asks).

Asked: {"do": "customers" | "call" | "calls" | "hang_up" | "press" | "behave" | "registered", ...}. Answered: {"ok": true, ...}
or {"ok": false, "code", "sentence", "values"}.
"""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import structlog

from callcenter.errors import CallCenterError, Invalid
from telephony.lab.customers import Customer
from telephony.lab.exchange import Exchange

log = structlog.get_logger(__name__)

_LINE = 65_536


class Control:
    """The listening end. `open` makes the folder private (0700) when it makes it, and the socket 0600."""

    def __init__(self, exchange: Exchange, path: Path) -> None:
        self._exchange = exchange
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
        exchange = self._exchange
        match asked.get("do"):
            case "customers":
                return {"customers": [_view(each) for each in exchange.customers.values()]}
            case "call":
                tone = int(asked.get("tone") or 0)
                call = await exchange.let_call(asked.get("customer"), asked.get("dialled"), tone)
                return {"call": call.view()}
            case "calls":
                return {"calls": [each.view() for each in exchange.calls()]}
            case "hang_up":
                exchange.call(str(asked.get("call"))).hang_up()
                return {}
            case "press":
                exchange.call(str(asked.get("call"))).press(str(asked.get("digits", "")))
                return {}
            case "behave":
                return {"customer": _view(exchange.behave(str(asked.get("customer")), str(asked.get("behaviour"))))}
            case "registered":
                return {"accounts": exchange.registrar.accounts()}
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

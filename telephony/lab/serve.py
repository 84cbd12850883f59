"""Runs the built-in carrier: its SIP address, the customers' clock and the control connection."""

import asyncio
import contextlib

import structlog

from callcenter.config import Settings, host_port
from callcenter.errors import Unavailable
from telephony.lab.accounts import passwords
from telephony.lab.control import Control
from telephony.lab.exchange import Exchange

log = structlog.get_logger(__name__)


async def serve(settings: Settings, stop: asyncio.Event) -> None:
    """Run until `stop` is set. Raises Unavailable with a sentence when the address is taken."""
    address = host_port(settings.lab_sip)
    exchange = Exchange(await asyncio.to_thread(passwords, settings.data_dir), host_port(settings.sip))
    try:
        await exchange.open(address)
    except OSError as error:
        raise Unavailable(
            "The built-in carrier cannot listen on {address}: {why}. Free it or set CALLCENTER_LAB_SIP.",
            address=settings.lab_sip,
            why=error.strerror or str(error),
        ) from error
    control = Control(exchange, settings.socket_path("lab"))
    clock = asyncio.create_task(exchange.clock.run())
    try:
        await control.open()
        log.info("built-in carrier ready", sip=settings.lab_sip, customers=len(exchange.customers))
        await stop.wait()
    finally:
        await control.close()
        await exchange.close()
        clock.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await clock
        log.info("built-in carrier stopped", **exchange.wire.counters)

"""The switch process: its parts put together, run until told to stop, and stopped without cutting a talk."""

import asyncio
import contextlib
from collections.abc import Callable

import structlog

from callcenter.config import Settings, host_port, port_range
from callcenter.errors import Invalid
from telephony.carriers import Carriers
from telephony.collect import collect
from telephony.link_server import LinkServer
from telephony.media.rtp_port import RtpPorts
from telephony.media.sounds import Sounds
from telephony.media.ticker import Ticker
from telephony.media.webrtc import BrowserPort
from telephony.sip.trunks import SipCarrier
from telephony.switch import Switch
from telephony.twilio.carrier import TwilioCarrier

log = structlog.get_logger(__name__)


async def serve(settings: Settings, stop: asyncio.Event, ready: Callable[[], None] | None = None) -> None:
    """Run the switch until `stop` is set; `ready` is called once calls can come.

    Stopping takes no new calls, waits settings.drain_seconds at most for those in progress, then ends them (BYE) and
    un-registers. Raises Unavailable or Invalid with a sentence when an address is taken or a setting is wrong.
    """
    switch = build(settings)
    link = LinkServer(settings.socket_path("link"), switch, counters=switch.counters)
    switch.emit = link.emit
    collector: asyncio.Task[None] | None = None
    try:
        await switch.start()
        await link.start()  # last: who is told that the switch is up can use it
        collector = asyncio.get_running_loop().create_task(collect(switch.idle.is_set))
        log.info("switch.running", sip=settings.sip, rtp=settings.rtp_ports, boot=switch.boot_id)
        if ready is not None:
            ready()
        await stop.wait()
        await _drain(switch, settings.drain_seconds)
    finally:
        await switch.stop()
        await link.stop()
        if collector is not None:
            collector.cancel()
            await asyncio.gather(collector, return_exceptions=True)
        log.info("switch.stopped")


def build(settings: Settings) -> Switch:
    """Build the switch with its carriers and browsers from the settings; raises Invalid for a wrong one."""
    try:
        host, _ = host_port(settings.sip)
        ports = port_range(settings.rtp_ports)
    except ValueError as error:
        raise Invalid("A setting of the switch is wrong: {reason}.", reason=str(error)) from None
    stun_servers = tuple(url.strip() for url in settings.stun_servers.split(",") if url.strip())

    async def open_browser(sdp: str) -> BrowserPort:
        return await BrowserPort.open(sdp, stun_servers=stun_servers, external_address=settings.external_address)

    carrier = Carriers({"sip": SipCarrier(settings, RtpPorts(ports, host)), "twilio": TwilioCarrier(settings)})
    return Switch(carrier, open_browser, Ticker(), Sounds(settings.region, settings.hold_music), settings.announcements)


async def _drain(switch: Switch, seconds: float) -> None:
    switch.drain()
    log.info("switch.draining", seconds=seconds)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await switch.idle.wait()

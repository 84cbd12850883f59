"""The Test button of a trunk: what works, and what to do about what does not."""

import asyncio
import ipaddress

from callcenter.config import port_range
from callcenter.errors import Unavailable
from callcenter.phone import Check, TrunkReport
from telephony.sip.engine import Engine
from telephony.sip.registration import Registration, failure
from telephony.sip.trunk import Trunk

_SECONDS = 4.0  # longer than a carrier takes, shorter than a person waits


async def run(engine: Engine, trunk: Trunk, rtp_ports: str) -> TrunkReport:
    """Try a trunk: resolve, OPTIONS, REGISTER, our own address, RTP ports. Never raises."""
    checks = [_rtp(trunk.config.rtp_ports or rtp_ports)]
    try:
        await asyncio.wait_for(trunk.resolve(), _SECONDS)
        where = trunk.place().host
    except Unavailable as error:
        return TrunkReport((Check("address", False, str(error)), *checks))
    except TimeoutError:
        return TrunkReport((Check("address", False, "Looking the address up takes too long. Check the name server."), *checks))
    found = f"{trunk.config.host} is {trunk.hop[0]}, port {trunk.hop[1]}."
    own = Registration(engine, trunk)
    first = [Check("address", True, found), await _options(own)]
    if trunk.config.register:
        first.append(await _register(own))
    return TrunkReport((*first, _external(where, trunk.hop[0]), *checks))


async def _options(own: Registration) -> Check:
    try:
        answer = await asyncio.wait_for(own.options(), _SECONDS)
    except TimeoutError:
        return Check("options", False, "No answer to OPTIONS. Check host, port and firewall (some carriers ignore OPTIONS).")
    if answer.response is None:
        return Check("options", False, failure(answer))
    return Check("options", True, f"The carrier answers in {answer.seconds * 1000:.0f} ms ({answer.code} {answer.phrase}).")


async def _register(own: Registration) -> Check:
    try:
        answer = await asyncio.wait_for(own.register(300), _SECONDS)
    except TimeoutError:
        return Check("registration", False, "No answer to REGISTER. Check host, port and firewall.")
    if answer.code < 300:
        return Check("registration", True, "The carrier accepts the registration.")
    return Check("registration", False, failure(answer))


def _external(ours: str, theirs: str) -> Check:
    try:
        own, far = ipaddress.ip_address(ours), ipaddress.ip_address(theirs)
    except ValueError:
        return Check("external_address", False, f"The external address {ours} is not an IP address.")
    if own.is_loopback and not far.is_loopback:
        return Check(
            "external_address", False, f"SIP listens on {ours}, which the carrier cannot reach. Start with --sip 0.0.0.0:5060."
        )
    if own.is_private and far.is_global:
        return Check("external_address", False, f"The carrier is told the private address {ours}. Set the external address.")
    return Check("external_address", True, f"The carrier reaches us at {ours}.")


def _rtp(text: str) -> Check:
    try:
        ports = port_range(text)
    except ValueError as error:
        return Check("rtp_ports", False, str(error))
    return Check("rtp_ports", True, f"{len(ports) // 2} calls at once, ports {text}. The firewall must let them through (UDP).")

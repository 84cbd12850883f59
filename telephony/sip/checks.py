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
        return TrunkReport((_bad("address", error), *checks))
    except TimeoutError:
        return TrunkReport((Check("address", False, "Looking the address up takes too long. Check the name server."), *checks))
    found = {"host": trunk.config.host, "address": trunk.hop[0], "port": str(trunk.hop[1])}
    own = Registration(engine, trunk)
    first = [Check("address", True, "{host} is {address}, port {port}.", found), await _options(own)]
    if trunk.config.register:
        first.append(await _register(own))
    return TrunkReport((*first, _external(where, trunk.hop[0]), *checks))


async def _options(own: Registration) -> Check:
    try:
        answer = await asyncio.wait_for(own.options(), _SECONDS)
    except TimeoutError:
        return Check("options", False, "No answer to OPTIONS. Check host, port and firewall (some carriers ignore OPTIONS).")
    if answer.response is None:
        return _bad("options", failure(answer))
    found = {"milliseconds": f"{answer.seconds * 1000:.0f}", "answer": f"{answer.code} {answer.phrase}"}
    return Check("options", True, "The carrier answers in {milliseconds} ms ({answer}).", found)


async def _register(own: Registration) -> Check:
    try:
        answer = await asyncio.wait_for(own.register(300), _SECONDS)
    except TimeoutError:
        return Check("registration", False, "No answer to REGISTER. Check host, port and firewall.")
    if answer.code < 300:
        return Check("registration", True, "The carrier accepts the registration.")
    return _bad("registration", failure(answer))


def _external(ours: str, theirs: str) -> Check:
    told = {"address": ours}
    try:
        own, far = ipaddress.ip_address(ours), ipaddress.ip_address(theirs)
    except ValueError:
        return Check("external_address", False, "The external address {address} is not an IP address.", told)
    if own.is_loopback and not far.is_loopback:
        sentence = "SIP listens on {address}, which the carrier cannot reach. Start with --sip 0.0.0.0:5060."
        return Check("external_address", False, sentence=sentence, values=told)
    if own.is_private and far.is_global:
        sentence = "The carrier is told the private address {address}. Set the external address."
        return Check("external_address", False, sentence=sentence, values=told)
    return Check("external_address", True, "The carrier reaches us at {address}.", told)


def _rtp(text: str) -> Check:
    try:
        ports = port_range(text)
    except ValueError:
        told = {"range": text}
        return Check("rtp_ports", False, "{range} is not a range of ports FIRST-LAST between 1024 and 65535.", told)
    found = {"calls": str(len(ports) // 2), "range": text}
    return Check("rtp_ports", True, "{calls} calls at once, ports {range}. The firewall must let them through (UDP).", found)


def _bad(name: str, why: Unavailable) -> Check:
    return Check(name, False, why.sentence, {key: str(value) for key, value in why.values.items()})

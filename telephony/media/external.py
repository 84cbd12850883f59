"""The address a machine behind a 1:1 NAT (a cloud machine) is found under, told to browsers as one more candidate of ours."""

import asyncio
import dataclasses
import hashlib
import ipaddress
import socket
from collections.abc import Sequence

import structlog
from aiortc import RTCIceCandidate

log = structlog.get_logger(__name__)

LOOK_UP_SECONDS = 2  # a name server that is away may hold up an answer for so long


async def address_of(external: str) -> str:
    """Return the address of the setting external_address, "" when there is none or its name is not known now."""
    try:
        return str(ipaddress.ip_address(external))
    except ValueError:
        pass
    if not external:
        return ""
    try:
        async with asyncio.timeout(LOOK_UP_SECONDS):
            found = await asyncio.get_running_loop().getaddrinfo(external, 0, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError) as error:  # TimeoutError is an OSError
        log.warning("external address not found", name=external[:200], error=repr(error))
        return ""
    return str(found[0][4][0])


def with_external(candidates: Sequence[RTCIceCandidate], external: str) -> list[RTCIceCandidate]:
    """Return the candidates, and each host candidate once more at the address a 1:1 NAT shows it under, same port.

    Liked a little less than the machine's own, which is nearer for a browser inside (RFC 8445 section 5.1.2.1).
    """
    told = list(candidates)
    for each in candidates:
        if not external or each.type != "host" or (":" in each.ip) != (":" in external):
            continue
        if any((other.ip, other.port) == (external, each.port) for other in told):
            continue
        foundation = hashlib.md5(f"{each.foundation}|{external}".encode(), usedforsecurity=False).hexdigest()
        told.append(dataclasses.replace(each, ip=external, foundation=foundation, priority=each.priority - (1 << 8)))
    return told

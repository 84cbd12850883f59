"""A trunk while it runs: where it is, how it is addressed, how we name ourselves to it, what state it is in."""

import asyncio
import ipaddress
import secrets
import socket
from collections.abc import Callable
from typing import Literal

import structlog

from callcenter.config import Settings
from callcenter.errors import Unavailable
from callcenter.phone import TrunkConfig, TrunkState
from telephony.sip.addresses import bracketed, user_part
from telephony.sip.dialog import SIP_PORT, Peer, Place
from telephony.sip.engine import Engine
from telephony.sip.numbers import dialled_form

log = structlog.get_logger(__name__)

State = Literal["unknown", "registering", "registered", "ready", "failed"]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def split_host(text: str, port: int) -> Peer:
    """Split HOST or HOST:PORT ([::1]:5060 for IPv6) of a setting."""
    if text.count(":") > 1 and not text.startswith("["):
        return text, port
    host, colon, given = text.rpartition(":")
    if colon and given.isdigit():
        return host.strip("[]"), int(given)
    return text.strip("[]"), port


async def look_up(host: str, port: int) -> list[Peer]:
    """Return the addresses of a host, the first one to be used; raises OSError."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_DGRAM)
        return list(dict.fromkeys((str(each[4][0]), port) for each in found))
    return [(host, port)]


def networks(cidrs: tuple[str, ...]) -> tuple[Network, ...]:
    """Read the CIDRs calls may come from; what is none is logged and left out."""
    read: list[Network] = []
    for each in cidrs:
        try:
            read.append(ipaddress.ip_network(each, strict=False))
        except ValueError:
            log.warning("sip_bad_network", network=each[:60])
    return tuple(read)


class Trunk:
    """One configured trunk. `hop` is where requests go, `token` marks our Contact so that calls to it are known as its own."""

    def __init__(self, config: TrunkConfig, settings: Settings, engine: Engine, changed: Callable[[TrunkState], None]) -> None:
        self.config = config
        self.state = TrunkState(config.trunk_id, "unknown")
        self.token = secrets.token_hex(8)
        self.service_routes: tuple[str, ...] = ()
        self.hop: Peer = ("", 0)
        self.sources: frozenset[str] = frozenset()
        self._settings, self._engine, self._changed = settings, engine, changed
        self._networks = networks(config.allow)
        self._external = config.external_address or settings.external_address

    @property
    def domain(self) -> str:
        """The domain numbers and users are written with."""
        return self.config.domain or bracketed(self.config.host)

    def set_state(self, state: State, why: Unavailable | None = None) -> None:
        """Report a new state, once."""
        values = {name: str(value) for name, value in why.values.items()} if why else {}
        new = TrunkState(self.config.trunk_id, state, why.sentence if why else "", values)
        if new != self.state:
            self.state = new
            log.info("trunk_state", trunk=self.config.name, state=state, detail=str(why or ""))
            self._changed(new)

    # --- where it is ------------------------------------------------------------------------------------------------

    async def ready(self) -> None:
        """Make sure the trunk's address is known; raises Unavailable."""
        if not self.hop[0]:
            await self.resolve()

    async def resolve(self) -> None:
        """Look the trunk's names up; raises Unavailable with a sentence. What was known stays when the DNS is away."""
        config = self.config
        first = split_host(config.outbound_proxy, SIP_PORT) if config.outbound_proxy else (config.host, config.port)
        try:
            hops = await look_up(*first)
            hosts = await look_up(config.host, config.port)
            if self._external:
                self._external = (await look_up(self._external, 0))[0][0]
        except (OSError, UnicodeError) as error:
            raise Unavailable("There is no host {host}. Check the name, and the name server.", host=first[0]) from error
        ours = ":" in self._engine.address[0]
        usable = [each for each in hops if (":" in each[0]) == ours]
        if not usable:
            raise Unavailable("The address {host} is not reachable from the address SIP listens on.", host=first[0])
        self.hop = usable[0]
        self.sources = frozenset(each[0] for each in [*hops, *hosts])

    def allows(self, host: str) -> bool:
        """Whether calls may come from this address."""
        if host in self.sources:
            return True
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return False
        return any(address in network for network in self._networks)

    def place(self) -> Place:
        """Return where this trunk reaches us."""
        host, port = self._engine.address
        if self._external:
            return Place(self._external, port)
        if ipaddress.ip_address(host).is_unspecified:
            return Place(self._own_address(host), port)
        return Place(host, port)

    def _own_address(self, host: str) -> str:
        """Return the address the system would send to this trunk from; nothing is sent."""
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect(self.hop)
            except OSError as error:
                raise Unavailable(
                    "There is no way to {host} from this machine: {reason}", host=self.hop[0], reason=str(error)
                ) from error
            return str(probe.getsockname()[0])

    # --- how we write ------------------------------------------------------------------------------------------------

    def uri(self, user: str) -> str:
        """Return the URI of a user or number at this trunk."""
        port = f":{self.config.port}" if not self.config.domain and self.config.port != SIP_PORT else ""
        return f"sip:{user_part(user)}@{self.domain}{port}" if user else f"sip:{self.domain}{port}"

    def contact(self) -> str:
        """Return our Contact."""
        return f"<sip:{user_part(self.config.username or 'callcenter')}@{self.place().text};line={self.token}>"

    def routes(self) -> tuple[str, ...]:
        """Return the Route headers of requests outside dialogs: what registering told us, or the outbound proxy."""
        if self.service_routes:
            return self.service_routes
        if not self.config.outbound_proxy:
            return ()
        host, port = split_host(self.config.outbound_proxy, SIP_PORT)
        return (f"<sip:{bracketed(host)}:{port};lr>",)

    def _caller(self, number: str) -> str:
        return self.uri(dialled_form(number, self.config.number_format, self.config.region) if number else self.config.username)

    def from_value(self, number: str, *, anonymous: bool) -> str:
        """Return From without its tag: the caller id, or nobody (RFC 3323 4.1.1.3)."""
        if anonymous:
            return '"Anonymous" <sip:anonymous@anonymous.invalid>'
        return f"<{self._caller(number)}>"

    def identity(self, number: str, *, anonymous: bool) -> list[str]:
        """Return the headers that say who calls to a trusted trunk (RFC 3325), and hide it from the person called."""
        lines = [f"P-Asserted-Identity: <{self._caller(number)}>"] if self.config.trusted else []
        return [*lines, "Privacy: id"] if anonymous else lines

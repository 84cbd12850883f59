"""Who calls, whom they called, and through which trunk: read from an INVITE that may come from anywhere."""

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from telephony.sip import addresses, parsing
from telephony.sip.dialog import Peer
from telephony.sip.numbers import normalise
from telephony.sip.trunk import Trunk

_PRIVATE = {"id", "user", "header"}  # RFC 3323 4.2, RFC 3325 9.3
_ANONYMOUS = {"anonymous", "unavailable", "restricted", "unknown", "private"}
_LONGEST_NAME = 80


class Caller(NamedTuple):
    """A caller as the carrier told it: nothing but `withheld` when they hide."""

    number: str
    name: str
    withheld: bool


def caller(request: Any, *, trusted: bool, region: str) -> Caller:
    """Return who calls: P-Asserted-Identity (RFC 3325) when the trunk is trusted, else From."""
    sender = _first(parsing.values(request, "from"))
    asserted = [each for each in map(addresses.parse, parsing.values(request, "p-asserted-identity")) if each] if trusted else []
    numbered = [each for each in asserted if re.match(r"\+?\d", each.uri.user)]
    chosen = next(iter(numbered or asserted), sender)
    words = {word for token in parsing.tokens(request, "privacy") for word in re.split(r"[;\s]+", token)}
    if words & _PRIVATE or _hides(chosen) or (sender is not None and not asserted and _hides(sender)) or _invalid(sender):
        return Caller("", "", withheld=True)
    if chosen is None:
        return Caller("", "", withheld=False)
    number = normalise(chosen.uri.user, region)
    name = chosen.name or (sender.name if sender is not None else "")
    if normalise(name, region) == number or name.lower() in _ANONYMOUS:
        name = ""
    return Caller(number, name[:_LONGEST_NAME], withheld=False)


def _hides(address: addresses.Address | None) -> bool:
    return address is not None and address.uri.user.lower() in _ANONYMOUS


def _invalid(sender: addresses.Address | None) -> bool:
    return sender is not None and sender.uri.host.lower() == "anonymous.invalid"


def _first(values: list[str]) -> addresses.Address | None:
    return addresses.parse(values[0]) if values else None


def dialled(request: Any, trunk: Trunk) -> str:
    """Return the number that was called, from where this carrier writes it; the request URI when it is not there.

    A carrier we register with may call our Contact: then the number is in To.
    """
    place = trunk.config.number_from.lower()
    found = ""
    if place == "to":
        found = _user(_first(parsing.values(request, "to")))
    elif place != "request_uri":
        value = next(iter(parsing.values(request, place)), "")
        found = _user(addresses.parse(value)) or re.split(r"[;,<>\s]", value.strip())[0]
    if not found:
        uri = addresses.parse_uri(str(request.getRURI()))
        found = uri.user if uri is not None else ""
        if found in (trunk.config.username, "callcenter", "") and trunk.config.register:
            found = _user(_first(parsing.values(request, "to"))) or found
    return normalise(found, trunk.config.region)


def _user(address: addresses.Address | None) -> str:
    return address.uri.user if address is not None else ""


def choose(trunks: Iterable[Trunk], source: Peer, request: Any) -> Trunk | None:
    """Return the trunk a call comes through: by our registered Contact, else by address; several: by port, user, domain.

    A domain alone lets nobody in: anyone can write it.
    """
    uri = addresses.parse_uri(str(request.getRURI()))
    line = uri.parameters.get("line", "") if uri is not None else ""
    known = list(trunks)
    for trunk in known:
        if line and line == trunk.token:
            return trunk
    allowed = [trunk for trunk in known if trunk.allows(source[0])]
    if len(allowed) < 2:
        return allowed[0] if allowed else None
    hosts = {uri.host.lower()} if uri is not None else set()
    for name in ("to", "from"):
        address = _first(parsing.values(request, name))
        if address is not None:
            hosts.add(address.uri.host.lower())
    user = uri.user if uri is not None else ""

    def likeness(trunk: Trunk) -> tuple[bool, bool, bool]:
        return (
            trunk.hop == source,
            bool(trunk.config.username) and trunk.config.username == user,
            bool(trunk.config.domain) and trunk.config.domain.lower() in hosts,
        )

    return max(allowed, key=likeness)

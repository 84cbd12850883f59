"""SIP addresses and URIs (RFC 3261 20.10, 19.1; tel: RFC 3966), read leniently into plain values."""

import re
from typing import NamedTuple
from urllib.parse import quote, unquote

_LONGEST = 512
_URI = re.compile(r"(?P<scheme>sips?|tel):(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
_USER_SAFE = "-_.!~*'()&=+$,?/"  # RFC 3261 25.1: mark and user-unreserved, without ; which starts parameters here


class Uri(NamedTuple):
    """A sip:, sips: or tel: URI; `user` is unescaped, `port` 0 when none is given."""

    scheme: str
    user: str
    host: str
    port: int
    parameters: dict[str, str]


class Address(NamedTuple):
    """A name-addr or addr-spec: display name, URI, header parameters (names in lower case)."""

    name: str
    uri: Uri
    parameters: dict[str, str]


def parse_uri(text: str) -> Uri | None:
    """Read a URI; None for what is neither sip: nor tel:."""
    match = _URI.fullmatch(text.strip()[:_LONGEST])
    if match is None:
        return None
    scheme, rest = match["scheme"].lower(), match["rest"]
    if scheme == "tel":
        user, _, parameters = rest.partition(";")
        return Uri("tel", unquote(user), "", 0, _parameters(parameters))
    userinfo, at, place = rest.rpartition("@")
    hostport, _, parameters = place.partition("?")[0].partition(";")
    matched = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[^:\[\]\s]+)(?::(\d{1,5}))?:?", hostport)
    if matched is None:
        return None
    user = unquote(re.split("[;:]", userinfo)[0]) if at else ""
    return Uri(scheme, user, matched[1], int(matched[2] or 0), _parameters(parameters))


def _parameters(text: str) -> dict[str, str]:
    found = (each.partition("=") for each in text.split(";") if each.strip())
    return {name.strip().lower(): value.strip().strip('"') for name, _, value in found}


def parse(text: str) -> Address | None:
    """Read a From, To, Contact or P-Asserted-Identity value; None when there is no URI in it."""
    text = text.strip()
    name = ""
    if text.startswith('"'):
        quoted = re.match(r'"((?:[^"\\]|\\.)*)"\s*', text, re.DOTALL)
        if quoted is None:
            return None
        name, text = re.sub(r"\\(.)", r"\1", quoted[1]), text[quoted.end() :]
    if "<" in text:
        before, _, rest = text.partition("<")
        inside, _, after = rest.partition(">")
        name = name or before.strip()
    else:
        inside, _, after = text.partition(";")
    uri = parse_uri(inside)
    return None if uri is None else Address(name[:_LONGEST], uri, _parameters(after))


def user_part(user: str) -> str:
    """Escape a user part for a URI."""
    return quote(user, safe=_USER_SAFE)


def quoted_name(name: str) -> str:
    """Return a display name as a quoted string, followed by a space; "" for none."""
    if not name:
        return ""
    cleaned = re.sub(r"[\x00-\x1f\x7f]", " ", name).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{cleaned}" '


def bracketed(host: str) -> str:
    """Return a host as URIs want it: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host

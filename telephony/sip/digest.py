"""Digest credentials for SIP (RFC 3261 22, RFC 7616, RFC 8760): MD5 and SHA-256, qop auth, stale nonces."""

import hashlib
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_HASHES: dict[str, Callable[[bytes], Any]] = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}
_PARAMETER = re.compile(r'([a-zA-Z][a-zA-Z0-9_-]*)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')


@dataclass(frozen=True, slots=True)
class Challenge:
    """A WWW-Authenticate or Proxy-Authenticate header we can answer."""

    realm: str
    nonce: str
    algorithm: str
    qop: bool
    opaque: str
    stale: bool


def parse(value: str) -> Challenge | None:
    """Read one challenge; None when it is not Digest, or asks for what we do not speak."""
    scheme, _, rest = value.strip().partition(" ")
    if scheme.lower() != "digest":
        return None
    given = {name.lower(): quoted or bare for name, quoted, bare in _PARAMETER.findall(rest)}
    algorithm = given.get("algorithm", "MD5").upper()
    qop = given.get("qop", "")
    if algorithm not in _HASHES or "nonce" not in given or (qop and "auth" not in re.split(r"[\s,]+", qop.lower())):
        return None
    stale = given.get("stale", "").lower() == "true"
    return Challenge(given.get("realm", ""), given["nonce"], algorithm, bool(qop), given.get("opaque", ""), stale)


def strongest(values: list[str]) -> Challenge | None:
    """Return the challenge to answer: SHA-256 before MD5 (RFC 8760 2.4)."""
    challenges = [each for each in map(parse, values) if each is not None]
    return max(challenges, key=lambda each: each.algorithm == "SHA-256", default=None)


def credentials(challenge: Challenge, username: str, password: str, method: str, uri: str) -> str:
    """Return the value of the Authorization or Proxy-Authorization header."""
    cnonce, count = secrets.token_hex(8), "00000001"

    def hashed(*parts: str) -> str:
        return str(_HASHES[challenge.algorithm](":".join(parts).encode()).hexdigest())

    secret = hashed(username, challenge.realm, password)
    request = hashed(method, uri)
    if challenge.qop:
        response = hashed(secret, challenge.nonce, count, cnonce, "auth", request)
    else:
        response = hashed(secret, challenge.nonce, request)
    parts = [
        f'Digest username="{username}"',
        f'realm="{challenge.realm}"',
        f'nonce="{challenge.nonce}"',
        f'uri="{uri}"',
        f'response="{response}"',
        f"algorithm={challenge.algorithm}",
    ]
    if challenge.qop:
        parts += ["qop=auth", f"nc={count}", f'cnonce="{cnonce}"']
    if challenge.opaque:
        parts.append(f'opaque="{challenge.opaque}"')
    return ", ".join(parts)

"""E-mail addresses and header text: what may be sent to, and in which spelling. Nothing here can smuggle in a header."""

import re
import unicodedata
from email.headerregistry import Address

from callcenter.config import Settings
from callcenter.errors import BadValue, Invalid

CONSOLE = "console"  # as a mail server: mails go to the log, and that is all
LONGEST = 254  # RFC 5321, section 4.5.3.1.3, without the brackets
_LONGEST_LINE = 500
_LOCAL = re.compile(r"[^\s@<>,;:\"()\[\]\\.]+(?:\.[^\s@<>,;:\"()\[\]\\.]+)*")  # a dot-atom, RFC 6531 letters allowed
_SENDER = re.compile(r"\s*(?:(?P<name>[^<>]*)<(?P<inside>[^<>]+)>|(?P<alone>[^<>\s]+))\s*")
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")


def one_line(text: str) -> str:
    """Return text as a header may carry it: one line without control or invisible characters, of a length people read."""
    kept = "".join(" " if each.isspace() else each for each in text if each.isspace() or unicodedata.category(each)[0] != "C")
    return " ".join(kept.split())[:_LONGEST_LINE]


def checked(text: str, field: str = "email") -> str:
    """Return an address mail can be sent to, as typed but for spaces around it; raises Invalid (`field`)."""
    found = text.strip()
    domain = found.rpartition("@")[2]
    if not is_address(found) or "." not in domain:
        raise Invalid("{address} is not an e-mail address.", field=field, address=one_line(found)[:100] or "?")
    return found


def is_address(found: str) -> bool:
    """Tell whether a text is an address, of a mailbox of this machine (post@localhost) too."""
    local, _, domain = found.rpartition("@")
    visible = all(unicodedata.category(each)[0] not in "CZ" for each in found)
    return visible and len(found) <= LONGEST and len(local) <= 64 and bool(_LOCAL.fullmatch(local) and ascii_domain(domain))


def ascii_domain(domain: str) -> str:
    """Return a domain as mail servers write it (żółw.pl is xn--w-uga1v8h.pl), "" for what is none."""
    try:
        name = domain.encode("idna").decode().lower()
    except UnicodeError:
        return ""
    return name if all(_LABEL.fullmatch(each) for each in name.split(".")) else ""


def on_the_wire(address: str) -> str:
    """Return an address as it goes to the mail server: the domain in ASCII, the part before @ as it is."""
    local, _, domain = address.rpartition("@")
    return f"{local}@{ascii_domain(domain)}"


def parse_sender(text: str) -> Address:
    """Read `Name <address>`, or an address alone; raises BadValue with a sentence."""
    found = _SENDER.fullmatch(text)
    address = (found["inside"] or found["alone"]).strip() if found else ""
    if not found or not is_address(address):
        raise BadValue("{text} is not a sender like Name <address>.", text=one_line(text)[:100])
    local, _, domain = address.rpartition("@")
    return Address(one_line(found["name"] or "").strip('" '), local, ascii_domain(domain))


def sender(settings: Settings) -> Address | None:
    """Return who mails come from: smtp_from, or the name of the sign-in when that is an address; None when neither is."""
    if settings.smtp_from:
        return parse_sender(settings.smtp_from)
    if settings.smtp == CONSOLE:
        return Address("Callcenter", "callcenter", "example.com")
    return parse_sender(settings.smtp_user) if is_address(settings.smtp_user) else None

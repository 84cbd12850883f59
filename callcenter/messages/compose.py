"""From a queued mail to the bytes that leave: MIME (RFC 2045), encoded header words (RFC 2047), an iCalendar part (RFC 6047).

The standard library's email package refuses a header with a line end in it; addresses and subjects were cleaned before.
"""

from collections.abc import Sequence
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape
from typing import NamedTuple

from callcenter.messages import addresses
from callcenter.messages.models import Mail

_ASCII = SMTP.clone(cte_type="7bit")  # any server takes it
_UTF8 = SMTP.clone(cte_type="7bit", utf8=True)  # RFC 6532: only for an address that needs it
_MOST_PARENTS = 20  # Message-IDs in References: the first, and the newest


class Attached(NamedTuple):
    """A file that goes along."""

    name: str
    media_type: str
    content: bytes


def needs_utf8(mail: Mail) -> bool:
    """Tell whether only a server with SMTPUTF8 (RFC 6531) can deliver to an address of a mail: żółw@example.com."""
    return not all(addresses.on_the_wire(each).isascii() for each in (mail.to_address, *mail.cc, mail.reply_to) if each)


def compose(mail: Mail, sender: Address, attached: Sequence[Attached] = ()) -> bytes:
    """Return the message, the same bytes at every try (but for the MIME boundary)."""
    message = EmailMessage(policy=_UTF8 if needs_utf8(mail) else _ASCII)
    message["From"] = Address(mail.from_name or sender.display_name, sender.username, sender.domain)
    message["To"] = _address(mail.to_address)
    _others(message, mail)
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(mail.created_at)
    message["Message-ID"] = mail.message_id
    if not mail.from_name:
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
    message.set_content(mail.body)
    if mail.html:
        message.add_alternative(mail.html, subtype="html")
    if mail.calendar:  # the better alternative: calendars show the event with the text above it
        message.add_alternative(mail.calendar, subtype="calendar", params={"method": mail.method, "name": "invite.ics"})
    for each in attached:
        kind, _, subtype = each.media_type.partition("/")
        if kind == "text":  # as octets: its encoding is not known
            kind, subtype = "application", "octet-stream"
        message.add_attachment(each.content, maintype=kind, subtype=subtype, filename=each.name)
    return message.as_bytes()


def _others(message: EmailMessage, mail: Mail) -> None:
    """Write who else gets it, where answers go, and what it answers (RFC 5322, section 3.6.4)."""
    if mail.cc:
        message["Cc"] = [_address(each) for each in mail.cc]
    if mail.reply_to:
        message["Reply-To"] = _address(mail.reply_to)
    if mail.parents:
        message["In-Reply-To"] = mail.parents[-1]
        message["References"] = " ".join(dict.fromkeys([mail.parents[0], *mail.parents[1 - _MOST_PARENTS :]]))


def html_of(text: str) -> str:
    """Return a plain text as HTML that looks the same: nothing in it is markup, addresses are no links."""
    return (
        '<!doctype html><html><head><meta charset="utf-8"></head><body>'
        f'<div style="white-space: pre-wrap; font-family: sans-serif">{escape(text)}</div></body></html>\n'
    )


def _address(address: str) -> Address:
    local, _, domain = addresses.on_the_wire(address).rpartition("@")
    return Address("", local, domain)

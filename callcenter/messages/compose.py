"""From a queued mail to the bytes that leave: MIME (RFC 2045), encoded header words (RFC 2047), an iCalendar part (RFC 6047).

The standard library's email package refuses a header with a line end in it; addresses and subjects were cleaned before.
"""

from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from callcenter.messages import addresses
from callcenter.messages.models import Mail

_ASCII = SMTP.clone(cte_type="7bit")  # any server takes it
_UTF8 = SMTP.clone(cte_type="7bit", utf8=True)  # RFC 6532: only for an address that needs it


def needs_utf8(address: str) -> bool:
    """Tell whether only a server with SMTPUTF8 (RFC 6531) can deliver to an address: żółw@example.com."""
    return not addresses.on_the_wire(address).isascii()


def compose(mail: Mail, sender: Address) -> bytes:
    """Return the message, the same bytes at every try (but for the MIME boundary)."""
    local, _, domain = addresses.on_the_wire(mail.to_address).rpartition("@")
    message = EmailMessage(policy=_UTF8 if needs_utf8(mail.to_address) else _ASCII)
    message["From"] = sender
    message["To"] = Address("", local, domain)
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(mail.created_at)
    message["Message-ID"] = mail.message_id
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
    message.set_content(mail.body)
    if mail.calendar:  # the better alternative: calendars show the event with the text above it
        message.add_alternative(mail.calendar, subtype="calendar", params={"method": mail.method, "name": "invite.ics"})
    return message.as_bytes()

"""A mail server for development: every mail goes to the log, and counts as sent."""

from collections.abc import Sequence
from email.headerregistry import Address

import structlog

from callcenter.messages.compose import Attached, compose
from callcenter.messages.models import Mail

log = structlog.get_logger(__name__)

_LONGEST = 2000  # characters of a text in the log


class Console:
    """Stands where a connection to a mail server stands."""

    def __init__(self, sender: Address) -> None:
        self._sender = sender

    async def send(self, mail: Mail, attached: Sequence[Attached] = ()) -> str:
        """Write a mail to the log; one that could not be written for a server fails here, too."""
        octets = len(compose(mail, self._sender, attached))
        log.info(
            "mail.console",
            to=mail.to_address,
            cc=list(mail.cc),
            sender=mail.from_name or self._sender.display_name,
            subject=mail.subject,
            text=mail.body[:_LONGEST],
            attached=[f"{each.name} ({each.media_type}, {len(each.content)} octets)" for each in attached],
            octets=octets,
        )
        return ""

    async def close(self) -> None:
        """Nothing is open."""

    def drop(self) -> None:
        """Nothing is open."""

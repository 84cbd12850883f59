"""One connection to the mail server (RFC 5321), and what its answers mean for a mail: taken, not now, never."""

import asyncio
import socket
import ssl
from email.headerregistry import Address
from urllib.parse import urlsplit

import aiosmtplib

from callcenter.config import Settings, host_port
from callcenter.messages import addresses
from callcenter.messages.compose import compose, needs_utf8
from callcenter.messages.models import Mail

ANSWER_SECONDS = 30.0  # for each answer of the server
MAIL_SECONDS = 90.0  # for a whole mail, the connection included
_LONGEST_WORDS = 500


class NotNow(Exception):
    """The server cannot take the mail now, says so in `words`, or cannot be reached (`away`): another try later."""

    def __init__(self, words: str, *, away: bool = False) -> None:
        super().__init__(words)
        self.words = said(words)
        self.away = away


class Never(Exception):
    """The server will not take this mail, whatever is tried; `words` are its own."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = said(words)


def said(words: str) -> str:
    """Return a server's words as one line people may read."""
    return addresses.one_line(words)[:_LONGEST_WORDS]


class Connection:
    """A connection that is opened with the first mail and kept for the next ones until `close`."""

    def __init__(self, settings: Settings, sender: Address) -> None:
        self._settings = settings
        self._sender = sender
        self._client: aiosmtplib.SMTP | None = None

    async def send(self, mail: Mail) -> None:
        """Hand a mail to the server; raises NotNow or Never. Whatever goes wrong but a refusal ends the connection."""
        try:
            message = compose(mail, self._sender)
        except (ValueError, LookupError) as error:  # what no header or body can hold, should it ever have been stored
            raise Never(f"This e-mail cannot be written: {error}") from error
        try:
            async with asyncio.timeout(MAIL_SECONDS):
                await self._hand_over(await self._open(), mail, message)
        except (TimeoutError, OSError, aiosmtplib.SMTPException) as error:
            self.drop()
            raise NotNow(_reason(error), away=True) from error

    async def close(self) -> None:
        """Say goodbye."""
        client, self._client = self._client, None
        if client is None:
            return
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await client.quit()
        except (TimeoutError, OSError, aiosmtplib.SMTPException):
            client.close()

    def drop(self) -> None:
        """End the connection without a word."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    async def _open(self) -> aiosmtplib.SMTP:
        """Return a connection that is encrypted and signed in as the settings say.

        What goes wrong here is no fault of a mail, so that nothing here is for good: a password may be mended.
        """
        if self._client is not None and self._client.is_connected:
            return self._client
        host, port = host_port(self._settings.smtp)
        user = self._settings.smtp_user
        client = aiosmtplib.SMTP(
            hostname=host,
            port=port,
            use_tls=self._settings.smtp_tls == "tls",
            start_tls=self._settings.smtp_tls == "starttls",  # True: a server that cannot is an error, not a reason to go on
            username=user or None,
            password=self._settings.smtp_password.get_secret_value() if user else None,
            timeout=ANSWER_SECONDS,
            local_hostname=_own_name(self._settings),
        )
        try:
            await client.connect()
        except BaseException:
            client.close()
            raise
        self._client = client
        return client

    async def _hand_over(self, client: aiosmtplib.SMTP, mail: Mail, message: bytes) -> None:
        """Run one mail transaction."""
        options = ["SMTPUTF8"] if needs_utf8(mail.to_address) else []
        if options and client.is_ehlo_or_helo_needed:
            await client.ehlo()
        if options and not client.supports_extension("smtputf8"):
            raise Never("The mail server delivers to addresses with the letters a to z only.")
        to = addresses.on_the_wire(mail.to_address)
        encoding = "utf-8" if options else "ascii"
        try:
            await client.mail(self._sender.addr_spec, options=options, encoding=encoding)
            await client.rcpt(to, encoding=encoding)
            await client.data(message)
        except aiosmtplib.SMTPResponseException as error:
            words = f"{error.code} {error.message}"
            if client.is_connected:
                await client.rset()
            if error.code < 500:
                raise NotNow(words) from error
            raise Never(words) from error


def _reason(error: BaseException) -> str:
    """Return why the connection did not work, in words an administrator can act on."""
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f"{error.code} {error.message}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"The mail server's certificate is not valid: {error.verify_message}."
    if isinstance(error, TimeoutError) and not isinstance(error, aiosmtplib.SMTPException):
        return "The mail server did not answer in time."
    return str(error) or type(error).__name__


def _own_name(settings: Settings) -> str:
    """Return the name to greet with; asking DNS for it (socket.getfqdn) may hang."""
    name = urlsplit(settings.public_url).hostname or socket.gethostname()
    return addresses.ascii_domain(name) or "localhost"

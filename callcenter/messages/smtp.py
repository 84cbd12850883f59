"""One connection to the mail server (RFC 5321), and what its answers mean for a mail: taken, not now, never.

A mail with cc is taken when its first recipient is; who else was refused is told. While the server has not decided about
somebody (4xx), the whole mail waits for a while: a second try for one recipient would reach the others again.
"""

import asyncio
import socket
import ssl
from collections.abc import Sequence
from email.headerregistry import Address
from urllib.parse import urlsplit

import aiosmtplib

from callcenter.config import Settings, host_port
from callcenter.messages import addresses
from callcenter.messages.compose import Attached, compose, needs_utf8
from callcenter.messages.models import Mail

ANSWER_SECONDS = 30.0  # for each answer of the server
MAIL_SECONDS = 90.0  # for a whole mail, the connection included
LARGE_SECONDS = 300.0  # the same for one with attachments
_LONGEST_WORDS = 500
_LARGE = 256 << 10  # octets from which on a mail is written and sent in pieces: one piece would stop everything else
_WAITING = 1 << 20  # octets on their way at most
_PATIENT_TRIES = 5  # so many times a mail waits for a recipient in cc


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

    async def send(self, mail: Mail, attached: Sequence[Attached] = ()) -> str:
        """Hand a mail to the server; raises NotNow or Never. Whatever goes wrong but a refusal ends the connection.

        Returns what the server said about recipients in cc it did not take, "" when it took all.
        """
        try:
            if attached:
                message = await asyncio.to_thread(compose, mail, self._sender, attached)
            else:
                message = compose(mail, self._sender)
        except (ValueError, LookupError) as error:  # what no header or body can hold, should it ever have been stored
            raise Never(f"This e-mail cannot be written: {error}") from error
        try:
            async with asyncio.timeout(LARGE_SECONDS if attached else MAIL_SECONDS):
                return await self._hand_over(await self._open(), mail, message)
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

    async def _hand_over(self, client: aiosmtplib.SMTP, mail: Mail, message: bytes) -> str:
        """Run one mail transaction."""
        utf8 = needs_utf8(mail)
        if client.is_ehlo_or_helo_needed:
            await client.ehlo()
        if utf8 and not client.supports_extension("smtputf8"):
            raise Never("The mail server delivers to addresses with the letters a to z only.")
        options = ["SMTPUTF8"] if utf8 else []
        if client.supports_extension("size"):
            options.append(f"SIZE={len(message)}")  # RFC 1870: a mail that is too large is refused before it is sent
        encoding = "utf-8" if utf8 else "ascii"
        try:
            await client.mail(self._sender.addr_spec, options=options, encoding=encoding)
            await client.rcpt(addresses.on_the_wire(mail.to_address), encoding=encoding)
            refused = [words for each in mail.cc if (words := await _refusal(client, each, encoding, mail.tries))]
            await (client.data(message) if len(message) < _LARGE else _in_pieces(client, message))
        except aiosmtplib.SMTPResponseException as error:
            words = f"{error.code} {error.message}"
            if client.is_connected:
                await client.rset()
            if error.code < 500:
                raise NotNow(words) from error
            raise Never(words) from error
        return said("; ".join(refused))


async def _refusal(client: aiosmtplib.SMTP, address: str, encoding: str, tries: int) -> str:
    """Name one more recipient; returns the server's words when it will not have them, raises while it cannot say yet."""
    try:
        await client.rcpt(addresses.on_the_wire(address), encoding=encoding)
    except aiosmtplib.SMTPResponseException as error:
        if error.code < 500 and tries < _PATIENT_TRIES:
            raise
        return f"{address}: {error.code} {error.message}"
    return ""


async def _in_pieces(client: aiosmtplib.SMTP, message: bytes) -> None:
    """Send DATA without ever holding the event loop: the client's own way looks through all of it at once, twice."""
    protocol, transport = client.protocol, client.transport
    if protocol is None or not isinstance(transport, asyncio.WriteTransport):
        raise aiosmtplib.SMTPServerDisconnected("Connection lost")
    answer = await protocol.execute_command(b"DATA", timeout=ANSWER_SECONDS)
    if answer.code != aiosmtplib.SMTPStatus.start_input:
        raise aiosmtplib.SMTPDataError(answer.code, answer.message)
    ready = await asyncio.to_thread(message.replace, b"\r\n.", b"\r\n..")  # composed: every line ends with CR LF
    for at in range(0, len(ready), _LARGE):
        protocol.write(ready[at : at + _LARGE])
        while transport.get_write_buffer_size() > _WAITING and client.is_connected:  # noqa: ASYNC110 - nothing tells us
            await asyncio.sleep(0.01)
        await asyncio.sleep(0)
    answer = await protocol.execute_command(b".", timeout=MAIL_SECONDS)
    if answer.code != aiosmtplib.SMTPStatus.completed:
        raise aiosmtplib.SMTPDataError(answer.code, answer.message)


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

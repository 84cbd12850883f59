"""One conversation with an IMAP server (RFC 3501, RFC 9051), blocking: it runs in a thread of its own (inbox.py).

The standard library's client. Every answer has a time limit, and no answer may be larger than what was asked for.
Nothing is deleted, and nothing changes but the flag of what was read.
"""

import datetime as dt
import imaplib
import re
import socket
import ssl
from contextlib import suppress
from typing import Any, NamedTuple

from callcenter.config import Settings, host_port

ANSWER_SECONDS = 30.0
_LARGEST_ANSWER = 64 << 20
_MOST_UIDS = 200_000
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_SIZE = re.compile(rb"RFC822\.SIZE (\d+)")
_FAULTS = (imaplib.IMAP4.error, OSError, ValueError, EOFError)


class Refused(Exception):
    """The server will not have us: a wrong name or password. Trying again soon would lock the account."""


class Broken(Exception):
    """The connection does not work, or its server says what cannot be understood."""


class Folder(NamedTuple):
    """A folder as the server describes it."""

    uid_validity: int
    uid_next: int
    messages: int


class Message(NamedTuple):
    """A message as the server has it. `cut`: only its beginning came, it is larger than was asked for."""

    raw: bytes
    arrived_at: dt.datetime | None
    cut: bool


class Session:
    """A connection that is signed in, with one folder open."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: imaplib.IMAP4 | None = None

    def connecting(self, client: imaplib.IMAP4) -> None:
        """Know the connection before its server has said a word, so that it can be cut."""
        self._client = client

    def open(self) -> Folder:
        """Connect, sign in and open the folder; raises Refused or Broken with words for an administrator."""
        try:
            client = _connect(self, self._settings)
            _sign_in(client, self._settings)
            return self._select(client)
        except _FAULTS as error:
            raise Broken(_reason(error)) from error

    def abort(self) -> None:
        """End the connection from another thread: whoever waits for an answer stops waiting."""
        client = self._client
        sock: socket.socket | None = getattr(client, "sock", None)
        if sock is not None:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                sock.close()

    def drop(self) -> None:
        """Close what is left of the connection, without a word."""
        client, self._client = self._client, None
        if client is not None and getattr(client, "sock", None) is not None:
            with suppress(*_FAULTS):
                client.shutdown()

    def close(self) -> None:
        """Say goodbye; a server that does not answer is left."""
        client, self._client = self._client, None
        if client is not None:
            try:
                client.logout()
            except _FAULTS:
                with suppress(*_FAULTS):
                    client.shutdown()

    def new(self, last_uid: int, since: dt.date | None = None, *, unseen: bool = False) -> list[int]:
        """Return the uids after `last_uid`, in order; with `since` those that came on that day or later."""
        wanted = [f"UID {last_uid + 1}:*"]
        if since is not None:
            wanted.append(f"SINCE {since.day}-{_MONTHS[since.month - 1]}-{since.year}")
        if unseen:
            wanted.append("UNSEEN")
        lines = self._uid("SEARCH", " ".join(wanted))
        found = {int(each) for line in lines if isinstance(line, bytes) for each in line.split() if each.isdigit()}
        return sorted(each for each in found if each > last_uid)[:_MOST_UIDS]

    def fetch(self, uid: int, largest: int) -> Message | None:
        """Return a message, at most `largest` octets of it; None when it is gone."""
        answer = self._uid("FETCH", str(uid), f"(RFC822.SIZE INTERNALDATE BODY.PEEK[]<0.{largest}>)")
        for each in answer:
            if isinstance(each, tuple) and len(each) == 2 and isinstance(each[1], bytes):
                size = _SIZE.search(each[0])
                return Message(each[1], _internal_date(each[0]), size is not None and int(size[1]) > len(each[1]))
        return None

    def mark_seen(self, uid: int) -> None:
        """Flag a message as seen."""
        self._uid("STORE", str(uid), "+FLAGS.SILENT", r"(\Seen)")

    def stay(self) -> None:
        """Keep the connection, and let the server tell what is new."""
        try:
            self._opened().noop()
        except _FAULTS as error:
            raise Broken(_reason(error)) from error

    def unseen(self) -> int:
        """Return how many messages nobody has seen."""
        return len(b" ".join(each for each in self._uid("SEARCH", "UNSEEN") if isinstance(each, bytes)).split())

    def _opened(self) -> imaplib.IMAP4:
        if self._client is None:
            raise Broken("There is no connection.")
        return self._client

    def _uid(self, command: str, *arguments: str) -> list[bytes | tuple[bytes, bytes] | None]:
        try:
            state, answer = self._opened().uid(command, *arguments)
        except _FAULTS as error:
            raise Broken(_reason(error)) from error
        if state != "OK":
            raise Broken(_words(answer))
        return list(answer)

    def _select(self, client: imaplib.IMAP4) -> Folder:
        name = '"' + self._settings.imap_folder.replace("\\", "\\\\").replace('"', '\\"') + '"'
        state, answer = client.select(name, readonly=not self._settings.imap_mark_seen)
        if state != "OK":
            raise Broken(_words(answer))
        count = int(answer[0] or 0)
        return Folder(_number(client, "UIDVALIDITY"), _number(client, "UIDNEXT"), count)


def _connect(session: Session, settings: Settings) -> imaplib.IMAP4:
    host, port = host_port(settings.imap)
    if settings.imap_tls == "tls":
        return _TlsClient(session, host, port, ssl_context=ssl.create_default_context(), timeout=ANSWER_SECONDS)
    client = _Client(session, host, port, timeout=ANSWER_SECONDS)
    if settings.imap_tls == "starttls":  # never in the clear: a server that cannot raises
        client.starttls(ssl.create_default_context())
    return client


def _sign_in(client: imaplib.IMAP4, settings: Settings) -> None:
    user, password = settings.imap_user, settings.imap_password.get_secret_value()
    try:
        if "AUTH=PLAIN" in client.capabilities:  # RFC 4616: any letters
            client.authenticate("PLAIN", lambda _: f"\0{user}\0{password}".encode())
        else:
            client.login(user, password)
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error as error:
        raise Refused(_reason(error)) from error
    except UnicodeError as error:
        raise Refused("The mail server takes names and passwords of the letters a to z only.") from error


class _Bounded(imaplib.IMAP4):
    """Reads no answer larger than anything that is asked for."""

    def __init__(self, session: Session, *given: Any, **more: Any) -> None:
        session.connecting(self)
        super().__init__(*given, **more)

    def read(self, size: int) -> bytes:
        """Read a literal; a server that announces a huge one is not listened to."""
        if size > _LARGEST_ANSWER:
            raise self.abort("The answer is too large.")
        data = super().read(size)
        if len(data) != size:
            raise self.abort("The connection was lost in the middle of a message.")
        return data


class _Client(_Bounded):
    """In the clear, or after STARTTLS."""


class _TlsClient(_Bounded, imaplib.IMAP4_SSL):
    """Encrypted from the first octet."""


def _number(client: imaplib.IMAP4, name: str) -> int:
    _, found = client.response(name)
    value = found[0] if found else None
    return int(value) if isinstance(value, bytes) and value.isdigit() else 0


def _internal_date(head: bytes) -> dt.datetime | None:
    try:
        found = imaplib.Internaldate2tuple(head)
        return None if found is None else dt.datetime(*found[:6]).astimezone(dt.UTC)
    except (ValueError, OverflowError, TypeError, KeyError):
        return None


def _words(answer: object) -> str:
    first = answer[0] if isinstance(answer, list) and answer else answer
    return first.decode("utf-8", "replace")[:500] if isinstance(first, bytes) else str(first)[:500]


def _reason(error: BaseException) -> str:
    """Return why it did not work, in words an administrator can act on."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"The mail server's certificate is not valid: {error.verify_message}."
    if isinstance(error, TimeoutError):
        return "The mail server did not answer in time."
    if error.args and isinstance(error.args[0], bytes):
        return error.args[0].decode("utf-8", "replace")[:500]
    return (str(error) or type(error).__name__)[:500]

"""A mail server in the tests' own loop (aiosmtpd): keeps what it takes and answers as it is told."""

import asyncio
import datetime as dt
import ipaddress
import ssl
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

NAME, PASSWORD = "post@example.com", "a secret of the post"


@dataclass(slots=True)
class Received:
    """A message as it arrived."""

    sender: str
    to: list[str]
    raw: bytes
    options: list[str]

    @property
    def message(self) -> EmailMessage:
        found = message_from_bytes(self.raw, policy=default)
        assert isinstance(found, EmailMessage)
        return found


@dataclass(slots=True)
class Post:
    """The server. `answers` are given to the next RCPT or DATA instead of taking it; `taken` is set by every message."""

    port: int = 0
    received: list[Received] = field(default_factory=list)
    answers: dict[str, list[str]] = field(default_factory=lambda: {"RCPT": [], "DATA": []})
    signed_in: list[str] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    hold: asyncio.Event | None = None  # DATA is answered when this is set

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.answers["RCPT"] and (answer := self.answers["RCPT"].pop(0)):  # "" takes it
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        if self.answers["DATA"]:
            return self.answers["DATA"].pop(0)
        raw = envelope.original_content
        assert isinstance(raw, bytes)
        self.received.append(Received(str(envelope.mail_from), list(envelope.rcpt_tos), raw, list(envelope.mail_options)))
        encrypted = session.ssl or (server.transport and server.transport.get_extra_info("sslcontext"))
        self.encrypted.append(bool(encrypted))
        if self.hold:
            await self.hold.wait()
        return "250 Taken"

    def authenticate(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        good = isinstance(data, LoginPassword) and data == LoginPassword(NAME.encode(), PASSWORD.encode())
        if good:
            self.signed_in.append(mechanism)
        return AuthResult(success=good, handled=False)


@asynccontextmanager
async def running(
    *, port: int = 0, tls: ssl.SSLContext | None = None, starttls: ssl.SSLContext | None = None, auth: bool = False, **more: Any
) -> AsyncIterator[Post]:
    """Run a mail server on a free port of 127.0.0.1."""
    post = Post()
    connections: list[SMTP] = []

    def connected() -> SMTP:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # signing in without STARTTLS is what some tests are about
            made = make()
        connections.append(made)
        return made

    def make() -> SMTP:
        return SMTP(
            post,
            hostname="post.example.com",
            tls_context=starttls,
            require_starttls=starttls is not None,
            authenticator=post.authenticate if auth else None,
            auth_required=auth,
            auth_require_tls=auth and tls is None and starttls is not None,
            **more,
        )

    server = await asyncio.get_running_loop().create_server(connected, "127.0.0.1", port, ssl=tls)
    post.port = server.sockets[0].getsockname()[1]
    try:
        yield post
    finally:
        server.close()
        for each in connections:
            if isinstance(each.transport, asyncio.WriteTransport):
                each.transport.abort()
            task = each._handler_coroutine
            if task is not None and not task.done():
                task.cancel()
        await server.wait_closed()
        await asyncio.sleep(0)


def certificate(folder: Path, *, days: int = 1) -> tuple[ssl.SSLContext, Path]:
    """Make a certificate for 127.0.0.1; returns a server's context and the file a client must trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "post.example.com")])
    now = dt.datetime.now(dt.UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    trusted, secret = folder / "post.pem", folder / "post.key"
    trusted.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(trusted, secret)
    return context, trusted

"""What must be so before anything starts; each failure is a sentence that says what to do."""

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import ifaddr

from callcenter.config import Settings, host_port, port_range
from callcenter.errors import Invalid, Unavailable
from callcenter.main import twilio_demo
from callcenter.messages import addresses


def check(settings: Settings) -> None:
    """Raise Invalid or Unavailable for the first thing that would keep the product from working."""
    _values(settings)
    folder(settings.data_dir)
    _interface()
    _port_free(settings.http, socket.SOCK_STREAM, "the web pages", "--http HOST:PORT")
    _port_free(settings.sip, socket.SOCK_DGRAM, "SIP", "--sip HOST:PORT")
    if settings.demo and settings.demo_trunk == "twilio-demo":
        twilio_demo.check()
        _port_free(settings.lab_twilio, socket.SOCK_STREAM, "the demo's Twilio", "CALLCENTER_LAB_TWILIO=HOST:PORT")
        _port_free(settings.streams, socket.SOCK_STREAM, "Twilio's audio streams", "CALLCENTER_STREAMS=HOST:PORT")
    elif settings.demo:
        _port_free(settings.lab_sip, socket.SOCK_DGRAM, "the built-in carrier", "CALLCENTER_LAB_SIP=HOST:PORT")


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold the data folder for oneself: a second start would take the switch away from the first. Ends with the process."""
    with (path / "serve.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Unavailable(
                "The contact centre already runs on the data folder {path}. Stop it first, or set another CALLCENTER_DATA_DIR.",
                path=str(path),
            ) from None
        yield


def _mail_servers(settings: Settings) -> None:
    """Raise ValueError for what is no server or no sender."""
    for each in (settings.smtp, settings.imap):
        if each and each != addresses.CONSOLE:
            host_port(each)
    if settings.smtp:
        addresses.sender(settings)
    if settings.mail_reply_to:
        addresses.parse_sender(settings.mail_reply_to)


def _values(settings: Settings) -> None:
    """Refuse settings that cannot be read, and half a certificate."""
    try:
        for text in (settings.http, settings.sip, settings.streams, settings.lab_sip, settings.lab_twilio):
            host_port(text)
        port_range(settings.rtp_ports)
        _mail_servers(settings)
    except ValueError as error:
        raise Invalid("A setting cannot be used: {reason}.", reason=str(error).rstrip(".")) from error
    if bool(settings.tls_cert) != bool(settings.tls_key):
        raise Invalid("HTTPS needs both --tls-cert and --tls-key.")
    for path in (settings.tls_cert, settings.tls_key):
        if path and not os.access(path, os.R_OK):
            raise Invalid("The file {path} cannot be read.", path=str(path))


def folder(path: Path) -> None:
    """Make sure the data folder exists and can be written."""
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise Unavailable(
            "The data folder {path} cannot be made: {reason}.", path=str(path), reason=error.strerror or str(error)
        ) from error
    if not os.access(path, os.W_OK):
        raise Unavailable("The data folder {path} cannot be written. Set CALLCENTER_DATA_DIR to another.", path=str(path))


def _interface() -> None:
    """Refuse a machine with only a loopback interface: browsers and WebRTC find no address for audio there."""
    for adapter in ifaddr.get_adapters():
        for address in adapter.ips:
            text = address.ip if isinstance(address.ip, str) else address.ip[0]
            if not text.startswith("127.") and text != "::1":
                return
    raise Unavailable(
        "This machine has no network interface but loopback, so browsers cannot send audio. "
        "Connect it to a network (any, also without internet) and start again."
    )


def _port_free(where: str, kind: socket.SocketKind, what: str, option: str) -> None:
    """Refuse a port that somebody else has."""
    host, port = host_port(where)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, kind) as probe:
        if kind == socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Unavailable(
                "Port {port} on {host} for {what} cannot be used ({reason}). "
                "Stop the program that has it, or choose another with {option}.",
                port=port,
                host=host or "*",
                what=what,
                reason=error.strerror or str(error),
                option=option,
            ) from error

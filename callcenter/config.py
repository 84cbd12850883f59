"""Settings, read once from the environment (CALLCENTER_*) and frozen."""

import hashlib
import tempfile
from pathlib import Path
from typing import Literal

import phonenumbers
from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_UNIX_PATH_LIMIT = 100  # sun_path holds 108 bytes on Linux


class Settings(BaseSettings):
    """Every setting of the product, each with its default and what it does (`callcenter settings` prints this)."""

    model_config = SettingsConfigDict(env_prefix="CALLCENTER_", env_file=".env", extra="ignore", frozen=True)

    data_dir: Path = Field(Path("data"), description="Folder for the SQLite file, the key, imports and sockets.")
    database_url: str = Field("", description="sqlite:///FILE or postgresql://USER@HOST/NAME; empty: SQLite in data_dir.")
    region: str = Field("PL", description="Country whose number format is assumed for numbers typed without +.")
    http: str = Field("127.0.0.1:8000", description="Address and port of the web pages and the API.")
    sip: str = Field("127.0.0.1:5060", description="Address and port SIP listens on (UDP).")
    rtp_ports: str = Field("20000-29999", description="UDP ports for call audio, FIRST-LAST.")
    streams: str = Field(
        "127.0.0.1:8001", description="Address and port Twilio's audio streams connect to, as a proxy passes them on."
    )
    external_address: str = Field("", description="Public address told to carriers and browsers when behind NAT; empty: own.")
    stun_servers: str = Field("", description="Comma-separated stun: URLs for browsers outside the network.")
    tls_cert: Path | None = Field(None, description="Certificate (PEM) for HTTPS.")
    tls_key: Path | None = Field(None, description="Key (PEM) for HTTPS.")
    trusted_proxies: str = Field("127.0.0.1", description="Proxies whose X-Forwarded-* headers are believed.")
    public_url: str = Field("", description="Address people type, when a proxy stands before us.")
    hold_music: Path | None = Field(None, description="WAV file for callers who wait (8 kHz mono); empty: a built-in melody.")
    demo: bool = Field(False, description="Demo data, and the button that lets a customer call.")
    lab_sip: str = Field("127.0.0.1:5070", description="Address and port of the built-in carrier (demo).")
    demo_trunk: Literal["sip", "twilio-demo"] = Field(
        "sip", description="Carrier of the demo: sip (built in) or twilio-demo (a Twilio of our own, part of the source only)."
    )
    lab_twilio: str = Field("127.0.0.1:5071", description="Address and port of the demo's own Twilio (TCP).")
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING or ERROR.")
    session_hours: int = Field(12, ge=1, description="Hours after which an unused sign-in ends.")
    smtp: str = Field(
        "", description="HOST:PORT of the server e-mails leave through; console: they only go to the log; empty: none are sent."
    )
    smtp_user: str = Field("", description="User name at the mail server; empty: no sign-in.")
    smtp_password: SecretStr = Field(SecretStr(""), description="Password at the mail server.")
    smtp_tls: Literal["starttls", "tls", "none"] = Field("starttls", description="starttls, tls (from the first byte) or none.")
    smtp_from: str = Field("", description="Sender of e-mails: Name <address>.")
    mail_days: int = Field(
        365, ge=1, description="Days sent and failed e-mails are kept; about phone meetings that are not over longer."
    )
    mail_from_name: Literal["sender", "person", "both"] = Field(
        "person", description="Name customers see on e-mails people write: sender (CALLCENTER_SMTP_FROM's), person, or both."
    )
    mail_reply_to: str = Field("", description="Address answers to e-mails people write go to; empty: the sender's.")
    imap: str = Field("", description="HOST:PORT of the mailbox customers' answers are read from; empty: none are read.")
    imap_user: str = Field("", description="User name at the mailbox.")
    imap_password: SecretStr = Field(SecretStr(""), description="Password at the mailbox.")
    imap_tls: Literal["tls", "starttls", "none"] = Field("tls", description="tls (from the first byte), starttls or none.")
    imap_folder: str = Field("INBOX", description="Folder of the mailbox that is read.")
    imap_mark_seen: bool = Field(True, description="Mark what was read as seen in the mailbox; nothing is ever deleted there.")
    imap_seconds: int = Field(30, ge=1, le=3600, description="Seconds between two looks into the mailbox.")
    fax_gateway: str = Field(
        "", description="Address of the e-mail-to-fax gateway, like {number}@fax.example.com; empty: no faxes."
    )
    fax_number: Literal["e164", "digits", "00"] = Field(
        "digits", description="How the gateway wants numbers: e164 (+4822...), digits (4822...) or 00 (004822...)."
    )
    fax_megabytes: int = Field(10, ge=1, le=25, description="Largest PDF that is sent as a fax.")
    meeting_countdown_seconds: int = Field(
        5, ge=0, le=60, description="Seconds a consultant sees an automatic phone meeting before it is dialled; 0: none."
    )
    drain_seconds: int = Field(60, ge=0, description="Seconds a graceful stop waits for calls in progress.")
    hung_seconds: int = Field(
        30, ge=0, description="Seconds after which a process that shows no sign of life is started again; 0: never."
    )
    station_grace_seconds: int = Field(20, ge=0, description="Seconds a consultant's page may be away before they go offline.")
    away_call_seconds: int = Field(
        180, ge=0, description="Seconds a customer waits with music for a page that went away in a call."
    )

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @field_validator("region")
    @classmethod
    def _country(cls, value: str) -> str:
        if value.upper() not in phonenumbers.SUPPORTED_REGIONS:
            raise ValueError(f"{value!r} is not a country code like PL or DE")
        return value.upper()

    @field_validator("fax_gateway")
    @classmethod
    def _gateway(cls, value: str) -> str:
        if value and (value.count("{number}") != 1 or value.count("@") != 1 or len(value.split()) != 1):
            raise ValueError(f"{value!r} is not an address with a number in it, like {{number}}@fax.example.com")
        return value

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        kind = value.partition(":")[0].partition("+")[0]
        if value and kind not in ("sqlite", "postgresql", "postgres"):
            raise ValueError("it is not sqlite:///FILE or postgresql://USER@HOST/NAME")
        return value

    @field_validator("log_level")
    @classmethod
    def _known_level(cls, value: str) -> str:
        if value.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR"):
            raise ValueError(f"{value!r} is not DEBUG, INFO, WARNING or ERROR")
        return value.upper()

    @property
    def sqlalchemy_url(self) -> str:
        """The database address with the driver this product uses."""
        url = self.database_url or f"sqlite:///{self.data_dir / 'callcenter.db'}"
        for prefix in ("postgresql://", "postgres://"):
            if url.startswith(prefix):
                return "postgresql+psycopg://" + url.removeprefix(prefix)
        if url.startswith("sqlite:///"):
            return "sqlite+aiosqlite:///" + url.removeprefix("sqlite:///")
        return url

    @property
    def announcements(self) -> Path:
        """The folder of the announcements: the web keeps them there, the switch plays them."""
        return self.data_dir / "announcements"

    def socket_path(self, name: str) -> Path:
        """Return where the local socket `name` lives: in data_dir, or in a private temporary folder if that is too long."""
        path = self.data_dir / f"{name}.sock"
        if len(str(path)) <= _UNIX_PATH_LIMIT:
            return path
        digest = hashlib.sha256(str(self.data_dir).encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"callcenter-{digest}" / f"{name}.sock"


def host_port(text: str) -> tuple[str, int]:
    """Split HOST:PORT ([::1]:5060 for IPv6); raises ValueError with a sentence."""
    host, separator, port = text.rpartition(":")
    if not separator or not port.isdigit() or not 0 <= int(port) < 65536:
        raise ValueError(f"{text!r} is not HOST:PORT")
    return host.strip("[]"), int(port)


def port_range(text: str) -> range:
    """Turn FIRST-LAST into a range of ports; raises ValueError with a sentence."""
    first, separator, last = text.partition("-")
    if not separator or not first.isdigit() or not last.isdigit() or not 1024 <= int(first) < int(last) < 65536:
        raise ValueError(f"{text!r} is not a range of ports FIRST-LAST between 1024 and 65535")
    return range(int(first), int(last) + 1)

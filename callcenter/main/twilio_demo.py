"""The demo over Twilio: a Twilio of our own (tests/peers/twilio) takes the place of the built-in SIP carrier.

It is part of the source only. Both sides learn of the account from a file in the data folder: who it is, and which of our
trunks its number leads to.
"""

import asyncio
import importlib
import json
import os
import re
import secrets
import sys
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path

from callcenter.config import Settings, host_port
from callcenter.db import UnitOfWork
from callcenter.errors import Unavailable
from callcenter.trunks import service as trunks
from callcenter.trunks.service import TwilioInput
from telephony.lab.customers import DEMO_NUMBER

NAME = "Twilio (demo)"
_MODULE = "tests.peers.twilio.demo"
_SOURCE = Path(__file__).parents[2]
_FILE = "lab-twilio.json"


@dataclass(frozen=True, slots=True)
class Account:
    """The account at the demo's Twilio. `webhooks`: what the addresses of its number begin with."""

    account_sid: str
    auth_token: str
    webhooks: str = ""


def check() -> None:
    """Raise Unavailable where the source is not at hand."""
    if not _SOURCE.joinpath(*_MODULE.split(".")).with_suffix(".py").exists():
        raise Unavailable(
            "The demo over Twilio is part of the source, not of the installed program. "
            "Get the source and run `make run TRUNK=twilio-demo` there."
        )


async def serve(settings: Settings, stop: asyncio.Event) -> None:
    """Run the demo's Twilio until `stop` is set; raises Unavailable."""
    check()
    sys.path.insert(0, str(_SOURCE))  # before other packages: some bring a `tests` of their own
    await importlib.import_module(_MODULE).serve(settings, account(settings.data_dir), stop)


async def put_trunk(uow: UnitOfWork, settings: Settings) -> int:
    """Make the trunk to the demo's Twilio what it expects now, and tell it which trunk that is; returns the trunk's id."""
    ours, public = account(settings.data_dir), _public_url(settings)
    data = TwilioInput(
        kind="twilio",
        name=NAME,
        caller_ids=[DEMO_NUMBER],
        account_sid=ours.account_sid,
        auth_token=ours.auth_token,
        public_url=public,
        stream_url=f"ws://{_reachable(settings.streams)}/streams",
        api_url=f"http://{_reachable(settings.lab_twilio)}",
        calls_per_second=10,
        minute_price="0.0140",
        daily_spend="20",
    )
    present = [each for each in await trunks.list_trunks(uow) if each.name == NAME]
    trunk = await trunks.update_trunk(uow, present[0].id, data) if present else await trunks.add_trunk(uow, data)
    _keep(settings.data_dir, Account(ours.account_sid, ours.auth_token, f"{public}/twilio/{trunk.id}"))
    return trunk.id


def account(data_dir: Path) -> Account:
    """Return the account, made on first use and kept in a file only its owner may read (0600)."""
    path = data_dir / _FILE
    if not path.exists():
        _keep(data_dir, Account("AC" + uuid.uuid4().hex, secrets.token_hex(16)))
    return Account(**json.loads(path.read_text()))


def _keep(data_dir: Path, ours: Account) -> None:
    fresh = data_dir / f"{_FILE}.new"
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(ours), file)
    fresh.replace(data_dir / _FILE)


def _public_url(settings: Settings) -> str:
    """Return where our pages answer on this machine."""
    scheme = "https" if settings.tls_cert else "http"
    return f"{scheme}://{_reachable(settings.http)}"


def _reachable(address: str) -> str:
    """Return the address to connect to where one is listened on; all interfaces: this machine's own."""
    host, port = host_port(address)
    host = "127.0.0.1" if re.fullmatch(r"(0\.0\.0\.0|::|)", host) else host
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

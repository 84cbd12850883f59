"""Keeping a trunk usable: registering early and again (RFC 3261 10.2), or asking an unregistered one whether it is there."""

import asyncio
import random
import re
from typing import Any

import structlog

from callcenter.errors import Unavailable
from telephony.sip import parsing
from telephony.sip.engine import Engine
from telephony.sip.exchange import Answer, Exchange
from telephony.sip.trunk import Trunk

log = structlog.get_logger(__name__)

WANTED_SECONDS = 300  # short enough to keep a NAT's mapping and to notice a carrier that forgot us
PING_SECONDS = 60
_FIRST_WAIT, _LONGEST_WAIT = 2.0, 300.0
_WRONG_CREDENTIALS_WAIT = 120.0  # carriers lock accounts that keep trying a wrong password
_UNREGISTER_SECONDS = 2.0


def refresh_after(expires: int) -> float:
    """Return the seconds after which to register again: at 85 %, and at least half a minute early when there is room."""
    early = expires * 0.85
    return max(1.0, min(early, expires - 30.0) if expires > 60 else early)


def wait_after_failure(failures: int, *, credentials: bool) -> float:
    """Return the seconds to wait after so many failures in a row: doubling, at most five minutes, spread by a fifth."""
    seconds = min(_FIRST_WAIT * 2 ** min(failures - 1, 10), _LONGEST_WAIT)
    if credentials:
        seconds = max(seconds, _WRONG_CREDENTIALS_WAIT)
    return float(seconds * random.uniform(0.8, 1.2))  # noqa: S311 - spreading load, not secrecy


def granted(response: Any, token: str) -> int:
    """Return the seconds a 2xx to REGISTER grants our Contact: its own expires, else the header's, else what we wanted."""
    ours = [value for value in parsing.values(response, "contact") if f"line={token}" in value]
    for value in ours:
        found = re.search(r"[;\s]expires\s*=\s*\"?(\d{1,7})", value, re.IGNORECASE)
        if found:
            return int(found[1])
    for value in parsing.values(response, "expires"):
        if value.strip().isascii() and value.strip().isdigit():
            return int(value.strip()[:7])
    return WANTED_SECONDS


def failure(answer: Answer) -> Unavailable:
    """Return what a refused or unanswered registration means, as a sentence for the administrator."""
    if answer.response is None:
        return Unavailable("The carrier does not answer. Check host, port and firewall.")
    if answer.code in (401, 407):
        return Unavailable("The carrier does not accept the user name or password.")
    said = f"{answer.code} {answer.phrase}"
    if answer.code in (403, 404):
        return Unavailable("The carrier refuses the registration ({answer}). Check user name, password and domain.", answer=said)
    return Unavailable("The carrier refuses the registration: {answer}", answer=said)


class Registration:
    """Registers a trunk and keeps it so until `stop`; without `register`, pings it with OPTIONS."""

    def __init__(self, engine: Engine, trunk: Trunk) -> None:
        self._trunk = trunk
        self._exchange = Exchange(engine, trunk)
        self._task: asyncio.Task[None] | None = None
        self._wanted = WANTED_SECONDS
        self._registered = False

    def start(self) -> None:
        """Begin, in a task of its own."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name=f"trunk {self._trunk.config.trunk_id}")

    async def stop(self) -> None:
        """End, and un-register when registered."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        if self._registered:
            self._registered = False
            try:
                await asyncio.wait_for(self.register(0), _UNREGISTER_SECONDS)
            except (TimeoutError, Unavailable):
                log.info("sip_unregister_unanswered", trunk=self._trunk.config.name)

    async def _run(self) -> None:
        failures = 0
        while True:
            try:
                seconds, worked, credentials = await self._once()
            except Unavailable as error:
                self._trunk.set_state("failed", error)
                seconds, worked, credentials = 0.0, False, False
            except Exception:
                log.exception("sip_trunk_failed", trunk=self._trunk.config.name)
                seconds, worked, credentials = 0.0, False, False
            failures = 0 if worked else failures + 1
            await asyncio.sleep(seconds if worked else wait_after_failure(failures, credentials=credentials))

    async def _once(self) -> tuple[float, bool, bool]:
        """Register or ping once. Returns (seconds until the next time, whether it worked, whether the password is wrong)."""
        await self._trunk.resolve()
        if not self._trunk.config.register:
            return await self._ping()
        if not self._registered:
            self._trunk.set_state("registering")
        answer = await self.register(self._wanted)
        if answer.code < 300:
            self._registered = True
            self._trunk.service_routes = tuple(parsing.values(answer.response, "service-route"))  # RFC 3608
            self._trunk.set_state("registered")
            return refresh_after(granted(answer.response, self._trunk.token)), True, False
        self._registered = False
        self._trunk.set_state("failed", failure(answer))
        return 0.0, False, answer.code in (401, 403, 407)

    async def register(self, seconds: int) -> Answer:
        """Send REGISTER, once more with a longer life when the registrar wants one (423)."""
        answer = await self._register(seconds)
        least = (
            _number(parsing.values(answer.response, "min-expires")) if answer.code == 423 and answer.response is not None else 0
        )
        if least > seconds:
            self._wanted = min(least, 86_400)
            answer = await self._register(self._wanted)
        return answer

    async def _register(self, seconds: int) -> Answer:
        headers = [f"Contact: {self._trunk.contact()};expires={seconds}", f"Expires: {seconds}", "Supported: path"]
        return await self._exchange.send("REGISTER", self._trunk.uri(""), headers)

    async def _ping(self) -> tuple[float, bool, bool]:
        answer = await self.options()
        if answer.response is None:
            self._trunk.set_state("failed", failure(answer))
            return 0.0, False, False
        self._trunk.set_state("ready")  # any answer will do: something speaks SIP there
        return PING_SECONDS * random.uniform(0.8, 1.2), True, False  # noqa: S311 - spreading load

    async def options(self) -> Answer:
        """Send OPTIONS."""
        return await self._exchange.send("OPTIONS", self._trunk.uri(""), ["Accept: application/sdp"])


def _number(values: list[str]) -> int:
    text = values[0].strip() if values else ""
    return int(text[:7]) if text.isascii() and text.isdigit() else 0

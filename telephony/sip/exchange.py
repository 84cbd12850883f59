"""A request of ours outside calls (REGISTER, OPTIONS) and its answer, with credentials where asked."""

import asyncio
import secrets
from collections.abc import Sequence
from typing import Any, NamedTuple

from callcenter import clock
from telephony.sip import digest, parsing
from telephony.sip.dialog import Dialog
from telephony.sip.engine import Engine
from telephony.sip.trunk import Trunk

_MOST_TRIES = 3
_CHALLENGES = {401: ("www-authenticate", "Authorization"), 407: ("proxy-authenticate", "Proxy-Authorization")}


class Answer(NamedTuple):
    """The final response. `code` is 408 when none came; `response` None then; `seconds` from sending to it."""

    code: int
    phrase: str
    response: Any
    seconds: float


class Exchange:
    """Requests to a trunk under one Call-ID (RFC 3261 10.2: a registrar wants one for all REGISTERs)."""

    def __init__(self, engine: Engine, trunk: Trunk) -> None:
        self._engine, self._trunk = engine, trunk
        self._call_id = secrets.token_hex(16)
        self._sequence = secrets.randbelow(1000)

    async def send(self, method: str, uri: str, headers: Sequence[str] = ()) -> Answer:
        """Send a request and return the final answer."""
        credentials: list[str] = []
        nonce = ""
        for _ in range(_MOST_TRIES):
            answer = await self._once(method, uri, [*headers, *credentials])
            again = self._credentials(answer, method, uri, nonce)
            if again is None:
                return answer
            nonce, credentials = again
        return answer

    def _credentials(self, answer: Answer, method: str, uri: str, refused: str) -> tuple[str, list[str]] | None:
        config = self._trunk.config
        if answer.response is None or answer.code not in _CHALLENGES or not config.password:
            return None
        asked, name = _CHALLENGES[answer.code]
        challenge = digest.strongest(parsing.values(answer.response, asked))
        if challenge is None or (refused and (not challenge.stale or challenge.nonce == refused)):
            return None
        value = digest.credentials(challenge, config.auth_username or config.username, config.password, method, uri)
        return challenge.nonce, [f"{name}: {value}"]

    async def _once(self, method: str, uri: str, headers: list[str]) -> Answer:
        trunk = self._trunk
        self._sequence += 1
        own = f"<{trunk.uri(trunk.config.username)}>"
        routes = trunk.routes() if method != "REGISTER" or not trunk.service_routes else ()
        dialog = Dialog(
            call_id=self._call_id,
            local=own,
            local_tag=secrets.token_hex(8),
            remote=own if method == "REGISTER" else f"<{uri}>",
            remote_tag="",
            target=uri,
            place=trunk.place(),
            contact=trunk.contact(),
            peer=trunk.hop,
            routes=routes,
        )
        request, _ = dialog.request(method, headers, sequence=self._sequence)
        final: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def responded(response: Any) -> None:
            if response.getSCode()[0] >= 200 and not final.done():
                final.set_result(response)

        started = clock.monotonic()
        self._engine.send(request, trunk.hop, responded)
        response = await final
        code, phrase = response.getSCode()
        return Answer(code, phrase, response if response.source is not None else None, clock.monotonic() - started)

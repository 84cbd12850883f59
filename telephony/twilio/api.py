"""What is asked of Twilio: calls, messages, numbers. The library that asks is loaded when it is first needed, in a thread."""

import asyncio
import datetime as dt
import importlib
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from callcenter.phone import SendText, TwilioConfig
from telephony.twilio.trace import Trace

if TYPE_CHECKING:
    from telephony.twilio.client import Clients

_LIBRARY = "telephony.twilio.client"
_MOST_CALLS = 1000  # alive at once of a status, when they are listed
_CLOCKS_APART = dt.timedelta(seconds=30)


class Api:
    """An account's requests. All raise Refused, TooFast, Unsent or Uncertain; what they return is the library's."""

    def __init__(self, config: TwilioConfig, kept: Trace) -> None:
        self._config, self._trace = config, kept
        self._clients: Clients | None = None
        self._loading = asyncio.Lock()
        self._closed = False

    async def _loaded(self) -> "Clients":
        async with self._loading:
            if self._clients is None:
                library = await asyncio.to_thread(importlib.import_module, _LIBRARY)
                clients: Clients = library.Clients(self._config, self._trace)
                self._clients = clients
            return self._clients

    async def _ask(self, request: Callable[[Any], Awaitable[Any]]) -> Any:
        clients = self._clients or await self._loaded()
        return await clients.ask(request(clients.client))

    async def dial(self, **fields: Any) -> Any:
        """Make a call (Calls, POST)."""
        return await self._ask(lambda client: client.calls.create_async(**fields))

    async def call(self, sid: str) -> Any:
        """Return a call as it is."""
        return await self._ask(lambda client: client.calls(sid).fetch_async())

    async def end(self, sid: str) -> None:
        """End a call in whatever state."""
        await self._ask(lambda client: client.calls(sid).update_async(status="completed"))

    async def alive(self, status: str) -> list[Any]:
        """Return the account's calls that are queued, ringing or in-progress."""
        found: list[Any] = await self._ask(lambda client: client.calls.list_async(status=status, limit=_MOST_CALLS))
        return found

    async def dialled(self, number: str, sender: str, since: dt.datetime) -> list[Any]:
        """Return the calls made by request from `sender` to `number` since then, oldest first."""
        found = await self._ask(lambda client: client.calls.list_async(to=number, from_=sender, limit=50))
        since -= _CLOCKS_APART
        made = [(each.date_created, each) for each in found if each.direction == "outbound-api"]
        return [each for at, each in reversed(made) if at is not None and at >= since]

    async def send(self, command: SendText, status_callback: str) -> Any:
        """Send a message."""
        fields = {"to": command.number, "from_": command.sender, "body": command.text, "status_callback": status_callback}
        return await self._ask(lambda client: client.messages.create_async(**fields))

    async def message(self, sid: str) -> Any:
        """Return a message as it is."""
        return await self._ask(lambda client: client.messages(sid).fetch_async())

    async def account(self) -> None:
        """Fetch the account with the auth token, whichever key is used for the rest: it is what signs webhooks."""
        clients = await self._loaded()
        await clients.ask(clients.owner.api.v2010.accounts(self._config.account_sid).fetch_async())

    async def number(self, number: str) -> Any | None:
        """Return one of the account's numbers."""
        found = await self._ask(lambda client: client.incoming_phone_numbers.list_async(phone_number=number, limit=20))
        return next((each for each in found if each.phone_number == number), None)

    async def set_number(self, sid: str, **fields: str) -> None:
        """Change where a number's calls and messages go."""
        await self._ask(lambda client: client.incoming_phone_numbers(sid).update_async(**fields))

    async def fetch(self, method: str, url: str, fields: list[tuple[str, str]], headers: Mapping[str, str]) -> tuple[int, str]:
        """Make a request of an address of our own; returns status and text; raises OSError or TimeoutError."""
        return await (await self._loaded()).session.fetch(method, url, fields, headers)

    async def close(self) -> None:
        """End the session."""
        if self._clients is not None:
            await self._clients.session.close()

"""The port itself, and its messages as JSON."""

from collections.abc import AsyncIterator
from typing import Protocol

from pydantic import TypeAdapter

from callcenter.phone.commands import Command
from callcenter.phone.events import Event
from callcenter.phone.queries import Query, Reply

COMMAND: TypeAdapter[Command] = TypeAdapter(Command)
QUERY: TypeAdapter[Query] = TypeAdapter(Query)
REPLY: TypeAdapter[Reply] = TypeAdapter(Reply)
EVENT: TypeAdapter[Event] = TypeAdapter(Event)


class Phone(Protocol):
    """The contact centre's end of the port. Implemented by the link to the switch process and by the fake."""

    def send(self, command: Command) -> None:
        """Send a command, in order, without waiting.

        While the switch is away an Originate comes back as LegEnded(failed), a SendText as TextStatus(failed); other
        commands are dropped, since the snapshot after the next LinkUp reconciles them.
        """

    async def ask(self, query: Query, timeout: float = 5.0) -> Reply:  # noqa: ASYNC109 - callers differ in patience
        """Send a query and wait for its reply; raises Unavailable when the switch is away or refuses."""

    def events(self) -> AsyncIterator[Event]:
        """Yield events in order. An event counts as taken when the next one is asked for; until then it may come again."""

"""Every Twilio call here, by our id and by Twilio's, and what is remembered of those that are over."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from telephony.twilio.leg import Leg

_REMEMBERED = 5000


class Recent(dict[str, str]):
    """The last few entries of a dictionary."""

    def note(self, key: str, value: str = "") -> None:
        """Keep an entry, and drop the oldest when there are too many."""
        self[key] = value
        if len(self) > _REMEMBERED:
            del self[next(iter(self))]


class Book:
    """The legs alive, and what came after them.

    `refused`: over here, and have not fetched their refusal. `past`: legs by our id. `over`: by Twilio's id of calls that are
    over here, what they are to do if they ask. `final`: over at Twilio, too.
    """

    def __init__(self) -> None:
        self._legs: dict[str, Leg] = {}
        self._calls: dict[str, Leg] = {}
        self.refused: set[Leg] = set()
        self.past = Recent()
        self.over = Recent()
        self.final = Recent()

    def __iter__(self) -> Iterator["Leg"]:
        """Yield the legs alive; they may end meanwhile."""
        return iter(list(self._legs.values()))

    def __len__(self) -> int:
        return len(self._legs)

    def add(self, leg: "Leg") -> None:
        """Take a new leg."""
        self._legs[leg.leg_id] = leg

    def leg(self, leg_id: str) -> "Leg | None":
        """Return a leg by our id."""
        return self._legs.get(leg_id)

    def call(self, sid: str) -> "Leg | None":
        """Return a leg by Twilio's id."""
        return self._calls.get(sid)

    def named(self, leg: "Leg", sid: str) -> None:
        """Learn Twilio's id of a leg."""
        self._calls[sid] = leg

    def forget(self, leg: "Leg", last_words: str) -> None:
        """A leg is over here; its call is told `last_words` if it asks."""
        self._legs.pop(leg.leg_id, None)
        self.past.note(leg.leg_id)
        if leg.provider_ref:
            self._calls.pop(leg.provider_ref, None)
            self.over.note(leg.provider_ref, last_words)

    def knows(self, sid: str) -> bool:
        """Tell whether a call is or was one of ours."""
        return sid in self._calls or sid in self.over

    def fetched(self, sid: str) -> str:
        """Return what a call that is over here is told to do: it has come for it."""
        self.refused = {leg for leg in self.refused if leg.provider_ref != sid}
        return self.over[sid]

"""Ids that must not be begun again: those of the last legs and messages."""

REMEMBERED = 10_000


class Remembered:
    """The last ids of some kind."""

    def __init__(self) -> None:
        self._ids: dict[str, None] = {}

    def __contains__(self, id_: str) -> bool:
        return id_ in self._ids

    def new(self, id_: str) -> bool:
        """Remember an id; returns whether it was not known."""
        if id_ in self._ids:
            return False
        self._ids[id_] = None
        if len(self._ids) > REMEMBERED:
            del self._ids[next(iter(self._ids))]
        return True

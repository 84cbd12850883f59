"""Run a coroutine at once, as far as it goes without waiting, and the rest in a task: a message that can leave leaves now.

A task woken through a queue runs when the loop comes round to it, behind whatever was to run before; with a pop-up that
is a few milliseconds, or another call's whole transaction.
"""

from collections.abc import Coroutine, Generator
from typing import Any, Final


class Begun:
    """A coroutine that has run up to its first wait. Await it, once, to let it go on from there.

    `done` when it came to its end without waiting. What it raised meanwhile is raised by the constructor.
    """

    def __init__(self, coroutine: Coroutine[Any, Any, None]) -> None:
        self._coroutine: Final = coroutine
        self._waited: Any = None
        self.done = False
        try:
            self._waited = coroutine.send(None)
        except StopIteration:
            self.done = True

    def __await__(self) -> Generator[Any, Any, None]:
        waited = self._waited
        while not self.done:
            failed: BaseException | None = None
            try:
                yield waited
            except BaseException as error:  # noqa: BLE001 - handed to the coroutine, which it is for
                failed = error
            try:
                waited = self._coroutine.send(None) if failed is None else self._coroutine.throw(failed)
            except StopIteration:
                self.done = True

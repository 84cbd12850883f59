"""Session timers (RFC 4028): what was agreed, who refreshes, and when a session nobody refreshes is over."""

import asyncio
from collections.abc import Callable
from typing import Any

from telephony.sip import parsing

MIN_SECONDS = 90  # the least the RFC allows anybody to ask for
_MOST_SECONDS = 86_400


def asked(message: Any) -> tuple[int, str] | None:
    """Return (seconds, refresher or "") of a message's Session-Expires, None without one that can be read."""
    for value in parsing.values(message, "session-expires"):
        seconds, _, parameters = value.partition(";")
        if seconds.strip().isascii() and seconds.strip().isdigit():
            refresher = parameters.replace(" ", "").lower().partition("refresher=")[2].partition(";")[0]
            return min(int(seconds.strip()[:6]), _MOST_SECONDS), refresher if refresher in ("uac", "uas") else ""
    return None


def too_short(message: Any) -> bool:
    """Whether a request asks for refreshes more often than the RFC allows (then it gets 422)."""
    wanted = asked(message)
    return wanted is not None and wanted[0] < MIN_SECONDS


class SessionTimer:
    """Runs out, or asks for a refresh at half time when that is ours to do. Callbacks run on the loop."""

    def __init__(self, refresh: Callable[[], None], expired: Callable[[], None]) -> None:
        self._refresh, self._expired = refresh, expired
        self._timers: list[asyncio.TimerHandle] = []
        self.seconds = 0

    def answer(self, request: Any) -> list[str]:
        """Agree to what a request asks, as its UAS; returns the headers for the 2xx."""
        wanted = asked(request)
        if wanted is None:
            self.stop()
            return []
        seconds, refresher = wanted
        refresher = refresher or "uac"
        self._run(seconds, ours=refresher == "uas")
        supported = "timer" in parsing.tokens(request, "supported") or "timer" in parsing.tokens(request, "require")
        return [f"Session-Expires: {seconds};refresher={refresher}", *(["Require: timer"] if supported else [])]

    def agreed(self, response: Any) -> None:
        """Take what the far end's 2xx to our request says."""
        given = asked(response)
        if given is None:
            self.stop()
        else:
            self._run(given[0], ours=given[1] != "uas")

    def _run(self, seconds: int, *, ours: bool) -> None:
        self.stop()
        self.seconds = max(seconds, MIN_SECONDS)
        loop = asyncio.get_running_loop()
        self._timers.append(loop.call_later(self.seconds - min(32, self.seconds / 3), self._expired))  # RFC 4028 10
        if ours:
            self._timers.append(loop.call_later(self.seconds / 2, self._refresh))

    def close(self) -> None:
        """Stop for good, and let go of the call: the two refer to each other."""
        self.stop()
        self._refresh = self._expired = _nothing

    def stop(self) -> None:
        """Expect no refresh."""
        self.seconds = 0
        for each in self._timers:
            each.cancel()
        self._timers.clear()


def _nothing() -> None:
    """Call nobody back."""

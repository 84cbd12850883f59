"""Who answered, by how they speak: a person says a few words and waits, a machine goes on. Pure; frames of 20 ms in.

The rules are the customary ones (initial silence, length of the greeting, number of words, silence after it); how good they
are is measured in docs/decisions/0026.
"""

from typing import Literal, NamedTuple

from callcenter.phone import Listening

FRAME_MS = 20
GAP_MS = 120  # of silence between two words; shorter ones are within a word

Why = Literal["silence", "pause", "greeting", "words", "beep", "time"]


class Verdict(NamedTuple):
    """Who answered, why it is taken for so, and after how many milliseconds."""

    found: Literal["human", "machine", "unknown"]
    why: Why
    at_ms: int


class Detector:
    """Takes one frame after another, and has a verdict in the end; what comes after it changes nothing.

    Heard so far: `words`, the `greeting` from the first one to the end of the last, and the `pause` since then (milliseconds).
    """

    def __init__(self, settings: Listening) -> None:
        self.settings = settings
        self.verdict: Verdict | None = None
        self.heard_ms = 0
        self.words = 0
        self.pause = 0
        self._began: int | None = None  # of the first word
        self._ended = 0  # of the last one
        self._burst: int | None = None  # when the speech that goes on began
        self._voiced = 0  # when there was speech last
        self._counted = False  # it has lasted long enough to be a word

    @property
    def greeting(self) -> int:
        """Return how long it was spoken so far, pauses between words included, in milliseconds."""
        return 0 if self._began is None else self._ended - self._began

    def take(self, voiced: bool, beep: bool = False) -> Verdict | None:
        """Take 20 ms: whether there is speech in it, and whether a beep was heard; returns the verdict once there is one."""
        if self.verdict is not None:
            return self.verdict
        self.heard_ms += FRAME_MS
        self._hear(voiced)
        self.verdict = self._judged(beep)
        return self.verdict

    def _hear(self, voiced: bool) -> None:
        now = self.heard_ms
        if voiced:
            if self._burst is None:
                self._burst, self._counted = now - FRAME_MS, False
            self._voiced = now
            if not self._counted and now - self._burst >= self.settings.word_ms:
                self._counted = True
                self.words += 1
                self._began = self._burst if self._began is None else self._began
            if self._counted:
                self._ended = now
        elif self._burst is not None and now - self._voiced >= GAP_MS:
            self._burst, self._counted = None, False
        self.pause = 0 if self._began is None else now - self._ended

    def _judged(self, beep: bool) -> Verdict | None:
        settings = self.settings
        if beep:
            return Verdict("machine", "beep", self.heard_ms)
        if self._began is None:
            if 0 < settings.silence_ms <= self.heard_ms:
                return Verdict("machine", "silence", self.heard_ms)
        elif self.greeting >= settings.greeting_ms:
            return Verdict("machine", "greeting", self.heard_ms)
        elif self.words > settings.words:
            return Verdict("machine", "words", self.heard_ms)
        elif self.pause >= settings.pause_ms:
            return Verdict("human", "pause", self.heard_ms)
        if self.heard_ms >= settings.most_ms:
            return Verdict("unknown", "time", self.heard_ms)
        return None

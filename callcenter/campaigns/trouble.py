"""A trunk that refuses: fewer lines, then single ones to probe it, then slowly more."""

WINDOW = 16  # outcomes looked back on
MANY = 0.5  # share of failures that is trouble
FEWEST = 5  # failures under which nothing is concluded
PROBE_S = 4.0  # between single lines while the trunk refuses


class Trouble:
    """Follows failed lines; `limit(now)` says how many lines may start now."""

    def __init__(self) -> None:
        self.outcomes: list[bool] = []
        self.limit_lines: float | None = None  # lines a second; None: no trouble
        self.probe_at = 0.0
        self.credit = 0.0

    @property
    def on(self) -> bool:
        """Whether the trunk is in trouble."""
        return self.limit_lines is not None

    def add(self, failures: int, others: int, seconds: float) -> None:
        """Fold one tick in: lines that failed, and lines that got as far as ringing out, busy or an answer."""
        self.outcomes = (self.outcomes + [True] * failures + [False] * others)[-WINDOW:]
        failed = sum(self.outcomes)
        if self.limit_lines is None:
            if failed >= FEWEST and failed > MANY * len(self.outcomes):
                self.limit_lines = 0.0
                self.outcomes = []
            return
        if failures > others:
            self.limit_lines /= 2.0
        elif others:
            self.limit_lines = max(1.0, self.limit_lines * 1.5)
        if self.limit_lines > 30.0 or (len(self.outcomes) >= WINDOW and failed < MANY * 0.6 * WINDOW):
            self.limit_lines = None

    def most(self, now: float, seconds: float) -> int | None:
        """Return how many lines may start at this tick; None: any number."""
        if self.limit_lines is None:
            return None
        self.credit = min(max(1.0, self.limit_lines), self.credit + self.limit_lines * seconds)
        lines = int(self.credit)
        self.credit -= lines
        if lines == 0 and now >= self.probe_at:
            self.probe_at = now + PROBE_S
            return 1
        return lines

"""The cap on abandoned calls as a counted budget (B5): earned by persons answered, spent by those abandoned."""

import math

from callcenter.campaigns.observed import Totals

CERTAIN = 0.005  # chance that more persons answer than are left, if every agent went away now and nothing were earned after it
LIKELY = 0.03  # the same where something can be earned back
DEAR, CHEAP = 0.01, 0.6  # between these lies the chance of meeting nobody that one more line may run
START = 0.025
LEARNING = 0.06  # how far one abandoned call moves the price (logarithm), for each width of savings
SAVED = 0.6  # share of the first earnings that is saved
WIDTH, WIDER = 2.0, 1.0  # savings aimed at: these, plus so many times the square root of what was earned
KEPT, RELEASED = 1.6, 0.3  # towards the end: savings kept, and how many for each call still to be earned
STEEP, STEEPER = 1.0, 0.4  # the same for how sharply the price answers to savings
LOWEST, HIGHEST = -2.0, 1.2  # how far it answers (logarithm)
VANISHED = 5.0  # deviations of the persons in flight up to which savings are aimed at: beyond what the check of the cap asks
LARGE = 6.0  # calls earned from which, late in a period, one line each is held under the cap as well
OUTAGE = 1200.0  # seconds all agents may stay away: nothing is earned in them
LATE = 3.0  # calls still to be earned under which a period is late
EVERYBODY = 1_000_000_000


def left(cap: float, answered: int, abandoned: int) -> int:
    """Return how many persons more may be abandoned if nobody else ever answers; negative when it is over the cap.

    Each of them counts as answered too: `abandoned + n <= cap * (answered + n)`.
    """
    if cap >= 1.0:
        return EVERYBODY
    return math.floor((cap * answered - abandoned) / (1.0 - cap) + 1e-9)


class Price:
    """The chance of meeting nobody that one more line may run.

    It follows the budget: first something is saved, so that bad luck does not send everybody back to one line each;
    then as much is spent as is earned; before the end of a period that is known, the savings are spent too.
    """

    def __init__(self) -> None:
        self.base = START
        self.answered = 0
        self.spare = 0.0  # savings above the aim, in widths
        self.back = 0  # persons over what is left who would be earned back before a known end, never more than were earned
        self.sure = CERTAIN  # how seldom more may answer than are left and can be earned back
        self.late = False  # what is lost now can hardly be earned again

    def add(self, now: float, cap: float, period: float | None, totals: Totals, in_flight: float, variance: float) -> None:
        """Fold the totals of one tick in; `in_flight` persons (a mean) would meet nobody if every agent vanished now.

        The cap and the end of the period are those of this tick: they may change while it runs.
        """
        more = cap * (totals.answered - self.answered)
        self.answered = totals.answered
        earned = cap * totals.answered
        width = WIDTH + WIDER * math.sqrt(earned)
        aim, to_come, after = width, math.inf, 0.0
        if period is not None and now > 0:
            to_come = earned * max(0.0, period - now) / now
            after = min(earned, earned * max(0.0, period - now - OUTAGE) / now)
            aim = min(aim, KEPT + RELEASED * to_come)
        aim = min(SAVED * earned, max(aim, in_flight + VANISHED * math.sqrt(variance)))
        self.back = int(after)
        self.sure = LIKELY if self.back else CERTAIN
        self.late = earned >= LARGE and to_come < LATE
        self.spare = (earned - totals.abandoned - aim) / min(width, STEEP + STEEPER * to_come)
        if more > 0:
            self.base = min(CHEAP, max(DEAR, self.base * math.exp(LEARNING * more * max(-2.0, min(2.0, self.spare)))))

    @property
    def now(self) -> float:
        """The price now."""
        return min(CHEAP, self.base * math.exp(max(LOWEST, min(HIGHEST, self.spare))))

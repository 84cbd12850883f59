"""Plots drawn by the server as SVG: only numbers here, the template puts them in place (no styles, by the content policy)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from callcenter.campaigns.board_views import OUTCOMES, BoardHour

WIDTH, HEIGHT = 720, 220  # of the whole, in the units of its viewBox
LEFT, TOP, BOTTOM = 44, 10, 24  # room for the numbers and the hours
GAP = 0.25  # of the room of a bar
WIDEST = 56.0  # a bar
FEWEST_HOURS = 8  # the plot of a young day is not one broad bar
LINES = 4  # across, at most


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a bar: what of, how many, and where."""

    kind: str
    count: int
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Bar:
    """An hour: when it begins, as it is shown in full and below the bar; where it stands; its pieces from the bottom up."""

    label: str
    short: str
    x: float
    width: float
    middle: float
    pieces: list[Piece]
    hour: BoardHour


@dataclass(frozen=True, slots=True)
class Plot:
    """Bars on a scale: `lines` are pairs of a number and where it is. `kinds`: those in it, in the order of the pieces."""

    bars: list[Bar]
    lines: list[tuple[int, float]]
    kinds: list[str]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    foot: int = HEIGHT - BOTTOM


def outcomes(hours: Sequence[BoardHour], zone: str) -> Plot:
    """Return the day's attempts by hour and outcome, hours by the clock of `zone`. Pure."""
    step = scale(max((each.total for each in hours), default=0))
    top = step * max(1, math.ceil(max((each.total for each in hours), default=0) / step))
    high = HEIGHT - TOP - BOTTOM
    room = (WIDTH - LEFT) / max(FEWEST_HOURS, len(hours))
    width = round(min(WIDEST, room * (1 - GAP)), 1)
    bars = []
    for n, each in enumerate(hours):
        x, below, pieces = LEFT + n * room + (room - width) / 2, 0, []
        for kind in OUTCOMES:
            count = getattr(each, kind)
            if count:
                below += count
                pieces.append(Piece(kind, count, round(HEIGHT - BOTTOM - high * below / top, 1), round(high * count / top, 1)))
        label = each.begins.astimezone(ZoneInfo(zone)).strftime("%H:%M")
        bars.append(Bar(label, label[:2], round(x, 1), width, round(x + width / 2, 1), pieces, each))
    lines = [(value, round(HEIGHT - BOTTOM - high * value / top, 1)) for value in range(0, top + 1, step)]
    kinds = [kind for kind in OUTCOMES if any(getattr(each, kind) for each in hours)]
    return Plot(bars, lines, kinds)


def scale(most: int) -> int:
    """Return the distance of the lines across: 1, 2 or 5 times a power of ten, LINES of them at most. Pure."""
    step, power = 1, 1
    while most / step > LINES:
        step = next((each * power for each in (2, 5, 10) if each * power > step), 10 * power)
        if step == 10 * power:
            power *= 10
    return step

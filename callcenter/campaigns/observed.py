"""What a dialer can see of a campaign, and what pacing answers: the words of `callcenter pacer` and of the live dialer alike."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Mode(StrEnum):
    """How a campaign is dialled."""

    PREVIEW = "preview"  # the consultant dials
    PROGRESSIVE = "progressive"  # one line for each ready agent
    POWER = "power"  # a fixed number of lines for each ready agent
    PREDICTIVE = "predictive"  # as many as the cap on abandoned calls carries


class Kind(StrEnum):
    """What happened since the last tick; the seconds each carries stand beside it."""

    ANSWERED = "answered"  # ring time
    NO_ANSWER = "no_answer"  # ring time
    BUSY = "busy"  # ring time
    FAILED = "failed"  # ring time
    HUMAN = "human"  # time of detection
    MACHINE = "machine"  # time of detection, or of the agent who got it; 0 when nobody was free for it
    CONNECTED = "connected"  # how long the person waited
    ABANDONED = "abandoned"
    TALK_END = "talk_end"  # talk
    WRAP_END = "wrap_end"  # wrap-up
    PAUSE = "pause"
    UNPAUSE = "unpause"  # length of the pause


@dataclass(frozen=True, slots=True)
class Settings:
    """What is known of a campaign before its period begins. Times in seconds, shares from 0 to 1."""

    mode: Mode = Mode.PREDICTIVE
    cap: float = 0.03  # abandoned of answered, from the rule pack or lower; 0: one line for each ready agent
    ratio: float = 1.0  # lines for each ready agent in power mode, at least 1
    channels: int | None = None  # of the trunk, for this campaign
    ring_timeout_s: float = 26.5  # from originating to giving up
    patience_s: float = 2.0  # how long an answered person is held before the call counts as abandoned
    machine_detection: bool = False
    tick_s: float = 1.0
    period_s: float | None = None  # when the period the cap is counted over ends, on the clock of `Observed.now`
    most_per_agent: float = 15.0  # lines in flight for each agent signed in, whatever the forecast says


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened: when, what, and the seconds it carries."""

    at: float
    kind: Kind
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts since the period began; `answered` are live persons connected or abandoned."""

    dialed: int = 0
    answered: int = 0
    connected: int = 0
    abandoned: int = 0
    machines: int = 0
    no_answers: int = 0
    busies: int = 0
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Observed:
    """The campaign at one tick: no names, only how long each thing has lasted, in seconds."""

    now: float
    logged_in: int = 0
    ready: int = 0
    paused: int = 0
    talk: tuple[float, ...] = ()
    wrap: tuple[float, ...] = ()
    machine: tuple[float, ...] = ()  # agents who got an answering machine
    ringing: tuple[float, ...] = ()
    screening: tuple[float, ...] = ()  # answered, not yet known to be a person
    waiting: tuple[float, ...] = ()  # a person, and no agent yet
    channels_in_use: int = 0
    totals: Totals = field(default_factory=Totals)
    events: tuple[Event, ...] = ()
    trunk_up: bool = True
    most: int | None = None  # further limit on new lines at this tick: leads left, calls per second

    @property
    def pending(self) -> int:
        """Lines that may still ask for an agent."""
        return len(self.ringing) + len(self.screening) + len(self.waiting)


@dataclass(frozen=True, slots=True)
class Decision:
    """How many lines to start now, the word for why, and every number it was worked out from."""

    lines: int
    why: str
    inputs: dict[str, Any]

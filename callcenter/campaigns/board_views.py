"""What the live page of a campaign shows (M7), and the API gives with the same figures."""

import datetime as dt
from typing import Any, Literal

from pydantic import BaseModel

from callcenter.agents.models import AgentState
from callcenter.campaigns.forms import ModeName, StateName

Doing = Literal["", "ringing", "talking", "elsewhere"]
OUTCOMES = ("talked", "heard", "abandoned", "machine", "no_answer", "busy", "failed", "going")


class BoardAgent(BaseModel):
    """Somebody who serves the campaign and is not offline. `since`: of the state; `reason`: of a break, or of `offered`
    where nothing rings yet: `lead` while one is looked at, `meeting` while a phone meeting is counted down.

    `doing` tells of `on_call` whether a line of this campaign rings for them, they talk in it, or are in another call.
    `kept`: ready, but a meeting, a caller or missing audio keeps them from this campaign; `spare`: it is their project, which
    keeps them for callers to come. `call_id` while on a call.
    `calls` and the seconds are today's by the campaign's clock, of calls of this campaign that are over: how long they talked,
    how long they were ready or on a line that rang before, and how long they wrapped up.
    """

    user_id: int
    name: str
    state: AgentState
    reason: str = ""
    since: dt.datetime
    doing: Doing = ""
    kept: bool = False
    spare: bool = False
    call_id: str | None = None
    calls: int = 0
    talk_seconds: int = 0
    wait_seconds: int = 0
    wrap_up_seconds: int = 0


class BoardLines(BaseModel):
    """The campaign's lines now: that ring (the longest since `ringing_since`), answered without a consultant yet, that talk."""

    ringing: int = 0
    ringing_since: dt.datetime | None = None
    answered: int = 0
    talking: int = 0


class BoardPeriod(BaseModel):
    """The period the abandon cap is counted over: `begins` to `ends`, the campaign's days. `cap` and `rate` in per cent.

    `answered` are live persons; `rate` is null while there is none. `may_still`: how many more may be abandoned if nobody
    answered any more but those.
    """

    begins: dt.date
    ends: dt.date
    cap: float
    dialled: int
    answered: int
    connected: int
    abandoned: int
    machines: int
    no_answers: int
    busies: int
    failures: int
    rate: float | None
    may_still: int


class BoardPacing(BaseModel):
    """The last decision that was recorded: how many lines were begun at a time, and why as a code and as a sentence with values.

    One is recorded when the number or the reason is another than before, and once a minute.
    """

    id: int
    at: dt.datetime
    lines: int
    why: str
    sentence: str
    values: dict[str, Any]


class BoardHour(BaseModel):
    """Attempts begun in an hour, `begins` being its start, by what came of them.

    `heard`: a message was played to a person; `going` are not over.
    """

    begins: dt.datetime
    talked: int = 0
    heard: int = 0
    abandoned: int = 0
    machine: int = 0
    no_answer: int = 0
    busy: int = 0
    failed: int = 0
    going: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return sum(getattr(self, each) for each in OUTCOMES)


class BoardToday(BaseModel):
    """Figures that are counted anew every few seconds, more seldom where it takes long; `counted_at` says when.

    `answer_rate`: persons who answered, per cent of the attempts that are over. `hours_left`: how long the leads last at the
    pace of the last hour, in hours of dialling; null: nobody can say yet. `hours`: from the day's first attempt on.
    """

    counted_at: dt.datetime
    left: int
    hours_left: float | None
    dialled: int
    answered: int
    answer_rate: float | None
    hours: list[BoardHour]


class Board(BaseModel):
    """A campaign as it is dialled now."""

    campaign_id: int
    at: dt.datetime
    state: StateName
    mode: ModeName
    time_zone: str
    agents: list[BoardAgent]
    by_state: dict[str, int]
    lines: BoardLines
    period: BoardPeriod
    pacing: BoardPacing | None
    today: BoardToday


class PacingDecisionOut(BaseModel):
    """A recorded pacing decision. `inputs`: all that went into it.

    `again`: what comes out when it is worked out again from them; null for one that was a stop (the trunk away, the day over),
    which is no calculation. `same`: the same number and reason came out.
    """

    id: int
    at: dt.datetime
    lines: int
    why: str
    sentence: str
    values: dict[str, Any]
    inputs: dict[str, Any]
    again: int | None
    again_why: str | None
    same: bool | None

"""What is shown of campaigns."""

import datetime as dt
from typing import Any

from pydantic import BaseModel

from callcenter.campaigns.forms import CampaignInput, MeaningName, ModeName, StateName


class Reason(BaseModel):
    """Why a campaign cannot start, or what to think of: a sentence with values. `code` is a stable word, `field` where to see."""

    code: str
    sentence: str
    values: dict[str, str] = {}
    field: str = ""


class CampaignOut(CampaignInput):
    """A stored campaign. `obstacles`: why it cannot start; `warnings`: what to think of, though it can.

    `message` and `abandoned_message` name WAV files, empty for none. `cap`: the abandon cap that holds, in per cent.
    `script_problem`: what failed when the script was last shown, until it is saved again.
    """

    id: int
    project: str
    state: StateName
    message: str
    abandoned_message: str
    asks_consent: str
    cap: float
    created_by: int | None
    created_at: dt.datetime
    updated_at: dt.datetime
    started_at: dt.datetime | None
    version: int
    script_problem: str
    script_problem_values: dict[str, Any]
    script_problem_at: dt.datetime | None
    obstacles: list[Reason]
    warnings: list[Reason]


class Today(BaseModel):
    """What a campaign did today, by its own clock: attempts that began, people reached, and people no agent was free for."""

    dialled: int = 0
    talked: int = 0
    abandoned: int = 0


class CampaignLine(BaseModel):
    """A campaign in the list. `left`: leads that are still to be reached. `awaiting`: those whose spoken yes awaits durable
    confirmation.
    """

    id: int
    name: str
    project_id: int
    project: str
    state: StateName
    mode: ModeName
    priority: int
    left: int
    leads: int
    awaiting: int
    today: Today
    version: int


class CampaignFigures(BaseModel):
    """How far a campaign is: its leads by state, today's attempts by outcome ("" goes on), leads with a spoken yes by its state
    ("open": awaiting durable confirmation, terms sent or not).
    """

    leads: dict[str, int]
    left: int
    outcomes: dict[str, int]
    today: Today
    confirmations: dict[str, int]


class CampaignMemberOut(BaseModel):
    """Somebody of the project; `serves`: also this campaign, being chosen or because nobody is."""

    user_id: int
    name: str
    chosen: bool
    serves: bool


class MeaningOut(BaseModel):
    """A disposition and what it means here; one that is `retired` keeps its meaning for what was chosen."""

    disposition_id: int
    name: str
    common: bool
    retired: bool
    meaning: MeaningName
    minutes: int

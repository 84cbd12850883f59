"""What browsers hear of supervisors in a call (listening.py)."""

import datetime as dt

from pydantic import BaseModel, ConfigDict

from callcenter.events import LiveEvent


class Listener(BaseModel):
    """A supervisor in a call: `way` is listen (nobody hears them), whisper (the consultant does) or barge (both do)."""

    model_config = ConfigDict(frozen=True)
    user_id: int
    name: str
    way: str
    since: dt.datetime


class ListenersChanged(LiveEvent):
    """Who is in this consultant's call beside them and the customer; only those of whom the consultant is told."""

    TYPE = "call.listeners"
    call_id: str
    listeners: list[Listener]


class ListeningChanged(LiveEvent):
    """The call this supervisor listens to, or how they are in it, or that it is on hold; null: they left, or it is over."""

    TYPE = "listening.changed"
    call_id: str | None
    way: str = ""
    reason: str = ""

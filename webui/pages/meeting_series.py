"""The part of a meeting's form about repeating (templates/meetings/recurrence.html): its fields begin with `repeat_`."""

import datetime as dt
from collections.abc import Callable
from typing import Any

from starlette.datastructures import FormData

from callcenter.actor import Actor
from callcenter.db import Database
from callcenter.errors import CallCenterError, Invalid
from callcenter.meetings import series
from callcenter.meetings.forms import MeetingInput
from callcenter.meetings.forms import Warning as Thought
from callcenter.meetings.series_forms import Scope, SeriesInput, SeriesOut
from webui.pages import fields

_TEXTS = (
    "repeat_every",
    "repeat_interval_day",
    "repeat_interval_week",
    "repeat_end",
    "repeat_until",
    "repeat_count",
    "repeat_scope",
)

_THOUGHTS = 20  # of all meetings of a series, shown before they are planned


class _UnseenError(Exception):
    """There is something to think of first: nothing of what was planned stays."""

    def __init__(self, thoughts: list[Thought]) -> None:
        super().__init__()
        self.thoughts = thoughts


async def plan(
    database: Database, actor: Actor, data: MeetingInput, repeat: SeriesInput, unseen: Callable[[list[Thought]], list[Thought]]
) -> tuple[SeriesOut | None, list[Thought]]:
    """Plan a series, unless there is something to think of that was not seen: then return that, and nothing is planned."""
    try:
        async with database.unit_of_work(actor) as uow:
            planned = await series.plan_series(uow, data, repeat)
            _stop_for(unseen([each for one in planned.items for each in one.warnings][:_THOUGHTS]))
    except _UnseenError as stopped:
        return None, stopped.thoughts
    return planned, []


def _stop_for(thoughts: list[Thought]) -> None:
    if thoughts:
        raise _UnseenError(thoughts)


def given(form: FormData) -> dict[str, Any]:
    """Return these fields as they were typed, for showing the form again."""
    typed: dict[str, Any] = {name: fields.text(form, name) for name in _TEXTS}
    return typed | {"repeat_days": fields.texts(form, "repeat_days"), "repeat_singly": fields.flag(form, "repeat_singly")}


def series_from_form(form: FormData) -> SeriesInput | None:
    """Return how the meeting repeats, None when it does not; raises Invalid with the form's field at fault."""
    every = fields.text(form, "repeat_every")
    if not every:
        return None
    values: dict[str, Any] = {"every": every}
    if every in ("day", "week"):
        values["interval"] = fields.whole(form, f"repeat_interval_{every}") or 1
    if every == "week":
        values["days"] = [int(day) for day in fields.texts(form, "repeat_days") if day.isascii() and day.isdigit()]
    if fields.text(form, "repeat_end") == "count":
        values["count"] = fields.whole(form, "repeat_count")
    else:
        values["until"] = _day(fields.text(form, "repeat_until"))
    try:
        return fields.validated(SeriesInput, values)
    except Invalid as error:
        raise Invalid(error.sentence, field=field_of(error, every), **error.values) from error


def _day(typed: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(typed) if typed else None
    except ValueError as error:
        raise Invalid("This is not a day.", field="repeat_until") from error


def field_of(error: CallCenterError, every: str = "") -> str:
    """Return the form's field an error is about: `repeat.until` of the service is `repeat_until` here."""
    name = (getattr(error, "field", None) or "").removeprefix("repeat.").partition(".")[0]
    return f"repeat_interval_{every}" if name == "interval" else f"repeat_{name}"


def scope(form: FormData) -> Scope:
    """Return how far the change of a meeting of a series goes."""
    return "rest" if fields.text(form, "repeat_scope") == "rest" else "one"

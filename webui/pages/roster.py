"""The roster: everybody's week at a glance, and a person's weekly pattern and exceptions, for supervisors."""

import datetime as dt

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter import clock
from callcenter.actor import Role
from callcenter.errors import CallCenterError, Conflict, Invalid, NotFound
from callcenter.roster import changes, hours
from callcenter.roster import service as roster
from callcenter.roster.service import AbsenceInput, ShiftInput
from callcenter.users import service as users
from webui import i18n, views
from webui.pages import fields, roster_week

WEEK_COPIED = range(1, 5)  # Tuesday to Friday take Monday's hours
PAST_SHOWN = dt.timedelta(days=30)


async def listing(request: Request) -> Response:
    """Show everybody's week; `?week=` is any day of it."""
    actor = views.signed_in(request, Role.SUPERVISOR)
    monday = roster_week.monday(fields.query_text(request, "week", 10))
    from_at, to_at = roster_week.around(monday)
    async with request.app.state.database.reading(actor) as uow:
        found = await roster.people(uow, from_at, to_at)
    return await views.render(
        request,
        "roster/list.html",
        days=[monday + dt.timedelta(days=day) for day in range(7)],
        day_name=i18n.day_name,
        rows=[roster_week.row(person, monday) for person in found],
        zone=actor.time_zone,
        before=monday - dt.timedelta(days=7),
        after=monday + dt.timedelta(days=7),
        today=roster_week.today(),
    )


async def show(request: Request) -> Response:
    """Show a person's pattern and exceptions."""
    return await _show(request)


async def _show(
    request: Request,
    refused: CallCenterError | None = None,
    *,
    part: str = "",
    shifts: list[tuple[int, str, str]] | None = None,
    given: dict[str, str] | None = None,
) -> Response:
    actor, user_id = views.signed_in(request, Role.SUPERVISOR), fields.path_id(request)
    async with request.app.state.database.reading(actor) as uow:
        user = await users.get_user(uow, user_id)
        stored = await roster.shifts(uow, user_id)
        marks = {"shifts": roster.mark_of_shifts(stored), "absences": await roster.mark_of_absences(uow, user_id)}
        exceptions = await roster.absences(uow, user_id, clock.now() - PAST_SHOWN)
    pattern = [(each.weekday, each.from_time, each.to_time) for each in stored]
    stale = isinstance(refused, roster.RosterChangedMeanwhile)
    if isinstance(refused, roster.RosterChangedMeanwhile):
        refused.values = {**refused.values, "changes": changes.written(refused.lines, i18n.weekdays())}
    fault = (getattr(refused, "field", None) or "") if refused else ""
    return await views.render(
        request,
        "roster/show.html",
        refused.status if refused else 200,
        user=user,
        marks=marks,
        shifts=pattern if shifts is None else shifts,
        exceptions=[(each, roster_week.written(each, user.time_zone)) for each in exceptions],
        given=given or {"kind": "off", "from_day": "", "from_time": "", "to_day": "", "to_time": "", "reason": ""},
        weekdays=i18n.weekdays(),
        error=views.translate(request, refused) if refused else "",
        fault=fault,
        faulty_shift=int(fault.split(".")[1]) if fault.startswith("shifts.") else -1,
        part=part,
        stale=stale,
        now=clock.now(),
        saved=request.query_params.get("saved", ""),
    )


async def set_shifts(request: Request) -> Response:
    """Save a person's weekly pattern, unless somebody else did since it was read.

    The button `copy` gives Monday's hours to Tuesday to Friday first.
    """
    actor, user_id = views.signed_in(request, Role.SUPERVISOR), fields.path_id(request)
    form = await views.form(request)
    given = _pairs(form)
    if fields.flag(form, "copy"):
        first = [(begin, end) for day, begin, end in given if day == 0]
        given = [each for each in given if each[0] not in WEEK_COPIED]
        given = sorted([*given, *((day, begin, end) for day in WEEK_COPIED for begin, end in first)], key=lambda each: each[0])
    try:
        pattern = [_shift(at, *each) for at, each in enumerate(given)]
        async with request.app.state.database.unit_of_work(actor) as uow:
            await roster.set_shifts(uow, user_id, pattern, fields.text(form, "version"))
    except (Invalid, Conflict) as error:
        return await _show(request, error, part="shifts", shifts=given)
    return views.redirect(f"/roster/{user_id}?saved=shifts")


def _shift(at: int, day: int, begin: str, end: str) -> ShiftInput:
    """Return a row as a shift; raises Invalid about that row."""
    if not begin or not end:
        raise Invalid("Both times are needed.", field=f"shifts.{at}.from_time")
    try:
        return fields.validated(ShiftInput, {"weekday": day, "from_time": begin, "to_time": end})
    except Invalid as error:
        error.field = f"shifts.{at}.{error.field}"
        raise


def _pairs(form: FormData) -> list[tuple[int, str, str]]:
    """Return (weekday, from, to) of each row that is not empty."""
    found: list[tuple[int, str, str]] = []
    for day in range(7):
        begins, ends = fields.texts(form, f"from_{day}"), fields.texts(form, f"to_{day}")
        found += [(day, begin[:5], end[:5]) for begin, end in zip(begins, ends, strict=False) if begin or end]
    return found


async def add_absence(request: Request) -> Response:
    """Note a time off or an extra shift; days and hours are those of the person's own time zone, no hour is the whole day."""
    actor, user_id = views.signed_in(request, Role.SUPERVISOR), fields.path_id(request)
    form = await views.form(request)
    given = {name: fields.text(form, name) for name in ("kind", "from_day", "from_time", "to_day", "to_time", "reason")}
    try:
        async with request.app.state.database.unit_of_work(actor) as uow:
            user = await users.get_user(uow, user_id)
            zone = i18n.zone(user.time_zone)
            begin = hours.instant(_local(given, "from", first=True), zone)
            end = hours.instant(_local(given | {"to_day": given["to_day"] or given["from_day"]}, "to"), zone, last=True)
            values = {"from_at": begin, "to_at": end, "works": given["kind"] == "works", "reason": given["reason"]}
            await roster.add_absence(uow, user_id, fields.validated(AbsenceInput, values), fields.text(form, "version"))
    except (Invalid, Conflict) as error:
        return await _show(request, error, part="absence", given=given)
    return views.redirect(f"/roster/{user_id}?saved=absence")


def _local(given: dict[str, str], name: str, *, first: bool = False) -> dt.datetime:
    """Return the day and hour of two fields; without an hour the day's beginning, or its end."""
    try:
        day = dt.date.fromisoformat(given[f"{name}_day"])
    except ValueError:
        raise Invalid("Choose a day.", field=f"{name}_day") from None
    if not 2000 <= day.year < 2100:
        raise Invalid("This date is too far away.", field=f"{name}_day")
    if not given[f"{name}_time"]:
        return dt.datetime.combine(day, dt.time()) + dt.timedelta(days=0 if first else 1)
    try:
        return dt.datetime.combine(day, dt.time.fromisoformat(given[f"{name}_time"]).replace(tzinfo=None))
    except ValueError:
        raise Invalid("A time is written as hours and minutes: 08:30.", field=f"{name}_time") from None


async def remove_absence(request: Request) -> Response:
    """Take an exception back; one that somebody else took back meanwhile is gone, which is what was wanted."""
    actor, user_id = views.signed_in(request, Role.SUPERVISOR), fields.path_id(request)
    try:
        async with request.app.state.database.unit_of_work(actor) as uow:
            await roster.remove_absence(uow, user_id, fields.path_id(request, "absence_id"))
    except NotFound as error:
        return await _show(request, error, part="removal")
    return views.redirect(f"/roster/{user_id}")


ROUTES = [
    Route("/roster", listing, methods=["GET"]),
    Route("/roster/{id:int}", show, methods=["GET"]),
    Route("/roster/{id:int}/shifts", set_shifts, methods=["POST"]),
    Route("/roster/{id:int}/absences", add_absence, methods=["POST"]),
    Route("/roster/{id:int}/absences/{absence_id:int}/remove", remove_absence, methods=["POST"]),
]

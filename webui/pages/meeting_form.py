"""Planning a phone meeting and changing one: a form that shows what to think of before it saves."""

from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter.actor import Role
from callcenter.calls import service as calls
from callcenter.contacts import numbers
from callcenter.contacts import service as contacts
from callcenter.contacts.models import Contact
from callcenter.db import UnitOfWork
from callcenter.errors import CallCenterError, Conflict, Invalid, NotFound
from callcenter.meetings import series
from callcenter.meetings import service as meetings
from callcenter.meetings import settings as rules
from callcenter.meetings.changes import ChangedMeanwhile
from callcenter.meetings.forms import MeetingChange, MeetingInput, MeetingOut, SettingsOut
from callcenter.meetings.forms import Warning as Thought
from callcenter.meetings.series_forms import SeriesInput
from callcenter.projects import service as projects
from callcenter.tickets import rows as tickets
from callcenter.tickets.models import Ticket
from webui import views
from webui.pages import fields, meeting_series, times
from webui.pages.meetings import people_of

Given = dict[str, Any]
_TEXTS = ("name", "number_pick", "number", "mode", "information", "from_date", "from_time", "to_date", "to_time")

_PLAIN = ("name", "information", "project_id", "user_id", "contact_id", "ticket_id")


async def new(request: Request) -> Response:
    """Show the form of a new meeting, with what the place one comes from knows: contact, number, call, time, person."""
    actor = views.signed_in(request)
    given = blank(fields.query_text(request, "number", 40)) | {
        "contact_id": fields.query_id(request, "contact"),
        "ticket_id": fields.query_id(request, "ticket"),
        "project_id": fields.query_id(request, "project"),
        "user_id": fields.query_id(request, "user") or (None if actor.may(Role.SUPERVISOR) else actor.user_id),
    }
    for name in ("from", "to"):
        given |= _stamp(name, fields.query_text(request, name, 40))
    async with request.app.state.database.reading(actor) as uow:
        if call_id := fields.query_text(request, "call", 64):
            given |= await _from_call(uow, call_id)
        if given["project_id"] is None:
            given["project_id"] = await _first_project(uow)
    return await _form(request, given)


def blank(number: str = "") -> Given:
    """Return the form of a meeting nothing is known of."""
    empty = dict.fromkeys(_TEXTS, "") | {"number": numbers.show(number) if number else "", "number_pick": number}
    return empty | {
        "contact_id": None,
        "ticket_id": None,
        "project_id": None,
        "user_id": None,
        "keep_number": True,
        "invite": False,
    }


def _stamp(name: str, value: str) -> dict[str, str]:
    """Read a time of the address (ISO 8601), as the calendar writes it."""
    try:
        return times.parts(name, times.iso(value)) if value else {}
    except Invalid:
        return {}


async def _from_call(uow: UnitOfWork, call_id: str) -> Given:
    try:
        call = await calls.get_call(uow, call_id)
    except NotFound:
        return {}
    number = "" if call.withheld else call.number
    known = {"contact_id": call.contact_id, "project_id": call.project_id}
    return {name: value for name, value in known.items() if value} | {"number_pick": number, "number": numbers.show(number)}


async def _first_project(uow: UnitOfWork) -> int | None:
    """Return the first project of this person that has rules for meetings, else the first (of all, for supervisors)."""
    own = await projects.projects_of(uow)
    known = own or (await projects.list_projects(uow) if uow.actor.may(Role.SUPERVISOR) else [])
    for each in known:
        if await rules.get_settings(uow, each.id) is not None:
            return each.id
    return known[0].id if known else None


async def who(request: Request) -> Response:
    """Give the part of the form about the contact and the number, for the contact chosen."""
    actor = views.signed_in(request)
    given = blank() | {"contact_id": fields.query_id(request, "contact_id"), "number": fields.query_text(request, "number", 100)}
    async with request.app.state.database.reading(actor) as uow:
        contact = await _contact(uow, given["contact_id"])
    return await views.render(request, "meetings/who.html", given=given, contact=contact, show=numbers.show, fault="", error="")


async def served(request: Request) -> Response:
    """Give the part of the form that depends on the project: who, how, how long."""
    actor = views.signed_in(request)
    given = blank() | {"project_id": fields.query_id(request, "project_id"), "user_id": fields.query_id(request, "user_id")}
    given |= {"mode": fields.query_text(request, "mode", 10)}
    async with request.app.state.database.reading(actor) as uow:
        context = await choices(uow, given)
    return await views.render(request, "meetings/served.html", given=given, fault="", error="", **context)


async def create(request: Request) -> Response:
    """Plan the meeting, once what there is to think of was seen."""
    actor = views.signed_in(request)
    form = await views.form(request)
    given = typed(form)
    try:
        repeat = meeting_series.series_from_form(form)
        data = fields.validated(MeetingInput, _values(form, given))
        if repeat is not None:
            return await _create_series(request, form, given, data, repeat)
        async with request.app.state.database.unit_of_work(actor) as uow:
            unseen = _unseen(await meetings.check(uow, data), form)
            planned = None if unseen else await meetings.plan(uow, data)
    except (Invalid, Conflict) as error:
        return await _form(request, given, refused=error)
    if planned is None:
        return await _form(request, given, warnings=unseen)
    return views.redirect(f"/meetings/{planned.id}?planned=1")


async def _create_series(request: Request, form: FormData, given: Given, data: MeetingInput, repeat: SeriesInput) -> Response:
    """Plan a meeting and those that repeat it, once what there is to think of was seen."""
    actor, database = views.signed_in(request), request.app.state.database
    planned, thoughts = await meeting_series.plan(database, actor, data, repeat, lambda found: _unseen(found, form))
    if planned is None:
        return await _form(request, given, warnings=thoughts)
    return views.redirect(f"/meetings?f=1&series_id={planned.series_id}")


async def edit(request: Request) -> Response:
    """Show the form of a meeting."""
    actor, meeting_id = views.signed_in(request), fields.path_id(request)
    async with request.app.state.database.reading(actor) as uow:
        meeting = await meetings.get(uow, meeting_id)
    return await _form(request, as_given(meeting), meeting=meeting)


async def update(request: Request) -> Response:
    """Change the meeting; when somebody did so meanwhile, show what, and keep what was typed."""
    actor, meeting_id = views.signed_in(request), fields.path_id(request)
    form = await views.form(request)
    given = typed(form)
    warnings: list[Thought] = []
    try:
        data = fields.validated(MeetingChange, _values(form, given) | {"version": fields.whole(form, "version") or 0})
        async with request.app.state.database.unit_of_work(actor) as uow:
            warnings = _unseen(await meetings.check(uow, data, meeting_id), form)
            if not warnings and meeting_series.scope(form) == "rest":
                await series.change_series(uow, meeting_id, data, "rest", changed_singly=given["repeat_singly"])
            elif not warnings:
                await meetings.change(uow, meeting_id, data)
    except (Invalid, Conflict) as error:
        async with request.app.state.database.reading(actor) as uow:
            meeting = await meetings.get(uow, meeting_id)
        return await _form(request, given, meeting=meeting, refused=error)
    if warnings:
        async with request.app.state.database.reading(actor) as uow:
            meeting = await meetings.get(uow, meeting_id)
        return await _form(request, given | {"version": data.version}, meeting=meeting, warnings=warnings)
    return views.redirect(f"/meetings/{meeting_id}?saved=1")


def as_given(meeting: MeetingOut) -> Given:
    """Return a stored meeting as its form shows it."""
    plain = {name: getattr(meeting, name) for name in (*_PLAIN, "mode", "version")}
    number = {"number": meeting.number_shown, "number_pick": meeting.number}
    more = {"keep_number": True, "invite": bool(meeting.invited)}
    return plain | number | more | times.parts("from", meeting.from_at) | times.parts("to", meeting.to_at)


def typed(form: FormData) -> Given:
    """Return the form as it was typed."""
    given: Given = {name: fields.text(form, name) for name in _TEXTS}
    for name in ("contact_id", "ticket_id", "project_id", "user_id"):
        typed = fields.text(form, name)
        given[name] = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 10 else None
    given |= {name: fields.flag(form, name) for name in ("keep_number", "invite")}
    return given | meeting_series.given(form) | {"version": fields.whole(form, "version") or 0}


def _values(form: FormData, given: Given) -> dict[str, Any]:
    """Return the form as MeetingInput takes it; raises Invalid about times that are none."""
    window = window_of(form, given)
    if given["project_id"] is None:
        raise Invalid("Choose a project.", field="project_id")
    plain = {name: given[name] for name in (*_PLAIN, "keep_number", "invite")}
    number = given["number_pick"] or given["number"]
    return plain | window | {"number": number, "mode": given["mode"] or None}


def window_of(form: FormData, given: Given) -> dict[str, Any]:
    """Return when the customer may be called; raises Invalid."""
    from_at = times.moment(form, "from")
    if from_at is None:
        raise Invalid("Say when the customer may be called.", field="from_at")
    return {"from_at": from_at, "to_at": times.moment(form, "to", given["from_date"])}


def _mark(warning: Thought) -> str:
    return f"{warning.code}:{warning.meeting_id or ''}"


def _unseen(warnings: list[Thought], form: FormData) -> list[Thought]:
    """Return the warnings, unless each of them was on the page when it was sent."""
    seen = set(fields.texts(form, "seen"))
    return [] if all(_mark(each) in seen for each in warnings) else warnings


async def _contact(uow: UnitOfWork, contact_id: int | None) -> Contact | None:
    try:
        return await contacts.get_contact(uow, contact_id) if contact_id is not None else None
    except NotFound:
        return None


async def _ticket(uow: UnitOfWork, ticket_id: int | None) -> Ticket | None:
    """Return the ticket chosen, or one that stays although the person may not see it: with no title then."""
    try:
        return await tickets.seen(uow, ticket_id) if ticket_id is not None else None
    except NotFound:
        return Ticket(id=ticket_id, title="")


async def choices(uow: UnitOfWork, given: Given) -> dict[str, Any]:
    """Return whose meetings these may be and the rules of the project."""
    supervisor = uow.actor.may(Role.SUPERVISOR)
    known = await (projects.list_projects(uow) if supervisor else projects.projects_of(uow))
    found: SettingsOut | None = None
    if given["project_id"] is not None:
        try:
            found = await rules.get_settings(uow, given["project_id"])
        except NotFound:
            given["project_id"] = None
    people = await people_of(uow, given["project_id"])
    return {"projects": [(each.id, each.name) for each in known], "people": people, "rules": found}


async def _form(
    request: Request,
    given: Given,
    *,
    meeting: MeetingOut | None = None,
    refused: CallCenterError | None = None,
    warnings: list[Thought] | None = None,
) -> Response:
    async with request.app.state.database.reading(views.signed_in(request)) as uow:
        contact = await _contact(uow, given["contact_id"])
        ticket = await _ticket(uow, given["ticket_id"])
        context = await choices(uow, given)
    stale = isinstance(refused, ChangedMeanwhile)
    if stale and meeting is not None:
        given["version"] = meeting.version  # saving again is upon what is shown now
    return await views.render(
        request,
        "meetings/form.html",
        refused.status if refused else 200,
        given=given,
        meeting=meeting,
        contact=contact,
        ticket=ticket,
        by=refused.by if isinstance(refused, ChangedMeanwhile) else "",
        changes=refused.changes if isinstance(refused, ChangedMeanwhile) else {},
        stale=stale,
        show=numbers.show,
        warnings=warnings or [],
        marks=[_mark(each) for each in warnings or []],
        error=views.translate(request, refused) if refused else "",
        fault=_fault(refused),
        **context,
    )


def _fault(refused: CallCenterError | None) -> str:
    """Return the form's field an error is about, "" for none."""
    name = (getattr(refused, "field", None) or "") if refused else ""
    return meeting_series.field_of(refused) if refused and name.startswith("repeat.") else name


ROUTES = [
    Route("/meetings", create, methods=["POST"]),
    Route("/meetings/new", new, methods=["GET"]),
    Route("/meetings/who", who, methods=["GET"]),
    Route("/meetings/served", served, methods=["GET"]),
    Route("/meetings/{id:int}/edit", edit, methods=["GET"]),
    Route("/meetings/{id:int}/edit", update, methods=["POST"]),
]

"""Contacts that may be one person: the pairs found, two side by side with a choice per field, and the warning of the form."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter.actor import Role
from callcenter.contacts import custom_values, duplicate_scan, duplicates, merging
from callcenter.contacts import service as contacts
from callcenter.contacts.merging import MergeInput
from callcenter.contacts.models import Contact
from callcenter.errors import CallCenterError, Conflict, Invalid
from webui import views
from webui.pages import contact_form, fields

_PAGE = 30
_FOUND = 8


async def pairs(request: Request) -> Response:
    """List pairs that may be one person, a page at a time."""
    actor = views.signed_in(request)
    after = (fields.query_id(request, "first") or 0, fields.query_id(request, "second") or 0)
    async with request.app.state.database.reading(actor) as uow:
        found = await duplicate_scan.list_pairs(uow, after=after, limit=_PAGE + 1)
        last = await duplicate_scan.latest(uow)
    shown = found[:_PAGE]
    more = f"/contacts/duplicates?first={shown[-1][1].id}&second={shown[-1][2].id}" if len(found) > _PAGE else ""
    return await views.render(
        request, "contacts/duplicates.html", pairs=shown, scan=last, more=more, may_scan=actor.may(Role.SUPERVISOR)
    )


async def scan(request: Request) -> Response:
    """Ask for a walk through all contacts, and begin it at once."""
    actor = views.signed_in(request, Role.SUPERVISOR)
    database = request.app.state.database
    async with database.unit_of_work(actor) as uow:
        asked = await duplicate_scan.ask(uow)
    if asked.state == "waiting":
        request.app.state.imports.start(asked.id, duplicate_scan.resume(database))
    return views.redirect("/contacts/duplicates")


async def dismiss(request: Request) -> Response:
    """Say that two are two people."""
    actor, form = views.signed_in(request), await views.form(request)
    first, second = fields.whole(form, "first") or 0, fields.whole(form, "second") or 0
    async with request.app.state.database.unit_of_work(actor) as uow:
        await duplicate_scan.dismiss(uow, first, second)
    return views.redirect("/contacts/duplicates")


async def choose(request: Request) -> Response:
    """Find the other contact to merge with: those who are similar, or what was typed."""
    actor, contact_id = views.signed_in(request), fields.path_id(request)
    q = fields.query_text(request, "q")
    async with request.app.state.database.reading(actor) as uow:
        contact = await contacts.changeable(uow, contact_id)
        found = (await contacts.list_contacts(uow, q=q, limit=_FOUND)).items if q else []
        similar = await duplicates.similar(uow, _wanted(contact), request.app.state.settings.region, but=contact_id)
    others = [each for each in found if each.id != contact_id]
    return await views.render(request, "contacts/merge_with.html", contact=contact, similar=similar, found=others, q=q)


def _wanted(contact: Contact) -> duplicates.Wanted:
    return duplicates.Wanted(
        first_name=contact.first_name,
        last_name=contact.last_name,
        organisation=contact.organisation.name if contact.organisation else "",
        city=contact.city,
        email=contact.email,
        number=[each.e164 for each in contact.numbers if each.e164],
    )


async def compare(request: Request) -> Response:
    """Show two contacts side by side."""
    return await _compare(request)


async def _compare(request: Request, refused: CallCenterError | None = None, taken: list[str] | None = None) -> Response:
    actor, one, other = views.signed_in(request), fields.path_id(request), fields.path_id(request, "other")
    async with request.app.state.database.reading(actor) as uow:
        kept, lost = await contacts.changeable(uow, one), await contacts.changeable(uow, other)
        if kept.id == lost.id:
            raise Invalid("These two are one contact already.", field="other")
        declared = await custom_values.declared(uow)
        left, right = contact_form.said(kept, declared), contact_form.said(lost, declared)
    rows = [(name, left[name], right[name]) for name in left if left[name] or right[name]]
    chosen = {name for name, a, b in rows if b and not a} if taken is None else set(taken)
    return await views.render(
        request,
        "contacts/merge.html",
        refused.status if refused else 200,
        kept=kept,
        lost=lost,
        rows=rows,
        chosen=chosen,
        takes_picture=lost.avatar_id is not None and (kept.avatar_id is None if taken is None else "avatar" in taken),
        names={f"custom:{each.key}": each.field.name for each in declared},
        error=views.translate(request, refused) if refused else "",
    )


async def merge(request: Request) -> Response:
    """Merge the other contact into the first."""
    actor, one, other = views.signed_in(request), fields.path_id(request), fields.path_id(request, "other")
    form = await views.form(request)
    taken = [name.removeprefix("field:") for name, side in form.multi_items() if name.startswith("field:") and side == "other"]
    try:
        given: dict[str, object] = {
            "version": fields.whole(form, "version"),
            "other_version": fields.whole(form, "other_version"),
            "take": taken,
        }
        data = fields.validated(MergeInput, given)
        async with request.app.state.database.unit_of_work(actor) as uow:
            await merging.merge(uow, one, other, data)
    except (Invalid, Conflict) as error:
        return await _compare(request, error, taken)
    return views.redirect(f"/contacts/{one}?saved=merged")


async def warning(request: Request) -> Response:
    """Give the warning of the new contact's form: who has this number, e-mail address or name already."""
    actor, form = views.signed_in(request), await views.form(request)
    names = ("first_name", "last_name", "organisation", "city", "email")
    plain: dict[str, Any] = {name: fields.text(form, name)[:100] for name in names}
    numbers = [each[:100] for each in fields.texts(form, "number") if each][:20]
    async with request.app.state.database.reading(actor) as uow:
        wanted = duplicates.Wanted(**plain, number=numbers)
        but = int(own) if (own := fields.text(form, "contact_id")).isdigit() else None
        found = await duplicates.similar(uow, wanted, request.app.state.settings.region, but=but)
    return await views.render(request, "contacts/similar.html", similar=found)


ROUTES = [
    Route("/contacts/duplicates", pairs, methods=["GET"]),
    Route("/contacts/duplicates/scan", scan, methods=["POST"]),
    Route("/contacts/duplicates/dismiss", dismiss, methods=["POST"]),
    Route("/contacts/similar", warning, methods=["POST"]),
    Route("/contacts/{id:int}/merge", choose, methods=["GET"]),
    Route("/contacts/{id:int}/merge/{other:int}", compare, methods=["GET"]),
    Route("/contacts/{id:int}/merge/{other:int}", merge, methods=["POST"]),
]

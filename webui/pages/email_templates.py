"""Templates of letters: a list, a form with a preview, for supervisors."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter.actor import Role
from callcenter.contacts import service as contacts
from callcenter.correspondence import fields as values
from callcenter.correspondence import templates
from callcenter.correspondence.templates import Letter, TemplateInput
from callcenter.errors import CallCenterError, Conflict, Invalid
from webui import views
from webui.pages import fields

_EMPTY = {"name": "", "language": "", "subject": "", "body": ""}


async def listing(request: Request) -> Response:
    """Show the templates."""
    actor = views.signed_in(request, Role.SUPERVISOR)
    async with request.app.state.database.reading(actor) as uow:
        found = await templates.list_templates(uow)
    return await views.render(request, "email_templates/list.html", templates=found)


async def new(request: Request) -> Response:
    """Show the empty form."""
    actor = views.signed_in(request, Role.SUPERVISOR)
    return await _form(request, _EMPTY | {"language": actor.language}, None)


async def edit(request: Request) -> Response:
    """Show the form of a template."""
    actor, template_id = views.signed_in(request, Role.SUPERVISOR), fields.path_id(request)
    async with request.app.state.database.reading(actor) as uow:
        found = await templates.get_template(uow, template_id)
    return await _form(request, {name: str(getattr(found, name)) for name in _EMPTY}, template_id)


async def save(request: Request) -> Response:
    """Keep the form, or (`preview`) show what it makes for a contact."""
    actor = views.signed_in(request, Role.SUPERVISOR)
    template_id = fields.path_id(request) if "id" in request.path_params else None
    form = await views.form(request)
    given = {name: str(form.get(name, "")) for name in _EMPTY}
    contact_id = fields.whole(form, "contact_id")
    try:
        if fields.text(form, "action") == "preview":
            return await _preview(request, given, template_id, contact_id)
        data = fields.validated(TemplateInput, dict(given))
        async with request.app.state.database.unit_of_work(actor) as uow:
            await (
                templates.add_template(uow, data) if template_id is None else templates.update_template(uow, template_id, data)
            )
    except (Invalid, Conflict) as error:
        return await _form(request, given, template_id, error, contact_id=contact_id)
    return views.redirect("/email-templates")


async def _preview(request: Request, given: dict[str, str], template_id: int | None, contact_id: int | None) -> Response:
    if contact_id is None:
        raise Invalid("Choose a contact for the preview.", field="contact_id")
    async with request.app.state.database.reading(views.signed_in(request)) as uow:
        letter = await templates.preview(uow, given["subject"], given["body"], contact_id)
    return await _form(request, given, template_id, letter=letter, contact_id=contact_id)


async def _form(
    request: Request,
    given: dict[str, str],
    template_id: int | None,
    refused: CallCenterError | None = None,
    *,
    letter: Letter | None = None,
    contact_id: int | None = None,
) -> Response:
    async with request.app.state.database.reading(views.signed_in(request)) as uow:
        known = await values.known(uow)
        people = (await contacts.list_contacts(uow, limit=20)).items
        chosen = await contacts.get_contact(uow, contact_id) if contact_id is not None else None
    if chosen is not None and all(each.id != chosen.id for each in people):
        people = [chosen, *people]
    names = [f"{part}.{name}" for part in known for name in known[part] if name != "custom"]
    names += [f"contact.custom.{name}" for name in known["contact"]["custom"]]
    return await views.render(
        request,
        "email_templates/form.html",
        refused.status if refused else 200,
        given=given,
        template_id=template_id,
        names=names,
        people=people,
        contact_id=contact_id,
        letter=letter,
        error=views.translate(request, refused) if refused else "",
        fault=(getattr(refused, "field", None) or "") if refused else "",
    )


async def delete(request: Request) -> Response:
    """Take a template away."""
    actor = views.signed_in(request, Role.SUPERVISOR)
    async with request.app.state.database.unit_of_work(actor) as uow:
        await templates.delete_template(uow, fields.path_id(request))
    return views.redirect("/email-templates")


ROUTES = [
    Route("/email-templates", listing, methods=["GET"]),
    Route("/email-templates/new", new, methods=["GET"]),
    Route("/email-templates/new", save, methods=["POST"]),
    Route("/email-templates/{id:int}", edit, methods=["GET"]),
    Route("/email-templates/{id:int}", save, methods=["POST"]),
    Route("/email-templates/{id:int}/delete", delete, methods=["POST"]),
]

"""Templates of letters: kept by supervisors, used by everybody who writes."""

from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from sqlalchemy import select

from callcenter.actor import Role
from callcenter.contacts.text import clean, clean_lines, fold
from callcenter.correspondence import fields, rendering
from callcenter.correspondence.models import EmailTemplate
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict, Invalid, NotFound
from callcenter.messages.addresses import one_line
from callcenter.users.service import audit

_MOST = 500


def _one_line(value: str) -> str:
    return " ".join(clean(value).split())


class TemplateInput(BaseModel):
    """A template as typed. `language`: of the text, so that the right one is offered first."""

    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, Field(max_length=100), AfterValidator(_one_line)]
    language: Literal["en", "pl"] = "en"
    subject: Annotated[str, Field(max_length=500), AfterValidator(_one_line)] = ""
    body: Annotated[str, Field(max_length=rendering.LONGEST), AfterValidator(clean_lines)]


class Letter(NamedTuple):
    """What a template makes for a contact."""

    subject: str
    body: str


async def list_templates(uow: UnitOfWork) -> list[EmailTemplate]:
    """Return all templates by name."""
    uow.actor.require(Role.CONSULTANT)
    return list(await uow.session.scalars(select(EmailTemplate).order_by(EmailTemplate.folded).limit(_MOST)))


async def get_template(uow: UnitOfWork, template_id: int) -> EmailTemplate:
    """Return a template; raises NotFound."""
    uow.actor.require(Role.CONSULTANT)
    found = await uow.session.get(EmailTemplate, template_id)
    if found is None:
        raise NotFound("There is no such template.")
    return found


async def add_template(uow: UnitOfWork, data: TemplateInput) -> EmailTemplate:
    """Keep a new template (supervisors); raises Invalid with the line of what it must not say, Conflict for a name in use."""
    uow.actor.require(Role.SUPERVISOR)
    template = EmailTemplate(created_at=uow.now, updated_at=uow.now, user_id=uow.actor.user_id)
    await _fill(uow, template, data)
    uow.session.add(template)
    await uow.session.flush()
    audit(uow, "email_template.added", "email_template", template.id, name=template.name)
    return template


async def update_template(uow: UnitOfWork, template_id: int, data: TemplateInput) -> EmailTemplate:
    """Change a template (supervisors); raises as add_template."""
    uow.actor.require(Role.SUPERVISOR)
    template = await get_template(uow, template_id)
    await _fill(uow, template, data)
    template.updated_at, template.user_id = uow.now, uow.actor.user_id
    audit(uow, "email_template.updated", "email_template", template.id, name=template.name)
    return template


async def delete_template(uow: UnitOfWork, template_id: int) -> None:
    """Take a template away (supervisors); letters made with it stay as they are."""
    uow.actor.require(Role.SUPERVISOR)
    template = await get_template(uow, template_id)
    await uow.session.delete(template)
    audit(uow, "email_template.deleted", "email_template", template_id, name=template.name)


async def letter(uow: UnitOfWork, template_id: int, contact_id: int) -> Letter:
    """Return the letter a template makes for a contact the actor may see; raises Invalid with the line at fault."""
    template = await get_template(uow, template_id)
    return await preview(uow, template.subject, template.body, contact_id)


async def preview(uow: UnitOfWork, subject: str, body: str, contact_id: int) -> Letter:
    """Return the letter these texts would make for a contact; raises Invalid (field subject or body) with the line."""
    values = await fields.of_contact(uow, contact_id)
    return Letter(one_line(rendering.render(subject, values, "subject")), rendering.render(body, values, "body"))


async def _fill(uow: UnitOfWork, template: EmailTemplate, data: TemplateInput) -> None:
    if not data.name:
        raise Invalid("A template needs a name.", field="name")
    if not data.body:
        raise Invalid("A template needs a text.", field="body")
    known = await fields.known(uow)
    rendering.check(data.subject, known, "subject")
    rendering.check(data.body, known, "body")
    same = select(EmailTemplate.id).where(EmailTemplate.folded == fold(data.name))
    other = await uow.session.scalar(same)
    if other is not None and other != template.id:
        raise Conflict("There is already a template {name}.", name=data.name)
    template.name, template.folded, template.language = data.name, fold(data.name), data.language
    template.subject, template.body = data.subject, data.body

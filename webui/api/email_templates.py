"""Templates of letters."""

import datetime as dt
from typing import Annotated

from pydantic import BaseModel, Field

from callcenter.actor import Role
from callcenter.correspondence import templates
from callcenter.correspondence.rendering import LONGEST
from callcenter.correspondence.templates import TemplateInput
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict, Invalid, NotFound
from webui.openapi import operation, routes_of
from webui.validation import Id, In, Line


class TemplateOut(BaseModel):
    """A template; `subject` and `body` with its fields in {{ }}."""

    id: int
    name: str
    language: str
    subject: str
    body: str
    updated_at: dt.datetime


class TemplateList(BaseModel):
    """Templates by name."""

    items: list[TemplateOut]


class LetterOut(BaseModel):
    """What a template makes for a contact."""

    subject: str
    body: str


class PreviewIn(In):
    """Texts to try for a contact."""

    contact_id: Id
    subject: Line = ""
    body: Annotated[str, Field(max_length=LONGEST)] = ""


@operation("GET", "/email-templates", "listEmailTemplates")
async def list_email_templates(uow: UnitOfWork) -> TemplateList:
    """All templates, by name."""
    found = await templates.list_templates(uow)
    return TemplateList(items=[TemplateOut.model_validate(each, from_attributes=True) for each in found])


@operation("POST", "/email-templates", "addEmailTemplate", role=Role.SUPERVISOR, errors=(Conflict,), status=201)
async def add_email_template(uow: UnitOfWork, body: TemplateInput) -> TemplateOut:
    """Keep a new template. One that asks for what it must not is refused, with the line."""
    return TemplateOut.model_validate(await templates.add_template(uow, body), from_attributes=True)


@operation("PUT", "/email-templates/{template_id}", "updateEmailTemplate", role=Role.SUPERVISOR, errors=(Conflict,))
async def update_email_template(uow: UnitOfWork, template_id: Id, body: TemplateInput) -> TemplateOut:
    """Change a template."""
    return TemplateOut.model_validate(await templates.update_template(uow, template_id, body), from_attributes=True)


@operation("DELETE", "/email-templates/{template_id}", "deleteEmailTemplate", role=Role.SUPERVISOR)
async def delete_email_template(uow: UnitOfWork, template_id: Id) -> None:
    """Take a template away."""
    await templates.delete_template(uow, template_id)


@operation("POST", "/email-templates/preview", "previewEmailTemplate", errors=(Invalid, NotFound))
async def preview_email_template(uow: UnitOfWork, body: PreviewIn) -> LetterOut:
    """What these texts would say to a contact."""
    letter = await templates.preview(uow, body.subject, body.body, body.contact_id)
    return LetterOut(subject=letter.subject, body=letter.body)


@operation("GET", "/contacts/{contact_id}/email-templates/{template_id}", "renderEmailTemplate", errors=(Invalid,))
async def render_email_template(uow: UnitOfWork, contact_id: Id, template_id: Id) -> LetterOut:
    """The letter a template makes for a contact."""
    letter = await templates.letter(uow, template_id, contact_id)
    return LetterOut(subject=letter.subject, body=letter.body)


ROUTES = routes_of(__name__)

"""What is asked for on the way and kept on a contact: a number, an e-mail address, tags."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from callcenter.contacts import keeping
from callcenter.contacts.forms import NumberType
from callcenter.contacts.models import Number
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict
from webui.api.contacts import NumberOut
from webui.openapi import operation, routes_of
from webui.validation import Id, In, Line, Word

_Tags = Annotated[list[Word], Field(max_length=200)]


class KeepNumberIn(In):
    """A number as typed. `purpose`: what it is asked for; one that does not serve it is refused."""

    type: NumberType = "mobile"
    number: Word
    purpose: Literal["call", "text", "fax"] = "call"


class NumberKept(BaseModel):
    """The number as it is on the contact; `others`: who else has it, of those one may see (at most three)."""

    number: NumberOut
    others: list[str]


class KeepEmailIn(In):
    """The e-mail address of a contact that has none."""

    email: Line


class EmailKept(BaseModel):
    """The contact's e-mail address now."""

    email: str


class TagsIn(In):
    """The tags a contact shall have. `was`: those that were seen when this was chosen, so that what another person added
    or took away since then stays so; null: exactly these.
    """

    tags: _Tags
    was: _Tags | None = None


class TagsOut(BaseModel):
    """The contact's tags now."""

    tags: list[str]


def _number(number: Number) -> NumberOut:
    fields = {name: getattr(number, name) for name in ("id", "type", "e164", "shown", "takes_texts")}
    return NumberOut(number=number.raw, **fields)


@operation("POST", "/contacts/{contact_id}/numbers", "keepNumber", errors=(Conflict,), status=201)
async def keep_number(uow: UnitOfWork, contact_id: Id, body: KeepNumberIn) -> NumberKept:
    """Store a number on the contact; one it has already comes back as it is."""
    kept = await keeping.keep_number(uow, contact_id, body.type, body.number, body.purpose)
    return NumberKept(number=_number(kept.number), others=kept.others)


@operation("PUT", "/contacts/{contact_id}/email", "keepEmail", errors=(Conflict,))
async def keep_email(uow: UnitOfWork, contact_id: Id, body: KeepEmailIn) -> EmailKept:
    """Store the e-mail address of a contact that has none; 409 when it has another one."""
    return EmailKept(email=(await keeping.keep_email(uow, contact_id, body.email)).email)


@operation("PUT", "/contacts/{contact_id}/tags", "setTags")
async def set_tags(uow: UnitOfWork, contact_id: Id, body: TagsIn) -> TagsOut:
    """Give a contact tags of the dictionary, at most 50."""
    contact = await keeping.set_tags(uow, contact_id, body.tags, body.was)
    return TagsOut(tags=[each.name for each in contact.tags])


ROUTES = routes_of(__name__)

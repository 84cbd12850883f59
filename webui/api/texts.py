"""Text messages (SMS): sent, received, dealt with."""

from typing import Annotated

from pydantic import BaseModel, Field

from callcenter.contacts import numbers
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict, NotFound
from callcenter.texts import service as texts
from callcenter.texts.service import TextOut, TextPage
from webui import i18n
from webui.openapi import operation, routes_of
from webui.validation import Id, In, KeyText, Text, Word


class SendTextIn(In):
    """A message to a number. `contact_id`: whom it is written to; `keep_number` stores the number on them.

    `reply_to`: the message it answers; it leaves from the number that one was sent to. `project_id`: null, that of the message
    it answers, else the first one serves. `key`: any text of the caller's; sent again with the same, nothing is sent twice
    and the first message comes back.
    """

    number: Word
    text: Text
    contact_id: Id | None = None
    project_id: Id | None = None
    reply_to: KeyText | None = None
    key: Annotated[str, Field(max_length=64, pattern="^[A-Za-z0-9_-]*$")] = ""
    keep_number: bool = False


class TextsQuery(In):
    """Which messages. `unread`: came, and nobody has dealt with them; `mine`: one is told when they come."""

    contact_id: Id | None = None
    project_id: Id | None = None
    unread: bool = False
    mine: bool = False
    after: KeyText | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class AttachIn(In):
    """Whose message it was; null: nobody's who is known. `keep_number`: they have this number from now on."""

    contact_id: Id | None
    keep_number: bool = False


class TextWaysQuery(In):
    """What is answered, if anything."""

    reply_to: KeyText | None = None


class TextWay(BaseModel):
    """How a message would leave: for a project (null: outside any), from a number of ours. `problem`: why it cannot."""

    project_id: int | None
    project: str
    sender: str
    sender_shown: str
    problem: str


class TextWays(BaseModel):
    """The ways of one's projects. Without `project_id` a message takes the first by name."""

    items: list[TextWay]
    longest: int


@operation("POST", "/texts", "sendText", errors=(Conflict, NotFound), status=201)
async def send_text(uow: UnitOfWork, body: SendTextIn) -> TextOut:
    """Send an SMS.

    What becomes of it comes as `text.status` on /live and stands in the message's `state`.
    """
    return await texts.send_text(uow, **body.model_dump())


@operation("GET", "/texts", "listTexts")
async def list_texts(uow: UnitOfWork, query: TextsQuery) -> TextPage:
    """Messages both ways, newest first."""
    return await texts.list_texts(uow, **query.model_dump())


@operation("GET", "/text-ways", "listTextWays", errors=(NotFound,))
async def list_text_ways(uow: UnitOfWork, query: TextWaysQuery) -> TextWays:
    """From which of our numbers one's messages would leave."""
    found = await texts.choices(uow, query.reply_to)
    return TextWays(
        items=[
            TextWay(
                project_id=each.project.id if each.project else None,
                project=each.project.name if each.project else "",
                sender=each.sender,
                sender_shown=numbers.show(each.sender) if each.sender else "",
                problem=i18n.sentence(each.refusal) if each.refusal else "",
            )
            for each in found
        ],
        longest=texts.MAXIMUM,
    )


@operation("GET", "/texts/{text_id}", "getText")
async def get_text(uow: UnitOfWork, text_id: KeyText) -> TextOut:
    """One message."""
    return await texts.get_text(uow, text_id)


@operation("POST", "/texts/{text_id}/seen", "markTextSeen", errors=(Conflict,))
async def mark_text_seen(uow: UnitOfWork, text_id: KeyText) -> TextOut:
    """Note that a message that came needs nothing more."""
    return await texts.mark_seen(uow, text_id)


@operation("PUT", "/texts/{text_id}/contact", "attachText")
async def attach_text(uow: UnitOfWork, text_id: KeyText, body: AttachIn) -> TextOut:
    """Say whose message it was; its line on the timeline moves there."""
    return await texts.attach(uow, text_id, body.contact_id, keep_number=body.keep_number)


ROUTES = routes_of(__name__)

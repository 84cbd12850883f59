"""E-mails on their way out, for administrators."""

import datetime as dt
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from callcenter.actor import Role
from callcenter.contacts import mail as contact_mail
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict, Invalid
from callcenter.messages import service as messages
from webui.openapi import operation, routes_of
from webui.pages.messages import words
from webui.validation import Id, In, Line


class MessageOut(BaseModel):
    """An e-mail. `due_at`: the next try, null when it is over. `error`: the mail server's words about the last try."""

    id: int
    to_address: str
    subject: str
    about: str
    about_id: str
    contact_id: int | None
    user_id: int | None
    message_id: str
    state: str
    tries: int
    due_at: dt.datetime | None
    error: str
    created_at: dt.datetime
    sent_at: dt.datetime | None


class MessageList(BaseModel):
    """E-mails, newest first; `before` the last one's id gives those that follow."""

    items: list[MessageOut]


class MessageQuery(In):
    """Which e-mails."""

    state: Literal["", "queued", "sent", "failed"] = ""
    before: Id | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class TestMessageIn(In):
    """Where the test goes."""

    to: Line


@operation("GET", "/messages", "listMessages", role=Role.ADMINISTRATOR)
async def list_messages(uow: UnitOfWork, query: MessageQuery) -> MessageList:
    """E-mails that wait, were sent, or failed."""
    found = await contact_mail.list_mails(uow, query.state, before=query.before, limit=query.limit)
    return MessageList(items=[MessageOut.model_validate(each, from_attributes=True) for each in found])


@operation("POST", "/messages/test", "sendTestMessage", role=Role.ADMINISTRATOR, errors=(Conflict, Invalid), status=201)
async def send_test_message(uow: UnitOfWork, body: TestMessageIn) -> MessageOut:
    """Queue an e-mail that shows whether e-mails arrive."""
    return MessageOut.model_validate(await messages.send_test(uow, body.to, *words()), from_attributes=True)


@operation("POST", "/messages/{message_id}/retry", "retryMessage", role=Role.ADMINISTRATOR, errors=(Conflict,))
async def retry_message(uow: UnitOfWork, message_id: Id) -> MessageOut:
    """Send an e-mail that waits or failed at once."""
    return MessageOut.model_validate(await contact_mail.try_again(uow, message_id), from_attributes=True)


ROUTES = routes_of(__name__)

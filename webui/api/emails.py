"""E-mails and faxes with customers: written, read, given to whom they are from."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field
from starlette.requests import Request

from callcenter.actor import Actor, Role
from callcenter.correspondence import service as correspondence
from callcenter.correspondence.service import EmailForm, EmailOut, EmailPage, Written
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict, NotFound
from webui import files as sent
from webui import i18n
from webui.openapi import operation, routes_of
from webui.pages.messages import try_mailbox
from webui.validation import Id, In, Line

Key = Annotated[str, Field(max_length=64, pattern="^[A-Za-z0-9_-]*$")]
LongText = Annotated[str, Field(max_length=correspondence.LONGEST)]
Files = Annotated[list[Id], Field(max_length=50)]


class SendEmailIn(In):
    """An e-mail. `answers`: the e-mail it answers. `files`: ids of uploaded files, 25 MB together at most.

    `key`: any text of the caller's; sent again with the same, nothing is sent twice and the first e-mail comes back.
    `keep_address` stores the address on the contact.
    """

    address: Line
    subject: Line
    text: LongText
    cc: Annotated[list[Line], Field(max_length=50)] = []
    files: Files = []
    answers: Id | None = None
    key: Key = ""
    keep_address: bool = False


class SendFaxIn(In):
    """A fax: one PDF to a number. `keep_number` stores the number on the contact."""

    number: Line
    files: Files
    subject: Line = ""
    text: LongText = ""
    key: Key = ""
    keep_number: bool = False


class EmailsQuery(In):
    """Which e-mails. `came`: from customers; `unmatched`: nobody's who is known; `unread`: nobody has dealt with them."""

    contact_id: Id | None = None
    came: bool = False
    unmatched: bool = False
    unread: bool = False
    before: Id | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class AssignEmailIn(In):
    """Whose it is; null: nobody's who is known. `keep_address`: they have this address from now on."""

    contact_id: Id | None
    keep_address: bool = False


class FormQuery(In):
    """What is to be written."""

    channel: Literal["email", "fax"] = "email"


class DraftIn(In):
    """What somebody has begun to write."""

    channel: Literal["email", "fax"] = "email"
    address: Line = ""
    cc: Annotated[str, Field(max_length=2000)] = ""
    subject: Line = ""
    text: LongText = ""
    answers: Id | None = None
    files: Files = []


class MailboxTest(BaseModel):
    """What the mailbox holds: messages, and those nobody has seen."""

    messages: int
    unseen: int


@operation("POST", "/contacts/{contact_id}/emails", "sendEmail", errors=(Conflict,), status=201)
async def send_email(uow: UnitOfWork, contact_id: Id, body: SendEmailIn) -> EmailOut:
    """Send an e-mail to a contact.

    What becomes of it comes as `email.changed` on /live and stands in the e-mail's `state`.
    """
    return await correspondence.send(uow, contact_id, Written(channel="email", **body.model_dump()))


@operation("POST", "/contacts/{contact_id}/faxes", "sendFax", errors=(Conflict,), status=201)
async def send_fax(uow: UnitOfWork, contact_id: Id, body: SendFaxIn) -> EmailOut:
    """Send a fax to a contact through the e-mail-to-fax gateway."""
    given = body.model_dump(exclude={"number", "keep_number"})
    written = Written(channel="fax", address=body.number, keep_address=body.keep_number, **given)
    return await correspondence.send(uow, contact_id, written)


@operation("GET", "/contacts/{contact_id}/email-form", "getEmailForm")
async def get_email_form(uow: UnitOfWork, contact_id: Id, query: FormQuery) -> EmailForm:
    """What one needs to write to a contact: addresses, signature, what was begun, and why it cannot be sent, if so."""
    form = await correspondence.form(uow, contact_id, query.channel)
    refused = correspondence.problem(uow, query.channel)
    return form.model_copy(update={"problem": i18n.sentence(refused) if refused else ""})


@operation("PUT", "/contacts/{contact_id}/email-draft", "keepEmailDraft")
async def keep_email_draft(uow: UnitOfWork, contact_id: Id, body: DraftIn) -> None:
    """Keep what one has begun to write to a contact."""
    data: dict[str, Any] = body.model_dump(exclude={"channel"})
    await correspondence.keep_draft(uow, contact_id, body.channel, data)


@operation("DELETE", "/contacts/{contact_id}/email-draft", "dropEmailDraft")
async def drop_email_draft(uow: UnitOfWork, contact_id: Id, query: FormQuery) -> None:
    """Throw away what one has begun to write."""
    await correspondence.drop_draft(uow, contact_id, query.channel)


@operation("GET", "/emails", "listEmails")
async def list_emails(uow: UnitOfWork, query: EmailsQuery) -> EmailPage:
    """E-mails and faxes both ways, newest first."""
    return await correspondence.list_emails(uow, **query.model_dump())


@operation("GET", "/emails/{email_id}", "getEmail")
async def get_email(uow: UnitOfWork, email_id: Id) -> EmailOut:
    """One e-mail."""
    return await correspondence.get_email(uow, email_id)


@operation("POST", "/emails/{email_id}/seen", "markEmailSeen", errors=(Conflict,))
async def mark_email_seen(uow: UnitOfWork, email_id: Id) -> EmailOut:
    """Note that an e-mail that came needs nothing more."""
    return await correspondence.mark_seen(uow, email_id)


@operation("PUT", "/emails/{email_id}/contact", "assignEmail", errors=(Conflict,))
async def assign_email(uow: UnitOfWork, email_id: Id, body: AssignEmailIn) -> EmailOut:
    """Say whose it is; its line on the timeline moves there."""
    return await correspondence.assign(uow, email_id, body.contact_id, keep_address=body.keep_address)


@operation("GET", "/emails/{email_id}/files/{file_id}", "getEmailFile", media_type="application/octet-stream", errors=(NotFound,))
async def get_email_file(request: Request, actor: Actor, email_id: Id, file_id: Id) -> bytes:
    """A file that goes with an e-mail."""
    async with request.app.state.database.reading(actor) as uow:
        file = await correspondence.file_of(uow, email_id, file_id)
    return sent.download(request, file)  # type: ignore[return-value]  # sent as it is


@operation("POST", "/mailbox/test", "testMailbox", role=Role.ADMINISTRATOR, errors=(Conflict,))
async def test_mailbox(request: Request, actor: Actor) -> MailboxTest:
    """Sign in to the mailbox customers answer to, and count what is in it."""
    return MailboxTest(**await try_mailbox(request))


ROUTES = routes_of(__name__)

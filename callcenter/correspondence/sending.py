"""Writing to a contact: an e-mail, or a fax through a gateway that takes e-mails. Queued here, sent by the mailer."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from callcenter.actor import Role
from callcenter.config import Settings
from callcenter.contacts import service as contacts
from callcenter.contacts.models import Contact
from callcenter.contacts.text import clean_lines
from callcenter.correspondence import drafts, entries, keeping, rows
from callcenter.correspondence.models import Email, EmailFile
from callcenter.correspondence.permitted import Channel, permitted
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict, Invalid, NotFound
from callcenter.files import service as files
from callcenter.files.models import File
from callcenter.messages import addresses
from callcenter.messages import service as messages
from callcenter.messages.models import Mail
from callcenter.users.service import audit

LONGEST = 100_000  # characters of a text
LONGEST_SUBJECT = 300
LARGEST = 25 << 20  # octets of all attachments together
MOST_FILES = 20
MOST_CC = 20
_MOST_PARENTS = 30
_CONSOLE_GATEWAY = "{number}@fax.example.com"  # where mails go to the log, faxes do


class Written(NamedTuple):
    """A letter as a person wrote it. `address`: e-mail address, or number of a fax; `key`: of this sending, "" for none."""

    channel: Channel
    address: str
    subject: str
    text: str
    cc: Sequence[str] = ()
    files: Sequence[int] = ()
    answers: int | None = None
    key: str = ""
    keep_address: bool = False


async def send(uow: UnitOfWork, contact_id: int, written: Written) -> Email:
    """Queue a letter to a contact the actor may see; what becomes of it comes later (delivery.react).

    Sent again with the same `key` it returns the e-mail of the first time. `keep_address` stores the address (the number) on
    the contact, whom the actor must be allowed to change. Raises Invalid with the field at fault, Conflict when there is no
    way to send.
    """
    uow.actor.require(Role.CONSULTANT)
    contact = await contacts.get_contact(uow, contact_id)
    wanted = _checked(written)
    address = await permitted(uow, contact, wanted.channel, wanted.address)
    earlier = await _earlier(uow, wanted.key)
    if earlier is not None:
        return _same(earlier, address, wanted, contact_id)
    answered = None if wanted.answers is None else await _answered(uow, wanted.answers, contact)
    email = _email(uow, contact, address, wanted, answered)
    try:
        async with uow.session.begin_nested():
            uow.session.add(email)
    except IntegrityError:  # the same key at the same moment: the other one was first
        return _same(await _earlier(uow, wanted.key), address, wanted, contact_id)
    attached = await _attach(uow, email, wanted)
    mail = await _queue(uow, email, wanted, attached)
    email.message_id = mail.message_id
    if wanted.keep_address:
        await keeping.keep(uow, contact_id, wanted.channel, address)
    await entries.write(uow, email, len(attached))
    await _has_answered(uow, answered)
    await drafts.drop_draft(uow, contact_id, wanted.channel)
    audit(uow, f"{email.channel}.sent", email.channel, email.id, address=address, contact_id=contact_id)
    entries.tell(uow, email)
    return email


def fax_address(settings: Settings, e164: str) -> str:
    """Return the gateway's address for a number; raises Conflict when no gateway is set."""
    gateway = settings.fax_gateway or (_CONSOLE_GATEWAY if settings.smtp == addresses.CONSOLE else "")
    if not gateway:
        raise Conflict("Faxes are not set up here. An administrator names the fax gateway in CALLCENTER_FAX_GATEWAY.")
    digits = e164.removeprefix("+")
    number = {"e164": f"+{digits}", "digits": digits, "00": f"00{digits}"}[settings.fax_number]
    return gateway.replace("{number}", number)


def _checked(written: Written) -> Written:
    subject, text = addresses.one_line(written.subject), clean_lines(written.text)
    fax = written.channel == "fax"
    if len(written.subject) > LONGEST_SUBJECT:
        raise Invalid("A subject has at most {maximum} characters.", field="subject", maximum=LONGEST_SUBJECT)
    if len(text) > LONGEST:
        raise Invalid("The text has at most {maximum} characters.", field="text", maximum=LONGEST)
    if not fax and not subject:
        raise Invalid("An e-mail needs a subject.", field="subject")
    if not fax and not text:
        raise Invalid("Type the text of the e-mail.", field="text")
    if fax and len(written.files) != 1:
        raise Invalid("A fax needs one PDF.", field="files")
    if len(written.cc) > MOST_CC or (fax and written.cc):
        raise Invalid("These are too many recipients: at most {maximum}.", field="cc", maximum=0 if fax else MOST_CC)
    address = written.address if fax else addresses.checked(written.address, "address")
    cc = [addresses.checked(each, "cc") for each in dict.fromkeys(map(str.strip, written.cc)) if each]
    return written._replace(address=address, subject=subject, text=text, cc=cc, files=list(dict.fromkeys(written.files)))


async def _earlier(uow: UnitOfWork, key: str) -> Email | None:
    query = select(Email).where(Email.user_id == uow.actor.id, Email.key == key, Email.key != "")
    return await uow.session.scalar(query)


def _same(earlier: Email | None, address: str, wanted: Written, contact_id: int) -> Email:
    now = (contact_id, wanted.channel, address, wanted.subject, wanted.text)
    if earlier is None or (earlier.contact_id, earlier.channel, earlier.address, earlier.subject, earlier.text) != now:
        raise Conflict("This was sent already, with another text or to another address. Look at the timeline.")
    return earlier


async def _answered(uow: UnitOfWork, email_id: int, contact: Contact) -> Email:
    found = await rows.one(uow, email_id)
    if found.contact_id not in (None, contact.id):
        raise NotFound("There is no such e-mail.")
    return found


def _email(uow: UnitOfWork, contact: Contact, address: str, wanted: Written, answered: Email | None) -> Email:
    parents = [*answered.parents, answered.message_id] if answered is not None and answered.message_id else []
    return Email(
        channel=wanted.channel,
        outbound=True,
        kind="mail",
        contact_id=contact.id,
        user_id=uow.actor.id,
        address=address,
        name=contact.name,
        cc=list(wanted.cc),
        subject=wanted.subject,
        text=wanted.text,
        state="queued",
        error="",
        parents=parents[-_MOST_PARENTS:],
        key=wanted.key,
        answers_id=answered.id if answered is not None else None,
        created_at=uow.now,
        sent_at=None,
        seen_at=uow.now,
    )


async def _attach(uow: UnitOfWork, email: Email, wanted: Written) -> list[File]:
    """Let the e-mail own its files; raises Invalid (field files) for too many, too large, or of a fax what is no PDF."""
    if len(wanted.files) > MOST_FILES:
        raise Invalid("These are too many files: at most {maximum}.", field="files", maximum=MOST_FILES)
    found: list[File] = []
    for place, file_id in enumerate(wanted.files):
        try:
            file = await files.attach(uow, file_id)
        except NotFound as error:
            raise Invalid("A file is not there any more. Add it again.", field="files") from error
        uow.session.add(EmailFile(email_id=email.id, file_id=file.id, place=place))
        found.append(file)
    if sum(each.size for each in found) > LARGEST:
        raise Invalid("The files together are larger than {limit} MB.", field="files", limit=LARGEST >> 20)
    if wanted.channel == "fax":
        _check_fax(found[0], uow.database.settings)
    return found


def _check_fax(file: File, settings: Settings) -> None:
    if file.media_type != "application/pdf":
        raise Invalid("{name} is not a PDF.", field="files", name=file.name)
    if file.size > settings.fax_megabytes << 20:
        raise Invalid("A fax has at most {limit} MB.", field="files", limit=settings.fax_megabytes)


async def _queue(uow: UnitOfWork, email: Email, wanted: Written, attached: Sequence[File]) -> Mail:
    settings = uow.database.settings
    fax = wanted.channel == "fax"
    return await messages.queue_mail(
        uow,
        fax_address(settings, email.address) if fax else email.address,
        wanted.subject or "Fax",
        wanted.text + "\n",
        about=email.channel,
        about_id=email.id,
        cc=wanted.cc,
        from_name=_from_name(uow),
        parents=email.parents,
        files=[each.id for each in attached],
        size=sum(each.size for each in attached),
    )


def _from_name(uow: UnitOfWork) -> str:
    """Return the name customers see: a person's, the house's, or both."""
    settings, own = uow.database.settings, messages.sender(uow.database.settings).display_name
    person = uow.actor.name
    match settings.mail_from_name:
        case "sender":
            return own or person
        case "both":
            return f"{person} ({own})" if own else person
    return person


async def _has_answered(uow: UnitOfWork, answered: Email | None) -> None:
    if answered is not None and not answered.outbound and answered.seen_at is None:
        answered.seen_at, answered.seen_by = uow.now, uow.actor.user_id

"""Consents and objections: recorded, read, and asked before anybody is contacted."""

import datetime as dt
from collections.abc import Collection
from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import func, literal, select, union_all

from callcenter.contacts import service as contacts
from callcenter.contacts import suppressions, text
from callcenter.contacts.consent_models import Consent, Suppression
from callcenter.contacts.forms import Line
from callcenter.contacts.timeline import add_entry
from callcenter.db import UnitOfWork
from callcenter.errors import DoNotContact, Invalid, NoConsent
from callcenter.users.service import audit

Channel = Literal["call", "sms", "email", "fax"]  # consent_models.CHANNELS
Purpose = Literal["marketing", "service", "survey", ""]
Means = Literal["person", "automatic", ""]

_REFUSALS = {
    "call": "This customer asked not to be called.",
    "sms": "This customer asked for no text messages.",
    "email": "This customer asked for no e-mails.",
    "fax": "This customer asked for no faxes.",
}
LISTED = "This number is on the do-not-call list."
MARKETING, ASKING = "marketing", "consent"  # purposes of projects that need a consent, and that only ask for one
_MISSING = {
    "call": "This customer has not agreed to marketing calls. Record their consent with its day and source first.",
    "sms": "This customer has not agreed to marketing by text message. Record their consent with its day and source first.",
    "email": "This customer has not agreed to marketing by e-mail. Record their consent with its day and source first.",
    "fax": "This customer has not agreed to marketing by fax. Record their consent with its day and source first.",
}
_ONLY_ASKS = "This project only asks for consents. An administrator takes such calls on in writing, in a campaign."


class ConsentInput(BaseModel):
    """What a customer said. Without purpose and means: about the channel as a whole, `given` false is an objection."""

    model_config = ConfigDict(extra="forbid")
    channel: Channel
    purpose: Purpose = ""
    means: Means = ""
    given: bool
    at: AwareDatetime | None = None
    source: Line = ""
    wording: Annotated[str, Field(max_length=5000), AfterValidator(text.clean_lines)] = ""


class Standing(NamedTuple):
    """What a customer said last about a channel, a purpose and a means."""

    channel: str
    purpose: str
    means: str


async def record(uow: UnitOfWork, contact_id: int, data: ConsentInput) -> Consent:
    """Write down what a customer said, on the timeline too. Who sees the contact may record an objection or a withdrawal;
    a consent needs the right to change the contact, and says where it was given.

    Raises Invalid with the field at fault: half a purpose, a time to come, a consent without a source.
    """
    await contacts.get_contact(uow, contact_id)
    about_all = not data.purpose and not data.means
    if not about_all and not (data.purpose and data.means):
        raise Invalid("Say the purpose and the means, or neither: then it is about the whole channel.", field="purpose")
    if data.given:
        await contacts.changeable(uow, contact_id)
        if not data.source:
            raise Invalid("Say where the customer agreed: a form, a letter, a call.", field="source")
    at = data.at or uow.now
    if at > uow.now + dt.timedelta(minutes=5) or at.year < 1990:
        raise Invalid("This time lies in the future or too far back.", field="at")
    consent = Consent(
        contact_id=contact_id,
        at=at,
        recorded_at=uow.now,
        user_id=uow.actor.user_id,
        **data.model_dump(exclude={"at"}),
    )
    uow.session.add(consent)
    await uow.session.flush()
    said = {"channel": data.channel, "purpose": data.purpose, "means": data.means, "given": data.given}
    await add_entry(
        uow, contact_id=contact_id, kind="consent", text=data.source, at=uow.now, user_id=uow.actor.user_id, data=said
    )
    audit(uow, "consent.recorded", "contact", contact_id, **said)
    return consent


async def history(uow: UnitOfWork, contact_id: int) -> list[Consent]:
    """Return all a customer said, newest first."""
    await contacts.get_contact(uow, contact_id)
    return await _said(uow, contact_id)


async def _said(uow: UnitOfWork, contact_id: int) -> list[Consent]:
    query = select(Consent).where(Consent.contact_id == contact_id).order_by(Consent.at.desc(), Consent.id.desc())
    return list(await uow.session.scalars(query))


async def said_of(uow: UnitOfWork, contact_ids: Collection[int], channel: str) -> dict[int, list[Consent]]:
    """Return what many customers said about a channel, newest first; those who said nothing are left out. Checks no right."""
    query = select(Consent).where(Consent.contact_id.in_(contact_ids), Consent.channel == channel)
    found: dict[int, list[Consent]] = {}
    for each in await uow.session.scalars(query.order_by(Consent.at.desc(), Consent.id.desc())):
        found.setdefault(each.contact_id, []).append(each)
    return found


def standing(said: list[Consent]) -> dict[Standing, Consent]:
    """Return what stands: of each channel, purpose and means the newest. `said` newest first. Pure."""
    found: dict[Standing, Consent] = {}
    for each in said:
        found.setdefault(Standing(each.channel, each.purpose, each.means), each)
    return found


def objections(said: list[Consent]) -> set[str]:
    """Return the channels a customer does not want to be contacted by at all. Pure."""
    return {key.channel for key, each in standing(said).items() if not key.purpose and not each.given}


def covering(said: list[Consent], channel: str, purpose: str, means: str) -> Consent | None:
    """Return the consent that covers a channel, purpose and means: dated, with its source, the customer's last word. Pure.

    `said` newest first. An objection to the channel ends what was agreed before it, also once it is taken back itself.
    """
    about = [each for each in said if each.channel == channel and not each.purpose]
    stands = standing(said).get(Standing(channel, purpose, means))
    if stands is None or not stands.given or not stands.source or (about and not about[0].given):
        return None
    if any(not each.given and (each.at, each.id) > (stands.at, stands.id) for each in about):
        return None
    return stands


async def allows(uow: UnitOfWork, contact_id: int, channel: str, purpose: str, means: str) -> bool:
    """Tell whether a consent covers this channel, purpose and means, and no objection stands against it."""
    return covering(await _said(uow, contact_id), channel, purpose, means) is not None


async def check(
    uow: UnitOfWork,
    channel: str,
    *,
    contact_id: int | None,
    number: str = "",
    purpose: str = "service",
    project_id: int | None = None,
    means: str = "person",
    despite_objection: bool = False,
) -> None:
    """Raise DoNotContact when the customer objected to the channel, or the number (E.164) is on a do-not-call list.

    The one place that is asked by every door that calls or writes; it checks no right: those doors do. `purpose` and
    `project_id` are those of the project it is done for, if any: its own do-not-call list counts, and marketing needs a
    consent that covers channel and means, without which NoConsent is raised whoever asks. `despite_objection`: a person has a
    reason to pass over an objection; never in marketing. One statement, two in marketing.
    """
    if purpose == ASKING:
        raise NoConsent(_ONLY_ASKS)
    marketing = purpose == MARKETING
    if marketing:
        said = [] if contact_id is None else await _said(uow, contact_id)
        if covering(said, channel, purpose, means) is None:
            raise NoConsent(_MISSING[channel])
    elif despite_objection:
        return
    reasons = await _against(uow, channel, contact_id, number, project_id)
    if "objection" in reasons:
        raise DoNotContact(_REFUSALS[channel])
    if reasons:
        raise NoConsent(LISTED) if marketing else DoNotContact(LISTED)


async def _against(uow: UnitOfWork, channel: str, contact_id: int | None, number: str, project_id: int | None) -> set[str]:
    latest = (
        select(literal("objection").label("why"), Consent.given)
        .where(Consent.contact_id == (contact_id or 0), Consent.channel == channel, Consent.purpose == "", Consent.means == "")
        .order_by(Consent.at.desc(), Consent.id.desc())
        .limit(1)
        .subquery()
    )
    asked = [select(latest.c.why).where(latest.c.given.is_(False))]
    if number and channel in ("call", "sms"):
        lists = [suppressions.DO_NOT_CALL, *([] if project_id is None else [suppressions.of_project(project_id)])]
        on_list = (Suppression.token == suppressions.number_token(uow, number), Suppression.reason.in_(lists))
        asked.append(select(literal("listed")).where(select(func.count()).where(*on_list).scalar_subquery() > 0))
    return set(await uow.session.scalars(union_all(*asked) if len(asked) > 1 else asked[0]))

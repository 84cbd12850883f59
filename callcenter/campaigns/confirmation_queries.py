"""What can be read of spoken yeses: of a lead or a call, how many of a campaign await confirmation, and since when."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Select, func, select

from callcenter.actor import Role
from callcenter.calls import rows as calls
from callcenter.campaigns import limits
from callcenter.campaigns.confirmation_models import ENDED, OPEN, Confirmation, ConfirmationState
from callcenter.campaigns.lead_models import Lead
from callcenter.campaigns.models import Campaign
from callcenter.contacts import visibility
from callcenter.db import UnitOfWork
from callcenter.errors import NotFound
from callcenter.users.models import User

Wanted = Literal["", "open", "awaiting", "terms_sent", "confirmed", "not_confirmed", "withdrawn"]
FILTERS: dict[str, tuple[str, ...]] = {"open": tuple(sorted(OPEN))} | {each.value: (each.value,) for each in ConfirmationState}


@dataclass(frozen=True, slots=True)
class Yes:
    """A spoken yes as it is shown. `first_day` is the call's and `today` the campaign's; `waits_days`: None once it has an end.

    `hidden`: of a contact the reader may not see, so without notes. `*_by`: names, "" of nobody.
    """

    record: Confirmation
    first_day: dt.date
    today: dt.date
    waits_days: int | None
    hidden: bool
    taken_by: str
    terms_by: str
    end_by: str

    @property
    def terms_note(self) -> str:
        """Return what is noted of the terms."""
        return "" if self.hidden else self.record.terms_note

    @property
    def end_note(self) -> str:
        """Return what is noted of the end."""
        return "" if self.hidden else self.record.end_note

    @property
    def open(self) -> bool:
        """Tell whether it is awaiting durable confirmation."""
        return self.record.state in OPEN

    @property
    def ended(self) -> bool:
        """Tell whether there is an end that may be taken back."""
        return self.record.state in ENDED


def leads_with(campaign_id: int, wanted: Wanted) -> Select[int, dt.datetime]:
    """Return the query of a campaign's leads whose yes stands so, each with when its oldest such one was said (`said_at`)."""
    query = select(Confirmation.lead_id.label("lead_id"), func.min(Confirmation.said_at).label("said_at"))
    query = query.where(Confirmation.campaign_id == campaign_id, Confirmation.state.in_(FILTERS[wanted]))
    return query.group_by(Confirmation.lead_id)


async def counts(uow: UnitOfWork, campaign_id: int) -> dict[str, int]:
    """Return how many leads of a campaign have a yes in each state, and how many are "open" (supervisors)."""
    uow.actor.require(Role.SUPERVISOR)
    query = select(Confirmation.state, func.count(Confirmation.lead_id.distinct())).where(Confirmation.campaign_id == campaign_id)
    found = {row[0]: row[1] for row in await uow.session.execute(query.group_by(Confirmation.state))}
    waiting = await awaiting(uow, [campaign_id])
    return found | ({"open": waiting[campaign_id]} if waiting else {})


async def awaiting(uow: UnitOfWork, campaign_ids: Sequence[int]) -> dict[int, int]:
    """Return how many leads have a yes that awaits durable confirmation, by campaign, where there are any (supervisors)."""
    uow.actor.require(Role.SUPERVISOR)
    query = select(Confirmation.campaign_id, func.count(Confirmation.lead_id.distinct())).group_by(Confirmation.campaign_id)
    query = query.where(Confirmation.campaign_id.in_(campaign_ids), Confirmation.state.in_(OPEN))
    return {row[0]: row[1] for row in await uow.session.execute(query)}


async def of_leads(uow: UnitOfWork, lead_ids: Sequence[int], wanted: Wanted = "") -> dict[int, Confirmation]:
    """Return of each lead its oldest yes that stands as `wanted`, else its latest, by the lead's id. Asks for no right."""
    query = select(Confirmation).where(Confirmation.lead_id.in_(lead_ids))
    if wanted:
        query = query.where(Confirmation.state.in_(FILTERS[wanted]))
    order = Confirmation.said_at.desc() if wanted else Confirmation.said_at.asc()
    found = await uow.session.scalars(query.order_by(order, Confirmation.attempt_id))
    return {each.lead_id: each for each in found}  # the last one counts


async def of_lead(uow: UnitOfWork, campaign: Campaign, lead_id: int, hidden: bool) -> list[Yes]:
    """Return the yeses of a lead, the latest first. Asks for no right: whoever calls has read the lead."""
    query = select(Confirmation).where(Confirmation.lead_id == lead_id)
    found = list(await uow.session.scalars(query.order_by(Confirmation.said_at.desc(), Confirmation.attempt_id)))
    return await _shown(uow, campaign, found, hidden)


async def of_call(uow: UnitOfWork, call_id: str) -> Yes | None:
    """Return the yes said in a call one may see; None when there was none. Raises NotFound."""
    call = await calls.seen(uow, call_id)
    found = await uow.session.get(Confirmation, call_id)
    if found is None:
        return None
    campaign = await uow.session.get_one(Campaign, found.campaign_id)
    lead = await uow.session.get_one(Lead, found.lead_id)
    own = call.user_id == uow.actor.user_id
    unseen = not own and bool((await visibility.hidden(uow, [call.contact_id, lead.contact_id])).contacts)
    return (await _shown(uow, campaign, [found], unseen))[0]


async def get(uow: UnitOfWork, call_id: str) -> Yes:
    """Return the yes said in a call one may see; raises NotFound."""
    found = await of_call(uow, call_id)
    if found is None:
        raise NotFound("Nobody recorded a spoken yes in this call.")
    return found


def waits_days(found: Confirmation, campaign: Campaign, now: dt.datetime) -> int | None:
    """Return for how many days, by the campaign's clock, a yes has been awaiting confirmation; None: it is not. Pure."""
    if found.state not in OPEN:
        return None
    return (limits.today(campaign, now) - limits.today(campaign, found.said_at)).days


async def _shown(uow: UnitOfWork, campaign: Campaign, found: Sequence[Confirmation], hidden: bool) -> list[Yes]:
    ids = {each for one in found for each in (one.taken_by, one.terms_by, one.end_by) if each is not None}
    named = await uow.session.execute(select(User.id, User.name).where(User.id.in_(ids))) if ids else ()
    people: dict[int | None, str] = {row[0]: row[1] for row in named}
    today = limits.today(campaign, uow.now)
    return [
        Yes(
            record=each,
            first_day=limits.today(campaign, each.said_at),
            today=today,
            waits_days=waits_days(each, campaign, uow.now),
            hidden=hidden,
            taken_by=people.get(each.taken_by, ""),
            terms_by=people.get(each.terms_by, ""),
            end_by=people.get(each.end_by, ""),
        )
        for each in found
    ]

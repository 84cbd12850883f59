"""Changes of a campaign: one at a time, each with a new version and a line in the audit trail, told to supervisors."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from callcenter.campaigns import states
from callcenter.campaigns.events import CampaignChanged
from callcenter.campaigns.models import Campaign
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict, NotFound
from callcenter.users.models import AuditEntry
from callcenter.users.service import audit, supervisors

_MOST = 200  # changes looked through for what somebody else did meanwhile

Fields = Mapping[str, Any]


class ChangedMeanwhile(Conflict):
    """Somebody changed the campaign between the reading and the saving of this person.

    `differs`: each field the other changed, as it was typed here and as it is stored.
    """

    def __init__(self, name: str, differs: dict[str, dict[str, Any]], version: int) -> None:
        super().__init__(
            "{name} changed this campaign meanwhile. Compare both versions; what you typed is not saved yet.", name=name or "?"
        )
        self.differs, self.version = differs, version

    @property
    def details(self) -> dict[str, Any]:
        """What the API adds to its answer."""
        return {"version": self.version, "differs": self.differs}


async def stored(uow: UnitOfWork, campaign_id: int) -> Campaign:
    """Return a campaign; raises NotFound."""
    campaign = await uow.session.get(Campaign, campaign_id)
    if campaign is None:
        raise NotFound("There is no such campaign.")
    return campaign


async def locked(uow: UnitOfWork, campaign_id: int) -> Campaign:
    """Return a campaign nobody else changes until this transaction is over; raises NotFound, Conflict for a finished one."""
    campaign = await uow.session.get(Campaign, campaign_id, with_for_update=True)
    if campaign is None:
        raise NotFound("There is no such campaign.")
    states.changeable(campaign.state)
    return campaign


async def check_version(uow: UnitOfWork, campaign: Campaign, seen: int, typed: Fields, now: Fields) -> None:
    """Raise ChangedMeanwhile when somebody changed, since version `seen`, a field that is typed otherwise here.

    `typed` and `now`: plain values by field. What was started, paused or given to other people meanwhile is no conflict.
    """
    if seen == campaign.version:
        return
    name, others = await _changed_since(uow, campaign, seen)
    differs = {
        each: {"typed": _plain(typed[each]), "stored": _plain(now[each])}
        for each in typed
        if typed[each] != now[each] and (others is None or each in others)
    }
    if differs:
        raise ChangedMeanwhile(name, differs, campaign.version)


async def record(
    uow: UnitOfWork, campaign: Campaign, action: str, changed: dict[str, list[Any]] | None = None, **detail: Any
) -> None:
    """Count a person's change, write it down and tell supervisors; `changed`: field to what it was and is."""
    campaign.version += 1
    campaign.updated_at = uow.now
    await uow.session.flush()
    audit(uow, action, "campaign", campaign.id, version=campaign.version, changed=changed or {}, **detail)
    await tell(uow, campaign)


async def tell(uow: UnitOfWork, campaign: Campaign) -> None:
    """Let supervisors' pages load the campaign anew."""
    message = CampaignChanged(
        campaign_id=campaign.id,
        name=campaign.name,
        state=campaign.state,
        mode=campaign.mode,
        version=campaign.version,
        by=uow.actor.name if uow.actor.user_id is not None else "",
    )
    uow.emit(message, await supervisors(uow))


async def _changed_since(uow: UnitOfWork, campaign: Campaign, seen: int) -> tuple[str, set[str] | None]:
    """Return who changed it last since a version, and which fields were changed; None: that is not known any more."""
    query = select(AuditEntry).where(AuditEntry.subject == "campaign", AuditEntry.subject_id == str(campaign.id))
    entries = await uow.session.scalars(query.order_by(AuditEntry.id.desc()).limit(_MOST))
    since = [each for each in entries if int(each.detail.get("version", 0)) > seen]
    fields = {name for each in since for name in each.detail.get("changed", {})}
    name = next((each.actor_name for each in since if each.detail.get("changed")), since[0].actor_name if since else "")
    return name, fields if len(since) == campaign.version - seen else None


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float | list | dict | None) else str(value)

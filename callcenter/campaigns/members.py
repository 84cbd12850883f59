"""Who serves a campaign: those chosen for it, else everybody who serves its project."""

from collections.abc import Iterable

from sqlalchemy import delete, select

from callcenter.actor import Role
from callcenter.campaigns import changes
from callcenter.campaigns.models import Campaign, CampaignMember
from callcenter.campaigns.views import CampaignMemberOut
from callcenter.db import UnitOfWork
from callcenter.errors import Invalid
from callcenter.projects.models import Membership
from callcenter.users.models import User


async def serving(uow: UnitOfWork, campaign: Campaign) -> list[int]:
    """Return the ids of who serves a campaign, by name; nobody who may not sign in or left the project."""
    return [each.user_id for each in await _people(uow, campaign) if each.serves]


async def list_members(uow: UnitOfWork, campaign_id: int) -> list[CampaignMemberOut]:
    """Return the people of the campaign's project by name, and who of them serves it (supervisors)."""
    uow.actor.require(Role.SUPERVISOR)
    return await _people(uow, await changes.stored(uow, campaign_id))


async def set_members(uow: UnitOfWork, campaign_id: int, user_ids: Iterable[int]) -> list[CampaignMemberOut]:
    """Let exactly these people of the project serve the campaign; none: all of them (supervisors)."""
    uow.actor.require(Role.SUPERVISOR)
    campaign = await changes.locked(uow, campaign_id)
    before = await _chosen(uow, campaign_id)
    wanted = set(user_ids)
    await _check(uow, campaign, wanted - before)
    await uow.session.execute(delete(CampaignMember).where(CampaignMember.campaign_id == campaign_id))
    uow.session.add_all(CampaignMember(campaign_id=campaign_id, user_id=each) for each in sorted(wanted))
    await uow.session.flush()
    if wanted != before:
        await changes.record(uow, campaign, "campaign.members_set", before=sorted(before), after=sorted(wanted))
    return await _people(uow, campaign)


async def _chosen(uow: UnitOfWork, campaign_id: int) -> set[int]:
    return set(await uow.session.scalars(select(CampaignMember.user_id).where(CampaignMember.campaign_id == campaign_id)))


async def _people(uow: UnitOfWork, campaign: Campaign) -> list[CampaignMemberOut]:
    chosen = await _chosen(uow, campaign.id)
    query = select(User.id, User.name).join(Membership, Membership.user_id == User.id)
    query = query.where(Membership.project_id == campaign.project_id, User.disabled_at.is_(None)).order_by(User.name, User.id)
    return [
        CampaignMemberOut(user_id=user_id, name=name, chosen=user_id in chosen, serves=not chosen or user_id in chosen)
        for user_id, name in await uow.session.execute(query)
    ]


async def _check(uow: UnitOfWork, campaign: Campaign, added: set[int]) -> None:
    """Raise Invalid for somebody who cannot be chosen now; who was chosen before and left the project may stay on the list."""
    query = select(User.id, User.name, User.disabled_at, Membership.project_id).where(User.id.in_(added))
    ours = (Membership.user_id == User.id) & (Membership.project_id == campaign.project_id)
    found = {user_id: rest for user_id, *rest in await uow.session.execute(query.outerjoin(Membership, ours))}
    for user_id in sorted(added):
        if user_id not in found:
            raise Invalid("There is no user {user_id}.", field="user_ids", user_id=user_id)
        name, disabled_at, project_id = found[user_id]
        if disabled_at is not None:
            raise Invalid("{name} was deactivated.", field="user_ids", name=name)
        if project_id is None:
            raise Invalid("{name} does not serve this project.", field="user_ids", name=name)

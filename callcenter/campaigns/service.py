"""Campaigns (M7): made, changed, started, paused, resumed and finished by supervisors; each change audited and told to them."""

from typing import Any

from sqlalchemy import select

from callcenter.actor import Role
from callcenter.campaigns import changes, checks, states
from callcenter.campaigns.forms import CampaignChange, CampaignInput, ModeChange
from callcenter.campaigns.models import Campaign, CampaignDisposition, CampaignMember, CampaignState
from callcenter.campaigns.views import CampaignOut
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict
from callcenter.users.service import audit

_OWN = frozenset({"project", "cap", "obstacles", "warnings"})  # of CampaignOut, no columns
_PLAIN = [name for name in CampaignOut.model_fields if name not in _OWN]
_NOT_COPIED = frozenset({"name", "starts_on", "ends_on"})


async def get_campaign(uow: UnitOfWork, campaign_id: int) -> CampaignOut:
    """Return a campaign (supervisors); raises NotFound."""
    uow.actor.require(Role.SUPERVISOR)
    return await shown(uow, await changes.stored(uow, campaign_id))


async def add_campaign(uow: UnitOfWork, data: CampaignInput) -> CampaignOut:
    """Make a campaign; it is a draft until it is started (supervisors). Raises Invalid with the field at fault."""
    uow.actor.require(Role.SUPERVISOR)
    values = await checks.checked(uow, data)
    campaign = Campaign(**values, created_by=uow.actor.user_id, created_at=uow.now, updated_at=uow.now)
    await _added(uow, campaign, "campaign.added", name=campaign.name, project_id=campaign.project_id)
    return await shown(uow, campaign)


async def update_campaign(uow: UnitOfWork, campaign_id: int, data: CampaignChange) -> CampaignOut:
    """Change a campaign, also while it runs (supervisors).

    Raises ChangedMeanwhile when somebody else did, Conflict when it runs and could not go on so, Invalid.
    """
    uow.actor.require(Role.SUPERVISOR)
    campaign = await changes.locked(uow, campaign_id)
    before = {name: getattr(campaign, name) for name in CampaignInput.model_fields}
    values = await checks.checked(uow, data, campaign)
    await changes.check_version(uow, campaign, data.version, values, before)
    changed = {name: [before[name], value] for name, value in values.items() if before[name] != value}
    if "script" in changed:
        campaign.script_problem, campaign.script_problem_values, campaign.script_problem_at = "", {}, None
    if changed:
        await _apply(uow, campaign, changed, "campaign.updated")
    return await shown(uow, campaign)


async def set_mode(uow: UnitOfWork, campaign_id: int, data: ModeChange) -> CampaignOut:
    """Dial in another way from now on; calls that were begun go on as they were (supervisors).

    Raises ChangedMeanwhile when somebody else chose another mode, Conflict when it runs and cannot run in this one.
    """
    uow.actor.require(Role.SUPERVISOR)
    campaign = await changes.locked(uow, campaign_id)
    await changes.check_version(uow, campaign, data.version, {"mode": data.mode}, {"mode": campaign.mode})
    if campaign.mode != data.mode:
        await _apply(uow, campaign, {"mode": [campaign.mode, data.mode]}, "campaign.mode_set")
    return await shown(uow, campaign)


async def start(uow: UnitOfWork, campaign_id: int) -> CampaignOut:
    """Start a draft (supervisors); raises Conflict with the first reason why it cannot, `obstacles` has them all."""
    return await _move(uow, campaign_id, "start")


async def pause(uow: UnitOfWork, campaign_id: int) -> CampaignOut:
    """Begin no further call; what rings may ring (supervisors)."""
    return await _move(uow, campaign_id, "pause")


async def resume(uow: UnitOfWork, campaign_id: int) -> CampaignOut:
    """Go on calling (supervisors); raises as start."""
    return await _move(uow, campaign_id, "resume")


async def finish(uow: UnitOfWork, campaign_id: int) -> CampaignOut:
    """End a campaign for good: its leads stay to be read, nothing of it changes any more (supervisors)."""
    return await _move(uow, campaign_id, "finish")


async def copy_campaign(uow: UnitOfWork, campaign_id: int, name: str = "") -> CampaignOut:
    """Make a draft like a campaign, without its leads, its days and the administrator's ground (supervisors)."""
    uow.actor.require(Role.SUPERVISOR)
    model = await changes.stored(uow, campaign_id)
    wanted = " ".join(name.split()) or await _free_name(uow, model.name)
    await checks.check_name(uow, wanted)
    columns = {each: getattr(model, each) for each in CampaignInput.model_fields if each not in _NOT_COPIED}
    copy = Campaign(
        **columns,
        name=wanted,
        message=model.message,
        abandoned_message=model.abandoned_message,
        created_by=uow.actor.user_id,
        created_at=uow.now,
        updated_at=uow.now,
    )
    await _added(uow, copy, "campaign.copied", name=wanted, of=model.id)
    await _copy_rows(uow, model.id, copy.id)
    return await shown(uow, copy)


async def delete_campaign(uow: UnitOfWork, campaign_id: int) -> None:
    """Take a draft away with its leads (supervisors); raises Conflict for one that was ever started: finish it."""
    uow.actor.require(Role.SUPERVISOR)
    campaign = await changes.locked(uow, campaign_id)
    if campaign.state != CampaignState.DRAFT:
        raise Conflict("Only a campaign that was never started can be deleted. Finish it instead.")
    audit(uow, "campaign.deleted", "campaign", campaign.id, name=campaign.name)
    await changes.tell(uow, campaign)
    await uow.session.delete(campaign)


async def refuse_if_it_could_not_run(uow: UnitOfWork, campaign: Campaign, *, starting: bool = False) -> None:
    """Raise Conflict, with the first reason, for a campaign that runs, or is about to, and cannot as it stands."""
    if not starting and campaign.state != CampaignState.RUNNING:
        return
    found = states.obstacles(await checks.situation(uow, campaign))
    if found:
        raise Conflict(found[0].sentence, **found[0].values)


async def shown(uow: UnitOfWork, campaign: Campaign) -> CampaignOut:
    """Return a campaign as it is shown."""
    seen = await checks.situation(uow, campaign)
    over = campaign.state in (CampaignState.RUNNING, CampaignState.FINISHED)
    values: dict[str, Any] = {name: getattr(campaign, name) for name in _PLAIN}
    values |= {"project": seen.project, "cap": seen.cap, "obstacles": [] if over else states.obstacles(seen)}
    values["warnings"] = [] if campaign.state == CampaignState.FINISHED else states.warnings(seen)
    return CampaignOut.model_validate(values)


async def _move(uow: UnitOfWork, campaign_id: int, action: str) -> CampaignOut:
    uow.actor.require(Role.SUPERVISOR)
    campaign = await changes.stored(uow, campaign_id)
    await uow.session.refresh(campaign, with_for_update=True)
    then = states.after(campaign.state, action)
    if then == CampaignState.RUNNING:
        await refuse_if_it_could_not_run(uow, campaign, starting=True)
        campaign.started_at = campaign.started_at or uow.now
    before, campaign.state = campaign.state, then.value
    campaign.wake_at = uow.now
    await changes.record(uow, campaign, f"campaign.{then.value}", before=before, mode=campaign.mode)
    return await shown(uow, campaign)


async def _apply(uow: UnitOfWork, campaign: Campaign, changed: dict[str, list[Any]], action: str) -> None:
    for name, (_, value) in changed.items():
        setattr(campaign, name, value)
    await uow.session.flush()
    await refuse_if_it_could_not_run(uow, campaign)
    campaign.wake_at = uow.now
    await changes.record(uow, campaign, action, changed)


async def _added(uow: UnitOfWork, campaign: Campaign, action: str, **detail: Any) -> None:
    uow.session.add(campaign)
    await uow.session.flush()
    audit(uow, action, "campaign", campaign.id, version=campaign.version, **detail)
    await changes.tell(uow, campaign)


async def _copy_rows(uow: UnitOfWork, model_id: int, copy_id: int) -> None:
    """Let the copy be served by the same people and its dispositions mean the same."""
    for user_id in await uow.session.scalars(select(CampaignMember.user_id).where(CampaignMember.campaign_id == model_id)):
        uow.session.add(CampaignMember(campaign_id=copy_id, user_id=user_id))
    for row in await uow.session.scalars(select(CampaignDisposition).where(CampaignDisposition.campaign_id == model_id)):
        meant = {"disposition_id": row.disposition_id, "meaning": row.meaning, "minutes": row.minutes}
        uow.session.add(CampaignDisposition(campaign_id=copy_id, **meant))
    await uow.session.flush()


async def _free_name(uow: UnitOfWork, name: str) -> str:
    """Return a name no campaign has: "Autumn" is followed by "Autumn 2", that by "Autumn 3"."""
    stem = name[:94]
    taken = set(await uow.session.scalars(select(Campaign.name).where(Campaign.name.startswith(stem, autoescape=True))))
    return next(each for number in range(2, len(taken) + 3) if (each := f"{stem} {number}") not in taken)

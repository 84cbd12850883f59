"""An organisation goes away: deleted, its contacts staying without one, or merged into another that takes all it had.

Up to fifty contacts go in the same transaction; with more, the organisation is marked and a job moves them on in
batches, so that a crash loses nothing. An organisation on its way out takes nobody in and cannot be changed.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, exists, func, select, update

from callcenter import jobs
from callcenter.contacts import following, moving, organisations, rows
from callcenter.contacts.forms import MAXIMUM_NUMBERS, OrganisationInput
from callcenter.contacts.models import Contact, Number, Organisation, OrganisationManager, TimelineEntry
from callcenter.contacts.rights import Action, require
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict, Invalid
from callcenter.facts import OrganisationMerged
from callcenter.users.service import audit

JOB = "organisation_leaving"
BATCH = 25  # contacts moved by one transaction of the job


async def own_entries(uow: UnitOfWork, organisation_id: int) -> int:
    """Return how many entries the organisation's own timeline has, changes of its fields not counted."""
    own = (TimelineEntry.organisation_id == organisation_id, TimelineEntry.contact_id.is_(None))
    query = select(func.count()).select_from(TimelineEntry).where(*own, TimelineEntry.kind != moving.KIND)
    return await uow.session.scalar(query) or 0


async def delete_organisation(uow: UnitOfWork, organisation_id: int, version: int, *, entries_too: bool = False) -> None:
    """Delete an organisation and its numbers; its contacts stay, without organisation, of the type they have.

    Its own timeline would go with it: raises Conflict when there is any unless `entries_too`. Calls and text messages stay
    in their lists.
    """
    organisation, contacts = await _held(uow, organisation_id, version)
    own = await own_entries(uow, organisation_id)
    if own and not entries_too:
        raise Conflict(
            "Its own timeline has {count} entries, which would be deleted. Allow that, or merge it into another organisation.",
            count=own,
        )
    organisation.leaving_at = uow.now
    audit(uow, "organisation.deleted", "organisation", organisation_id, name=organisation.name, entries=own)
    await _step(uow, organisation, contacts, uow.actor.user_id)


async def merge(
    uow: UnitOfWork, kept_id: int, gone_id: int, data: OrganisationInput, versions: tuple[int, int], region: str
) -> Organisation:
    """Merge an organisation into another, which then says `data`; contacts, numbers, timeline and managers move to it.

    `versions` are those both were read at, the kept one's first. Raises Invalid for one and the same, Conflict when either
    changed or is going away already.
    """
    if kept_id == gone_id:
        raise Invalid("An organisation cannot be merged into itself.", field="other_id")
    gone, contacts = await _held(uow, gone_id, versions[1])
    wanted = {each.digits for each in (*rows.read_numbers(data.numbers, region), *gone.numbers)}
    if len(wanted) > MAXIMUM_NUMBERS:
        raise Invalid("At most {most} numbers.", field="numbers", most=MAXIMUM_NUMBERS)
    gone.successor_id, gone.leaving_at = kept_id, uow.now
    await uow.session.flush()
    kept = await organisations.update_organisation(uow, kept_id, data, versions[0], region, merging=gone_id)
    organisations.note_change(uow, kept_id, {"merged": [gone.name, kept.name]})
    audit(uow, "organisation.merged", "organisation", kept_id, other=gone_id, name=gone.name)
    await _step(uow, gone, contacts, uow.actor.user_id)
    return kept


async def go_on(uow: UnitOfWork, payload: dict[str, Any]) -> None:
    """Move the next contacts of an organisation that goes away (a job), or end it when there is none left."""
    contacts = await following.held(uow, payload["organisation_id"], BATCH)
    held = select(Organisation).where(Organisation.id == payload["organisation_id"]).with_for_update()
    organisation = await uow.session.scalar(held.execution_options(populate_existing=True))
    if organisation is not None and organisation.leaving_at is not None:
        await _step(uow, organisation, contacts, payload["user_id"], BATCH)


async def _held(uow: UnitOfWork, organisation_id: int, version: int) -> tuple[Organisation, Sequence[Contact]]:
    """Return an organisation that may go, and its first contacts, both held."""
    require(uow.actor, Action.DELETE, (await organisations.changeable(uow, organisation_id)).type)
    contacts = await following.held(uow, organisation_id, following.AT_ONCE + 1)
    organisation = await organisations.held(uow, organisation_id, version)
    if await uow.session.scalar(select(exists().where(Organisation.successor_id == organisation_id))):
        raise Conflict("Another organisation is being merged into {name} just now.", name=organisation.name)
    return organisation, contacts


async def _step(
    uow: UnitOfWork,
    organisation: Organisation,
    contacts: Sequence[Contact],
    user_id: int | None,
    most: int = following.AT_ONCE,
) -> None:
    """Move some contacts on; with the last of them the organisation's own things go, and then itself."""
    successor = await uow.session.get(Organisation, organisation.successor_id) if organisation.successor_id else None
    await moving.place(uow, contacts[:most], successor, user_id)
    left = select(exists().where(Contact.organisation_id == organisation.id))
    if await uow.session.scalar(left):
        await _later(uow, organisation, user_id)
    elif successor is not None:
        await _hand_over(uow, organisation, successor)
        await _later(uow, organisation, user_id)  # itself goes when those above have let go of it
        organisation.successor_id = None
    else:
        await _end(uow, organisation)


async def _later(uow: UnitOfWork, organisation: Organisation, user_id: int | None) -> None:
    await jobs.put(uow, f"{JOB}:{organisation.id}", JOB, uow.now, organisation_id=organisation.id, user_id=user_id)


async def _hand_over(uow: UnitOfWork, gone: Organisation, kept: Organisation) -> None:
    """Give the other organisation the numbers it does not have yet, the timeline and the managers."""
    has = set(await uow.session.scalars(select(Number.digits).where(Number.organisation_id == kept.id)))
    theirs = Number.organisation_id == gone.id
    await uow.session.execute(delete(Number).where(theirs, Number.digits.in_(has)))
    await uow.session.execute(update(Number).where(theirs).values(organisation_id=kept.id))
    entries = update(TimelineEntry).where(TimelineEntry.organisation_id == gone.id)
    await uow.session.execute(entries.values(organisation_id=kept.id))
    managers = select(OrganisationManager.user_id).where(OrganisationManager.organisation_id == kept.id)
    known = OrganisationManager.user_id.in_(managers.scalar_subquery())
    mine = OrganisationManager.organisation_id == gone.id
    await uow.session.execute(delete(OrganisationManager).where(mine, known).execution_options(synchronize_session=False))
    await uow.session.execute(update(OrganisationManager).where(mine).values(organisation_id=kept.id))
    uow.session.expire(kept, ["numbers"])
    await organisations.reindex(uow, kept.id)
    uow.note(OrganisationMerged(gone.id, kept.id))


async def _end(uow: UnitOfWork, organisation: Organisation) -> None:
    """Delete an organisation that has no contact left; what contacts' entries say of it stays theirs."""
    theirs = update(TimelineEntry).where(TimelineEntry.organisation_id == organisation.id, TimelineEntry.contact_id.is_not(None))
    await uow.session.execute(theirs.values(organisation_id=None))
    gone = await organisations.loaded(uow, organisation.id)
    await uow.session.delete(gone)
    await uow.session.flush()

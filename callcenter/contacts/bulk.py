"""Doing something to many contacts: those chosen, or all that fit a filter, in short batches that others get their turn between.

A batch and its progress are one transaction, so that after a crash `resume_all` goes on where it stopped. Whom the actor
may not change, who no longer fits what the person saw, and who is gone is skipped and named. Few (AT_ONCE) are done at once.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from sqlalchemy import delete, func, insert, select, update

from callcenter.actor import Actor, Role
from callcenter.contacts import queries
from callcenter.contacts.batches import ABANDONED, Pace, end_failed
from callcenter.contacts.bulk_acts import Act, Refusals, check
from callcenter.contacts.bulk_models import ContactBulk, ContactBulkRow
from callcenter.contacts.filters import ContactFilter
from callcenter.contacts.models import Contact
from callcenter.contacts.rights import Action, require
from callcenter.contacts.visibility import hidden, may_change, visible_to
from callcenter.db import Database, UnitOfWork
from callcenter.errors import CallCenterError, Conflict, Invalid, NotFound, NotPermitted
from callcenter.users.models import User
from callcenter.users.service import actor_of, audit

log = structlog.get_logger(__name__)

AT_ONCE = 50
MOST = 100_000
_UNSEEN = "This contact is no longer there."  # or not for the reader: it is the same sentence
_SEEN_IS_ENOUGH = {"meetings"}  # planning a call changes no contact
_NEEDS = {"delete": Action.DELETE} | dict.fromkeys(("add_manager", "remove_manager", "set_manager"), Action.SET_MANAGERS)
Acts = Mapping[str, Act]


async def start(
    uow: UnitOfWork,
    acts: Acts,
    action: str,
    value: dict[str, Any],
    *,
    q: str = "",
    wanted: ContactFilter | None = None,
    ids: Sequence[int] | None = None,
) -> ContactBulk:
    """Note what is to be done to `ids`, or, None, to all that fit; done already where they are few. Raises Invalid, Conflict."""
    uow.actor.require(Role.CONSULTANT)
    if action not in acts:
        raise Invalid("There is nothing of this kind to be done.", field="action")
    await check(uow, action, value)
    chosen = sorted(set(ids)) if ids is not None else await queries.matching(uow, q=q, wanted=wanted)
    if not chosen:
        raise Invalid("Choose at least one contact.", field="ids")
    if len(chosen) > MOST:
        raise Conflict("These are more than {most} contacts. Narrow the filter.", most=MOST)
    made = ContactBulk(
        user_id=uow.actor.user_id,
        action=action,
        value=value,
        query=q,
        filter=wanted.model_dump(mode="json", exclude_defaults=True) if wanted else {},
        created_at=uow.now,
        touched_at=uow.now,
        total=len(chosen),
    )
    uow.session.add(made)
    await uow.session.flush()
    await uow.session.execute(insert(ContactBulkRow), [{"bulk_id": made.id, "contact_id": each} for each in chosen])
    audit(
        uow, f"contacts.{action}_started", "contact_bulk", made.id, contacts=len(chosen), value=value, query=q, filter=made.filter
    )
    if len(chosen) <= AT_ONCE:
        await _batch(uow, acts, made, AT_ONCE)
        await _batch(uow, acts, made, AT_ONCE)
    return made


async def run(database: Database, actor: Actor, acts: Acts, bulk_id: int) -> None:
    """Do the rest of it, in batches."""
    pace = Pace(database, at_most=200)
    while True:
        pace.begin()
        try:
            async with database.unit_of_work(actor) as uow:
                moved = await _running(uow, bulk_id)
                await _batch(uow, acts, moved, pace.size)
                state = moved.state
        except Conflict:
            return  # another process ended it
        except CallCenterError as error:
            async with database.unit_of_work(actor) as uow:
                end_failed(uow, await _running(uow, bulk_id), error)
            return
        pace.end()
        if state != "running":
            return
        await pace.breathe(None, state)


async def resume_all(database: Database, acts: Acts) -> None:
    """Take up what lost its process; call it at start and every minute."""
    async with database.reading() as uow:
        query = select(ContactBulk, User).join(User, User.id == ContactBulk.user_id)
        late = (ContactBulk.state == "running", ContactBulk.touched_at < uow.now - ABANDONED)
        left = (await uow.session.execute(query.where(*late))).all()
    for each, user in left:
        log.info("contact_bulk.resumed", bulk_id=each.id, action=each.action)
        actor = actor_of(user)
        if user.disabled_at is not None:
            async with database.unit_of_work(actor) as uow:
                end_failed(uow, await _running(uow, each.id), NotPermitted("{name} was deactivated.", name=user.name))
            continue
        await run(database, actor, acts, each.id)


async def get(uow: UnitOfWork, bulk_id: int) -> ContactBulk:
    """Return one: one's own, any for supervisors."""
    found = await uow.session.get(ContactBulk, bulk_id)
    if found is None or not (uow.actor.may(Role.SUPERVISOR) or found.user_id == uow.actor.user_id):
        raise NotFound("There is nothing at this address.")
    return found


async def refusals(uow: UnitOfWork, bulk_id: int, limit: int = 200) -> list[ContactBulkRow]:
    """Return to whom it could not be done, and why; the first ones. Of whom the reader may not see: no name, no why."""
    await get(uow, bulk_id)
    query = select(ContactBulkRow).where(ContactBulkRow.bulk_id == bulk_id, ContactBulkRow.sentence != "")
    found = list(await uow.session.scalars(query.order_by(ContactBulkRow.contact_id).limit(limit)))
    unseen = (await hidden(uow, [each.contact_id for each in found])).contacts
    for each in found:
        uow.session.expunge(each)
        if each.contact_id in unseen:
            each.name, each.sentence, each.values = "", _UNSEEN, {}
    return found


async def reasons(uow: UnitOfWork, bulk_id: int) -> list[tuple[str, int]]:
    """Return why it could not be done, and to how many; the most common reason first."""
    await get(uow, bulk_id)
    number = func.count().label("number")
    query = select(ContactBulkRow.sentence, number).where(ContactBulkRow.bulk_id == bulk_id, ContactBulkRow.sentence != "")
    return [
        (row.sentence, row.number)
        for row in await uow.session.execute(query.group_by(ContactBulkRow.sentence).order_by(number.desc()))
    ]


async def _running(uow: UnitOfWork, bulk_id: int) -> ContactBulk:
    found = await uow.session.get(ContactBulk, bulk_id, with_for_update=True)
    if found is None or found.state != "running":
        raise Conflict("This is over already.")
    return found


async def _batch(uow: UnitOfWork, acts: Acts, moved: ContactBulk, size: int) -> None:
    """Do the next ones; the last batch, which finds none left, ends it."""
    left = select(ContactBulkRow.contact_id).where(ContactBulkRow.bulk_id == moved.id, ContactBulkRow.sentence == "")
    ids = list(await uow.session.scalars(left.order_by(ContactBulkRow.contact_id).limit(size)))
    moved.touched_at = uow.now
    if not ids:
        moved.state, moved.finished_at = "done", uow.now
        audit(uow, f"contacts.{moved.action}_done", "contact_bulk", moved.id, done=moved.done, refused=moved.refused)
        return
    refused = await _unfit(uow, moved, ids)
    names = await _names(uow, ids)
    allowed = [each for each in ids if each not in refused]
    if allowed:
        refused |= await acts[moved.action](uow, allowed, moved.value)
    of_these = (ContactBulkRow.bulk_id == moved.id, ContactBulkRow.contact_id.in_([each for each in ids if each not in refused]))
    await uow.session.execute(delete(ContactBulkRow).where(*of_these).execution_options(synchronize_session=False))
    for contact_id, why in refused.items():
        said = {"name": names.get(contact_id, ""), "sentence": why.sentence, "values": {k: str(v) for k, v in why.values.items()}}
        one = update(ContactBulkRow).where(ContactBulkRow.bulk_id == moved.id, ContactBulkRow.contact_id == contact_id)
        await uow.session.execute(one.values(said).execution_options(synchronize_session=False))
    moved.done += len(ids) - len(refused)
    moved.refused += len(refused)
    await uow.session.flush()


async def _unfit(uow: UnitOfWork, moved: ContactBulk, ids: list[int]) -> Refusals:
    """Return to whom it may not be done: by rights, or since they are no longer what the person saw."""
    seen = visible_to(uow.actor).with_only_columns(Contact.id).where(Contact.id.in_(ids))
    if not uow.database.sqlite:
        seen = seen.with_for_update(of=Contact)
    there = set(await uow.session.scalars(seen))
    found: Refusals = {each: NotFound(_UNSEEN) for each in ids if each not in there}
    if moved.action not in _SEEN_IS_ENOUGH:
        mine = select(Contact.id, Contact.type).where(Contact.id.in_(there), may_change(uow.actor))
        types = {row.id: row.type for row in await uow.session.execute(mine)}
        found |= {each: NotPermitted("You may see this contact but not change it.") for each in there - types.keys()}
        found |= _not_allowed(uow.actor, _NEEDS.get(moved.action, Action.CHANGE), types)
    if moved.query or moved.filter:
        wanted = ContactFilter.model_validate(moved.filter)
        fits = set(await queries.matching(uow, q=moved.query, wanted=wanted, among=ids))
        other = Conflict("This contact has changed meanwhile and no longer fits the filter.")
        found |= dict.fromkeys(there - found.keys() - fits, other)
    return found


def _not_allowed(actor: Actor, action: Action, types: Mapping[int, str]) -> Refusals:
    """Return those whose type the actor's roles do not allow this action with."""
    found: Refusals = {}
    for contact_id, account_type in types.items():
        try:
            require(actor, action, account_type)
        except NotPermitted as error:
            found[contact_id] = error
    return found


async def _names(uow: UnitOfWork, ids: list[int]) -> dict[int, str]:
    query = visible_to(uow.actor).where(Contact.id.in_(ids)).with_only_columns(Contact.id, Contact.first_name, Contact.last_name)
    return {row.id: f"{row.first_name} {row.last_name}".strip() for row in await uow.session.execute(query)}

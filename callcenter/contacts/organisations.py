"""Organisations: companies that contacts belong to (S1), with a type their contacts have (S17) and numbers of their own (S4).

Contacts that follow a change are in following.py, moving in moving.py, deletion and merging in leaving.py, lists with
their search in organisation_lists.py, the timeline with those of all contacts in timeline_pages.py.
"""

from typing import Any

from sqlalchemy import func, literal, select, tuple_
from sqlalchemy.orm import selectinload

from callcenter.actor import Role
from callcenter.contacts import following, moving, organisation_lists, organisation_terms, rows, text
from callcenter.contacts.forms import OrganisationInput, check_organisation
from callcenter.contacts.models import Contact, Organisation, TimelineEntry
from callcenter.contacts.rights import creatable_type, extent
from callcenter.contacts.timeline import add_entry, checked_text
from callcenter.contacts.visibility import may_change_organisation, organisations_visible_to, visible_to
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict, NotFound, NotPermitted
from callcenter.users.service import audit

PLAIN = ("email", "website", "address1", "address2", "postcode", "city", "province", "country", "note")
COUNTED_UP_TO = 10_000
LONGEST_SHOWN = 200  # characters of a value on the timeline


async def list_organisations(uow: UnitOfWork, q: str = "", limit: int = 20) -> list[Organisation]:
    """Return the first organisations that fit what was typed, numbers loaded (organisation_lists.page goes on from there)."""
    return (await organisation_lists.page(uow, q=q, limit=limit)).items


async def get_organisation(uow: UnitOfWork, organisation_id: int) -> Organisation:
    """Return an organisation with its numbers loaded; raises NotFound for one the actor may not see, too."""
    uow.actor.require(Role.CONSULTANT)
    seen = organisations_visible_to(uow.actor).where(Organisation.id == organisation_id)
    query = seen.options(selectinload(Organisation.numbers)).execution_options(populate_existing=True)
    organisation = await uow.session.scalar(query)
    if organisation is None:
        raise NotFound("There is no such organisation.")
    return organisation


async def is_visible(uow: UnitOfWork, organisation_id: int) -> bool:
    """Tell whether the actor may see an organisation."""
    seen = organisations_visible_to(uow.actor).where(Organisation.id == organisation_id).with_only_columns(Organisation.id)
    return await uow.session.scalar(seen) is not None


async def may_change(uow: UnitOfWork, organisation_id: int) -> bool:
    """Tell whether the actor may change an organisation."""
    allowed = select(Organisation.id).where(Organisation.id == organisation_id, may_change_organisation(uow.actor))
    return await uow.session.scalar(allowed) is not None


async def changeable(uow: UnitOfWork, organisation_id: int) -> Organisation:
    """Return an organisation as get_organisation does; raises NotPermitted for one the actor may see but not change."""
    organisation = await get_organisation(uow, organisation_id)
    if not await may_change(uow, organisation_id):
        raise NotPermitted("You may see this organisation but not change it.")
    return organisation


async def held(uow: UnitOfWork, organisation_id: int, version: int) -> Organisation:
    """Return a changeable organisation that was read at `version`, held until the commit; raises Conflict."""
    query = select(Organisation.id).where(Organisation.id == organisation_id)
    await uow.session.execute(query.with_for_update())
    organisation = await changeable(uow, organisation_id)
    if organisation.leaving_at is not None:
        raise Conflict("{name} is being deleted or merged just now.", name=organisation.name)
    if organisation.version != version:
        raise Conflict("Somebody changed this organisation meanwhile. Compare both and save again; what you typed is not saved.")
    return organisation


async def loaded(uow: UnitOfWork, organisation_id: int) -> Organisation:
    """Return an organisation for the system, whoever may see it."""
    query = select(Organisation).where(Organisation.id == organisation_id).options(selectinload(Organisation.numbers))
    return (await uow.session.scalars(query.execution_options(populate_existing=True))).one()


async def create_organisation(uow: UnitOfWork, data: OrganisationInput, region: str) -> Organisation:
    """Add an organisation; raises Conflict when there is one of that name, Invalid with the field at fault.

    Who changes only the accounts they manage becomes its manager.
    """
    uow.actor.require(Role.CONSULTANT)
    check_organisation(data)
    wanted = data.type or creatable_type(uow.actor)
    if not extent(uow.actor, wanted, change=True):
        raise NotPermitted("Your account roles do not allow this kind of account.")
    await _name_is_free(uow, data.name)
    organisation = Organisation(name=data.name, folded=text.fold(data.name), type=wanted, created_at=uow.now)
    organisation.numbers = rows.read_numbers(data.numbers, region)
    _fill(organisation, data)
    uow.session.add(organisation)
    await uow.session.flush()
    await rows.keep_managed(uow, organisation)
    audit(uow, "organisation.created", "organisation", organisation.id)
    return organisation


async def update_organisation(
    uow: UnitOfWork, organisation_id: int, data: OrganisationInput, version: int, region: str, *, merging: int | None = None
) -> Organisation:
    """Change an organisation that was read at `version`; its contacts follow its name and its type (following.py).

    Raises Conflict when it changed since, NotPermitted unless the actor may change accounts of the type it had and of the
    one it gets. `merging`: another one that is just being merged into this and whose name is free thereby.
    """
    check_organisation(data)
    now = await changeable(uow, organisation_id)
    touched = data.name != now.name or data.type not in (None, now.type)
    first = await following.held(uow, organisation_id, following.AT_ONCE) if touched and merging is None else []
    organisation = await held(uow, organisation_id, version)
    before = _fields(organisation)
    rows.merge_numbers(organisation.numbers, rows.read_numbers(data.numbers, region))
    if text.fold(data.name) != organisation.folded:
        await _name_is_free(uow, data.name, organisation_id, merging)
    organisation.name, organisation.folded = data.name, text.fold(data.name)
    organisation.type = data.type or organisation.type
    _fill(organisation, data)
    after = _fields(organisation)
    changed = [name for name in after if before[name] != after[name]]
    organisation.version += 1
    organisation.updated_at = uow.now
    await uow.session.flush()
    if not await may_change(uow, organisation_id):
        raise NotPermitted("Your account roles do not allow this kind of account.")
    if {"name", "type"}.intersection(changed):
        await following.follow(uow, organisation, first)
    note_change(uow, organisation_id, {each: [before[each], after[each]] for each in changed})
    audit(uow, "organisation.updated", "organisation", organisation_id, fields=sorted(changed))
    return organisation


async def reindex(uow: UnitOfWork, organisation_id: int) -> None:
    """Let an organisation be found by the numbers it has now."""
    organisation_terms.index(await loaded(uow, organisation_id))
    await uow.session.flush()


async def members(
    uow: UnitOfWork, organisation_id: int, *, after: tuple[str, int] | None = None, limit: int = 200
) -> list[Contact]:
    """Return an organisation's contacts by name, numbers and position loaded; `after`: (sort_name, id) of the last one."""
    query = visible_to(uow.actor).where(Contact.organisation_id == organisation_id)
    if after is not None:
        query = query.where(tuple_(Contact.sort_name, Contact.id) > tuple_(*map(literal, after)))
    query = (
        query.order_by(Contact.sort_name, Contact.id).limit(max(1, min(limit, 201))).options(selectinload(Contact.organisation))
    )
    return list(await uow.session.scalars(query.options(selectinload(Contact.numbers), selectinload(Contact.position))))


async def count_members(uow: UnitOfWork, organisation_id: int) -> int:
    """Return how many contacts an organisation has, at most 10,000."""
    some = select(Contact.id).where(Contact.organisation_id == organisation_id).limit(COUNTED_UP_TO).subquery()
    return await uow.session.scalar(select(func.count()).select_from(some)) or 0


async def add_note(uow: UnitOfWork, organisation_id: int, note: str) -> TimelineEntry:
    """Write a note on the organisation's own timeline; who may see it may write one."""
    await get_organisation(uow, organisation_id)
    said = checked_text(note)
    return await add_entry(
        uow, contact_id=None, organisation_id=organisation_id, kind="note", text=said, at=uow.now, user_id=uow.actor.user_id
    )


async def _name_is_free(uow: UnitOfWork, name: str, *own_ids: int | None) -> None:
    own = [each for each in own_ids if each is not None]
    same = select(Organisation.id).where(Organisation.folded == text.fold(name), Organisation.id.not_in(own))
    if await uow.session.scalar(same.limit(1)) is not None:
        raise Conflict("There is already an organisation {name}.", name=name)


def _fill(organisation: Organisation, data: OrganisationInput) -> None:
    for name in PLAIN:
        setattr(organisation, name, getattr(data, name))
    organisation_terms.index(organisation)


def _fields(organisation: Organisation) -> dict[str, Any]:
    """Return what a change is told by: plain texts, the numbers as one."""
    plain = {name: getattr(organisation, name) for name in ("name", "type", *PLAIN)}
    return plain | {"numbers": ", ".join(each.shown for each in organisation.numbers)}


def note_change(uow: UnitOfWork, organisation_id: int, fields: dict[str, list[Any]]) -> None:
    """Write on the organisation's own timeline who changed what: {field: [old, new]}; long texts are cut."""
    if not fields:
        return
    data = {"fields": {name: [str(each)[:LONGEST_SHOWN] for each in pair] for name, pair in fields.items()}}
    line = {"organisation_id": organisation_id, "user_id": uow.actor.user_id, "at": uow.now, "kind": moving.KIND}
    uow.session.add(TimelineEntry(**line, data=data))

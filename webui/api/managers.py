"""Who manages a contact or an organisation (S16)."""

from typing import Annotated

from pydantic import BaseModel, Field

from callcenter.contacts import managers
from callcenter.contacts.managers import MOST, Managers
from callcenter.db import UnitOfWork
from webui.openapi import operation, routes_of
from webui.validation import Id, In


class ManagerOut(BaseModel):
    """A manager. `fits`: their account roles give them access to the account; `disabled`: they may not sign in."""

    user_id: int
    name: str
    fits: bool
    disabled: bool


class ManagersOut(BaseModel):
    """The managers of one account by name; `may_set`: this person may choose others."""

    items: list[ManagerOut]
    may_set: bool


class ManagersIn(In):
    """All who are to manage the account."""

    user_ids: Annotated[list[Id], Field(max_length=MOST)]


@operation("GET", "/contacts/{contact_id}/managers", "getContactManagers")
async def get_contact_managers(uow: UnitOfWork, contact_id: Id) -> ManagersOut:
    """Who manages a contact; the managers of its organisation come on top."""
    return _out(await managers.of_contact(uow, contact_id))


@operation("PUT", "/contacts/{contact_id}/managers", "setContactManagers")
async def set_contact_managers(uow: UnitOfWork, contact_id: Id, body: ManagersIn) -> ManagersOut:
    """Choose who manages a contact."""
    return _out(await managers.set_of_contact(uow, contact_id, body.user_ids))


@operation("GET", "/organisations/{organisation_id}/managers", "getOrganisationManagers")
async def get_organisation_managers(uow: UnitOfWork, organisation_id: Id) -> ManagersOut:
    """Who manages an organisation, and so all its contacts."""
    return _out(await managers.of_organisation(uow, organisation_id))


@operation("PUT", "/organisations/{organisation_id}/managers", "setOrganisationManagers")
async def set_organisation_managers(uow: UnitOfWork, organisation_id: Id, body: ManagersIn) -> ManagersOut:
    """Choose who manages an organisation."""
    return _out(await managers.set_of_organisation(uow, organisation_id, body.user_ids))


def _out(found: Managers) -> ManagersOut:
    items = [ManagerOut.model_validate(each, from_attributes=True) for each in found.chosen]
    return ManagersOut(items=items, may_set=found.may_set)


ROUTES = routes_of(__name__)

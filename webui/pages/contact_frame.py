"""What every page of one contact has: heading, buttons, tabs, and the timeline beside (templates/contacts/frame.html).

A page of a tab renders a template that extends contacts/frame.html and fills its block `tab`, with `frame(...)` as context.
"""

from typing import Any

from callcenter.contacts import consents, numbers, rights, timeline_pages
from callcenter.contacts import service as contacts
from callcenter.contacts.timeline_pages import KINDS, Of
from callcenter.db import UnitOfWork
from webui import timeline_view, views

# key, what follows the contact's own address; the labels are in frame.html
TABS = (("general", ""), ("tickets", "/tickets"), ("managers", "/managers"), ("privacy", "/personal-data"))


async def frame(uow: UnitOfWork, contact_id: int, tab: str, kinds: str = "") -> dict[str, Any]:
    """Return what frame.html shows around a tab: the contact with all of it, the tabs, the newest of the timeline.

    `kinds`: of the timeline, as they stand in the page's address. `can`: which buttons there are.
    """
    contact = await contacts.get_contact(uow, contact_id)
    objected = sorted(consents.objections(await consents.history(uow, contact_id)))
    beside = await timeline(uow, contact_id, kinds)
    changeable = await contacts.is_changeable(uow, contact_id)
    removable = changeable and rights.may(uow.actor, rights.Action.DELETE, contact.type)
    known = {"contact": contact, "changeable": changeable, "removable": removable, "tab": tab, "tabs": TABS, "show": numbers.show}
    return known | {"objected": objected, "can": can()} | beside


async def timeline(uow: UnitOfWork, contact_id: int, kinds: str = "") -> dict[str, Any]:
    """Return the newest of a contact's timeline for contacts/side.html; kinds that are none are left out."""
    chosen = timeline_pages.wanted(each for each in kinds.split(",") if each in KINDS)
    path = f"/contacts/{contact_id}/timeline"
    found = await timeline_view.view(uow, Of(contact_id=contact_id), path, kinds=chosen, notes=f"/contacts/{contact_id}/notes")
    return {"timeline": found, "contact_id": contact_id}


def can() -> dict[str, bool]:
    """Tell which ways to reach a customer there are: a button without its script is not shown."""
    return {"call": True, "text": True} | {name: (views.STATIC / f"app/{name}.js").is_file() for name in ("email", "fax")}

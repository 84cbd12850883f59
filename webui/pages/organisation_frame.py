"""What every page of one organisation has: heading, buttons and tabs (templates/organisations/frame.html).

A page of a tab renders a template that extends organisations/frame.html and fills its block `tab`, with `frame(...)` as
context.
"""

from typing import Any

from babel import Locale

from callcenter.contacts import numbers, organisations, rights
from callcenter.db import UnitOfWork
from webui import i18n

# key, what follows the organisation's own address; the labels are in frame.html
TABS = (
    ("general", ""),
    ("contacts", "/contacts"),
    ("timeline", "/timeline"),
    ("tickets", "/tickets"),
    ("meetings", "/meetings"),
    ("managers", "/managers"),
)


async def frame(uow: UnitOfWork, organisation_id: int, tab: str) -> dict[str, Any]:
    """Return what frame.html shows around a tab."""
    organisation = await organisations.get_organisation(uow, organisation_id)
    changeable = organisation.leaving_at is None and await organisations.may_change(uow, organisation_id)
    return {
        "organisation": organisation,
        "changeable": changeable,
        "removable": changeable and rights.may(uow.actor, rights.Action.DELETE, organisation.type),
        "members": await organisations.count_members(uow, organisation_id),
        "most_members": organisations.COUNTED_UP_TO,
        "tab": tab,
        "tabs": TABS,
        "show": numbers.show,
    }


def countries() -> list[tuple[str, str]]:
    """Return the countries to choose from, ISO 3166-1 code and name in the person's language, none first."""
    found = Locale.parse(i18n.current().language).territories
    named = [(code, name) for code, name in found.items() if len(code) == 2 and code.isalpha() and code not in _NO_COUNTRIES]
    return [("", ""), *sorted(named, key=lambda each: each[1].casefold())]


_NO_COUNTRIES = {"EU", "EZ", "UN", "XA", "XB", "ZZ", "QO"}

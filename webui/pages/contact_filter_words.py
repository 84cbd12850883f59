"""What the list of contacts is narrowed to, in words: the line that stands for the filters while their panel is folded."""

from callcenter.contacts.models import ACCOUNT_TYPES
from webui.i18n import gettext
from webui.pages.contact_filters import Chosen, Field, Offered, Option


def said(chosen: Chosen, known: Offered) -> list[tuple[str, str]]:
    """Return the filters that are set: what each is about, and what is asked of it."""
    found = []
    for name, values in chosen.given.items():
        if name == "all_tags" or not values:
            continue
        label, value = _said(name, values, known)
        if name == "tag" and chosen.one("all_tags"):
            value = gettext("all of %(tags)s") % {"tags": value}
        found.append((label, value))
    return found


def _said(name: str, values: list[str], known: Offered) -> tuple[str, str]:
    label = _labels().get(name, name)
    if name in known.words:
        return label, _named(known.words[name], values)
    if name == "mine":
        return label, gettext("Mine") if values == ["me"] else _named(known.people, values)
    if name == "manager":
        return label, _named(known.people, values)
    if name == "country":
        return label, ", ".join(text for code, text in known.countries if code in values)
    if name == "type":
        types = dict(zip(ACCOUNT_TYPES, (gettext("Customer"), gettext("Partner")), strict=True))
        return label, ", ".join(types[each] for each in values)
    if name == "organisation_id":
        return label, gettext("one that was chosen")
    if name.startswith("x_"):
        return _own(name.removeprefix("x_"), values, known)
    return label, ", ".join(values)


def _own(key: str, values: list[str], known: Offered) -> tuple[str, str]:
    """Return the words for a field of one's own, and for one side of a range of it."""
    fields: dict[str, Field] = {each.key: each for each in known.fields}
    if key in fields:
        field = fields[key]
        if field.kind == "yes_no":
            return field.name, gettext("Yes") if values == ["1"] else gettext("No")
        return field.name, _named(field.options, values) if field.options else ", ".join(values)
    key, _, side = key.rpartition("_")
    sign = {"from": "≥", "to": "≤"}[side]
    return fields[key].name, f"{sign} {values[0]}"


def _named(options: list[Option], values: list[str]) -> str:
    return ", ".join(each.name for each in options if str(each.id) in values)


def _labels() -> dict[str, str]:
    return {
        "first_name": gettext("First name"),
        "last_name": gettext("Last name"),
        "email": gettext("E-mail"),
        "organisation": gettext("Organisation"),
        "organisation_id": gettext("Organisation"),
        "address": gettext("Address"),
        "postcode": gettext("Postcode"),
        "city": gettext("City"),
        "province": gettext("Province"),
        "country": gettext("Country"),
        "position": gettext("Position"),
        "stage": gettext("Stage"),
        "source": gettext("Source"),
        "segment": gettext("Segment"),
        "tag": gettext("Tags"),
        "manager": gettext("Managers"),
        "mine": gettext("My contacts"),
        "type": gettext("Type"),
        "number": gettext("Number"),
    }

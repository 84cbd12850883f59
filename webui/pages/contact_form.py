"""The form of a contact: what it is filled with, what it sends, and the lists it offers.

Its values ("given") are as a person types them: text, lists of text, and `custom` by key; those of a stored contact, those
just typed, and those of two people who saved the same contact all have that shape.
"""

import json
from decimal import Decimal
from typing import Any

from babel import Locale
from starlette.datastructures import FormData

from callcenter.contacts import changes, custom_values, dictionaries, text
from callcenter.contacts.custom_fields import CHOICES
from callcenter.contacts.custom_values import Declared
from callcenter.contacts.field_models import CHOSEN
from callcenter.contacts.forms import ContactInput, CustomAnswer
from callcenter.contacts.models import ACCOUNT_TYPES, NUMBER_TYPES, Contact
from callcenter.contacts.rows import PLAIN
from callcenter.db import UnitOfWork
from webui import i18n
from webui.pages import fields

Given = dict[str, Any]

VOIVODESHIPS = (
    "dolnośląskie", "kujawsko-pomorskie", "lubelskie", "lubuskie", "łódzkie", "małopolskie", "mazowieckie", "opolskie",
    "podkarpackie", "podlaskie", "pomorskie", "śląskie", "świętokrzyskie", "warmińsko-mazurskie", "wielkopolskie",
    "zachodniopomorskie",
)  # fmt: skip
SHOWN = (
    "first_name",
    "last_name",
    *CHOSEN,
    "organisation",
    "type",
    "email",
    "address1",
    "address2",
    "postcode",
    "city",
    "province",
    "note",
)
FOLDED = (
    "organisation",
    "type",
    "email",
    "numbers",
    "segment",
    "address",
    "postcode",
    "city",
    "province",
    "country",
    "note",
    "custom.",
)
_NO_COUNTRIES = frozenset({"EU", "EZ", "UN", "QO", "XA", "XB", "ZZ"})  # what CLDR names beside countries
_LONGEST_BASE = 200_000


def empty() -> Given:
    """Return the values of a contact of which nothing is known yet."""
    return dict.fromkeys((*PLAIN, *CHOSEN, "organisation", "type"), "") | {"numbers": [], "tags": [], "custom": {}}


def stored(contact: Contact, declared: list[Declared]) -> Given:
    """Return the values of a stored contact."""
    found = changes.fields_of(contact, declared)
    custom = {each.key: _written(found.pop(f"custom.{each.key}", None)) for each in declared}
    return found | {"custom": custom}


def _written(answer: CustomAnswer) -> Any:
    match answer:
        case None:
            return ""
        case bool():
            return "1" if answer else "0"
        case float():
            plain = f"{Decimal(repr(answer)):f}".removesuffix(".0")
            return plain.replace(".", ",") if i18n.current().language == "pl" else plain
        case _:
            return answer


def typed(form: FormData, declared: list[Declared]) -> Given:
    """Return what the form sent; rows of numbers left empty are no numbers."""
    given: Given = {name: fields.text(form, name) for name in (*PLAIN, *CHOSEN, "organisation", "type")}
    given["note"] = given["note"].replace("\r\n", "\n")
    pairs = zip(fields.texts(form, "number_type"), fields.texts(form, "number"), strict=False)
    given["numbers"] = [{"type": kind, "number": number} for kind, number in pairs if number]
    given["tags"] = [each for each in fields.texts(form, "tags") if each]
    given["custom"] = {}
    for each in declared:
        name = f"custom.{each.key}"
        if name in form:
            values = [value for value in fields.texts(form, name) if value]
            given["custom"][each.key] = values if each.kind == "choices" else "".join(values[:1])
    return given


def data(given: Given, declared: list[Declared], *, tags: bool = True) -> ContactInput:
    """Return the values as the service takes them; raises Invalid with the field at fault. `tags`: the form showed them."""
    kinds = {each.key: each for each in declared}
    custom: dict[str, CustomAnswer] = {}
    for key, value in given["custom"].items():
        custom[key] = value if isinstance(value, list) else custom_values.typed(kinds[key], value)
    plain = {name: value for name, value in given.items() if name not in ("custom", "tags", "type")}
    plain |= {"custom": custom, "type": given["type"] or None, "tags": given["tags"] if tags else None}
    return fields.validated(ContactInput, plain)


def flat(given: Given) -> dict[str, Any]:
    """Return the values by the names of inputs, fields of one's own as custom.KEY."""
    return {name: value for name, value in given.items() if name != "custom"} | {
        f"custom.{key}": value for key, value in given["custom"].items()
    }


def take(given: Given, name: str, value: Any) -> None:
    """Put one value in, by the name of its input."""
    if name.startswith("custom."):
        given["custom"][name.removeprefix("custom.")] = value
    else:
        given[name] = value


def said(contact: Contact, declared: list[Declared]) -> dict[str, str]:
    """Return the values of a stored contact in words, but for numbers and tags; fields of one's own as custom:KEY."""
    given = stored(contact, declared)
    types = {"customer": i18n.gettext("Customer"), "partner": i18n.gettext("Partner")}
    plain = {name: given[name] for name in (*PLAIN, *CHOSEN, "organisation")}
    plain |= {"type": types.get(given["type"], given["type"]), "country": country(given["country"])}
    yes_no = {"1": i18n.gettext("Yes"), "0": i18n.gettext("No")}
    for each in declared:
        value = given["custom"][each.key]
        if each.kind == "yes_no":
            value = yes_no.get(value, "")
        plain[f"custom:{each.key}"] = ", ".join(value) if isinstance(value, list) else str(value)
    return {name: plain[name] for name in (*SHOWN[: SHOWN.index("note")], "country", "note", *plain) if name in plain}


def base_text(given: Given) -> str:
    """Return the values a form is filled with, for `base`."""
    return json.dumps(flat(given), ensure_ascii=False)


def base(form: FormData) -> dict[str, Any]:
    """Return the values the form was filled with when it was opened, as it sends them back; {} when they cannot be read."""
    try:
        found = json.loads(fields.text(form, "base")[:_LONGEST_BASE])
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


async def lists(uow: UnitOfWork, given: Given, declared: list[Declared]) -> dict[str, Any]:
    """Return what the form offers: words (and the retired one that is chosen), countries, types, fields of one's own."""
    words: dict[str, list[tuple[str, bool]]] = {}
    for kind in CHOSEN:
        offered = [(each.name, False) for each in await dictionaries.list_entries(uow, kind)]
        chosen = given.get(kind, "")
        if chosen and text.fold(chosen) not in {text.fold(name) for name, _ in offered}:
            offered.append((chosen, True))
        words[kind] = offered
    return {
        "words": words,
        "countries": countries(i18n.current().language),
        "voivodeships": VOIVODESHIPS,
        "number_types": NUMBER_TYPES,
        "account_types": ACCOUNT_TYPES,
        "declared": declared,
        "choices": CHOICES,
        "base": base_text(given),
    }


def countries(language: str) -> list[tuple[str, str]]:
    """Return codes (ISO 3166-1 alpha-2) and names of all countries in order of name."""
    names = Locale.parse(language).territories
    found = [(code, name) for code, name in names.items() if len(code) == 2 and code.isalpha() and code not in _NO_COUNTRIES]
    return sorted(found, key=lambda each: text.fold(each[1]))


def country(code: str) -> str:
    """Return a country's name in the language of the request."""
    return str(Locale.parse(i18n.current().language).territories.get(code, code)) if code else ""

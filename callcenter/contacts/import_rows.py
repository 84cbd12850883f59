"""One row of an import: from cells to a contact as it will be stored, and back to CSV. Pure."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import ValidationError

from callcenter.contacts import import_cells, rows, search, text
from callcenter.contacts.field_models import DICTIONARIES
from callcenter.contacts.forms import ContactInput, NumberInput, check
from callcenter.contacts.import_known import Known
from callcenter.contacts.import_mapping import Mapping
from callcenter.errors import Invalid

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_TYPES = {"customer": "customer", "klient": "customer", "partner": "partner"}
NO_WORD = "{word} is in no list to choose from and was left out."
NO_ANSWER = "{field_name} is required and is not filled in."

Notice = tuple[str, dict[str, str]]


class Reader:
    """Reads rows of a file whose columns have these fields."""

    def __init__(
        self,
        fields: Sequence[str],
        mapping: Mapping,
        known: Known,
        region: str,
        pictures: dict[int, bytes | Invalid] | None = None,
    ) -> None:
        self.pictures = {} if pictures is None else pictures  # of rows not taken yet, by line
        self._fields = fields
        self._mapping = mapping
        self._known = known
        self._region = region

    def read(self, cells: Sequence[str]) -> tuple[dict[str, Any], list[Notice]]:
        """Return a row as it is staged (a contact's fields, numbers as rows, search text) and notices. Raises Invalid."""
        if any(cell.strip() for cell in cells[len(self._fields) :]):
            raise Invalid("This row has more cells than the first line.")
        said: dict[str, Any] = {}
        typed: list[tuple[str, str]] = []
        beside = _Beside(self._mapping, self._known)
        for field, cell in zip(self._fields, cells, strict=False):
            value = unquoted(cell.strip()) if field else ""
            if not value:
                continue
            if field.startswith("number:"):
                typed += _numbers(field.removeprefix("number:"), value)
            elif not beside.take(field, value):
                self._say(said, field, value)
        try:
            data = ContactInput(**said, numbers=[NumberInput.model_validate({"type": a, "number": b}) for a, b in typed])
        except ValidationError as error:
            raise Invalid(_too_long(str(error.errors()[0]["loc"][0]))) from error
        check(data)
        return self._staged(data, beside), [*beside.notices, *beside.unanswered()]

    def _say(self, said: dict[str, Any], field: str, value: str) -> None:
        if field == "email":
            _emails(said, value)
        elif field == "note" and said.get("note"):
            said["note"] += f"\n{value}"
        elif field == "country":
            said["country"] = import_cells.country(value)
        elif field in ("name", "reversed_name"):
            said |= _whole_name(field, value)
        elif field == "type":
            if text.fold(value) not in _TYPES:
                raise Invalid("{value} is no type of account: customer or partner.", field="type", value=value[:40])
            said["type"] = _TYPES[text.fold(value)]
        else:
            said[field] = value

    def _staged(self, data: ContactInput, beside: "_Beside") -> dict[str, Any]:
        kind = data.type or self._known.type
        if kind not in self._known.types:
            raise Invalid("Your account roles do not allow this kind of account.")
        numbers = rows.read_digits(data.numbers, self._region)
        name = search.sort_name(data.first_name, data.last_name) or search.sort_name("", data.organisation)
        found: dict[str, Any] = {
            "plain": {each: value for each in rows.PLAIN if (value := getattr(data, each))},
            "sort_name": name,
            "folded": search.folded(name, data.organisation, data.email, [each.digits for each in numbers]),
            "type": kind,
            "numbers": [tuple(each) for each in numbers],
        }
        if data.organisation:
            found |= {"organisation": data.organisation, "organisation_folded": text.fold(data.organisation)}
        return found | beside.staged()


class _Beside:
    """What a row says beside a contact's own columns: words of dictionaries, managers, fields of one's own."""

    def __init__(self, mapping: Mapping, known: Known) -> None:
        self._mapping, self._known = mapping, known
        self._chosen: dict[str, int] = {}
        self._tags: list[int] = []
        self._new: list[tuple[str, str]] = []
        self._managers = [] if known.manager_id is None else [known.manager_id]
        self._custom: list[import_cells.Answer] = []
        self.notices: list[Notice] = []

    def take(self, field: str, value: str) -> bool:
        """Take a cell that is for here; tells whether it was. Raises Invalid for what must not be in it."""
        if field == "tags":
            for each in import_cells.listed(value):
                self._word("tag", each)
        elif field in DICTIONARIES:
            self._word(field, " ".join(text.clean(value).split()))
        elif field == "managers":
            self._take_managers(value)
        elif field.startswith("custom:"):
            self._answer(field.removeprefix("custom:"), value)
        else:
            return False
        return True

    def _word(self, kind: str, said: str) -> None:
        folded = text.fold(said)
        found = self._known.words[kind].get(folded)
        if found is not None:
            if kind == "tag":
                self._tags.append(found)
            else:
                self._chosen[kind] = found
        elif folded and self._mapping.words == "add" and len(said) <= 100:
            self._new.append((kind, said))
        elif folded:
            self._unknown(said)

    def _take_managers(self, value: str) -> None:
        for each in import_cells.listed(value):
            found = self._known.users.get(text.fold(each))
            if found is None:
                self._unknown(each)
            else:
                self._managers.append(found)

    def _answer(self, key: str, value: str) -> None:
        field = self._known.custom.get(key)
        if field is None:
            raise Invalid("There is no field {key}.", field="mapping", key=key)
        try:
            self._custom += import_cells.answers(field, value)
        except Invalid:
            if self._mapping.words == "refuse" or field.kind not in ("choice", "choices"):
                raise
            self._unknown(value)

    def _unknown(self, word: str) -> None:
        if self._mapping.words == "refuse":
            raise Invalid("{name} is not in the list to choose from.", name=word[:40])
        self.notices.append((NO_WORD, {"word": word[:40]}))

    def unanswered(self) -> list[Notice]:
        """Return a notice of each required field the row does not fill in: the contact is worth having all the same (S12)."""
        answered = {answer[0] for answer in self._custom}
        missing = [each for each in self._known.custom.values() if each.required and each.id not in answered]
        return [(NO_ANSWER, {"field_name": each.name}) for each in missing]

    def staged(self) -> dict[str, Any]:
        """Return what there is."""
        found = {
            "chosen": self._chosen,
            "tags": list(dict.fromkeys(self._tags)),
            "new": self._new,
            "managers": list(dict.fromkeys(self._managers)),
            "custom": self._custom,
        }
        return {name: each for name, each in found.items() if each}


def _numbers(kind: str, value: str) -> list[tuple[str, str]]:
    mended = import_cells.mended(value)
    return [(kind, import_cells.mended(each.strip())) for each in import_cells.SEPARATORS.split(mended) if each.strip()]


def _emails(said: dict[str, Any], value: str) -> None:
    """Take the first address as the contact's; a contact has one, so others are noted."""
    first, *others = [each for each in import_cells.listed(value.replace(" ", ";")) if each] or [value]
    if said.get("email"):
        others.insert(0, first)
    else:
        said["email"] = first
    if others:
        said["note"] = "\n".join(filter(None, [said.get("note", ""), *others]))


def _too_long(field: str) -> str:
    return "This row has more telephone numbers than fit." if field == "numbers" else "A cell of this row is too long."


def _whole_name(field: str, value: str) -> dict[str, str]:
    """Return the names in a cell: split before its last word, or at a comma after the last name."""
    if "," in value:
        last, _, first = value.partition(",")
    elif field == "reversed_name":
        last, _, first = value.partition(" ")
    else:
        first, _, last = value.rpartition(" ")
    return {"first_name": first.strip(), "last_name": last.strip()}


def csv_text(lines: Iterable[list[str]]) -> str:
    """Return lines of cells as CSV text, harmless in a spreadsheet."""
    written = io.StringIO()
    csv.writer(written).writerows([quoted(cell) for cell in line] for line in lines)
    return written.getvalue()


def quoted(cell: str) -> str:
    """Keep a spreadsheet from running a cell as a formula (OWASP, CSV injection)."""
    return f"'{cell}" if cell.lstrip().startswith(_FORMULA) or cell.startswith(_FORMULA) else cell


def unquoted(cell: str) -> str:
    """Take that away again, so that a corrected report can be imported."""
    return cell[1:] if cell.startswith("'") and cell[1:].lstrip().startswith(_FORMULA) else cell

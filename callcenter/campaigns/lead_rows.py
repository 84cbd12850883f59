"""A row of a file, or a contact, as the lead it would become: its name, its fields, and each of its numbers checked. Pure."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from callcenter.campaigns import lead_columns
from callcenter.campaigns.lead_columns import LeadMapping
from callcenter.contacts import numbers, text
from callcenter.contacts.import_rows import unquoted
from callcenter.projects import dialling
from callcenter.projects.dialling import Rules

MOST_NUMBERS = 10
LONGEST_NAME = 200
LONGEST_FIELD = 2000
_APART = re.compile(r"[;/\n]")
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a lead, or one of its numbers, may not be called: a code of explaining.py with its values."""

    code: str
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Row:
    """A lead to be. `line`: of the file, or the contact's id. `numbers`: in E.164, in order, that may be called.

    `left`: what was left out, or is worth knowing, though the lead is added. `refusal`: it is not added.
    """

    line: int
    cells: list[str]
    name: str = ""
    fields: dict[str, Any] = field(default_factory=dict)
    priority: int = 3
    numbers: list[str] = field(default_factory=list)
    left: list[Reason] = field(default_factory=list)
    refusal: Reason | None = None
    contact_id: int | None = None

    def leave_out(self, number: str, why: Reason) -> None:
        """Call one of its numbers by no means; without another one the lead is not added."""
        self.numbers = [each for each in self.numbers if each != number]
        self.left.append(Reason(why.code, {"number": number, **why.values}))
        self.settle()

    def settle(self) -> None:
        """Refuse it when no number is left."""
        if not self.numbers and self.refusal is None:
            self.refusal = self.left[-1] if self.left else Reason("no_number")


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads rows. `rules`: the project's; `region`: where numbers without + belong; `own`: our own numbers in E.164.

    `columns`, `keys`: what each column means and its name in scripts.
    """

    rules: Rules
    region: str
    own: Collection[str]
    mapping: LeadMapping
    columns: Sequence[str] = ()
    keys: Sequence[str] = ()

    def row(self, line: int, cells: list[str], unreadable: str = "") -> Row:
        """Return what a row of a file becomes."""
        cleaned = [text.clean_lines(unquoted(each)) for each in cells]
        row = Row(line, cleaned, priority=self.mapping.priority)
        if unreadable:
            row.refusal = Reason("unreadable")
            return row
        said: dict[str, list[str]] = {}
        for meaning, key, cell in zip(self.columns, self.keys, cleaned, strict=False):
            if meaning == lead_columns.FIELD:
                if cell:
                    row.fields[key] = cell[:LONGEST_FIELD]
            else:
                said.setdefault(meaning, []).append(cell)
        names = [*said.get(lead_columns.NAME, ()), *said.get(lead_columns.FIRST_NAME, ()), *said.get(lead_columns.LAST_NAME, ())]
        row.name = " ".join(" ".join(names).split())[:LONGEST_NAME]
        self._rank(row, next(iter(said.get(lead_columns.PRIORITY, ())), ""))
        self._number(row, [part for cell in said.get(lead_columns.NUMBER, ()) for part in _APART.split(cell)])
        return row

    def contact(self, contact_id: int, name: str, fields: dict[str, Any], raw: Iterable[str]) -> Row:
        """Return what a contact becomes."""
        row = Row(contact_id, [], name[:LONGEST_NAME], fields, self.mapping.priority, contact_id=contact_id)
        self._number(row, raw)
        return row

    def _rank(self, row: Row, said: str) -> None:
        if not said:
            return
        if said.isascii() and said.isdigit() and len(said) == 1 and 1 <= int(said) <= 5:
            row.priority = int(said)
        else:
            row.left.append(Reason("bad_priority", {"text": said[:_SHOWN]}))

    def _number(self, row: Row, raw: Iterable[str]) -> None:
        """Check the numbers; each once."""
        refused: list[Reason] = []
        for each in [part.strip() for part in raw if part.strip()][:MOST_NUMBERS]:
            e164, why = check_number(each, self.region, self.rules, self.own)
            if why is not None:
                refused.append(why)
            elif e164 not in row.numbers:
                row.numbers.append(e164)
        row.left = [*refused, *row.left]
        if not row.numbers:
            row.refusal = refused[0] if refused else Reason("no_number")


def check_number(raw: str, region: str, rules: Rules, own: Collection[str]) -> tuple[str, Reason | None]:
    """Return a number in E.164, or why a machine may not dial it."""
    shown = raw[:_SHOWN]
    if dialling.emergency_number(raw, region) or dialling.emergency_number(raw, rules.region):
        return "", Reason("emergency", {"number": shown})
    e164 = numbers.read(raw, region).e164
    if e164 is None:
        return "", Reason("invalid", {"number": shown})
    if e164 in own:
        return "", Reason("own_number", {"number": e164})
    decision = dialling.decide(e164, rules)
    if decision.refusal is None:
        return e164, None
    code = decision.kind if decision.kind in ("premium", "foreign", "emergency") else "invalid"
    return "", Reason(code, {"number": e164, **_country(decision.refusal.values)})


def _country(values: dict[str, object]) -> dict[str, Any]:
    return {"country": str(values["country"])} if "country" in values else {}

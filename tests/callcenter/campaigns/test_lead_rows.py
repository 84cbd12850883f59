"""Rows of files of leads: what their columns mean, and which numbers a machine may dial."""

import pytest

from callcenter.campaigns import hours, lead_columns, lead_rows
from callcenter.campaigns.lead_columns import LeadMapping
from callcenter.campaigns.lead_rows import Reader
from callcenter.errors import Invalid
from callcenter.projects.dialling import Rules

OWN = {"+48221234567"}
RULES = Rules(region="PL", by_hand=False, foreign_countries=frozenset({"CZ"}))


def reader(*columns: str, region: str = "PL", **mapping: object) -> Reader:
    header = [f"{each or 'x'} {at}" for at, each in enumerate(columns)]
    given = LeadMapping.model_validate({"columns": list(columns), **mapping})
    return Reader(RULES, region, OWN, given, columns, lead_columns.keys(header))


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("601 234 567", ""),
        ("+48 601-234-567", ""),
        ("0048601234567", ""),
        ("tel. 601 234 567", "invalid"),
        ("+420 601 123 456", ""),  # the project allows it
        ("+49 30 901820", "foreign"),
        ("0 700 123 456", "premium"),
        ("112", "emergency"),
        ("+48 112", "emergency"),
        ("997", "emergency"),
        ("22 123 45 67", "own_number"),
        ("12345", "invalid"),
        ("none", "invalid"),
        ("+48 601 234", "invalid"),
    ],
)
def test_what_a_machine_may_dial(raw: str, code: str) -> None:
    e164, why = lead_rows.check_number(raw, "PL", RULES, OWN)
    assert (why.code if why else "") == code
    assert bool(e164) == (not code)


def test_numbers_of_another_region_are_foreign_all_the_same() -> None:
    """What belongs to a chosen country without + is not thereby allowed."""
    assert reader("number", region="DE").row(2, ["030 901820"]).refusal == lead_rows.Reason(
        "foreign", {"number": "+4930901820", "country": "DE"}
    )


def test_a_row_is_a_lead_with_its_numbers_in_order_and_fields_for_the_script() -> None:
    able = reader("first_name", "last_name", "number", "priority", "number", "field", "")
    row = able.row(2, ["Jan", " Kowalski ", "601 000 002 / 601 000 001", "1", "601 000 001", "12,50 zl", "secret"])
    assert (row.name, row.numbers, row.priority) == ("Jan Kowalski", ["+48601000002", "+48601000001"], 1)
    assert row.fields == {"field_5": "12,50 zl"}
    assert (row.refusal, row.left) == (None, [])


def test_what_is_left_out_is_said_and_a_row_without_a_good_number_is_no_lead() -> None:
    able = reader("name", "number", "priority", priority=4)
    row = able.row(2, ["Jan", "601000001; 112; 30", "high"])
    assert (row.numbers, row.priority) == (["+48601000001"], 4)
    assert [each.code for each in row.left] == ["emergency", "invalid", "bad_priority"]
    assert [able.row(3, cells).refusal.code for cells in (["Jan", ""], ["Jan"], ["Jan", "112"])] == [  # type: ignore[union-attr]
        "no_number",
        "no_number",
        "emergency",
    ]
    assert able.row(4, [], "This row cannot be read").refusal == lead_rows.Reason("unreadable")


def test_columns_are_guessed_from_their_names_and_from_numbers_in_them() -> None:
    header = ["Imię i nazwisko", "Telefon", "kom.", "Priorytet", "Umowa", "Faks", "Reason"]
    sample = [["Jan Kowalski", "22 555 00 11", "601000001", "1", "A/12", "22 555 00 12", ""]] * 3
    assert lead_columns.guess(header, sample, "PL") == ["name", "number", "number", "priority", "field", "field", ""]


def test_columns_that_make_no_leads_are_refused() -> None:
    for columns in (["name", "field"], ["number"], ["name", "name", "number"]):
        with pytest.raises(Invalid):
            lead_columns.check(columns, ["a", "b", "c"][: max(2, len(columns))])
    lead_columns.check(["number", "number"], ["a", "b"])


def test_fields_have_names_a_script_can_say() -> None:
    assert lead_columns.keys(["Data umowy", "data  umowy", "", "1. rata", "Żółć"]) == [
        *("data_umowy", "data_umowy_2", "column_3", "column_1_rata", "zolc"),
    ]


def test_zones_come_from_the_number() -> None:
    assert hours.zones_of("+48601000001") == ("Europe/Warsaw",)
    assert len(hours.zones_of("+18005550100")) != 1

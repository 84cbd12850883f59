"""Who may be calling: every candidate with its rule, nobody preselected among several (S4, B1)."""

import pytest
from sqlalchemy import event

from callcenter.actor import EVERY_ACCOUNT, Actor, Role
from callcenter.contacts import identify as identification
from callcenter.contacts import service as contacts
from callcenter.contacts.service import ContactInput, NumberInput, OrganisationInput
from callcenter.db import Database

# (number the carrier sends, withheld, kind, [(name, rule)])
STORY = [
    ("+48501000001", False, "matched", [("Jan Jeden", "e164")]),
    ("501000001", False, "matched", [("Jan Jeden", "e164")]),
    ("0048501000001", False, "matched", [("Jan Jeden", "e164")]),
    ("48501000001", False, "matched", [("Jan Jeden", "e164")]),
    ("+48502000002", False, "several", [("Ewa Dwa", "e164"), ("Adam Dwa", "e164")]),
    ("502 000 002", False, "several", [("Ewa Dwa", "e164"), ("Adam Dwa", "e164")]),
    ("0048 502 000 002", False, "several", [("Ewa Dwa", "e164"), ("Adam Dwa", "e164")]),
    ("(502) 000-002", False, "several", [("Ewa Dwa", "e164"), ("Adam Dwa", "e164")]),
    ("+48221234567", False, "matched", [("Acme", "organisation_e164")]),
    ("+48223334455", False, "several", [("Jan Jeden", "e164"), ("Acme", "organisation_e164")]),
    ("+49 1512 1000001", False, "unknown", []),
    ("+48503000003", False, "matched", [("Iga Trzy", "last_nine")]),
    ("00480503000003", False, "matched", [("Iga Trzy", "last_nine")]),
    ("+48224445566", False, "matched", [("Acme", "organisation_last_nine")]),
    ("+48504000004", False, "several", [("Iga Trzy", "last_nine"), ("Acme", "organisation_last_nine")]),
    ("+48599999999", False, "unknown", []),
    ("+48501000001", True, "withheld", []),
    ("anonymous", False, "withheld", []),
    ("", False, "withheld", []),
    ("112", False, "short", []),
    ("801", False, "short", []),
    ("ING BANK", False, "invalid", []),
    ("9" * 30, False, "invalid", []),
]


async def fill(database: Database) -> None:
    def person(name: str, *numbers: str, organisation: str = "") -> ContactInput:
        first, last = name.split()
        typed = [NumberInput(number=each) for each in numbers]
        return ContactInput(first_name=first, last_name=last, numbers=typed, organisation=organisation)

    async with database.unit_of_work() as uow:
        numbers = ["22 123 45 67", "22 333 44 55", "555 224445566", "555 504000004"]
        acme = OrganisationInput(name="Acme", numbers=[NumberInput(number=each) for each in numbers])
        await contacts.create_organisation(uow, acme, "PL")
        await contacts.create_contact(uow, person("Jan Jeden", "501 000 001", "22 333 44 55", organisation="acme"), "PL")
        await contacts.create_contact(uow, person("Ewa Dwa", "502000002", "+48 502 000 002"), "PL")
        await contacts.create_contact(uow, person("Adam Dwa", "0048 502-000-002"), "PL")
        await contacts.create_contact(uow, person("Iga Trzy", "77 503000003", "801", "0 0 504 000 004 "), "PL")


@pytest.mark.parametrize(("number", "withheld", "kind", "candidates"), STORY)
async def test_a_caller_is_matched_by_the_strongest_rule_and_every_candidate_is_named(
    database: Database, number: str, withheld: bool, kind: str, candidates: list[tuple[str, str]]
) -> None:
    await fill(database)
    async with database.reading() as uow:
        match = await identification.identify(uow, number, "PL", withheld=withheld)
    assert match.kind == kind
    assert [(each.name, each.rule) for each in match.candidates] == candidates
    assert match.number.raw == number


async def test_an_organisations_number_names_the_organisation_and_none_of_its_people(database: Database) -> None:
    await fill(database)
    async with database.reading() as uow:
        match = await identification.identify(uow, "22 123 45 67", "PL")
    [candidate] = match.candidates
    assert candidate.contact_id is None
    assert candidate.organisation_id is not None
    assert candidate.organisation == "Acme"


async def test_it_takes_two_statements_at_most(database: Database) -> None:
    await fill(database)
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.lstrip().upper().startswith("SELECT"):
            statements.append(statement)

    event.listen(database.reader.sync_engine, "before_cursor_execute", note)
    for number, wanted in (("+48501000001", 1), ("+48599999999", 2), ("112", 0)):
        statements.clear()
        async with database.reading() as uow:
            await identification.identify(uow, number, "PL")
        assert len([each for each in statements if "numbers" in each]) == wanted


async def test_the_statement_is_built_once_for_all_who_have_a_role(database: Database) -> None:
    identification._everybody.cache_clear()
    for user_id in range(1, 100):
        async with database.reading(
            Actor(user_id, f"User {user_id}", Role.CONSULTANT, session_id=user_id, accounts=EVERY_ACCOUNT)
        ) as uow:
            await identification.identify(uow, "+48601234567", "PL")
    assert identification._everybody.cache_info().misses == 2, "one for each rule"

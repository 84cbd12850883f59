"""May this lead be called: each thing that speaks against it, at import and at the moment of dialling."""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event

from callcenter import clock
from callcenter.campaigns import permission
from callcenter.campaigns.models import Campaign
from callcenter.campaigns.permission import Asked, Verdict
from callcenter.contacts import consents, suppressions
from callcenter.contacts.consents import ConsentInput
from callcenter.contacts.models import Contact
from callcenter.db import Database
from callcenter.projects.models import Project
from tests.callcenter.calls.floor import DIALLED, Floor, open_floor

NUMBER = "+48601234999"
YES = {"channel": "call", "purpose": "marketing", "means": "person", "given": True, "source": "form", "wording": "Call me."}


class Rules:
    """A campaign with one lead, asked about."""

    def __init__(self, floor: Floor) -> None:
        self.floor = floor
        self.campaign = Campaign(
            project_id=floor.project_id, name="Autumn", rule_pack="PL", time_zone="Europe/Warsaw", mode="preview", hours={}
        )
        self.campaign.asks_consent, self.campaign.abandon_cap = "", None

    def at(self, text: str, zone: str = "Europe/Warsaw") -> None:
        moment = dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))
        clock.stop(False)
        clock.shift(0)
        clock.shift((moment - clock.now()).total_seconds())
        clock.stop(True)

    async def purpose(self, purpose: str, **fields: Any) -> None:
        async with self.floor.database.unit_of_work() as uow:
            project = await uow.session.get_one(Project, self.floor.project_id)
            project.purpose = purpose
            for name, value in fields.items():
                setattr(project, name, value)

    async def dial(self, contact_id: int | None = None, number: str = NUMBER) -> Verdict:
        async with self.floor.database.reading() as uow:
            (verdict,) = await permission.may_dial(uow, self.campaign, [Asked(number, contact_id)])
            return verdict

    async def load(self, *asked: Asked) -> list[Verdict]:
        async with self.floor.database.reading() as uow:
            return await permission.check_on_import(uow, self.campaign, asked)


@pytest.fixture
async def rules(database: Database) -> Rules:
    made = Rules(await open_floor(database))
    made.at("2026-11-23 12:00")  # a Monday
    return made


async def test_a_plain_number_of_a_service_project_may_be_dialled(rules: Rules) -> None:
    verdict = await rules.dial()
    assert (verdict.code, verdict.e164, verdict.zones, verdict.until) == ("", NUMBER, ("Europe/Warsaw",), None)
    assert (verdict.values["pack"], verdict.values["version"], verdict.values["purpose"]) == ("PL", "PL-1", "service")


@pytest.mark.parametrize(
    ("number", "code"),
    [
        *(("", "no_number"), ("   ", "no_number"), ("abc", "invalid"), ("601 23", "invalid"), ("\x00", "invalid")),
        *(("112", "emergency"), ("+48 112", "emergency"), ("911", "emergency"), ("999", "emergency")),
        *(("700 123 456", "premium"), ("+44 20 7946 0958", "foreign"), (DIALLED, "own_number"), ("22 123 45 67", "own_number")),
    ],
)
async def test_numbers_that_are_never_dialled_are_refused_for_good(rules: Rules, number: str, code: str) -> None:
    verdict = (await rules.load(Asked(number)))[0]
    assert (verdict.code, verdict.until) == (code, None)


async def test_a_country_the_project_allows_is_called(rules: Rules) -> None:
    await rules.purpose("service", foreign_countries=["GB"])
    verdict = (await rules.load(Asked("+44 20 7946 0958")))[0]
    assert (verdict.code, "Europe/London" in verdict.zones) == ("", True)


async def test_do_not_call_lists_of_everybody_and_of_this_project_count_and_no_other_projects(rules: Rules) -> None:
    async with rules.floor.database.unit_of_work() as uow:
        assert await suppressions.refuse(uow, NUMBER, rules.floor.project_id + 1)
    assert (await rules.dial()).code == ""
    async with rules.floor.database.unit_of_work() as uow:
        assert await suppressions.refuse(uow, NUMBER, rules.floor.project_id)
        assert not await suppressions.refuse(uow, NUMBER, rules.floor.project_id)
    assert ((await rules.dial()).code, (await rules.dial()).values) == ("do_not_call", {"number": NUMBER, "list": "project"})
    async with rules.floor.database.unit_of_work() as uow:
        await suppressions.refuse(uow, NUMBER, None)
    assert (await rules.dial()).values["list"] == "everywhere"


async def test_the_erased_are_not_called(rules: Rules) -> None:
    async with rules.floor.database.unit_of_work() as uow:
        await suppressions.suppress(uow, [suppressions.number_token(uow, NUMBER)], suppressions.ERASED)
    assert (await rules.dial()).code == "erased"


async def test_an_objection_counts_also_for_a_lead_that_names_only_the_number(rules: Rules) -> None:
    contact_id = await rules.floor.add_contact("Jan", NUMBER)
    await rules.floor.do("anna", consents.record, contact_id, ConsentInput(channel="call", given=False))
    assert (await rules.dial(contact_id)).code == "objected"
    assert (await rules.dial()).code == "objected"


async def test_marketing_needs_a_consent_to_a_persons_call_of_the_very_contact(rules: Rules) -> None:
    await rules.purpose("marketing")
    contact_id = await rules.floor.add_contact("Jan", NUMBER)
    refused = await rules.dial(contact_id)
    assert (refused.code, refused.values["means"], refused.until) == ("no_consent", "person", None)
    await rules.floor.do("anna", consents.record, contact_id, ConsentInput.model_validate(YES | {"means": "automatic"}))
    assert (await rules.dial(contact_id)).code == "no_consent"
    await rules.floor.do("anna", consents.record, contact_id, ConsentInput.model_validate(YES | {"purpose": "survey"}))
    assert (await rules.dial(contact_id)).code == "no_consent"
    stored = await rules.floor.do("anna", consents.record, contact_id, ConsentInput.model_validate(YES))
    allowed = await rules.dial(contact_id)
    assert (allowed.code, allowed.values["consent_id"], allowed.may_hear) == ("", stored.id, True)
    assert (await rules.dial()).code == "no_consent"  # the number alone has agreed to nothing


async def test_an_objection_ends_a_consent_also_once_it_is_taken_back(rules: Rules) -> None:
    await rules.purpose("marketing")
    contact_id = await rules.floor.add_contact("Jan", NUMBER)
    said = [YES, {"channel": "call", "given": False}, {"channel": "call", "given": True, "source": "letter"}]
    for minute, (each, code) in enumerate(zip(said, ("", "objected", "no_consent"), strict=True), 31):
        await rules.floor.do("anna", consents.record, contact_id, ConsentInput.model_validate(each))
        assert (await rules.dial(contact_id)).code == code
        rules.at(f"2026-11-23 12:{minute}")


async def test_a_message_by_machine_needs_a_consent_to_automatic_means_in_any_project(rules: Rules) -> None:
    contact_id = await rules.floor.add_contact("Jan", NUMBER)
    assert not (await rules.dial(contact_id)).may_hear  # nor would the message of an abandoned call be played
    rules.campaign.mode = "agentless"
    assert (await rules.dial(contact_id)).values["means"] == "automatic"
    agreed = YES | {"purpose": "service", "means": "automatic"}
    await rules.floor.do("anna", consents.record, contact_id, ConsentInput.model_validate(agreed))
    assert (await rules.dial(contact_id)).code == ""
    assert (await rules.dial(contact_id)).may_hear


async def test_the_american_abandoned_message_needs_no_consent(rules: Rules) -> None:
    rules.campaign.rule_pack = "US"
    assert (await rules.dial()).may_hear


async def test_calls_that_only_ask_for_consent_are_blocked_until_somebody_takes_them_on(rules: Rules) -> None:
    await rules.purpose("consent")
    assert ((await rules.dial()).code, (await rules.dial()).values["means"]) == ("no_consent", "asking")
    rules.campaign.asks_consent = "Opinion of our lawyer of 3 May"
    assert (await rules.dial()).code == ""


@pytest.mark.parametrize(
    ("at", "code", "until"),
    [
        ("2026-11-23 07:59", "hours", "2026-11-23 08:00"),
        ("2026-11-22 12:00", "weekday", "2026-11-23 08:00"),
        ("2026-11-11 12:00", "holiday", "2026-11-12 08:00"),
        ("2026-12-24 12:00", "holiday", "2026-12-28 08:00"),
        ("2027-03-27 16:00", "hours", "2027-03-30 08:00"),  # Easter, and the clock is put forward
        ("2026-10-24 18:00", "hours", "2026-10-26 08:00"),  # and back
    ],
)
async def test_the_time_puts_off_until_the_next_moment(rules: Rules, at: str, code: str, until: str) -> None:
    rules.at(at)
    verdict = await rules.dial()
    wanted = dt.datetime.fromisoformat(until).replace(tzinfo=ZoneInfo("Europe/Warsaw"))
    assert (verdict.code, verdict.until) == (code, wanted)


async def test_the_campaigns_own_hours_narrow_and_never_widen(rules: Rules) -> None:
    rules.campaign.hours = {"0": [["06:00", "10:00"]], "6": [["10:00", "12:00"]]}
    assert (await rules.dial()).until == dt.datetime(2026, 11, 30, 7, tzinfo=dt.UTC)


async def test_hours_that_never_come_are_asked_again_a_day_later(rules: Rules) -> None:
    rules.campaign.hours = {"6": [["10:00", "12:00"]]}
    verdict = await rules.dial()
    assert verdict.code == "weekday"
    assert verdict.until is not None
    assert verdict.until.date() == dt.date(2026, 11, 24)


async def test_an_address_abroad_and_a_foreign_number_bring_their_clocks_hours_and_holidays(rules: Rules) -> None:
    contact_id = await rules.floor.add_contact("Jan", NUMBER)
    async with rules.floor.database.unit_of_work() as uow:
        (await uow.session.get_one(Contact, contact_id)).country = "GB"
    rules.at("2026-11-23 08:30")  # half past seven in London
    assert (await rules.dial(contact_id)).until == dt.datetime(2026, 11, 23, 8, tzinfo=dt.UTC)
    await rules.purpose("service", foreign_countries=["US"])
    rules.at("2026-11-26 10:00", "America/New_York")
    assert (await rules.dial(number="+12025550123")).values["holiday"] == "Thanksgiving Day"


async def test_days_before_and_after_the_campaign_put_off(rules: Rules) -> None:
    rules.campaign.starts_on = dt.date(2026, 11, 25)
    early = await rules.dial()
    assert (early.code, early.until) == ("not_started", dt.datetime(2026, 11, 24, 23, tzinfo=dt.UTC))
    rules.campaign.starts_on, rules.campaign.ends_on = None, dt.date(2026, 11, 22)
    assert ((await rules.dial()).code, (await rules.dial()).until is not None) == ("ended", True)
    rules.campaign.ends_on = dt.date(2026, 11, 23)
    assert (await rules.dial()).code == ""


async def test_five_hundred_rows_take_as_many_statements_as_one(rules: Rules) -> None:
    await rules.purpose("marketing")
    contact_id = await rules.floor.add_contact("Jan", NUMBER)
    asked = [Asked(f"+486012{number:05}", contact_id) for number in range(500)] + [Asked(""), Asked("112")]
    said: list[str] = []

    def count(_: Any, __: Any, statement: str, *___: Any) -> None:
        said.append(statement)

    counted = []
    for some in (asked, asked[:1]):
        said.clear()
        async with rules.floor.database.reading() as uow:
            engine = uow.session.get_bind()
            event.listen(engine, "before_cursor_execute", count)
            found = await permission.check_on_import(uow, rules.campaign, some)
            event.remove(engine, "before_cursor_execute", count)
        counted.append(len(said))
    assert counted[0] == counted[1] <= 8
    assert [each.code for each in found] == ["no_consent"]

import datetime as dt
import hashlib

import pytest

from callcenter.campaigns import rule_packs
from callcenter.campaigns.easter import easter
from callcenter.campaigns.hours import parse, shown, within
from callcenter.campaigns.rules import Pack
from callcenter.errors import Conflict, Invalid

TODAY = dt.date(2026, 11, 23)
# Whoever changes a rule gives its pack another version and writes its digest here: evidence of campaigns names the version.
DIGESTS = {"PL-1": "4856fc483c39c353", "US-1": "1e39414964f077bc"}


def digest(pack: Pack) -> str:
    days = [sorted(pack.holidays(year).items()) for year in range(2024, 2030)]
    rules = [(each.key, each.topic, each.says, each.since, each.until, each.law, each.days) for each in pack.rules]
    values = [each.value for each in pack.rules if each.topic != "holidays"]
    return hashlib.sha256(repr((rules, values, days)).encode()).hexdigest()[:16]


def test_no_rule_changes_without_a_new_version() -> None:
    assert {each.version: digest(each) for each in rule_packs.packs().values()} == DIGESTS


def test_every_rule_of_law_has_its_source() -> None:
    for pack in rule_packs.packs().values():
        assert len({each.key for each in pack.rules}) == len(pack.rules)
        for each in pack.rules:
            for source in filter(None, (each.law, each.days)):
                assert source.act
                assert source.article
                assert source.url.startswith("https://")


def test_poland_starts_with_one_line_per_agent_and_the_united_states_with_three_per_cent_of_thirty_days() -> None:
    poland, states = rule_packs.find("PL").at(TODAY), rule_packs.find("US").at(TODAY)
    assert (poland.cap, states.cap, states.period_days, states.answer_seconds, states.ring_seconds) == (0.0, 3.0, 30, 2.0, 15)
    assert shown(states.hours) == {str(day): [["08:00", "21:00"]] for day in range(7)}
    assert not next(each for each in rule_packs.find("PL").rules if each.topic == "cap").law


def test_the_consent_of_polish_law_holds_from_its_day_on() -> None:
    pack = rule_packs.find("PL")
    assert not pack.at(dt.date(2024, 11, 9)).needs_consent("marketing", "talk")
    assert pack.at(dt.date(2024, 11, 10)).needs_consent("marketing", "talk")


def test_an_abandoned_message_needs_a_consent_in_poland_and_none_in_the_united_states() -> None:
    assert rule_packs.find("PL").at(TODAY).needs_consent("service", "abandoned")
    assert not rule_packs.find("US").at(TODAY).needs_consent("marketing", "abandoned")


@pytest.mark.parametrize(
    ("year", "day"), [(2024, "2024-03-31"), (2025, "2025-04-20"), (2026, "2026-04-05"), (2038, "2038-04-25")]
)
def test_easter(year: int, day: str) -> None:
    assert easter(year) == dt.date.fromisoformat(day)


@pytest.mark.parametrize(
    ("pack", "day", "name"),
    [
        ("PL", "2026-12-24", "Wigilia Bożego Narodzenia"),
        ("PL", "2026-06-04", "Boże Ciało"),
        ("PL", "2026-11-12", ""),
        ("US", "2026-11-26", "Thanksgiving Day"),
        ("US", "2026-07-03", "Independence Day"),  # the 4th is a Saturday
        ("US", "2027-12-31", "New Year's Day"),  # 1 January 2028 is a Saturday
        ("US", "2026-05-25", "Memorial Day"),
    ],
)
def test_holidays(pack: str, day: str, name: str) -> None:
    assert rule_packs.find(pack).holiday(dt.date.fromisoformat(day)) == name


def checked(key: str = "US", cap: float | None = None, ring: int = 30, **hours: list[list[str]]) -> None:
    rule_packs.check(key, TODAY, hours={name[1:]: value for name, value in hours.items()}, cap=cap, ring_seconds=ring)


def test_a_campaign_may_be_stricter_than_its_pack() -> None:
    checked(cap=0, ring=60, d0=[["09:00", "12:00"], ["13:00", "17:00"]])
    checked("PL", cap=0.0)


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("abandon_cap", {"cap": 3.1}),
        ("abandon_cap", {"cap": -1}),
        ("abandon_cap", {"key": "PL", "cap": 0.5}),
        ("ring_seconds", {"ring": 14}),
        ("hours", {"d0": [["07:59", "12:00"]]}),
        ("hours", {"key": "PL", "d6": [["10:00", "12:00"]]}),
        ("hours", {"d0": []}),
        ("rule_pack", {"key": "XX"}),
    ],
)
def test_nothing_laxer_is_taken(field: str, given: dict[str, object]) -> None:
    with pytest.raises(Invalid) as refused:
        checked(**given)  # type: ignore[arg-type]
    assert refused.value.field == field


def test_what_is_stored_laxer_all_the_same_is_narrowed() -> None:
    standing = rule_packs.narrowed(rule_packs.find("PL").at(TODAY), {"6": [["10:00", "12:00"]], "0": [["06:00", "10:00"]]}, 3.0)
    assert (standing.cap, shown(standing.hours)) == (0.0, {"0": [["08:00", "10:00"]]})
    assert within(standing.hours, parse({})) == parse({})


def test_other_rules_are_chosen_only_while_it_stands_still() -> None:
    rule_packs.same("PL", "US", running=False)
    rule_packs.same("PL", "PL", running=True)
    with pytest.raises(Conflict):
        rule_packs.same("PL", "US", running=True)

"""Why a lead was, or was not, dialled, in sentences; and finding leads."""

import datetime as dt
from string import Formatter
from typing import Any

import pytest

from callcenter.campaigns import explaining, lead_queries, leads
from callcenter.campaigns.lead_models import Lead, LeadState
from callcenter.campaigns.lead_queries import LeadsWanted
from callcenter.campaigns.models import Campaign, PacingDecision
from callcenter.errors import NotFound, NotPermitted
from tests.callcenter.calls.floor import Floor
from tests.callcenter.campaigns.lists import HOUR, campaign, lead

NOW = dt.datetime(2026, 5, 4, 9, tzinfo=dt.UTC)
CODES = [
    "dialled", "no_agent_ready", "hours", "weekday", "holiday", "do_not_call", "objected", "no_consent", "erased",
    "emergency", "premium", "foreign", "own_number", "invalid", "no_number", "duplicate", "other_campaign", "attempts_made",
    "delay", "trunk_down", "spent", "paused", "finished", "not_started", "ended", "lead_busy", "abandoned_needs_agent",
    "disposition", "uncertain", "removed", "skipped", "by_hand",
]  # fmt: skip


@pytest.mark.parametrize("code", explaining.CODES)
def test_every_code_has_a_sentence_whatever_is_known(code: str) -> None:
    everything = {
        name: "x" for sentence in explaining.CODES[code] for _, name, _, _ in Formatter().parse(sentence) if name is not None
    }
    assert explaining.say(code, everything).sentence == explaining.CODES[code][0]
    least = explaining.say(code, {})
    assert "{" not in least.sentence
    assert least.sentence.format(**least.values) == least.sentence


def test_what_no_consent_covers_is_said_by_the_means_it_was_asked_for() -> None:
    """In a service project calls need none: who reads that calls are not covered would look in the wrong place."""
    values = {"purpose": "service", "number": "+48601000001"}
    said = {means: explaining.say("no_consent", {**values, "means": means}) for means in ("person", "automatic", "asking")}
    assert "messages played by machine" in said["automatic"].sentence
    assert "administrator" in said["asking"].sentence
    assert said["person"] == explaining.say("no_consent", values)
    assert explaining.say("no_consent", {"means": "automatic"}).values == {}


def test_all_that_was_agreed_has_a_sentence_and_an_unknown_code_is_shown() -> None:
    assert set(CODES) <= set(explaining.CODES)
    assert explaining.say("new", {}).values == {"code": "new"}


def one(**fields: Any) -> Lead:
    return Lead(**{"state": "waiting", "next_at": NOW, "needs_agent": False, "refusal": "", "refusal_values": {}} | fields)


def steps(found: Lead, ahead: int = 0, pacing: tuple[str, dt.datetime] | None = None, **of_campaign: Any) -> list[str]:
    running = Campaign(**{"state": "running", "starts_on": None, "ends_on": None, "time_zone": "Europe/Warsaw"} | of_campaign)
    return [each.sentence for each in explaining.next_steps(found, running, NOW, ahead, 1000, pacing)]


def test_what_happens_next() -> None:
    assert steps(one()) == ["It is the next to be called."]
    assert steps(one(), 12, ("nobody", NOW))[0] == "It may be called now; {count} come before it."
    assert "no consultant was ready" in steps(one(), 12, ("nobody", NOW))[1]
    assert steps(one(next_at=NOW + HOUR)) == ["It waits until {until}."]
    assert steps(one(next_at=NOW + HOUR), state="paused")[0].startswith("The campaign is paused")
    assert steps(one(), state="draft") == ["The campaign has not been started."]
    assert steps(one(), starts_on=NOW.date() + dt.timedelta(days=1)) == ["The campaign begins on {day}."]
    assert steps(one(), ends_on=NOW.date() - dt.timedelta(days=1)) == ["The campaign ended on {day}."]
    assert steps(one(needs_agent=True))[-1] == "It is dialled only with a consultant waiting for it."
    assert steps(one(state="refused", refusal="do_not_call")) == [
        "It may not be called.",
        "The customer asked not to be called again.",
    ]
    for state in set(LeadState) - {LeadState.WAITING}:
        assert steps(one(state=state.value)), state


async def test_a_story_tells_all_in_order(floor: Floor) -> None:
    spring = await campaign(floor)
    jan, ahead = await lead(floor, spring), await lead(floor, spring, "+48601000002", priority=1)
    async with floor.database.unit_of_work() as uow:
        found = await leads.held(uow, jan)
        leads.put_off(uow, found, uow.now, "delay", {"outcome": "busy"})
        uow.session.add(PacingDecision(campaign_id=spring, at=uow.now, lines=0, why="nobody", inputs={}))
    async with floor.database.reading(floor.people["sue"]) as uow:
        story = await lead_queries.story(uow, spring, jan)
        assert [each.said.sentence for each in story.decisions] == ["After the attempt ({outcome}) it waits until {until}."]
        assert story.next[0].values == {"count": 1}
        assert "no consultant" in story.next[1].sentence
        assert (await lead_queries.story(uow, spring, ahead)).next[0].sentence == "It is the next to be called."
        with pytest.raises(NotFound):
            await lead_queries.story(uow, spring + 1, jan)
    async with floor.database.reading(floor.people["anna"]) as uow:
        with pytest.raises(NotPermitted):
            await lead_queries.story(uow, spring, jan)


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ({}, "Łucja Jan Ewa"),
        ({"q": "lucja sni"}, "Łucja"),
        ({"q": "ŁUCJA"}, "Łucja"),
        ({"q": "śnieg jan"}, ""),
        ({"q": "601 000 002"}, "Jan"),
        ({"q": "+48 601 000 00"}, "Łucja Jan Ewa"),
        ({"q": "0048601000003"}, "Ewa"),
        ({"q": "0601000003"}, ""),
        ({"q": "%"}, ""),
        ({"q": "___"}, ""),
        ({"state": "done"}, "Jan"),
        ({"outcome": "busy"}, "Ewa"),
        ({"refusal": "hours"}, "Ewa"),
        ({"state": "done", "q": "ewa"}, ""),
    ],
)
async def test_finding_leads(floor: Floor, wanted: dict[str, str], names: str) -> None:
    spring, other = await campaign(floor), await campaign(floor, "Other")
    await lead(floor, spring, "+48601000001", name="Łucja Śnieg")
    await lead(floor, spring, "+48601000002", name="Jan Lis", state="done")
    await lead(floor, spring, "+48601000003", name="Ewa Lis", outcome="busy", refusal="hours")
    await lead(floor, other, "+48601000002", name="Jan Other", state="done")
    async with floor.database.reading(floor.people["sue"]) as uow:
        page = await lead_queries.list_leads(uow, spring, LeadsWanted.model_validate(wanted))
    assert " ".join(each.lead.name.split()[0] for each in page.items) == names

"""Campaigns made, changed by two at once, started, paused, finished, copied and deleted, on both databases."""

import asyncio
import datetime as dt
from typing import Any

import pytest
from sqlalchemy import select

from callcenter.campaigns import changes, members, messages, queries, service
from callcenter.campaigns.events import CampaignChanged
from callcenter.campaigns.forms import ModeChange
from callcenter.campaigns.lead_models import Lead
from callcenter.campaigns.models import Campaign
from callcenter.db import Database
from callcenter.errors import Conflict, Invalid, NotFound, NotPermitted
from callcenter.trunks.models import Trunk
from callcenter.users.models import AuditEntry
from tests.callcenter.calls.floor import ADMIN, DIALLED, Floor, open_floor
from tests.callcenter.campaigns.drafts import changed, drafted, given, lead, marketing, sound


@pytest.fixture
async def floor(database: Database) -> Floor:
    return await open_floor(database)


async def trail(floor: Floor, campaign_id: int) -> list[str]:
    async with floor.database.reading() as uow:
        query = select(AuditEntry.action).where(AuditEntry.subject == "campaign", AuditEntry.subject_id == str(campaign_id))
        return list(await uow.session.scalars(query.order_by(AuditEntry.id)))


async def test_a_campaign_is_kept_as_typed_and_told_to_supervisors(floor: Floor) -> None:
    made = await drafted(
        floor,
        name="  Autumn \t offers ",
        caller_id="22 123 45 67",
        hours={"0": [("14:00", "18:00"), ("09:00", "12:00")], "6": []},
        delays={"busy": 3},
        keys={"1": "confirm", "9": "do_not_call"},
        starts_on="2026-03-02",
        ends_on="2026-03-31",
    )
    assert (made.name, made.caller_id, made.state, made.version, made.cap) == ("Autumn offers", DIALLED, "draft", 1, 0.0)
    assert made.hours == {"0": [("09:00", "12:00"), ("14:00", "18:00")]}
    assert (made.delays.busy, made.delays.no_answer) == (3, 120)
    assert await floor.do("sue", service.get_campaign, made.id) == made
    told = [(event, to) for event, to in floor.messages if isinstance(event, CampaignChanged)]
    assert [event.name for event, _ in told] == ["Autumn offers"]
    assert told[0][1] == (floor.people["sue"].id,)
    assert await trail(floor, made.id) == ["campaign.added"]


@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("name", {"name": "  "}),
        ("project_id", {"project_id": 99_999}),
        ("rule_pack", {"rule_pack": "XX"}),
        ("abandon_cap", {"abandon_cap": 0.1}),
        ("abandon_cap", {"rule_pack": "US", "abandon_cap": 3.1}),
        ("time_zone", {"time_zone": "Mars/Olympus"}),
        ("ends_on", {"starts_on": dt.date(2026, 3, 2), "ends_on": dt.date(2026, 3, 1)}),
        ("trunk_id", {"trunk_id": 99_999}),
        ("caller_id", {"caller_id": "+48229999999"}),
        ("hours", {"hours": {"0": [("17:00", "09:00")]}}),
        ("script", {"script": "Hello {{ lead.name"}),
        ("script", {"script": "{{ nobody.name }}"}),
        ("script", {"script": "{% for x in 'abc' %}{{ x }}{% endfor %}"}),
    ],
)
async def test_what_cannot_be_meant_is_refused_with_its_field(floor: Floor, field: str, fields: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as error:
        await drafted(floor, **fields)
    assert error.value.field == field


async def test_two_campaigns_cannot_have_one_name(floor: Floor) -> None:
    await drafted(floor)
    with pytest.raises(Invalid, match="Another campaign is called Autumn"):
        await drafted(floor)


async def test_the_cap_may_only_go_below_the_rules(floor: Floor) -> None:
    made = await drafted(floor, rule_pack="US", abandon_cap=1.5)
    assert made.cap == 1.5
    assert (await changed(floor, made, abandon_cap=None)).cap == 3.0


async def test_only_supervisors_do_anything_with_campaigns(floor: Floor) -> None:
    made = await drafted(floor)
    doors: list[tuple[Any, ...]] = [
        (service.add_campaign, given(floor, name="Other")),
        (service.get_campaign, made.id),
        (service.update_campaign, made.id, None),
        (service.set_mode, made.id, ModeChange(mode="power", version=1)),
        (service.start, made.id),
        (service.pause, made.id),
        (service.resume, made.id),
        (service.finish, made.id),
        (service.copy_campaign, made.id),
        (service.delete_campaign, made.id),
        (members.list_members, made.id),
        (members.set_members, made.id, []),
        (messages.set_message, made.id, "message", None),
        (messages.message_file, made.id, "message"),
        (queries.list_campaigns,),
        (queries.figures, made.id),
    ]
    for door, *args in doors:
        with pytest.raises(NotPermitted):
            await floor.do("anna", door, *args)
    with pytest.raises(NotFound):
        await floor.do("sue", service.get_campaign, 99_999)


async def test_of_two_who_change_a_campaign_the_second_is_shown_what_the_first_did(floor: Floor) -> None:
    seen = await drafted(floor)
    await changed(floor, seen, attempts=9, ring_seconds=20)
    with pytest.raises(changes.ChangedMeanwhile) as error:
        await changed(floor, seen, about="heat pumps", ring_seconds=20)
    assert error.value.differs == {"attempts": {"typed": 5, "stored": 9}}  # what both typed alike is no matter
    assert (error.value.version, error.value.values["name"]) == (2, "Sue")
    stored = await floor.do("sue", service.get_campaign, seen.id)
    assert (stored.about, stored.attempts) == ("solar panels", 9)
    again = await changed(floor, stored, about="heat pumps")
    assert (again.about, again.attempts, again.version) == ("heat pumps", 9, 3)


async def test_what_others_started_or_changed_alike_is_no_conflict(floor: Floor) -> None:
    seen = await drafted(floor)
    await floor.do("sue", service.start, seen.id)
    await changed(floor, seen.model_copy(update={"version": 2}), attempts=9)
    assert (await changed(floor, seen, attempts=9)).version == 3  # the same again changes nothing


async def test_two_supervisors_choose_modes_at_once_and_the_second_is_told(floor: Floor) -> None:
    seen = await drafted(floor)

    async def choose(mode: str) -> str:
        try:
            out = await floor.do("sue", service.set_mode, seen.id, ModeChange.model_validate({"mode": mode, "version": 1}))
        except changes.ChangedMeanwhile as error:
            return f"{error.differs['mode']['typed']} lost to {error.differs['mode']['stored']}"
        return str(out.mode)

    came = sorted(await asyncio.gather(choose("progressive"), choose("agentless")))
    assert came in (["agentless", "progressive lost to agentless"], ["agentless lost to progressive", "progressive"])


async def test_from_start_to_finish(floor: Floor) -> None:
    made = await drafted(floor)
    assert [each.code for each in made.warnings] == ["no_leads"]  # it starts all the same
    running = await floor.do("sue", service.start, made.id)
    assert (running.state, running.started_at is not None) == ("running", True)
    assert (await floor.do("sue", service.pause, made.id)).state == "paused"
    with pytest.raises(Conflict, match="paused already"):
        await floor.do("sue", service.pause, made.id)
    assert (await floor.do("sue", service.resume, made.id)).started_at == running.started_at
    with pytest.raises(Conflict, match="never started"):
        await floor.do("sue", service.delete_campaign, made.id)
    done = await floor.do("sue", service.finish, made.id)
    assert (done.state, done.obstacles, done.warnings) == ("finished", [], [])
    for door in (service.start, service.resume, service.pause, service.finish):
        with pytest.raises(Conflict, match="finished for good"):
            await floor.do("sue", door, made.id)
    with pytest.raises(Conflict, match="finished for good"):
        await changed(floor, done, attempts=1)
    assert await trail(floor, made.id) == [
        *("campaign.added", "campaign.running", "campaign.paused", "campaign.running", "campaign.finished")
    ]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"company": ""}, "opening is missing"),
        ({"mode": "agentless"}, "Upload the message that is played to customers"),
        ({"detection": "message"}, "Upload the message that is left on answering machines"),
        ({"mode": "predictive", "rule_pack": "US"}, "before a consultant is free"),
        ({"ends_on": dt.date(2020, 1, 1)}, "is over"),
    ],
)
async def test_what_cannot_start_says_why(floor: Floor, fields: dict[str, Any], said: str) -> None:
    await marketing(floor)
    made = await drafted(floor, **fields)
    assert len(made.obstacles) == 1
    with pytest.raises(Conflict, match=said):
        await floor.do("sue", service.start, made.id)
    assert (await floor.do("sue", service.get_campaign, made.id)).state == "draft"


async def test_without_hours_of_its_own_those_of_the_rules_hold(floor: Floor) -> None:
    assert (await drafted(floor, rule_pack="US", hours={})).obstacles == []


async def test_only_marketing_must_say_its_opening(floor: Floor) -> None:
    assert (await drafted(floor, company="")).obstacles == []


async def test_the_line_must_stand_when_it_starts(floor: Floor) -> None:
    made = await drafted(floor)
    async with floor.database.unit_of_work() as uow:
        (await uow.session.get_one(Trunk, floor.trunk_id)).enabled = False
    out = await floor.do("sue", service.get_campaign, made.id)
    assert [each.code for each in out.obstacles] == ["trunk_off"]


async def test_a_running_campaign_is_not_changed_into_one_that_could_not_start(floor: Floor) -> None:
    await marketing(floor)
    made = await drafted(floor)
    running = await floor.do("sue", service.start, made.id)
    with pytest.raises(Conflict, match="opening is missing"):
        await changed(floor, running, company="")
    with pytest.raises(Conflict, match="Upload the message"):
        await floor.do("sue", service.set_mode, made.id, ModeChange(mode="agentless", version=running.version))
    assert (await floor.do("sue", service.get_campaign, made.id)).mode == "preview"
    other = await floor.do("sue", service.set_mode, made.id, ModeChange(mode="predictive", version=running.version))
    assert (other.mode, [each.code for each in other.warnings]) == ("predictive", ["no_leads", "one_line"])
    paused = await floor.do("sue", service.pause, made.id)
    assert (await changed(floor, paused, company="")).obstacles[0].code == "no_opening"


async def test_a_copy_has_all_but_leads_days_and_the_ground(floor: Floor) -> None:
    bob = floor.people["bob"].id
    made = await drafted(floor, starts_on=dt.date(2026, 3, 2), script="Hello {{ lead.name }}", attempts=7)
    await floor.do("sue", members.set_members, made.id, [bob])
    await floor.do("sue", messages.set_message, made.id, "abandoned", sound())
    async with floor.database.unit_of_work(ADMIN) as uow:
        (await uow.session.get_one(Campaign, made.id)).asks_consent = "Letter"
    await lead(floor, made.id)
    copy = await floor.do("sue", service.copy_campaign, made.id)
    third = await floor.do("sue", service.copy_campaign, made.id)
    assert (copy.name, third.name) == ("Autumn 2", "Autumn 3")
    assert (copy.attempts, copy.script, copy.starts_on, copy.asks_consent) == (7, "Hello {{ lead.name }}", None, "")
    assert copy.abandoned_message
    assert [each.user_id for each in await floor.do("sue", members.list_members, copy.id) if each.chosen] == [bob]
    assert (await floor.do("sue", queries.figures, copy.id)).leads == {}


async def test_a_draft_goes_with_its_leads(floor: Floor) -> None:
    made = await drafted(floor)
    await lead(floor, made.id)
    await floor.do("sue", service.delete_campaign, made.id)
    async with floor.database.reading() as uow:
        assert (await uow.session.scalars(select(Campaign.id))).all() == []
        assert (await uow.session.scalars(select(Lead.id))).all() == []
    assert await trail(floor, made.id) == ["campaign.added", "campaign.deleted"]

"""The evidence of a campaign, and calls that only ask for consent."""

import csv
import io
import json
from dataclasses import replace
from typing import Any

import pytest

from callcenter.actor import AccountRole
from callcenter.campaigns import evidence, standing, taking_on
from callcenter.campaigns.lead_models import Lead, LeadAttempt, LeadDecision, LeadNumber
from callcenter.campaigns.models import Campaign, CampaignPeriod
from callcenter.contacts import consents
from callcenter.contacts.consents import ConsentInput
from callcenter.db import Database
from callcenter.errors import Conflict, Invalid, NotFound, NotPermitted
from callcenter.projects.models import Project
from callcenter.users.models import AuditEntry
from tests.callcenter.calls.floor import ADMIN, CALLER, Floor, open_floor

YES = {"channel": "call", "purpose": "marketing", "means": "person", "given": True, "source": "form", "wording": "=Call me."}


@pytest.fixture
async def floor(database: Database) -> Floor:
    made = await open_floor(database, purpose="marketing")
    made.people["root"] = replace(ADMIN, user_id=made.people["sue"].user_id)
    return made


async def campaign(floor: Floor, leads: int = 1, contact_id: int | None = None, consent_id: int | None = None) -> int:
    """Write a campaign whose leads were dialled, or refused for want of a consent."""
    async with floor.database.unit_of_work() as uow:
        made = Campaign(project_id=floor.project_id, name="Autumn", created_at=uow.now, updated_at=uow.now)
        uow.session.add(made)
        await uow.session.flush()
        values: dict[str, Any] = {"number": CALLER, "pack": "PL", "version": "PL-1", "purpose": "marketing", "means": "person"}
        for number in range(leads):
            lead = Lead(
                campaign_id=made.id, contact_id=contact_id, name="Jan", next_at=uow.now, created_at=uow.now, changed_at=uow.now
            )
            uow.session.add(lead)
            await uow.session.flush()
            code, more = ("dialled", {"consent_id": consent_id}) if consent_id else ("no_consent", {})
            phone = f"+4860{number:07}" if number else CALLER
            uow.session.add_all(
                [
                    LeadNumber(lead_id=lead.id, position=0, campaign_id=made.id, number=phone),
                    LeadDecision(lead_id=lead.id, at=uow.now, code=code, values=values | more),
                    LeadAttempt(
                        id=f"a{number}",
                        campaign_id=made.id,
                        lead_id=lead.id,
                        number=phone,
                        mode="preview",
                        state="over",
                        outcome="talked",
                        started_at=uow.now,
                    ),
                ]
            )
        uow.session.add(CampaignPeriod(campaign_id=made.id, period=uow.now.date(), answered=5, connected=5))
        return made.id


async def taken(floor: Floor, campaign_id: int, kind: evidence.Format, who: str = "sue") -> str:
    return "".join([each async for each in evidence.pieces(floor.database, floor.people[who], campaign_id, kind)])


async def test_a_decision_is_shown_with_the_consent_it_rests_on_and_the_rules(floor: Floor) -> None:
    contact_id = await floor.add_contact("Jan")
    said = await floor.do("anna", consents.record, contact_id, ConsentInput.model_validate(YES))
    campaign_id = await campaign(floor, contact_id=contact_id, consent_id=said.id)
    told = json.loads(await taken(floor, campaign_id, "json"))
    assert (told["rules"]["version"], told["rules"]["abandon_cap"], told["campaign"]["purpose"]) == ("PL-1", 0.0, "marketing")
    law = [each for each in told["rules"]["rules"] if each["law"]]
    assert [(each["source"]["article"], each["since"]) for each in law] == [("art. 398 ust. 1", "2024-11-10")]
    assert told["periods"][0]["answered"] == 5
    lead = told["leads"][0]
    assert (lead["numbers"], lead["attempts"][0]["outcome"]) == ([CALLER], "talked")
    consent = lead["decisions"][0]["consent"]
    assert (consent["source"], consent["wording"], consent["at"]) == ("form", "=Call me.", said.at.isoformat())
    rows = list(csv.DictReader(io.StringIO((await taken(floor, campaign_id, "csv")).lstrip("\ufeff"))))
    assert [(row["code"], row["rules_version"], row["consent_source"]) for row in rows] == [("dialled", "PL-1", "form")]
    assert not rows[0]["consent_wording"].startswith("=")  # no spreadsheet runs it


async def test_more_leads_than_a_piece_are_all_there_once(floor: Floor) -> None:
    campaign_id = await campaign(floor, leads=1001)
    told = json.loads(await taken(floor, campaign_id, "json"))
    assert len({each["lead_id"] for each in told["leads"]}) == len(told["leads"]) == 1001
    assert len((await taken(floor, campaign_id, "csv")).splitlines()) == 1002


async def test_a_campaign_without_leads_has_evidence_too(floor: Floor) -> None:
    campaign_id = await campaign(floor, leads=0)
    assert json.loads(await taken(floor, campaign_id, "json"))["leads"] == []


async def test_of_accounts_one_may_not_see_neither_name_nor_number_is_told(floor: Floor) -> None:
    contact_id = await floor.add_contact("Jan")
    campaign_id = await campaign(floor, contact_id=contact_id)
    floor.people["blind"] = replace(floor.people["sue"], accounts=frozenset({AccountRole.PARTNER_READER}))
    for kind in ("json", "csv"):
        told = await taken(floor, campaign_id, kind, "blind")
        assert CALLER not in told
        assert "Jan" not in told
        assert "no_consent" in told


async def test_taking_it_out_is_for_supervisors_and_written_down(floor: Floor) -> None:
    campaign_id = await campaign(floor)
    await floor.do("sue", evidence.begin, campaign_id, "csv")
    assert "campaign.evidence" in {each.action for each in await floor.all(AuditEntry)}
    with pytest.raises(NotPermitted):
        await floor.do("anna", evidence.begin, campaign_id, "csv")
    with pytest.raises(NotFound):
        await floor.do("sue", evidence.begin, 999, "csv")


async def test_an_administrator_takes_calls_for_consent_on_in_writing(floor: Floor) -> None:
    campaign_id = await campaign(floor)
    ground = "Opinion of our lawyer, 3 May 2026"
    with pytest.raises(Conflict, match="not for asking"):
        await floor.do("root", taking_on.take_on, campaign_id, ground)
    async with floor.database.unit_of_work() as uow:
        (await uow.session.get_one(Project, floor.project_id)).purpose = "consent"
    with pytest.raises(NotPermitted):
        await floor.do("sue", taking_on.take_on, campaign_id, ground)
    with pytest.raises(Invalid):
        await floor.do("root", taking_on.take_on, campaign_id, "because")
    with pytest.raises(NotFound):
        await floor.do("root", taking_on.take_on, 999, ground)
    for each in (f" {ground} ", ground, ""):
        await floor.do("root", taking_on.take_on, campaign_id, each)
    audited = [each.detail["ground"] for each in await floor.all(AuditEntry) if each.action == "campaign.taken_on"]
    assert audited == [ground, ""]


async def test_what_holds_for_a_campaign_is_narrowed_by_its_own(floor: Floor) -> None:
    campaign_id = await campaign(floor)
    async with floor.database.unit_of_work() as uow:
        stored = await uow.session.get_one(Campaign, campaign_id)
        stored.rule_pack, stored.abandon_cap = "US", 1.5
    holds = await floor.do("sue", standing.of_campaign, campaign_id)
    assert (holds.rules.cap, holds.means, holds.project) == (1.5, "person", "Sales")
    with pytest.raises(NotPermitted):
        await floor.do("anna", standing.of_campaign, campaign_id)
    with pytest.raises(NotFound):
        await floor.do("sue", standing.of_campaign, 999)

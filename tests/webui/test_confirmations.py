"""What follows a spoken yes at the API, on the page of a lead and on the page of its call."""

import datetime as dt
from typing import Any

import pytest

from callcenter import clock
from callcenter.actor import Role
from callcenter.calls.models import Call
from callcenter.campaigns.confirmation_models import Confirmation
from callcenter.campaigns.lead_models import Lead, LeadAttempt
from callcenter.contacts import service as contacts
from callcenter.contacts.service import ContactInput
from callcenter.projects.models import Disposition
from tests.webui.conftest import Person, Site
from tests.webui.test_leads import SAME, campaign

DAY = dt.timedelta(days=1)


async def yes(site: Site, campaign_id: int, talked: Person, days: int = 3, contact_id: int | None = None) -> tuple[str, int]:
    """Write a lead whose customer said yes to somebody so many days ago; returns call and lead."""
    async with site.database.unit_of_work() as uow:
        call_id, at = clock.new_id(), uow.now - days * DAY
        stands: dict[str, Any] = {"refusal": "agreed", "refusal_values": {"disposition": "Yes", "attempt_id": call_id}}
        given: dict[str, Any] = {"campaign_id": campaign_id, "contact_id": contact_id, "name": f"Jan {days}", "state": "done"}
        lead = Lead(next_at=at, created_at=at, changed_at=at, **given, **stands)
        disposition = Disposition(project_id=None, name=f"Yes {days}", position=days)
        uow.session.add_all([lead, disposition])
        await uow.session.flush()
        begun = {"id": call_id, "user_id": talked.id, "state": "ended", "started_at": at, "answered_at": at, "ended_at": at}
        uow.session.add(Call(direction="outbound", number="+48601000001", contact_id=contact_id, **begun))
        tried = {"campaign_id": campaign_id, "lead_id": lead.id, "number": "+48601000001", "mode": "preview", "state": "over"}
        uow.session.add(LeadAttempt(id=call_id, outcome="talked", started_at=at, user_id=talked.id, **tried))
        await uow.session.flush()
        uow.session.add(
            Confirmation(attempt_id=call_id, lead_id=lead.id, campaign_id=campaign_id, said_at=at, taken_by=talked.id)
        )
        return call_id, lead.id


def today() -> str:
    return clock.now().date().isoformat()


async def test_the_steps_over_the_api(site: Site) -> None:
    boss, anna = await site.person("sofia", Role.SUPERVISOR), await site.person("anna", Role.CONSULTANT)
    bob, spring = await site.person("bob", Role.CONSULTANT), await campaign(site)
    call_id, lead_id = await yes(site, spring, anna)
    at = f"/api/v1/calls/{call_id}/confirmation"
    async with site.client(anna.bearer) as client:
        found = (await client.get(at)).json()
        assert (found["state"], found["taken_by"], found["waits_days"], found["lead_id"]) == ("awaiting", "Anna", 3, lead_id)
        early = await client.put(f"{at}/statement", json={"day": today(), "how": "email"})
        assert (early.status_code, early.json()["error"]["code"]) == (409, "conflict")
        assert "does not bind" in early.text
        late = await client.put(f"{at}/terms", json={"day": "2999-01-01", "how": "email"})
        assert (late.status_code, late.json()["error"]["field"]) == (422, "day")
        for body in ({"how": "email"}, {"day": "soon", "how": "email"}, {"day": today(), "how": "pigeon"}):
            assert (await client.put(f"{at}/terms", json=body)).status_code == 422
        for _ in range(2):
            sent = await client.put(f"{at}/terms", json={"day": today(), "how": "email", "note": "version 3"})
            assert (sent.status_code, sent.json()["state"], sent.json()["terms_by"]) == (200, "terms_sent", "Anna")
    async with site.client(bob.bearer) as client:
        assert (await client.get(at)).status_code == 404
        assert (await client.put(f"{at}/statement", json={"day": today(), "how": "email"})).status_code == 404
    async with site.client(boss.bearer) as client:
        confirmed = await client.put(f"{at}/statement", json={"day": today(), "how": "web_form", "note": "binder 7"})
        assert (confirmed.json()["state"], confirmed.json()["end_how"], confirmed.json()["waits_days"]) == (
            "confirmed",
            "web_form",
            None,
        )
        assert (await client.put(f"{at}/refusal", json={"why": "declined"})).status_code == 409
        assert (await client.post(f"{at}/reopen")).json()["state"] == "terms_sent"
        refused = await client.put(f"{at}/refusal", json={"why": "no_answer", "note": "called twice"})
        assert (refused.json()["state"], refused.json()["end_note"]) == ("not_confirmed", "called twice")
        story = (await client.get(f"/api/v1/campaigns/{spring}/leads/{lead_id}")).json()
        assert [each["state"] for each in story["confirmations"]] == ["not_confirmed"]
        assert (story["lead"]["confirmation"], story["lead"]["refusal"]) == ("not_confirmed", "yes_not_confirmed")
        assert story["lead"]["sentence"] == "The spoken yes was not confirmed (no answer came), and is no sale."
        assert (await client.get(f"/api/v1/calls/{clock.new_id()}/confirmation")).status_code == 404


async def test_the_list_over_the_api(site: Site) -> None:
    boss, spring = await site.person("sofia", Role.SUPERVISOR), await campaign(site)
    young, old = await yes(site, spring, boss, 1), await yes(site, spring, boss, 9)
    async with site.client(boss.bearer) as client:
        at = f"/api/v1/campaigns/{spring}/leads"
        page = (await client.get(at, params={"confirmation": "open"})).json()
        assert [(each["id"], each["waits_days"]) for each in page["items"]] == [(old[1], 9), (young[1], 1)]
        assert page["confirmations"] == {"awaiting": 2, "open": 2}
        assert (await client.get(at, params={"confirmation": "sold"})).status_code == 422
        (line,) = (await client.get("/api/v1/campaigns")).json()["items"]
        assert line["awaiting"] == 2
        figures = (await client.get(f"/api/v1/campaigns/{spring}/figures")).json()
        assert figures["confirmations"]["open"] == 2


@pytest.mark.parametrize("language", ["en", "pl"])
async def test_the_pages_of_a_lead_and_of_its_call(site: Site, language: str) -> None:
    boss, spring = await site.person("sofia", Role.SUPERVISOR, language), await campaign(site)
    anna = await site.person("anna", Role.CONSULTANT, language)
    contact_id = await a_contact(site)
    call_id, lead_id = await yes(site, spring, anna, contact_id=contact_id)
    at, words = f"/campaigns/{spring}/leads/{lead_id}", WORDS[language]
    async with site.client(anna.cookies | SAME) as browser:
        page = (await browser.get(f"/calls/{call_id}")).text
        assert words["awaiting"] in page
        assert words["days"] in page
        refused = await browser.post(
            f"/calls/{call_id}/confirmation/terms", data={"day": "2999-01-01", "how": "sms", "note": "v3"}
        )
        assert refused.status_code == 422
        assert 'value="2999-01-01"' in refused.text
        assert '<option value="sms" selected>' in refused.text
        sent = await browser.post(f"/calls/{call_id}/confirmation/terms", data={"day": today(), "how": "sms", "note": "v3"})
        assert (sent.status_code, sent.headers["location"]) == (303, f"/calls/{call_id}")
        assert (await browser.post(f"/calls/{call_id}/confirmation/else", data={})).status_code == 404
        assert (await browser.post(f"{at}/confirmations/{call_id}/reopen", data={})).status_code == 403
    async with site.client(boss.cookies | SAME) as browser:
        page = (await browser.get(at)).text
        assert words["awaiting"] in page
        assert "v3" in page
        early = (await browser.post(f"{at}/confirmations/{call_id}/refusal", data={"why": "no_answer", "note": "x" * 501})).text
        assert "x" * 501 in early, "what was typed stays"
        step = f"{at}/confirmations/{call_id}"
        assert (await browser.post(f"{step}/statement", data={"day": today(), "how": "letter", "note": ""})).status_code == 303
        page = (await browser.get(at)).text
        assert words["confirmed"] in page
        assert (await browser.post(f"{step}/refusal", data={"why": "declined"})).status_code == 409
        assert (await browser.post(f"{step}/reopen")).status_code == 303
        assert (await browser.post(f"{at}/confirmations/{clock.new_id()}/reopen")).status_code == 404
        listed = (await browser.get(f"/campaigns/{spring}/leads?confirmation=open")).text
        assert words["days"] in listed
        assert f'href="/campaigns/{spring}/leads?confirmation=open"' in (await browser.get(f"/campaigns/{spring}")).text
        assert words["waits"] in (await browser.get("/campaigns")).text
        timeline = (await browser.get(f"/contacts/{contact_id}?kind=confirmation")).text
        assert words["sent"] in timeline
        assert words["confirmed line"] in timeline


WORDS = {
    "en": {
        "awaiting": "Spoken yes: awaiting durable confirmation",
        "days": "awaiting for 3 days",
        "confirmed": "Spoken yes: confirmed",
        "waits": "1 awaits confirmation",
        "sent": "Proposed terms sent",
        "confirmed line": "Spoken yes confirmed by the customer's statement",
    },
    "pl": {
        "awaiting": "Ustne „tak”: czeka na potwierdzenie na trwałym nośniku",
        "days": "czeka 3 dni",
        "confirmed": "Ustne „tak”: potwierdzone",
        "waits": "1 czeka na potwierdzenie",
        "sent": "Wysłano proponowane warunki",
        "confirmed line": "Ustne „tak” potwierdzone oświadczeniem klienta",
    },
}


async def a_contact(site: Site) -> int:
    async with site.database.unit_of_work() as uow:
        return (await contacts.create_contact(uow, ContactInput(first_name="Jan", last_name="Kowal"), "PL")).id

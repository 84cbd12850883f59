"""How leads read: the choices of their list's filters, and attempts in which nobody was called."""

import re

import pytest

from callcenter.actor import Role
from callcenter.campaigns import explaining
from callcenter.campaigns.lead_models import Lead, LeadAttempt
from tests.webui.conftest import Site
from tests.webui.test_leads import campaign

ENGLISH = {sentence for sentences in explaining.CODES.values() for sentence in sentences} | {
    "Hung up",
    "Talked",
    "Heard the message",
}


@pytest.mark.parametrize("language", ["en", "pl"])
async def test_each_choice_of_the_filters_has_words_of_its_own(site: Site, language: str) -> None:
    """What a lead was refused for, and what came of its last attempt, in words no other choice has."""
    boss, spring = await site.person("sofia", Role.SUPERVISOR, language), await campaign(site)
    async with site.client(boss.cookies) as browser:
        page = (await browser.get(f"/campaigns/{spring}/leads")).text
    for name, least in (("outcome", 15), ("refusal", 25)):
        select = page.split(f'name="{name}"')[1].split("</select>")[0]
        choices = re.findall(r'<option value="([a-z_]+)"[^>]*>([^<]+)</option>', select)
        assert len(choices) >= least
        words = [words.strip() for _, words in choices]
        assert len(set(words)) == len(words), f"two choices of {name} read alike"
        assert not [each for code, each in choices if each.strip() == code or "{" in each]
        if language == "pl":
            assert not {each for each in words if each in ENGLISH}


@pytest.mark.parametrize("language", ["en", "pl"])
async def test_a_lead_that_was_only_looked_at_has_words_for_it_and_no_call_to_open(site: Site, language: str) -> None:
    boss, spring = await site.person("sofia", Role.SUPERVISOR, language), await campaign(site)
    async with site.database.unit_of_work() as uow:
        made = Lead(campaign_id=spring, name="Ewa", next_at=uow.now, created_at=uow.now, changed_at=uow.now)
        uow.session.add(made)
        await uow.session.flush()
        given = {"campaign_id": spring, "lead_id": made.id, "number": "+48601000001", "mode": "preview", "state": "over"}
        for attempt_id, outcome in (("looked", "skipped"), ("called", "busy")):
            uow.session.add(LeadAttempt(id=attempt_id, outcome=outcome, started_at=uow.now, **given))
        lead_id = made.id
    async with site.client(boss.cookies) as browser:
        page = (await browser.get(f"/campaigns/{spring}/leads/{lead_id}")).text
    assert ("Looked at, not called" if language == "en" else "Obejrzany, bez telefonu") in page
    open_it = "Show the call" if language == "en" else "Pokaż połączenie"
    assert f'href="/calls/called">{open_it}<' in page, "no word that says to ring somebody up"
    assert 'href="/calls/looked"' not in page

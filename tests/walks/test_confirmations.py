"""A spoken yes on its way to a confirmation, in Chromium: a consultant at the call, a supervisor at list, lead and contact."""

import datetime as dt
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect
from sqlalchemy import select

from callcenter import clock
from callcenter.calls.models import Call
from callcenter.campaigns.confirmation_models import Confirmation
from callcenter.campaigns.lead_models import Lead, LeadAttempt, LeadNumber
from callcenter.campaigns.models import Campaign
from callcenter.contacts.models import Contact
from callcenter.users.models import User
from tests.walks import axe
from tests.walks.browser import Desk, desk
from tests.walks.looks import look
from tests.walks.product import JAN, PASSWORD, Product

pytestmark = pytest.mark.browser
NAMES = ("Łucja Śnieg-Wyrzykiewicz", "Jan Kowalski", "Ewa Żak")


async def campaign(product: Product) -> tuple[int, list[tuple[int, str]]]:
    """Write a campaign with three leads who said yes to anna nine, four and no days ago; returns it, and leads with calls."""
    found: list[tuple[int, str]] = []
    async with product.database.unit_of_work() as uow:
        made = Campaign(name="Wiosna", project_id=1, state="running", created_at=uow.now, updated_at=uow.now)
        uow.session.add(made)
        jan = await uow.session.scalar(select(Contact.id).where(Contact.last_name == "Kowalski"))
        await uow.session.flush()
        for name, days in zip(NAMES, (4, 9, 0), strict=True):
            at, call_id, number = (
                uow.now - dt.timedelta(days=days),
                clock.new_id(),
                JAN if name == NAMES[1] else f"+4860100000{days}",
            )
            contact_id = jan if name == NAMES[1] else None
            stands: dict[str, Any] = {"refusal": "agreed", "refusal_values": {"disposition": "Yes", "attempt_id": call_id}}
            lead = Lead(
                campaign_id=made.id, name=name, state="done", attempts=1, outcome="talked", contact_id=contact_id, **stands
            )
            lead.next_at = lead.created_at = lead.changed_at = at
            uow.session.add(lead)
            await uow.session.flush()
            uow.session.add(LeadNumber(lead_id=lead.id, position=0, campaign_id=made.id, number=number))
            talk = {"user_id": product.people["anna"], "started_at": at, "answered_at": at, "ended_at": at}
            uow.session.add(Call(id=call_id, direction="outbound", state="ended", number=number, contact_id=contact_id, **talk))
            tried = {"campaign_id": made.id, "lead_id": lead.id, "number": number, "mode": "preview", "state": "over"}
            uow.session.add(LeadAttempt(id=call_id, outcome="talked", **tried, **talk))
            await uow.session.flush()
            yes = {"lead_id": lead.id, "campaign_id": made.id, "said_at": at, "taken_by": product.people["anna"]}
            uow.session.add(Confirmation(attempt_id=call_id, **yes))
            found.append((lead.id, call_id))
    return made.id, found


async def looked(found: Desk, name: str) -> None:
    """Look at the page wide and narrow: nothing is too wide, and nobody is left out."""
    page = found.page
    await found.audio()
    for width in (360, 1440):
        await page.set_viewport_size({"width": width, "height": 900})
        assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        assert await axe.violations(page) == []
    await look(page, name)


async def record(page: Page, step: str, **given: str) -> None:
    """Fill in the form of a step and send it."""
    form = page.locator(f"form[action$='/{step}']")
    for name, value in given.items():
        field = form.locator(f"[name={name}]")
        await (field.select_option(value) if name in ("how", "why") else field.fill(value))
    await form.locator("button[type=submit]").click()


@pytest.fixture(params=["en", "pl"])
async def language(product: Product, request: pytest.FixtureRequest) -> str:
    async with product.database.unit_of_work() as uow:
        for each in ("anna", "maria"):
            (await uow.session.get_one(User, product.people[each])).language = request.param
    return str(request.param)


async def test_a_consultant_records_that_terms_were_sent(product: Product, browser: Browser, language: str) -> None:
    call_id = (await campaign(product))[1][1][1]
    async with desk(browser, product.url, locale=language) as anna:
        page = anna.page
        await anna.sign_in("anna", PASSWORD)
        await page.goto(f"{product.url}/calls/{call_id}")
        await looked(anna, f"yes-call-{language}")
        await record(page, "terms", how="letter", note="wersja 3, ul. Długa 7, Kraków")
        await expect(page.locator("section.yes")).to_contain_text("wersja 3")
        await expect(page.locator("form[action$='/statement']")).to_be_visible()
        await looked(anna, f"yes-terms-sent-{language}")


async def test_a_supervisor_finds_who_waits_and_records_the_end(product: Product, browser: Browser, language: str) -> None:
    spring, leads = await campaign(product)
    today = clock.now().date()
    async with desk(browser, product.url, locale=language) as maria:
        page = maria.page
        page.on("dialog", lambda dialog: dialog.accept())
        await maria.sign_in("maria", PASSWORD)
        await page.goto(f"{product.url}/campaigns")
        await page.locator("a[href$='confirmation=open']").click()
        await expect(page.locator("tbody .row-link")).to_have_text([NAMES[1], NAMES[0], NAMES[2]])
        await looked(maria, f"yes-list-{language}")
        await page.locator("a.row-link", has_text=NAMES[1]).click()
        await record(page, "terms", how="sms")
        statement = page.locator("form[action$='/statement']")
        await looked(maria, f"yes-lead-{language}")
        await statement.evaluate("each => { each.noValidate = true }")
        await record(page, "statement", day=(today + dt.timedelta(days=1)).isoformat(), note="segregator 7")
        await expect(page.get_by_role("alert").first).to_be_visible()
        maria.problems.clear()  # Chromium reports the 422
        await expect(statement.locator("[name=note]")).to_have_value("segregator 7")
        await record(page, "statement", day=today.isoformat(), how="web_form")
        await expect(page.locator("section.yes")).to_contain_text("segregator 7")
        await looked(maria, f"yes-confirmed-{language}")
        await record(page, "reopen")
        await page.locator("section.yes details summary").first.click()
        await looked(maria, f"yes-refusing-{language}")
        await record(page, "refusal", note="odpisała, że rezygnuje")
        await expect(page.locator("form[action$='/reopen']")).to_be_visible()
        await looked(maria, f"yes-not-confirmed-{language}")
        await page.goto(f"{product.url}/campaigns/{spring}")
        await expect(page.locator("a[href$='confirmation=not_confirmed']")).to_have_text("1")
        await looked(maria, f"yes-overview-{language}")
        async with product.database.reading() as uow:
            contact_id = (await uow.session.get_one(Lead, leads[1][0])).contact_id
        await page.goto(f"{product.url}/contacts/{contact_id}?kind=confirmation")
        await expect(page.locator("[data-lines]")).to_contain_text("segregator 7")
        await looked(maria, f"yes-timeline-{language}")

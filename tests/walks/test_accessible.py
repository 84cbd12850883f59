"""Every page of every role, empty and with something on it, passes axe without a violation."""

from pathlib import Path

import pytest
from playwright.async_api import Browser
from sqlalchemy import select

from callcenter.actor import SYSTEM
from callcenter.campaigns import service as campaigns
from callcenter.campaigns.forms import CampaignInput
from callcenter.contacts import custom_fields, dictionaries
from callcenter.contacts import service as contacts
from callcenter.contacts.custom_fields import CustomFieldInput
from callcenter.contacts.forms import ContactInput
from callcenter.projects.models import Project
from tests.walks.axe import violations
from tests.walks.browser import desk
from tests.walks.product import PASSWORD, Product
from tests.walks.test_pages import ADMINISTRATOR, CONSULTANT, SUPERVISOR

pytestmark = pytest.mark.browser

_EMPTY = ("/contacts?q=nobodyatall", "/texts", "/meetings?f=1&name=nothing", "/messages")
_SETTINGS = (
    "/settings/contacts/segment",
    "/settings/contacts/stage",
    "/settings/contacts/fields",
    "/settings/contacts/fields/1/options",
)
_CAMPAIGN = tuple(f"/campaigns/1{tab}" for tab in ("", "/settings", "/script", "/dispositions", "/people"))


async def _fill(product: Product) -> int:
    """Describe a contact with everything there is, and a campaign; returns the contact's id."""
    async with product.database.unit_of_work(SYSTEM) as uow:
        for kind in ("position", "stage", "source", "tag"):
            await dictionaries.add_entry(uow, kind, f"first {kind}")
        await dictionaries.retire_entry(uow, "stage", (await dictionaries.add_entry(uow, "stage", "old")).id)
        for each in ("choices", "text", "number", "date", "choice", "yes_no"):
            options = ["One", "Two"] if each.startswith("choice") else []
            field = CustomFieldInput.model_validate({"name": f"Own {each}", "kind": each, "options": options})
            await custom_fields.add_field(uow, field)
        project_id = await uow.session.scalar(select(Project.id))
        autumn = {"project_id": project_id, "name": "Autumn", "company": "Acme", "script": "# Hello\n\n{{ lead.name }}"}
        await campaigns.add_campaign(uow, CampaignInput.model_validate(autumn))
    async with product.database.unit_of_work(SYSTEM) as uow:
        data = ContactInput.model_validate(
            {
                "first_name": "Żaneta",
                "last_name": "O'Hara",
                "organisation": "Przykład",
                "stage": "first stage",
                "tags": ["first tag"],
                "numbers": [{"type": "mobile", "number": "501 234 567"}, {"type": "other", "number": "12"}],
                "custom": {"own_choices": ["One"]},
            }
        )
        return (await contacts.create_contact(uow, data, "PL")).id


async def test_every_page_of_every_role_passes_axe(product: Product, browser: Browser) -> None:
    contact_id = await _fill(product)
    found: list[str] = []
    seen: set[str] = set()
    for login, paths in (("admin", (*ADMINISTRATOR, *_SETTINGS, *_CAMPAIGN)), ("maria", SUPERVISOR), ("anna", CONSULTANT)):
        async with desk(browser, product.url) as opened:
            if login == "admin":
                await opened.page.goto(f"{product.url}/sign-in")
                found += [f"/sign-in: {each}" for each in await violations(opened.page)]
            await opened.sign_in(login, PASSWORD)
            for path in (*paths, *_EMPTY[: 4 if login == "admin" else 1], "/contacts/new", f"/contacts/{contact_id}"):
                if login != "admin" and path in seen and path not in ("/", "/contacts"):
                    continue  # the same page with fewer links beside it
                seen.add(path)
                await opened.page.goto(product.url + path)
                await opened.alive()
                found += [f"{login} {path}: {each}" for each in await violations(opened.page)]
    assert found == [], "\n".join(found)


async def test_a_contact_on_paper_has_its_facts_and_timeline_and_no_buttons(
    product: Product, browser: Browser, tmp_path: Path
) -> None:
    contact_id = await _fill(product)
    async with desk(browser, product.url) as opened:
        await opened.sign_in("anna", PASSWORD)
        await opened.page.goto(f"{product.url}/contacts/{contact_id}")
        await opened.alive()
        await opened.page.emulate_media(media="print")
        shown = await opened.page.locator("body").inner_text()
        assert "+48 501 234 567" in shown
        assert shown.index("O'Hara") < shown.index("Timeline")
        buttons = opened.page.locator("button:visible, input:visible, nav:visible, .topbar:visible")
        assert await buttons.count() == 0
        await opened.page.pdf(path=tmp_path / "contact.pdf", format="A4")

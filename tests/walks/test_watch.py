"""A supervisor watches a campaign in Chromium: a call goes through its states, the connection is lost and comes back, Stop."""

import asyncio
import datetime as dt
import random

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from callcenter import clock
from callcenter.actor import Actor, Role
from callcenter.agents.models import Agent
from callcenter.calls import service as calls
from callcenter.calls.models import Call
from callcenter.campaigns.dialer import Dialer
from callcenter.campaigns.lead_models import Lead, LeadAttempt, LeadNumber
from callcenter.campaigns.models import Campaign, CampaignPeriod, PacingDecision
from callcenter.phone import HangUpLeg, OpenStation, Originate
from callcenter.phone_fake import FakePhone, Outcome
from callcenter.projects.models import Membership
from callcenter.users.models import User
from tests.callcenter.campaigns.dialling import working_noon
from tests.walks import axe
from tests.walks.browser import desk
from tests.walks.looks import look
from tests.walks.product import PASSWORD, Product, until
from webui.live_socket import RESTARTING

pytestmark = pytest.mark.browser
NUMBERS = [f"+4860100000{n}" for n in range(6)]


async def campaign(product: Product) -> int:
    """Add a running campaign with six leads, on a working day at noon."""
    clock.shift((working_noon(clock.now()) - clock.now()).total_seconds())
    for number in NUMBERS:
        product.phone.when_called(number, Outcome.RINGS)
    async with product.database.unit_of_work() as uow:
        given = {"name": "Wiosna", "project_id": 1, "state": "running", "mode": "progressive", "rule_pack": "US"}
        made = Campaign(**given, created_at=uow.now, updated_at=uow.now, started_at=uow.now)
        uow.session.add(made)
        await uow.session.flush()
        uow.session.add(Membership(project_id=1, user_id=product.people["piotr"]))
        for number in NUMBERS:
            lead = Lead(campaign_id=made.id, name=number, next_at=uow.now, created_at=uow.now, changed_at=uow.now)
            uow.session.add(lead)
            await uow.session.flush()
            uow.session.add(LeadNumber(lead_id=lead.id, position=0, campaign_id=made.id, number=number, zones=[]))
        return made.id


async def speak(product: Product, language: str) -> None:
    async with product.database.unit_of_work() as uow:
        (await uow.session.get_one(User, product.people["maria"])).language = language[:2]


async def ready(product: Product, login: str) -> None:
    """Let somebody's audio stand elsewhere, and let them press Ready."""
    user_id = product.people[login]
    await FakePhone.ask(product.phone, OpenStation(str(user_id), f"tab {login}", "sdp"))

    async def live() -> bool:
        async with product.database.reading() as uow:
            agent = await uow.session.get(Agent, user_id)
            return agent is not None and agent.station_live

    while not await live():
        await asyncio.sleep(0.02)
    async with product.database.unit_of_work(Actor(user_id, login, Role.CONSULTANT)) as uow:
        await calls.set_agent_state(uow, "ready")


def dialled(product: Product) -> list[Originate]:
    return [each for each in product.phone.commands if isinstance(each, Originate)]


def row(page: Page, product: Product, login: str) -> Locator:
    return page.locator(f"tr[data-agent='{product.people[login]}']")


@pytest.mark.parametrize(("language", "width"), [("en-GB", 1440), ("pl-PL", 360)])
async def test_a_campaign_is_watched_and_stopped(product: Product, browser: Browser, language: str, width: int) -> None:
    spring, english = await campaign(product), language == "en-GB"
    await speak(product, language)
    dialer = Dialer(product.database)
    at = f"{product.url}/campaigns/{spring}/watch"
    async with desk(browser, product.url, width=width, locale=language) as maria:
        page = maria.page
        await maria.sign_in("maria", PASSWORD)
        await page.goto(at)
        await maria.audio()
        await expect(page.locator("#board-left")).to_have_text("6")
        await accessible(page, f"watch-empty-{language[:2]}")
        await ready(product, "anna")
        await ready(product, "piotr")
        await expect(row(page, product, "anna").locator("[data-state=ready]")).to_be_visible()
        await dialer.tick()
        await until(lambda: len(dialled(product)) == 2, "two lines ring")
        await expect(page.locator("#board-ringing")).to_have_text("2")
        await expect(row(page, product, "anna")).to_contain_text("it rings" if english else "dzwoni")
        call_id = await row(page, product, "anna").get_attribute("data-call")
        first = next(each for each in dialled(product) if each.call_id == call_id)
        await page.locator("#board-stop-button").focus()
        product.phone.customer_answers(first.leg_id)
        await expect(row(page, product, "anna")).to_contain_text("talks" if english else "rozmawia")
        await expect(page.locator("#board-ringing")).to_have_text("1")
        await expect(page.locator("#board-stop-button")).to_be_focused()
        await expect(row(page, product, "anna").locator("td.listen [data-listen]")).to_be_visible()
        await accessible(page, f"watch-talk-{language[:2]}")
        lose_connection(product)
        product.phone.customer_hangs_up(first.leg_id)
        await expect(row(page, product, "anna").locator("[data-state=wrap_up]")).to_be_visible()
        await maria.alive()
        await expect(row(page, product, "anna").locator("td.listen [data-listen]")).to_have_count(0)
        await page.reload()
        await maria.alive()
        await expect(row(page, product, "anna").locator("[data-state=wrap_up]")).to_be_visible()
        await expect(row(page, product, "anna")).not_to_have_attribute("data-call", call_id or "")
        await expect(row(page, product, "anna").locator("td.listen [data-listen]")).to_have_count(0)
        await page.locator("#board-stop-button").click()
        await expect(page.locator("#board-stopped .alert")).to_contain_text("1 ")
        async with product.database.unit_of_work(Actor(product.people["anna"], "anna", Role.CONSULTANT)) as uow:
            await calls.set_agent_state(uow, "ready")
        for _ in range(3):
            await dialer.tick()
        assert len(dialled(product)) == 2, "nothing new rings"
        assert not [each for each in product.phone.commands if isinstance(each, HangUpLeg)], "what rings is not hung up"
        await look(page, f"watch-stopped-{language[:2]}")
        await let_the_last_ring_out(product, page, first, english=english)
        await page.goto(f"{at}/decisions")
        await maria.audio()
        await see_decisions(page, f"watch-decisions-{language[:2]}", english=english)
        assert maria.problems == []


async def accessible(page: Page, name: str) -> None:
    assert await axe.violations(page) == []
    await look(page, name)


def lose_connection(product: Product) -> None:
    for sockets in product.live._sockets.values():
        for socket in sockets:
            socket.end(RESTARTING, "restarting")


async def let_the_last_ring_out(product: Product, page: Page, first: Originate, *, english: bool) -> None:
    product.phone.ring_time_out(next(each.leg_id for each in dialled(product) if each is not first))
    await expect(page.locator("#board-stopped")).to_contain_text("no line rings" if english else "żadna linia nie dzwoni")
    assert await axe.violations(page) == []


async def see_decisions(page: Page, name: str, *, english: bool) -> None:
    await expect(page.locator("table.decisions tbody tr").first).to_contain_text("the same" if english else "tak samo")
    await page.locator("table.decisions summary").first.click()
    await accessible(page, name)


@pytest.mark.parametrize(("language", "width"), [("en-GB", 360), ("pl-PL", 1440)])
async def test_a_day_is_rehearsed(product: Product, browser: Browser, language: str, width: int) -> None:
    spring, english = await campaign(product), language == "en-GB"
    await speak(product, language)
    async with product.database.unit_of_work() as uow:
        (await uow.session.get_one(Campaign, spring)).hours = {"2": [["12:00", "12:20"]]}  # a day that is soon lived through
    async with desk(browser, product.url, width=width, locale=language) as maria:
        page = maria.page
        await maria.sign_in("maria", PASSWORD)
        await page.goto(f"{product.url}/campaigns/{spring}/rehearsal")
        await maria.audio()
        await expect(page.locator("#main")).to_contain_text("assumed" if english else "założone")
        await page.locator("form[action$='/rehearsal'] button").click()
        await expect(page.locator("#rehearsal-result")).to_contain_text("5 days" if english else "5 dni", timeout=60_000)
        await expect(page.locator("#rehearsal-result tbody tr")).to_have_count(7)
        await accessible(page, f"rehearsal-{language[:2]}")
        assert maria.problems == []


@pytest.mark.parametrize("language", ["en-GB", "pl-PL"])
async def test_a_full_board_and_one_that_went_wrong(product: Product, browser: Browser, language: str) -> None:
    spring = await campaign(product)
    await crowd(product, spring)
    await speak(product, language)
    async with desk(browser, product.url, locale=language) as maria:
        page = maria.page
        await maria.sign_in("maria", PASSWORD)
        await page.goto(f"{product.url}/campaigns/{spring}/watch")
        await maria.audio()
        await expect(page.locator("tr[data-agent]")).to_have_count(50)
        await accessible(page, f"watch-full-{language[:2]}")
        await page.locator("#board-period-title").scroll_into_view_if_needed()
        await look(page, f"watch-plot-{language[:2]}")
        assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        async with product.database.unit_of_work() as uow:
            period = await uow.session.get_one(CampaignPeriod, (spring, _today()))
            period.abandoned = 60
            inputs = {"stopped": "trunk_down"}
            uow.session.add(PacingDecision(campaign_id=spring, at=uow.now, lines=0, why="trunk_down", inputs=inputs))
        await expect(page.locator("#board-abandoned.text-red")).to_be_visible()
        await page.set_viewport_size({"width": 360, "height": 800})
        assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        await accessible(page, f"watch-wrong-{language[:2]}")
        assert maria.problems == []


def _today() -> dt.date:
    return clock.now().astimezone(dt.timezone(dt.timedelta(hours=1))).date()


async def crowd(product: Product, campaign_id: int, people: int = 50) -> None:
    """Let fifty people serve the campaign, each in some state, with a morning behind them."""
    draw = random.Random(7)
    outcomes = ["talked"] * 6 + ["no_answer"] * 8 + ["machine"] * 3 + ["busy"] * 2 + ["failed", "abandoned"]
    async with product.database.unit_of_work() as uow:
        for n in range(people):
            user = User(login=f"c{n}", name=f"Consultant Number {n}", role="consultant", password_hash="", created_at=uow.now)
            uow.session.add(user)
            await uow.session.flush()
            uow.session.add(Membership(project_id=1, user_id=user.id))
            state = draw.choice(["ready", "on_call", "on_call", "on_call", "wrap_up", "break"])
            since = uow.now - dt.timedelta(seconds=draw.randrange(400))
            call_id = f"going{n}" if state == "on_call" else None
            uow.session.add(
                Agent(user_id=user.id, state=state, since=since, ready_since=since, call_id=call_id, station_live=True)
            )
            for k in range(8):
                outcome, started = draw.choice(outcomes), uow.now - dt.timedelta(minutes=draw.randrange(230))
                going = call_id if k == 0 else None
                talked = outcome == "talked" or going
                attempt = {
                    "id": going or f"over{n}-{k}",
                    "campaign_id": campaign_id,
                    "lead_id": 1,
                    "number": f"+4850{n:03}{k:04}",
                    "mode": "predictive",
                    "user_id": user.id if talked else None,
                    "state": draw.choice(["talking", "dialling"]) if going else "over",
                    "outcome": "" if going else outcome,
                    "started_at": started,
                    "bridged_at": started if talked else None,
                    "waited_seconds": float(draw.randrange(90)) if talked else None,
                }
                uow.session.add(LeadAttempt(**attempt))
                seconds = draw.randrange(20, 500)
                ended = None if going else started + dt.timedelta(seconds=seconds)
                uow.session.add(
                    Call(
                        id=str(attempt["id"]),
                        direction="outbound",
                        state="talking" if going else "ended",
                        started_at=started,
                        ended_at=ended,
                        talk_seconds=seconds if talked and ended else None,
                        wrapped_at=ended + dt.timedelta(seconds=25) if ended else None,
                    )
                )
        uow.session.add(
            CampaignPeriod(
                campaign_id=campaign_id,
                period=_today(),
                dialled=1600,
                answered=800,
                connected=781,
                abandoned=19,
                machines=210,
                no_answers=480,
                busies=90,
                failures=20,
            )
        )
        inputs = {"horizons": [26.5], "ready": 7, "free": [5.21], "people": [8.4], "line": [0.4], "waiting": 0}
        uow.session.add(PacingDecision(campaign_id=campaign_id, at=uow.now, lines=6, why="paced", inputs=inputs))

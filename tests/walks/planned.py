"""What walks of the calendar and the roster begin with: people with hours, meetings on the Monday after next."""

import datetime as dt
from zoneinfo import ZoneInfo

from callcenter import clock
from callcenter.actor import Actor
from callcenter.meetings import service as meetings
from callcenter.meetings import settings as rules
from callcenter.meetings.forms import MeetingInput, MeetingOut, SettingsInput
from callcenter.projects import service as projects
from callcenter.roster import service as roster
from callcenter.roster.service import AbsenceInput, ShiftInput
from callcenter.users import service as users
from callcenter.users.models import User
from tests.walks.product import JAN, Product

WARSAW = ZoneInfo("Europe/Warsaw")
ALL_DAY = {str(day): [("00:00", "24:00")] for day in range(7)}


def monday() -> dt.date:
    """The Monday after next: no window of it is past, whenever the test runs."""
    today = clock.now().astimezone(WARSAW).date()
    return today + dt.timedelta(days=14 - today.weekday())


def at(hour: int, minute: int = 0, days: int = 0) -> dt.datetime:
    """A time of that Monday, as the clocks in Warsaw show it."""
    return dt.datetime.combine(monday() + dt.timedelta(days=days), dt.time(hour, minute), WARSAW)


async def person(product: Product, login: str) -> Actor:
    """Return somebody who acts."""
    async with product.database.reading() as uow:
        user = await uow.session.get(User, product.people[login])
        assert user is not None
        return users.actor_of(user)


async def plan(product: Product, name: str, begin: dt.datetime, login: str | None = "anna", minutes: int = 60) -> MeetingOut:
    """Plan a meeting for somebody, or for nobody yet."""
    data = MeetingInput(
        name=name,
        number=JAN,
        from_at=begin,
        to_at=begin + dt.timedelta(minutes=minutes),
        project_id=1,
        user_id=product.people[login] if login else None,
    )
    async with product.database.unit_of_work(await person(product, "maria")) as uow:
        return await meetings.plan(uow, data)


async def stored(product: Product, meeting_id: int) -> MeetingOut:
    """Return a meeting as the database has it."""
    async with product.database.reading() as uow:
        return await meetings.get(uow, meeting_id)


async def staff(product: Product) -> None:
    """Allow meetings in the project; Anna works 8 to 16, Piotr is there always but for an afternoon."""
    piotr = product.people["piotr"]
    async with product.database.unit_of_work(await person(product, "maria")) as uow:
        await projects.set_members(uow, 1, [product.people["anna"], piotr])
        await rules.set_settings(uow, 1, SettingsInput(hours=ALL_DAY))
        week = [ShiftInput(weekday=day, from_time="08:00", to_time="16:00") for day in range(5)]
        await roster.set_shifts(uow, product.people["anna"], week)
        await roster.add_absence(uow, piotr, AbsenceInput(from_at=at(12), to_at=at(15), reason="Dentist"))

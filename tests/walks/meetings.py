"""Meetings for walks: a project that may hold them, and meetings that are due now."""

import datetime as dt
import math
import struct
import wave
from pathlib import Path

from callcenter import clock
from callcenter.actor import EVERY_ACCOUNT, Actor, Role
from callcenter.meetings import due, settings
from callcenter.meetings import service as meetings
from callcenter.meetings.forms import MeetingInput, MeetingOut, SettingsInput
from callcenter.meetings.models import Meeting
from callcenter.projects import service as projects
from tests.walks.product import JAN, Product

ALWAYS = {str(day): [("00:00", "24:00")] for day in range(7)}
HELPLINE, JAN_ID = 1, 1


async def allow(product: Product, **rules: object) -> None:
    """Let the project hold meetings at any hour; Anna and Piotr serve it."""
    people = [product.people["anna"], product.people["piotr"]]
    async with product.database.unit_of_work() as uow:
        await projects.set_members(uow, HELPLINE, people)
        await settings.set_settings(uow, HELPLINE, SettingsInput.model_validate({"hours": ALWAYS, **rules}))


async def plan(
    product: Product, *, user: str | None = "anna", minutes: float = 0, length: float = 30, **given: object
) -> MeetingOut:
    """Plan a meeting with Jan that begins in `minutes` (0: it is due at once)."""
    start = clock.now() + dt.timedelta(minutes=minutes)
    plain = {"number": JAN, "from_at": start, "to_at": start + dt.timedelta(minutes=length), "project_id": HELPLINE}
    whose = {"user_id": product.people[user] if user else None, "contact_id": JAN_ID}
    maria = Actor(user_id=product.people["maria"], name="Maria Zając", role=Role.SUPERVISOR, accounts=EVERY_ACCOUNT)
    async with product.database.unit_of_work(maria) as uow:
        return await meetings.plan(uow, MeetingInput.model_validate(plain | whose | given))


async def state(product: Product, meeting_id: int) -> str:
    """Return where a meeting stands."""
    async with product.database.reading() as uow:
        return (await meetings.get(uow, meeting_id)).state


async def let_pass(product: Product, meeting_id: int) -> None:
    """Let a meeting's window be over now, and wake who looks at it."""
    now = clock.now()
    async with product.database.unit_of_work() as uow:
        meeting = await uow.session.get_one(Meeting, meeting_id)
        meeting.from_at, meeting.to_at = now - dt.timedelta(minutes=30), now
        await due.schedule(uow, meeting)


def write_announcement(file: Path, *, seconds: int = 1, hertz: float = 0) -> Path:
    """Write a tone (0: silence) as announcements are: 8 kHz, 16 bit, mono."""
    samples = [round(12_000 * math.sin(2 * math.pi * hertz * n / 8000)) for n in range(8000 * seconds)]
    with wave.open(str(file), "wb") as target:
        target.setnchannels(1)
        target.setsampwidth(2)
        target.setframerate(8000)
        target.writeframes(struct.pack(f"<{len(samples)}h", *samples))
    return file

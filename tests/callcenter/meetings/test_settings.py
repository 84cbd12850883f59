"""A project's rules for phone meetings: who sets them, what they may be, who serves, what is played."""

import io
import wave
from typing import Any

import pytest

from callcenter.errors import Conflict, Invalid, NotFound, NotPermitted
from callcenter.meetings import settings
from callcenter.meetings.forms import SettingsInput, SettingsOut
from callcenter.users.models import User
from tests.callcenter.calls.floor import DIALLED, Floor
from tests.callcenter.meetings.office import ALWAYS


def given(**fields: Any) -> SettingsInput:
    return SettingsInput.model_validate({"hours": ALWAYS, **fields})


async def stored(office: Floor, who: str = "sue", **fields: Any) -> SettingsOut:
    found = await office.do(who, settings.set_settings, office.project_id, given(**fields))
    assert isinstance(found, SettingsOut)
    return found


async def test_rules_are_kept_and_read_by_members(office: Floor) -> None:
    bob = office.people["bob"].id
    made = await stored(office, served_by=[bob, bob], hours={"0": [("14:00", "24:00"), ("09:00", "12:30")], "1": []}, attempts=5)
    assert (made.served_by, made.attempts) == ([bob], 5)
    assert made.hours == {"0": [("09:00", "12:30"), ("14:00", "24:00")]}
    assert await office.do("anna", settings.get_settings, office.project_id) == made
    assert await office.do("sue", settings.servers, office.project_id) == [bob]
    with pytest.raises(NotPermitted):
        await stored(office, "anna")
    with pytest.raises(NotFound):
        await office.do("sue", settings.set_settings, 99_999, given())


async def test_everybody_who_may_sign_in_serves_unless_some_are_chosen(office: Floor) -> None:
    async with office.database.unit_of_work() as uow:
        (await uow.session.get_one(User, office.people["bob"].id)).disabled_at = uow.now
    expected = [office.people["anna"].id, office.people["celia"].id]
    assert await office.do("sue", settings.servers, office.project_id) == expected


@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("hours", {"hours": {}}),
        ("hours", {"hours": {"0": []}}),
        ("hours", {"hours": {"0": [("9:00", "17:00")]}}),
        ("hours", {"hours": {"0": [("09:00", "25:00")]}}),
        ("hours", {"hours": {"0": [("09:00", "24:01")]}}),
        ("hours", {"hours": {"0": [("09:60", "10:00")]}}),
        ("hours", {"hours": {"0": [("17:00", "09:00")]}}),
        ("hours", {"hours": {"0": [("09:00", "12:00"), ("11:00", "13:00")]}}),
        ("time_zone", {"time_zone": "Mars/Olympus"}),
        ("served_by", {"served_by": [99_999]}),
        ("trunk_id", {"trunk_id": 99_999}),
        ("caller_id", {"caller_id": "+48601000000"}),
    ],
)
async def test_rules_that_cannot_be_are_refused(office: Floor, field: str, fields: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as error:
        await stored(office, **fields)
    assert error.value.field == field


async def test_who_does_not_serve_the_project_cannot_serve_its_meetings(office: Floor) -> None:
    for user_id in (office.people["sue"].id,):
        with pytest.raises(Invalid, match="Sue does not serve this project"):
            await stored(office, served_by=[user_id])
    assert (await stored(office, caller_id="22 123 45 67", trunk_id=office.trunk_id)).caller_id == DIALLED


def sound(seconds: float = 1, rate: int = 8000, channels: int = 1) -> bytes:
    held = io.BytesIO()
    with wave.open(held, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(b"\0\0" * channels * int(seconds * rate))
    return held.getvalue()


async def test_an_announcement_is_kept_until_it_is_taken_away(office: Floor) -> None:
    made = await office.do("sue", settings.set_announcement, office.project_id, sound())
    async with office.database.reading(office.people["anna"]) as uow:
        path = await settings.announcement_file(uow, office.project_id)
    assert path.read_bytes() == sound()
    assert path.name == made.announcement
    assert (await stored(office, attempts=2)).announcement == made.announcement
    assert (await office.do("sue", settings.set_announcement, office.project_id, None)).announcement == ""
    with pytest.raises(NotFound):
        async with office.database.reading(office.people["sue"]) as uow:
            await settings.announcement_file(uow, office.project_id)
    for wrong in (b"no sound", sound(2)[:-100], sound(61), sound(rate=44100), sound(channels=2), sound(0)):
        with pytest.raises(Invalid) as error:
            await office.do("sue", settings.set_announcement, office.project_id, wrong)
        assert error.value.field == "announcement"
    with pytest.raises(NotPermitted):
        await office.do("anna", settings.set_announcement, office.project_id, None)


async def test_an_announcement_needs_rules_first(office: Floor) -> None:
    async with office.database.unit_of_work() as uow:
        await uow.session.delete(await settings.rules_of(uow, office.project_id))
    with pytest.raises(Conflict):
        await office.do("sue", settings.set_announcement, office.project_id, sound())
    assert await office.do("anna", settings.get_settings, office.project_id) is None

"""The floor of the calls' tests, with a trunk that sends text messages."""

import pytest

from callcenter.db import Database
from callcenter.trunks.models import Trunk
from tests.callcenter.calls.floor import DIALLED, Floor, open_floor

MOBILE = "+48732000111"  # the first number of the trunk that sends


async def add_sending_trunk(floor: Floor, name: str = "Twilio", numbers: tuple[str, ...] = (MOBILE, DIALLED)) -> int:
    """Write a trunk that can send from these numbers."""
    async with floor.database.unit_of_work() as uow:
        trunk = Trunk(name=name, kind="twilio", host="", caller_ids=list(numbers), state_at=None, created_at=uow.now)
        uow.session.add(trunk)
        await uow.session.flush()
        return trunk.id


@pytest.fixture
async def floor(database: Database) -> Floor:
    """Open a floor; its project calls out over a SIP trunk, and the one trunk that sends has its caller id, too."""
    return await open_floor(database)


@pytest.fixture
async def sender(floor: Floor) -> int:
    """Add the trunk that sends; returns its id."""
    return await add_sending_trunk(floor)

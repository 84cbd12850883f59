"""The floor tests of campaigns act on."""

import pytest

from callcenter.db import Database
from tests.callcenter.calls.floor import Floor, open_floor


@pytest.fixture
async def floor(database: Database) -> Floor:
    """Open a floor with three consultants and a supervisor, on each kind of database."""
    return await open_floor(database)

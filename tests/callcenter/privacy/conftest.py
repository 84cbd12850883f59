"""The office that the tests of personal data act on."""

import pytest

from callcenter.db import Database
from tests.callcenter.calls.floor import Floor
from tests.callcenter.meetings.office import open_office


@pytest.fixture
async def office(database: Database) -> Floor:
    """Open an office, on each kind of database."""
    return await open_office(database)

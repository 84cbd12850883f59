"""The office most tests of phone meetings act on, and the mail server of those that invite."""

from collections.abc import AsyncIterator

import pytest

from callcenter.db import Database
from tests.callcenter.calls.floor import Floor
from tests.callcenter.meetings.office import open_office
from tests.callcenter.messages import post as posts
from tests.callcenter.messages.post import Post


@pytest.fixture
async def office(database: Database) -> Floor:
    """Open an office with three consultants and a supervisor, on each kind of database."""
    return await open_office(database)


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    """Run a mail server that keeps what it gets."""
    async with posts.running() as found:
        yield found

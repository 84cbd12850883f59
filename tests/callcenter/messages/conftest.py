"""A mail server, and a database whose settings name it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from callcenter.actor import EVERY_ACCOUNT
from callcenter.config import Settings
from callcenter.db import Database
from callcenter.users.models import User
from tests.callcenter.messages import post as posts
from tests.callcenter.messages.post import Post

SENDER = "Infolinia Żółw <post@example.com>"


def settings_for(folder: Path, port: int, **more: Any) -> Settings:
    """Return settings that send through 127.0.0.1:port, in the clear unless told otherwise."""
    given = {"smtp": f"127.0.0.1:{port}", "smtp_tls": "none", "smtp_from": SENDER} | more
    return Settings(data_dir=folder, _env_file=None, **given)


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    async with posts.running() as found:
        yield found


@pytest.fixture
def mailing(database: Database, post: Post, tmp_path: Path) -> Database:
    """The database, its mails go to `post`."""
    database.settings = settings_for(tmp_path, post.port)
    return database


async def add_person(database: Database, login: str = "anna", role: str = "consultant") -> int:
    async with database.unit_of_work() as uow:
        user = User(
            login=login, name=login.title(), role=role, accounts=sorted(EVERY_ACCOUNT), password_hash="", created_at=uow.now
        )
        uow.session.add(user)
        await uow.session.flush()
        return user.id

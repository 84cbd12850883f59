"""Fixtures of the web: an application over a real database, people with tokens and sessions, and clients as they are."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette

from callcenter import clock
from callcenter.actor import EVERY_ACCOUNT, AccountRole, Role
from callcenter.config import Settings
from callcenter.db import Committed, Database
from callcenter.phone_fake import FakePhone
from callcenter.users.models import Session, Token, User
from callcenter.users.sessions import TOKEN_PREFIX, hash_secret
from webui.app import create_app
from webui.live import LiveHub


@dataclass(frozen=True, slots=True)
class Person:
    """A user of the tests, with a bearer token and a session cookie."""

    id: int
    login: str
    role: Role
    token: str
    cookie: str
    session_id: int

    @property
    def bearer(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}

    @property
    def cookies(self) -> dict[str, str]:
        return {"cookie": f"callcenter_session={self.cookie}"}


@dataclass(slots=True)
class Site:
    """The application and what stands behind it."""

    app: Starlette
    database: Database
    phone: FakePhone
    live: LiveHub
    settings: Settings

    def client(self, headers: dict[str, str] | None = None) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False, client=("127.0.0.1", 1234))
        return httpx.AsyncClient(transport=transport, base_url="http://testserver", headers=headers or {})

    async def person(
        self,
        login: str,
        role: Role = Role.CONSULTANT,
        language: str = "en",
        accounts: Iterable[AccountRole] = EVERY_ACCOUNT,
    ) -> Person:
        token, cookie = TOKEN_PREFIX + clock.new_id(), clock.new_id()
        async with self.database.unit_of_work() as uow:
            user = User(
                login=login,
                name=login.title(),
                role=role.value,
                accounts=sorted(accounts),
                password_hash="",
                language=language,
                created_at=uow.now,
            )
            uow.session.add(user)
            await uow.session.flush()
            uow.session.add(Token(user_id=user.id, token_hash=hash_secret(token), created_at=uow.now, used_at=uow.now))
            session = Session(
                user_id=user.id,
                token_hash=hash_secret(cookie),
                created_at=uow.now,
                seen_at=uow.now,
                expires_at=uow.now + dt.timedelta(hours=1),
            )
            uow.session.add(session)
            await uow.session.flush()
            return Person(user.id, login, role, token, cookie, session.id)


@pytest.fixture
async def site(database: Database, tmp_path: Path) -> Site:
    """Build the application on each database; its listeners are wired as in the web process."""
    settings = Settings(data_dir=tmp_path, demo=True, _env_file=None)
    database.settings = settings
    phone = FakePhone()
    live = LiveHub(database)

    def send(committed: Committed) -> None:
        for command in committed.commands:
            phone.send(command)

    database.after_commit.extend([send, live.publish])
    return Site(create_app(settings, database, phone, live), database, phone, live, settings)


@pytest.fixture
async def consultant(site: Site) -> Person:
    return await site.person("anna")


@pytest.fixture
async def supervisor(site: Site) -> Person:
    return await site.person("sofia", Role.SUPERVISOR)


@pytest.fixture
async def administrator(site: Site) -> Person:
    return await site.person("adam", Role.ADMINISTRATOR)


@pytest.fixture
async def served(site: Site) -> AsyncIterator[str]:
    """Serve the application on a free port; yields HOST:PORT."""
    async with serving(site) as address:
        yield address


@asynccontextmanager
async def serving(site: Site) -> AsyncIterator[str]:
    config = uvicorn.Config(
        site.app, host="127.0.0.1", port=0, log_config=None, access_log=False, ws="websockets-sansio", ws_max_size=16384
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server._serve())
    while not server.started:
        await asyncio.sleep(0.01)
        assert not task.done(), task
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task

"""STARTTLS, TLS from the first byte, sign-in: and no way back to the clear, no secret in the logs."""

from pathlib import Path
from typing import Any

import pytest
import structlog

from callcenter import clock
from callcenter.db import Database
from callcenter.messages import service
from callcenter.messages.mailer import Mailer
from callcenter.messages.models import Mail
from tests.callcenter.messages import post as posts
from tests.callcenter.messages.conftest import settings_for

SIGN_IN = {"smtp_user": posts.NAME, "smtp_password": posts.PASSWORD}


async def send(database: Database, folder: Path, port: int, **more: Any) -> Mail:
    database.settings = settings_for(folder, port, **more)
    async with database.unit_of_work() as uow:
        mail = await service.queue_mail(uow, "jan@example.org", "Test", "x")
    await Mailer(database).run_due()
    async with database.reading() as uow:
        return await uow.session.get_one(Mail, mail.id)


async def test_starttls_and_sign_in(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context, trusted = posts.certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    async with posts.running(starttls=context, auth=True) as post:
        mail = await send(database, tmp_path, post.port, smtp_tls="starttls", **SIGN_IN)
        assert (mail.state, mail.error) == ("sent", "")
        assert post.encrypted == [True]
        assert len(post.signed_in) == 1


async def test_tls_from_the_first_byte_and_sign_in(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context, trusted = posts.certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    async with posts.running(tls=context, auth=True) as post:
        mail = await send(database, tmp_path, post.port, smtp_tls="tls", **SIGN_IN)
        assert (mail.state, mail.error) == ("sent", "")
        assert post.encrypted == [True]
        assert len(post.signed_in) == 1


async def test_a_certificate_nobody_vouches_for_ends_it(database: Database, tmp_path: Path) -> None:
    context, _ = posts.certificate(tmp_path)
    async with posts.running(starttls=context) as post:
        mail = await send(database, tmp_path, post.port, smtp_tls="starttls")
        assert (mail.state, post.received) == ("queued", [])
        assert "certificate" in mail.error
    async with posts.running(tls=context) as post:
        mail = await send(database, tmp_path, post.port, smtp_tls="tls")
        assert (mail.state, post.received) == ("queued", [])
        assert "certificate" in mail.error.lower()


async def test_a_server_without_starttls_gets_nothing_in_the_clear(database: Database, tmp_path: Path) -> None:
    async with posts.running() as post:
        mail = await send(database, tmp_path, post.port, smtp_tls="starttls")
        assert (mail.state, post.received) == ("queued", [])
        assert "STARTTLS" in mail.error.upper()


async def test_a_wrong_password_is_no_mails_fault_and_stands_in_no_log(database: Database, tmp_path: Path) -> None:
    secret = "wrong but secret"
    with structlog.testing.capture_logs() as logs:
        async with posts.running(auth=True) as post:
            mail = await send(database, tmp_path, post.port, smtp_user=posts.NAME, smtp_password=secret)
            assert (mail.state, mail.tries) == ("queued", 1)
            assert mail.error.startswith("535")
            clock.shift(61)
            database.settings = settings_for(tmp_path, post.port, **SIGN_IN)
            await Mailer(database).run_due()
            assert len(post.received) == 1, "mended, it goes out"
    assert logs
    assert secret not in str(logs)
    assert posts.PASSWORD not in str(logs)
    assert secret not in mail.error
    assert posts.PASSWORD not in repr(database.settings)

"""Sessions, tokens, forged requests, foreign hosts, headers: what stands before every address."""

import datetime as dt

import httpx
import pytest
from sqlalchemy import update
from sqlalchemy.exc import OperationalError

from callcenter.actor import Actor, Role
from callcenter.config import Settings
from callcenter.users import service as users
from callcenter.users.models import Session, Token, User
from tests.webui.conftest import Person, Site
from webui import security


async def test_every_response_carries_a_policy_that_allows_nothing_foreign(site: Site) -> None:
    async with site.client() as client:
        for path in ("/livez", "/api/v1/me", "/nothing", "/static/none.js"):
            answer = await client.get(path)
            policy = answer.headers["content-security-policy"]
            assert "default-src 'self'" in policy
            assert "'unsafe" not in policy
            assert "frame-ancestors 'none'" in policy
            assert "connect-src 'self' ws://testserver" in policy
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["referrer-policy"] == "same-origin"
            assert answer.headers["permissions-policy"].startswith("microphone=(self)")
            assert answer.headers["x-request-id"]


async def test_a_host_header_cannot_add_words_to_the_policy(site: Site) -> None:
    async with site.client() as client:
        answer = await client.get("/livez", headers={"host": "evil; script-src *"})
    assert "*" not in answer.headers["content-security-policy"]


async def test_nobody_gets_401_from_the_api_and_the_sign_in_page_from_a_page(site: Site) -> None:
    async with site.client() as client:
        answer = await client.get("/api/v1/me")
        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == "not_signed_in"
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_token_and_a_session_both_say_who_asks(site: Site, consultant: Person) -> None:
    async with site.client() as client:
        for headers in (consultant.bearer, consultant.cookies):
            answer = await client.get("/api/v1/me", headers=headers)
            assert answer.status_code == 200, answer.text
            assert answer.json()["user"]["login"] == "anna"


@pytest.mark.parametrize("how", ["revoked", "expired", "disabled", "unknown", "empty", "giant"])
async def test_an_ended_session_is_nobody(site: Site, consultant: Person, how: str) -> None:
    cookie = consultant.cookie
    async with site.database.unit_of_work() as uow:
        if how == "revoked":
            await uow.session.execute(update(Session).values(revoked_at=uow.now))
        if how == "expired":
            await uow.session.execute(update(Session).values(expires_at=uow.now - dt.timedelta(seconds=1)))
        if how == "disabled":
            await uow.session.execute(update(User).values(disabled_at=uow.now))
    cookie = {"unknown": "x", "empty": "", "giant": "x" * 5000}.get(how, cookie)
    async with site.client() as client:
        assert (await client.get("/api/v1/me", headers={"cookie": f"callcenter_session={cookie}"})).status_code == 401


async def test_a_revoked_token_is_nobody(site: Site, consultant: Person) -> None:
    async with site.database.unit_of_work() as uow:
        await uow.session.execute(update(Token).values(revoked_at=uow.now))
    async with site.client(consultant.bearer) as client:
        assert (await client.get("/api/v1/me")).status_code == 401
        assert (await client.get("/api/v1/me", headers={"authorization": "Bearer"})).status_code == 401


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "same-origin", "origin": "http://testserver"}, True),
        ({"origin": "http://testserver"}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"sec-fetch-site": "cross-site", "origin": "http://testserver"}, False),
        ({"sec-fetch-site": "same-site", "origin": "http://other.testserver"}, False),
        ({"sec-fetch-site": "none", "origin": "http://evil.example"}, False),
        ({"origin": "http://evil.example"}, False),
        ({"origin": "https://testserver"}, False),
        ({"origin": "http://testserver:81"}, False),
        ({"origin": "null"}, False),
        ({}, False),
    ],
)
async def test_an_unsafe_request_with_a_cookie_must_come_from_our_own_pages(
    site: Site, consultant: Person, headers: dict[str, str], allowed: bool
) -> None:
    async with site.client(consultant.cookies) as client:
        answer = await client.put("/api/v1/me/preferences", json={"language": "pl"}, headers=headers)
    assert (answer.status_code == 200) is allowed, answer.text
    if not allowed:
        assert answer.json()["error"]["code"] == "not_permitted"


async def test_a_bearer_request_needs_no_origin(site: Site, consultant: Person) -> None:
    async with site.client(consultant.bearer) as client:
        assert (await client.put("/api/v1/me/preferences", json={"language": "pl"})).status_code == 200


def test_with_a_public_address_only_its_name_and_addresses_are_ours() -> None:
    open_settings = Settings(_env_file=None)
    named = Settings(public_url="https://calls.example.com", _env_file=None)
    assert security.allowed_host("anything:8000", open_settings)
    assert not security.allowed_host("", open_settings)
    assert not security.allowed_host("[broken", open_settings)
    for host, ours in {
        "calls.example.com": True,
        "CALLS.example.com:443": True,
        "localhost:8000": True,
        "127.0.0.1:8000": True,
        "[::1]:8000": True,
        "evil.example": False,
        "calls.example.com.evil.example": False,
    }.items():
        assert security.allowed_host(host, named) is ours, host


async def test_cookies_are_http_only_and_secure_behind_tls(site: Site) -> None:
    async with site.client() as client:
        assert "strict-transport-security" not in (await client.get("/livez")).headers
    from starlette.responses import Response

    response = Response()
    security.start_session(response, "secret", Settings(public_url="https://calls.example.com", _env_file=None))
    cookie = response.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "secure" in cookie


async def test_a_body_over_the_limit_is_413_with_and_without_a_length(site: Site, consultant: Person) -> None:
    async def parts() -> object:
        for _ in range(20):
            yield b"x" * 100_000

    async with site.client(consultant.bearer | {"content-type": "application/json"}) as client:
        told = await client.post("/api/v1/calls", content=b"x" * 2_000_000)
        untold = await client.post("/api/v1/calls", content=parts())  # type: ignore[arg-type]
    for answer in (told, untold):
        assert answer.status_code == 413
        assert answer.json()["error"]["code"] == "too_large"


async def test_errors_speak_the_persons_language_or_the_browsers(site: Site, consultant: Person) -> None:
    polish = await site.person("piotr", language="pl")
    async with site.client() as client:
        signed_in = await client.get("/api/v1/nothing", headers=polish.bearer | {"accept-language": "en"})
        browser = await client.get("/api/v1/nothing", headers={"accept-language": "de, pl-PL;q=0.9, en;q=0.5"})
        english = await client.get("/api/v1/nothing", headers=consultant.bearer)
    assert english.json()["error"]["sentence"] == "There is nothing at this address."
    assert signed_in.json() == browser.json()
    assert signed_in.json() != english.json()


async def test_wrong_methods_are_told_all_the_right_ones(site: Site, consultant: Person) -> None:
    async with site.client(consultant.bearer) as client:
        answer = await client.delete("/api/v1/contacts")
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD", "POST"}


async def test_a_crash_is_a_reference_for_the_person_and_a_trace_for_the_log(
    site: Site, consultant: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("webui.health.text", broken)
    async with site.client() as client:
        answer = await client.get("/readyz")
    assert answer.status_code == 500
    assert answer.headers["x-request-id"] in answer.json()["error"]["sentence"]
    assert "secret detail" not in answer.text
    assert answer.headers["content-security-policy"]


@pytest.fixture
def gone(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the database away."""

    def reading(*_: object) -> None:
        raise OperationalError("SELECT secret", {}, Exception("server closed the connection unexpectedly"))

    monkeypatch.setattr(site.database, "reading", reading)


async def test_a_database_that_is_gone_is_503_with_a_sentence(site: Site, consultant: Person, gone: None) -> None:
    async with site.client(consultant.bearer) as client:
        answer = await client.get("/api/v1/me")
        assert answer.status_code == 503
        assert answer.json()["error"]["code"] == "unavailable"
        page = await client.get("/")
        assert page.status_code == 503
        assert "secret" not in answer.text + page.text
        ready = (await client.get("/readyz", headers={"authorization": ""})).json()
        assert ready["checks"]["database"]["ok"] is False
        assert (await client.get("/livez")).status_code == 200


async def test_a_proxys_public_address_is_our_origin_too(site: Site, consultant: Person) -> None:
    site.app.state.settings = site.settings.model_copy(update={"public_url": "https://calls.example.com"})
    async with site.client(consultant.cookies) as client:
        for origin, status in {"https://calls.example.com": 200, "https://calls.example.org": 403, "http://[": 403}.items():
            answer = await client.put("/api/v1/me/preferences", json={"theme": "dark"}, headers={"origin": origin})
            assert answer.status_code == status, origin


async def test_signing_in_gives_a_session_and_too_many_failures_wait(site: Site) -> None:
    administrator = Actor(None, "test", Role.SYSTEM)
    await users.add_user(site.database, administrator, "anna", "Anna", "consultant", "correct horse battery")
    origin = {"origin": "http://testserver"}
    async with site.client(origin) as client:
        right = {"login": "anna", "password": "correct horse battery"}
        opened = await client.post("/sign-in", data=right)
        assert opened.status_code == 303
        assert "httponly" in opened.headers["set-cookie"].lower()
        assert (await client.get("/api/v1/me")).json()["user"]["login"] == "anna"
        assert (await client.post("/sign-out")).status_code == 303
        assert (await client.get("/api/v1/me")).status_code == 401
        statuses = [(await client.post("/sign-in", data=right | {"password": "wrong"})).status_code for _ in range(6)]
        assert statuses == [401] * 5 + [429]
        assert (await client.post("/sign-in", data=right)).status_code == 429
    async with site.client() as client:
        assert (await client.post("/sign-in", data=right)).status_code == 403


async def test_real_servers_answer_the_same(site: Site, served: str) -> None:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"http://{served}/livez")
    assert answer.text == "ok\n"

"""The administrators' list of e-mails: what waits and what failed, trying again, a test; on pages and by the API."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from callcenter.messages import service
from callcenter.messages.mailer import Mailer
from tests.callcenter.messages import post as posts
from tests.callcenter.messages.conftest import settings_for
from tests.callcenter.messages.post import Post
from tests.webui.conftest import Person, Site

SAME = {"sec-fetch-site": "same-origin"}


@pytest.fixture
async def post(site: Site) -> AsyncIterator[Post]:
    """A mail server the site's settings name."""
    async with posts.running() as found:
        settings = settings_for(site.settings.data_dir, found.port)
        site.database.settings = site.app.state.settings = site.settings = settings
        yield found


async def queue(site: Site, to: str, **more: Any) -> int:
    async with site.database.unit_of_work() as uow:
        return (await service.queue_mail(uow, to, "Offer <b>", "x", **more)).id


async def test_what_failed_is_shown_with_the_servers_words_and_can_be_tried_again(
    site: Site, post: Post, administrator: Person
) -> None:
    post.answers["RCPT"] = ["550 <i>No such user</i>"]
    mail_id = await queue(site, "jan@example.org", about="phone_meeting", about_id="12")
    worker = Mailer(site.database)
    await worker.run_due()
    async with site.client(administrator.cookies | SAME) as client:
        page = await client.get("/messages?state=failed")
        assert page.status_code == 200
        assert "550 &lt;i&gt;No such user&lt;/i&gt;" in page.text
        assert "Offer &lt;b&gt;" in page.text
        assert 'href="/meetings/12"' in page.text
        assert "jan@example.org" not in (await client.get("/messages/rows?state=queued")).text
        assert (await client.post(f"/messages/{mail_id}/again")).status_code == 303
        await worker.run_due()
        assert len(post.received) == 1
        again = await client.post(f"/messages/{mail_id}/again")
        assert (again.status_code, "was sent already" in again.text) == (409, True)
        assert (await client.post("/messages/999999/again")).status_code == 404
        assert "jan@example.org" in (await client.get("/messages?state=sent")).text
        operations = await client.get("/operations")
        assert 'href="/messages?state=failed"' in operations.text


async def test_a_test_mail_goes_to_the_address_given(site: Site, post: Post, administrator: Person) -> None:
    async with site.client(administrator.cookies | SAME) as client:
        refused = await client.post("/messages/test", data={"to": "nonsense"})
        assert refused.status_code == 422
        assert "nonsense is not an e-mail address." in refused.text
        assert (await client.post("/messages/test", data={"to": "ada@example.org"})).status_code == 303
    await Mailer(site.database).run_due()
    (received,) = post.received
    assert received.to == ["ada@example.org"]
    assert "If you can read it" in received.message.get_content()


async def test_without_a_mail_server_the_page_says_what_to_set(site: Site, administrator: Person) -> None:
    async with site.client(administrator.cookies | SAME) as client:
        page = await client.get("/messages")
        assert "CALLCENTER_SMTP" in page.text
        assert "/messages/test" not in page.text
        refused = await client.post("/messages/test", data={"to": "ada@example.org"})
        assert (refused.status_code, "E-mail is not set up" in refused.text) == (409, True)
    async with site.client(administrator.bearer) as client:
        assert (await client.post("/api/v1/messages/test", json={"to": "ada@example.org"})).status_code == 409


async def test_only_administrators_see_e_mails(site: Site, supervisor: Person) -> None:
    async with site.client(supervisor.cookies | SAME) as client:
        for method, path in (
            ("GET", "/messages"),
            ("GET", "/messages/rows"),
            ("POST", "/messages/test"),
            ("POST", "/messages/1/again"),
        ):
            assert (await client.request(method, path)).status_code == 403
    async with site.client(supervisor.bearer) as client:
        assert (await client.get("/api/v1/messages")).status_code == 403
        assert (await client.post("/api/v1/messages/1/retry")).status_code == 403


async def test_the_api_does_the_same(site: Site, post: Post, administrator: Person) -> None:
    post.answers["RCPT"] = ["550 No"]
    mail_id = await queue(site, "jan@example.org")
    await Mailer(site.database).run_due()
    async with site.client(administrator.bearer) as client:
        listed = (await client.get("/api/v1/messages?state=failed")).json()["items"]
        assert [(each["id"], each["error"]) for each in listed] == [(mail_id, "550 No")]
        assert (await client.get(f"/api/v1/messages?before={mail_id}")).json()["items"] == []
        tried = await client.post(f"/api/v1/messages/{mail_id}/retry")
        assert (tried.status_code, tried.json()["state"]) == (200, "queued")
        sent = await client.post("/api/v1/messages/test", json={"to": "ada@example.org"})
        assert (sent.status_code, sent.json()["about"]) == (201, "test")
        bad = await client.post("/api/v1/messages/test", json={"to": "a@b.pl\r\nBcc: c@d.pl"})
        assert bad.status_code == 422

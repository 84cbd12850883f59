"""`/live` on real sockets: replay without gap or repetition, floods, foreign pages, ended sign-ins, slow readers."""

import asyncio
import datetime as dt
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.exc import OperationalError
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from callcenter import clock, inbox
from callcenter.actor import Role
from callcenter.contacts import service as contacts
from callcenter.contacts.forms import ContactInput
from callcenter.db import Database
from callcenter.events import Notice, SwitchState
from callcenter.phone import Drain
from callcenter.switchboard import Switchboard
from callcenter.users.models import Session, User
from callcenter.wiring import wire
from tests.webui.conftest import Person, Site, serving
from webui import live, live_socket

PATIENCE = 20


@asynccontextmanager
async def page(address: str, person: Person | None, after: int | None = None, **more: Any) -> AsyncIterator[ClientConnection]:
    headers = dict(person.bearer) if person else {}
    headers |= more.pop("headers", {})
    more.setdefault("max_queue", None)  # a full queue would keep the client from reading the server's goodbye
    query = "" if after is None else f"?after={after}"
    async with connect(f"ws://{address}/live{query}", additional_headers=headers, proxy=None, **more) as socket:
        yield socket


async def hear(socket: ClientConnection) -> dict[str, Any]:
    return dict(json.loads(await asyncio.wait_for(socket.recv(), PATIENCE)))


async def tell(database: Database, person: Person, *sentences: str) -> None:
    async with database.unit_of_work() as uow:
        for sentence in sentences:
            uow.emit(Notice(level="info", sentence=sentence), [person.id])


async def closed_with(socket: ClientConnection) -> int | None:
    with pytest.raises(ConnectionClosed):
        while True:
            await asyncio.wait_for(socket.recv(), PATIENCE)
    return socket.close_code


async def test_what_happens_reaches_exactly_the_people_it_is_for(site: Site, served: str, consultant: Person) -> None:
    other = await site.person("olga")
    async with page(served, consultant, after=0) as mine, page(served, other, after=0) as theirs:
        await connected(site, 2)
        await tell(site.database, consultant, "for anna")
        await tell(site.database, other, "for olga")
        first, second = await hear(mine), await hear(theirs)
    assert (first["seq"], first["type"], first["data"]["sentence"]) == (1, "notice", "for anna")
    assert (second["seq"], second["data"]["sentence"]) == (1, "for olga")


async def connected(site: Site, count: int) -> None:
    while site.live.count < count:
        await asyncio.sleep(0.01)


async def test_a_page_that_was_away_gets_what_it_missed_and_then_what_happens_once_each(
    site: Site, served: str, consultant: Person
) -> None:
    await tell(site.database, consultant, "1", "2", "3")
    async with page(served, consultant, after=1) as socket:
        await connected(site, 1)
        await tell(site.database, consultant, "4")
        await tell(site.database, consultant, "5")
        heard = [await hear(socket) for _ in range(4)]
    assert [(each["seq"], each["data"]["sentence"]) for each in heard] == [(2, "2"), (3, "3"), (4, "4"), (5, "5")]
    async with site.database.reading() as uow:
        stored = {row.seq: row.at for row in await inbox.after(uow, consultant.id, 0)}
    assert {each["seq"]: dt.datetime.fromisoformat(each["at"]) for each in heard} == {n: stored[n] for n in range(2, 6)}


async def test_numbers_stay_whole_while_pages_come_and_go_under_writers(site: Site, served: str, consultant: Person) -> None:
    total = 60

    async def write(part: int) -> None:
        for n in range(total // 3):
            await tell(site.database, consultant, f"{part}.{n}")

    async def follow() -> list[int]:
        seen: list[int] = []
        while len(seen) < total:
            async with page(served, consultant, after=seen[-1] if seen else 0) as socket:
                for _ in range(min(7, total - len(seen))):
                    seen.append((await hear(socket))["seq"])  # noqa: PERF401 - what was heard counts even if it breaks
        return seen

    *_, first, second = await asyncio.gather(*(write(part) for part in range(3)), follow(), follow())
    assert first == second == list(range(1, total + 1))


async def test_a_message_of_another_process_arrives_by_the_poll(site: Site, served: str, consultant: Person) -> None:
    other_process = Database(site.database.url)
    wire(other_process)
    try:
        async with page(served, consultant, after=0) as socket:
            await connected(site, 1)
            await tell(other_process, consultant, "from the command line")
            await site.live.poll()
            assert (await hear(socket))["data"]["sentence"] == "from the command line"
            await tell(other_process, consultant, "missed")
            await tell(site.database, consultant, "pushed after a gap")
            heard = [(await hear(socket))["data"]["sentence"] for _ in range(2)]
            assert heard == ["missed", "pushed after a gap"]
            await site.live.poll()
            await tell(site.database, consultant, "once")
            assert (await hear(socket))["seq"] == 4
    finally:
        await other_process.close()


async def test_a_page_too_far_behind_is_told_to_load_anew(
    site: Site, served: str, consultant: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_socket, "REPLAY_LIMIT", 5)
    await tell(site.database, consultant, *(str(n) for n in range(8)))
    async with page(served, consultant, after=2) as socket:
        message = await hear(socket)
        assert (message["seq"], message["type"], message["data"]) == (None, "resync", {"seq": 8})
        await tell(site.database, consultant, "on")
        assert (await hear(socket))["seq"] == 9


@pytest.mark.parametrize("after", [1, 7])
async def test_pruned_or_unknown_numbers_are_a_resync(site: Site, served: str, consultant: Person, after: int) -> None:
    await tell(site.database, consultant, "1", "2", "3")
    clock.shift(3600 * 25)
    await site.live.prune()
    await tell(site.database, consultant, "4")
    async with page(served, consultant, after=after) as socket:
        assert (await hear(socket))["data"] == {"seq": 4}


async def test_without_after_only_the_future_comes_and_transient_messages_have_no_number(
    site: Site, served: str, consultant: Person
) -> None:
    await tell(site.database, consultant, "old")
    async with page(served, consultant) as socket:
        await connected(site, 1)
        async with site.database.unit_of_work() as uow:
            uow.emit(SwitchState(up=True), None)
        message = await hear(socket)
        assert (message["seq"], message["type"], message["data"]) == (None, "switch.state", {"up": True, "draining": False})
        await tell(site.database, consultant, "new")
        assert (await hear(socket))["seq"] == 2
    assert site.live.switch_up


async def test_a_switch_that_stops_is_told_to_every_page(site: Site, served: str, consultant: Person, supervisor: Person) -> None:
    board = asyncio.create_task(Switchboard(site.database, site.phone).run())
    try:
        async with page(served, consultant) as socket, page(served, supervisor) as other:
            await connected(site, 2)
            site.phone.send(Drain())
            for each in (socket, other):
                while (message := await hear(each))["type"] != "switch.state" or not message["data"]["draining"]:
                    pass
                assert (message["seq"], message["data"]) == (None, {"up": True, "draining": True})
        async with site.client(consultant.bearer) as client:
            assert (await client.get("/api/v1/me")).json()["draining"] is True
    finally:
        board.cancel()
        await asyncio.gather(board, return_exceptions=True)


async def test_a_ping_is_answered_and_anything_else_closes(site: Site, served: str, consultant: Person) -> None:
    async with page(served, consultant) as socket:
        await socket.send('{"type":"ping"}')
        assert (await hear(socket))["type"] == "pong"
    for bad in ('{"type":"pong"}', "no json", "x" * 1000, b'{"type":"ping"}', "[" * 200):
        async with page(served, consultant) as socket:
            await socket.send(bad)
            assert await closed_with(socket) == 1008, bad


async def test_who_looks_at_a_contact_and_may_see_it_hears_of_its_timeline(site: Site, served: str, consultant: Person) -> None:
    other, blind = await site.person("olga"), await site.person("bela")
    async with site.database.unit_of_work() as uow:
        await uow.session.execute(update(User).where(User.id == blind.id).values(accounts=["partner_admin"]))
        jan = (await contacts.create_contact(uow, ContactInput(last_name="Kowalski", organisation="Acme"), "PL")).id
        ewa = (await contacts.create_contact(uow, ContactInput(last_name="Nowak"), "PL")).id
        [acme] = await contacts.list_organisations(uow, "acme")
    async with page(served, consultant) as anna, page(served, other) as olga, page(served, blind) as bela:
        for socket, look in (
            (anna, {"contact_id": jan}),
            (olga, {"organisation_id": acme.id}),
            (bela, {"contact_id": jan}),
        ):
            await socket.send(json.dumps({"type": "look"} | look))
            assert (await hear(socket))["type"] == "looking"
        async with site.client(consultant.bearer) as client:
            for each in (ewa, jan):
                made = await client.post(f"/api/v1/contacts/{each}/notes", json={"text": "likes tea"})
                assert made.status_code == 201
        expected = {"contact_id": jan, "organisation_id": None, "entry_id": made.json()["id"]}
        for socket in (anna, olga):
            said = await hear(socket)
            assert (said["seq"], said["type"], said["data"]) == (None, "timeline.changed", expected)
        await anna.send('{"type":"look"}')
        assert (await hear(anna))["type"] == "looking"
        async with site.client(consultant.bearer) as client:
            await client.post(f"/api/v1/contacts/{jan}/notes", json={"text": "and coffee"})
        assert (await hear(olga))["type"] == "timeline.changed"
        for socket in (anna, bela):
            await socket.send('{"type":"ping"}')
            assert (await hear(socket))["type"] == "pong", "nothing was said before"


async def test_a_look_at_nothing_that_can_be_closes(site: Site, served: str, consultant: Person) -> None:
    for bad in ('{"type":"look","contact_id":"1"}', '{"type":"look","contact_id":0}', '{"type":"look","user_id":1}'):
        async with page(served, consultant) as socket:
            await socket.send(bad)
            assert await closed_with(socket) == 1008, bad


async def test_a_flood_closes(site: Site, served: str, consultant: Person) -> None:
    async with page(served, consultant) as socket:
        for _ in range(live_socket.FLOOD_MESSAGES + 1):
            await socket.send('{"type":"ping"}')
        assert await closed_with(socket) == 1008


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://{address}", None])
async def test_a_foreign_page_is_refused_before_it_is_connected(
    site: Site, served: str, consultant: Person, origin: str | None
) -> None:
    headers = dict(consultant.cookies)
    if origin:
        headers["origin"] = origin.format(address=served)
    with pytest.raises(InvalidStatus) as refused:
        async with page(served, None, headers=headers):
            pass
    assert refused.value.response.status_code == 403
    async with page(served, None, headers=consultant.cookies | {"origin": f"http://{served}"}) as socket:
        await socket.send('{"type":"ping"}')
        assert (await hear(socket))["type"] == "pong"


@pytest.mark.parametrize("cookie", ["", "unknown"])
async def test_who_is_not_signed_in_is_told_so(site: Site, served: str, cookie: str) -> None:
    headers = {"cookie": f"callcenter_session={cookie}", "origin": f"http://{served}"}
    async with page(served, None, headers=headers) as socket:
        assert await closed_with(socket) == 4401


async def test_an_ended_sign_in_closes_its_pages(site: Site, served: str, consultant: Person) -> None:
    headers = consultant.cookies | {"origin": f"http://{served}"}
    async with page(served, None, headers=headers) as socket:
        await connected(site, 1)
        await site.live.recheck()
        async with site.database.unit_of_work() as uow:
            await uow.session.execute(update(Session).values(expires_at=uow.now))
        await site.live.recheck()
        assert await closed_with(socket) == 4401


async def test_signing_out_closes_the_pages_of_that_session_at_once(site: Site, served: str, consultant: Person) -> None:
    headers = consultant.cookies | {"origin": f"http://{served}"}
    async with page(served, None, headers=headers) as mine, page(served, consultant) as script:
        await connected(site, 2)
        site.live.end_session(consultant.session_id)
        assert await closed_with(mine) == 4401
        await script.send('{"type":"ping"}')
        assert (await hear(script))["type"] == "pong"


async def test_a_reader_who_does_not_keep_up_is_closed_and_loses_nothing(
    site: Site, served: str, consultant: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_socket, "CLOSE_SECONDS", 0.2)
    async with page(served, consultant, max_queue=1, compression=None, close_timeout=0.2) as socket:
        await connected(site, 1)
        big = "x" * 200_000
        for n in range(live_socket.QUEUE_LIMIT + 200):
            for each in site.live._sockets.get(consultant.id, ()):
                each.push_transient(big)
            if n % 50 == 0:
                await asyncio.sleep(0)
        while site.live.count:
            await asyncio.sleep(0.01)
        del socket
    await tell(site.database, consultant, "kept")
    async with page(served, consultant, after=0) as again:
        assert (await hear(again))["data"]["sentence"] == "kept"


@pytest.mark.parametrize("after", ["-1", "x", "99999999999999999999", "1.5", "%00"])
async def test_a_number_that_is_none_closes(site: Site, served: str, consultant: Person, after: str) -> None:
    async with connect(f"ws://{served}/live?after={after}", additional_headers=consultant.bearer, proxy=None) as socket:
        assert await closed_with(socket) == 1008


async def test_a_stop_tells_pages_to_come_back(site: Site, consultant: Person) -> None:
    async with serving(site) as address, page(address, consultant) as socket:
        await connected(site, 1)
        await site.live.close()
        assert await closed_with(socket) == 1012


async def test_the_hub_works_by_itself_and_stops_when_told(site: Site, served: str, consultant: Person) -> None:
    running = asyncio.create_task(site.live.run())
    async with page(served, consultant, after=0) as socket:
        await connected(site, 1)
        other_process = Database(site.database.url)
        wire(other_process)
        await tell(other_process, consultant, "found by the poll")
        await other_process.close()
        assert (await hear(socket))["data"]["sentence"] == "found by the poll"
        running.cancel()
        assert await closed_with(socket) == 1012
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_role_that_changed_ends_the_page(site: Site, served: str, consultant: Person) -> None:
    from callcenter.users.models import User

    async with page(served, consultant) as socket:
        await connected(site, 1)
        async with site.database.unit_of_work() as uow:
            await uow.session.execute(update(User).values(role=Role.SUPERVISOR.value))
        await site.live.recheck()
        assert await closed_with(socket) == 4401


async def test_a_database_that_is_away_asks_the_page_to_come_back(
    site: Site, served: str, consultant: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reading(*_: object) -> None:
        raise OperationalError("SELECT", {}, Exception("database is locked"))

    async with page(served, consultant) as socket:
        await connected(site, 1)
        with monkeypatch.context() as patched:
            patched.setattr(site.database, "reading", reading)
            for each in site.live._sockets[consultant.id]:
                each.behind(5)
            assert await closed_with(socket) == 1013
            async with page(served, consultant) as again:
                assert await closed_with(again) == 1013


async def test_every_message_is_described(site: Site, consultant: Person) -> None:
    async with site.client() as client:
        body = (await client.get("/api/v1/live.json")).json()
    assert {"call.offered", "call.answered", "call.ended", "agent.state", "contact.opened", "resync", "pong"} <= set(
        body["messages"]
    )
    assert body["messages"]["call.offered"]["durable"]
    assert not body["messages"]["resync"]["durable"]
    assert "candidates" in body["messages"]["call.offered"]["data"]["properties"]


async def test_a_fault_in_one_round_ends_neither_the_rounds_nor_the_process() -> None:
    calls: list[int] = []
    again = asyncio.Event()

    async def work() -> None:
        calls.append(1)
        if len(calls) > 1:
            again.set()
        raise RuntimeError("on purpose")

    rounds = asyncio.create_task(live._regularly(0, work))
    try:
        await asyncio.wait_for(again.wait(), PATIENCE)
        assert not rounds.done()
    finally:
        rounds.cancel()

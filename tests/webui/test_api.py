"""Each operation as a person uses it, and refused to those who may not."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from callcenter import clock
from callcenter.actor import EVERY_ACCOUNT, Actor, Role
from callcenter.calls.models import Offer
from callcenter.contacts import dictionaries, imports
from callcenter.phone import CloseStation, SendDtmf
from callcenter.phone_fake import SDP, FakePhone
from callcenter.switchboard import Switchboard
from tests.webui.conftest import Person, Site, serving
from webui import routes
from webui.openapi import OPERATIONS

routes.table()
PATIENCE = 20
CUSTOMER, DIALLED = "+48601234567", "+48221234567"


@pytest.fixture
async def floor(site: Site, consultant: Person, administrator: Person) -> AsyncIterator[httpx.AsyncClient]:
    """A project on a trunk with Anna in it, the switch joined; yields Anna's client."""
    board = asyncio.create_task(Switchboard(site.database, site.phone).run())
    async with site.client(administrator.bearer) as client:
        trunk = {"name": "carrier", "host": "127.0.0.1", "caller_ids": [DIALLED]}
        trunk_id = (await good(client.post("/api/v1/trunks", json=trunk)))["id"]
        project = {"name": "Sales", "trunk_id": trunk_id, "caller_id": DIALLED, "numbers": [DIALLED]}
        project_id = (await good(client.post("/api/v1/projects", json=project)))["id"]
        await good(client.put(f"/api/v1/projects/{project_id}/members", json={"user_ids": [consultant.id]}))
        await good(client.put("/api/v1/dispositions", json={"names": ["Sold", "Not interested"]}))
    async with site.client(consultant.bearer) as client:
        await until(lambda: is_true(client, "switch_up"))
        yield client
    board.cancel()
    await asyncio.gather(board, return_exceptions=True)


async def good(sending: Awaitable[httpx.Response]) -> Any:
    answer = await sending
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


async def until(condition: Callable[[], Awaitable[Any]]) -> Any:
    async with asyncio.timeout(PATIENCE):
        while True:
            found = await condition()
            if found:
                return found
            await asyncio.sleep(0.02)


async def me(client: httpx.AsyncClient) -> dict[str, Any]:
    return dict(await good(client.get("/api/v1/me")))


async def is_true(client: httpx.AsyncClient, name: str) -> bool:
    return bool((await me(client))[name])


async def get_ready(client: httpx.AsyncClient) -> None:
    answer = await good(client.post("/api/v1/me/station", json={"session": "page-1", "sdp": SDP}))
    assert answer["sdp"].startswith("v=0")

    async def live() -> bool:
        return bool((await me(client))["agent"]["station_live"])

    await until(live)
    assert (await good(client.put("/api/v1/me/state", json={"state": "ready"})))["state"] == "ready"


async def offered(client: httpx.AsyncClient) -> dict[str, Any]:
    async def offer() -> Any:
        return (await me(client))["offers"]

    return dict((await until(offer))[0])


async def test_a_call_from_pop_up_to_disposition(site: Site, floor: httpx.AsyncClient) -> None:
    contact = {"first_name": "Zofia", "last_name": "Łącka", "numbers": [{"type": "mobile", "number": "601 234 567"}]}
    contact_id = (await good(floor.post("/api/v1/contacts", json=contact)))["id"]
    await get_ready(floor)
    phone: FakePhone = site.phone
    leg_id = phone.customer_calls(CUSTOMER, DIALLED)
    offer = await offered(floor)
    assert offer["candidates"][0]["contact_id"] == contact_id
    assert offer["project"] == "Sales"
    call_id = offer["call_id"]
    await good(floor.post(f"/api/v1/offers/{offer['offer_id']}/shown"))
    assert (await good(floor.post(f"/api/v1/calls/{call_id}/answer")))["id"] == call_id

    async def talking() -> Any:
        call = (await me(floor))["call"]
        return call if call and call["state"] == "talking" else None

    call = await until(talking)
    assert call["contact"] == "Zofia Łącka"
    await good(floor.post(f"/api/v1/calls/{call_id}/dtmf", json={"digits": "12#"}))
    assert SendDtmf(leg_id, "12#") in phone.commands
    assert (await good(floor.post(f"/api/v1/calls/{call_id}/hold", json={"on": True})))["held"]
    assert not (await good(floor.post(f"/api/v1/calls/{call_id}/hold", json={"on": False})))["held"]
    draft = await good(floor.put(f"/api/v1/calls/{call_id}/draft", json={"note": "wants a quo"}))
    assert (draft["draft_unsaved"], draft["note_version"]) == (True, 1)
    stale = await floor.put(f"/api/v1/calls/{call_id}/draft", json={"note": "another tab", "version": 0})
    assert (stale.status_code, stale.json()["error"]["code"]) == (409, "conflict")
    await good(floor.post(f"/api/v1/calls/{call_id}/hang-up"))

    async def wrapping() -> Any:
        return (await me(floor))["wrap_up"]

    assert (await until(wrapping))["id"] == call_id
    before = (await me(floor))["agent"]["wrap_up_until"]
    assert (await good(floor.post("/api/v1/me/wrap-up/extend")))["wrap_up_until"] > before
    sold = next(each for each in (await me(floor))["dispositions"] if each["name"] == "Sold")
    body = {"disposition_id": sold["id"], "note": "wants a quote"}
    done = await good(floor.put(f"/api/v1/calls/{call_id}/disposition", json=body))
    assert (done["disposition"], done["note"], done["draft_unsaved"]) == ("Sold", "wants a quote", False)
    assert (await good(floor.post("/api/v1/me/wrap-up/finish")))["state"] == "ready"
    assert (await good(floor.get("/api/v1/calls", params={"mine": "true"})))["items"][0]["id"] == call_id
    assert (await good(floor.get(f"/api/v1/calls/{call_id}")))["end_reason"] == "completed"
    timeline = (await good(floor.get(f"/api/v1/contacts/{contact_id}/timeline")))["items"]
    assert [each["call_id"] for each in timeline if each["kind"] == "call"] == [call_id]
    nobody = await good(floor.put(f"/api/v1/calls/{call_id}/contact", json={"contact_id": None}))
    assert nobody["contact_id"] is None


async def test_stamps_of_the_pop_up_are_written_in_batches_and_count_once(site: Site, floor: httpx.AsyncClient) -> None:
    await get_ready(floor)
    site.phone.customer_calls(CUSTOMER, DIALLED)
    offer = await offered(floor)
    path = f"/api/v1/offers/{offer['offer_id']}/shown"
    site.live.stamps.sent(offer["offer_id"], asyncio.get_running_loop().time())
    await good(floor.post(path))
    await site.live.stamps.flush()
    stored = await read_offer(site, offer["offer_id"])
    assert stored.sent_ms is not None
    assert stored.shown_ms is not None
    assert stored.shown_ms >= (stored.offered_ms or 0) > 0
    await good(floor.post(path))
    site.live.stamps.sent(offer["offer_id"], asyncio.get_running_loop().time() + 5)
    await site.live.stamps.flush()
    again = await read_offer(site, offer["offer_id"])
    assert (again.sent_ms, again.shown_ms) == (stored.sent_ms, stored.shown_ms)
    foreign = await site.person("olga")
    async with site.client(foreign.bearer) as client:
        await good(client.post(path))
        await site.live.stamps.flush()


async def read_offer(site: Site, offer_id: str) -> Offer:
    async with site.database.reading() as uow:
        return (await uow.session.scalars(select(Offer).where(Offer.id == offer_id))).one()


async def test_a_declined_call_goes_on_and_a_caller_who_leaves_is_on_the_call_back_list(
    site: Site, floor: httpx.AsyncClient, supervisor: Person
) -> None:
    await get_ready(floor)
    leg_id = site.phone.customer_calls(CUSTOMER, DIALLED)
    offer = await offered(floor)
    declined = await good(floor.post(f"/api/v1/calls/{offer['call_id']}/decline"))
    assert declined["state"] in {"waiting", "offered"}
    site.phone.customer_hangs_up(leg_id)
    async with site.client(supervisor.bearer) as client:

        async def missed() -> Any:
            return (await good(client.get("/api/v1/call-backs", params={"mine": "false"})))["items"]

        item = (await until(missed))[0]
        taken = await good(client.post(f"/api/v1/call-backs/{item['id']}/take", json={}))
        assert taken["owner_id"] == supervisor.id
        done = await good(client.post(f"/api/v1/call-backs/{item['id']}/done", json={"note": "called"}))
        assert done["state"] == "done"
        late = await floor.post(f"/api/v1/calls/{offer['call_id']}/answer")
    assert late.status_code == 409
    assert late.json()["error"]["code"] == "conflict"


async def test_dialling_says_what_is_wrong_with_a_number(site: Site, floor: httpx.AsyncClient) -> None:
    await get_ready(floor)
    answer = await floor.post("/api/v1/calls", json={"number": "12"})
    assert answer.status_code == 422
    assert answer.json()["error"]["field"] == "number"
    call = await good(floor.post("/api/v1/calls", json={"number": "601 234 567"}))
    assert call["direction"] == "outbound"
    assert (await floor.post("/api/v1/calls", json={"number": "601 234 568"})).status_code == 409
    await good(floor.post(f"/api/v1/calls/{call['id']}/hang-up"))


async def test_the_station_is_closed_by_the_page_that_has_it(site: Site, floor: httpx.AsyncClient, consultant: Person) -> None:
    await get_ready(floor)
    await good(floor.post("/api/v1/me/station/close", params={"session": "older"}))
    assert (await me(floor))["agent"]["station_live"]
    await good(floor.request("DELETE", "/api/v1/me/station", params={"session": "page-1"}))

    async def gone() -> bool:
        return not (await me(floor))["agent"]["station_live"]

    await until(gone)
    assert CloseStation(str(consultant.id), "page-1")


async def test_a_switch_that_is_away_is_503_with_a_sentence(site: Site, floor: httpx.AsyncClient) -> None:
    site.phone.link_down()
    answer = await floor.post("/api/v1/me/station", json={"session": "page-1", "sdp": SDP})
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "unavailable"
    ready = await floor.get("/readyz")
    assert ready.status_code == 503
    assert ready.json()["checks"]["switch"]["ok"] is False
    assert ready.json()["checks"]["database"]["ok"] is True


async def test_contacts_are_found_changed_and_never_overwritten_unseen(site: Site, consultant: Person) -> None:
    async with site.client(consultant.bearer) as client:
        body: dict[str, Any] = {"first_name": "Jan", "organisation": "Żuraw", "numbers": [{"number": "22 123 45 67"}]}
        made = await good(client.post("/api/v1/contacts", json=body))
        assert made["numbers"][0]["e164"] == "+48221234567"
        found = await good(client.get("/api/v1/contacts", params={"q": "zuraw"}))
        assert [each["id"] for each in found["items"]] == [made["id"]]
        refused = await client.put(f"/api/v1/contacts/{made['id']}", json=body | {"position": "CEO", "version": 1})
        assert (refused.status_code, refused.json()["error"]["field"]) == (422, "position")
        async with site.database.unit_of_work() as uow:
            await dictionaries.add_entry(uow, "position", "CEO")
        changed = await good(client.put(f"/api/v1/contacts/{made['id']}", json=body | {"position": "ceo", "version": 1}))
        assert (changed["position"], changed["version"]) == ("CEO", 2)
        stale = await client.put(f"/api/v1/contacts/{made['id']}", json=body | {"version": 1})
        assert stale.status_code == 409
        note = await good(client.post(f"/api/v1/contacts/{made['id']}/notes", json={"text": "Call in May"}))
        assert note["kind"] == "note"
        companies = await good(client.get("/api/v1/organisations", params={"q": "Żur"}))
        assert companies["items"][0]["name"] == "Żuraw"
        firm = await good(client.post("/api/v1/organisations", json={"name": "Bocian", "numbers": []}))
        path = f"/api/v1/organisations/{firm['id']}"
        await good(client.put(path, json={"name": "Bociany", "numbers": [{"number": "600 100 200"}], "version": 1}))
        assert (await good(client.get(path)))["numbers"][0]["e164"] == "+48600100200"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"first_name": "x" * 101}, "first_name"),
        ({"first_name": 5}, "first_name"),
        ({"surname": "x"}, "surname"),
        ({"first_name": "a\x00b"}, "first_name"),
        ({"first_name": "A", "numbers": [{"type": "pager", "number": "1"}]}, "numbers.0.type"),
    ],
)
async def test_refused_input_names_the_field(site: Site, consultant: Person, body: dict[str, Any], field: str) -> None:
    async with site.client(consultant.bearer) as client:
        answer = await client.post("/api/v1/contacts", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]["field"] == field
    assert answer.json()["error"]["sentence"]


async def test_types_are_strict_so_that_the_document_is_the_truth(site: Site, consultant: Person) -> None:
    call = "0" * 32
    async with site.client(consultant.bearer) as client:
        wrong: dict[str, dict[str, Any]] = {"hold": {"on": "true"}, "dtmf": {"digits": 12}, "contact": {"contact_id": "5"}}
        for path, body in wrong.items():
            method = "PUT" if path == "contact" else "POST"
            answer = await client.request(method, f"/api/v1/calls/{call}/{path}", json=body)
            assert answer.status_code == 422, path
            assert answer.json()["error"]["field"] == next(iter(body))


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b'{"first_name": NaN}', "application/json", 400),
        (b'{"first_name": "\\ud800"}', "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b"[]", "application/json", 422),
        (b"first_name=x", "application/x-www-form-urlencoded", 415),
        (b"", "", 415),
    ],
)
async def test_what_is_no_json_is_refused(site: Site, consultant: Person, content: bytes, kind: str, status: int) -> None:
    async with site.client(consultant.bearer) as client:
        answer = await client.post("/api/v1/contacts", content=content, headers={"content-type": kind})
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize("path", ["/api/v1/contacts/0", "/api/v1/contacts/x", "/api/v1/contacts/99999999999", "/api/v1/calls/x"])
async def test_ids_that_can_name_nothing_are_404(site: Site, consultant: Person, path: str) -> None:
    async with site.client(consultant.bearer) as client:
        assert (await client.get(path)).status_code == 404


async def test_a_query_is_validated_and_given_once(site: Site, consultant: Person) -> None:
    async with site.client(consultant.bearer) as client:
        for query in ("limit=0", "limit=1&limit=2", "nonsense=1", "limit=x", "q=%00"):
            answer = await client.get(f"/api/v1/contacts?{query}")
            assert answer.status_code == 422, query
        assert (await client.get("/api/v1/contacts?after=W10")).status_code == 422


@pytest.mark.parametrize(
    "operation", [each for each in OPERATIONS if each.role is not Role.CONSULTANT], ids=lambda each: each.name
)
async def test_what_is_not_for_consultants_is_refused_to_them(site: Site, consultant: Person, operation: Any) -> None:
    path = operation.path
    for name in operation.path_types:
        path = path.replace("{" + name + "}", "1")
    async with site.client(consultant.bearer) as client:
        answer = await client.request(operation.method, path, content=b"{}", headers={"content-type": "application/json"})
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "not_permitted"


async def test_people_read_each_others_sessions_and_tokens_only_as_administrators(
    site: Site, consultant: Person, supervisor: Person, administrator: Person
) -> None:
    async with site.client() as client:
        for what in ("sessions", "tokens"):
            path = f"/api/v1/users/{consultant.id}/{what}"
            assert (await client.get(path, headers=supervisor.bearer)).status_code == 403
            assert len((await good(client.get(path, headers=consultant.bearer)))["items"]) == 1
            assert len((await good(client.get(path, headers=administrator.bearer)))["items"]) == 1
        made = await good(client.post(f"/api/v1/users/{consultant.id}/tokens", json={"name": "x"}, headers=consultant.bearer))
        fresh = {"authorization": f"Bearer {made['token']}"}
        tokens = (await good(client.get(f"/api/v1/users/{consultant.id}/tokens", headers=fresh)))["items"]
        assert (await client.delete(f"/api/v1/tokens/{tokens[0]['id']}", headers=consultant.bearer)).status_code == 204
        assert (await client.get("/api/v1/me", headers=fresh)).status_code == 401
        path = f"/api/v1/sessions/{consultant.session_id}"
        assert (await client.delete(path, headers=supervisor.bearer)).status_code == 404
        assert (await client.delete(path, headers=consultant.bearer)).status_code == 204
        assert (await client.get("/api/v1/me", headers=consultant.cookies)).status_code == 401


async def test_an_administrator_manages_users_and_reads_the_trail(site: Site, administrator: Person) -> None:
    async with site.client(administrator.bearer) as client:
        body = {"login": "jan", "name": "Jan", "role": "consultant", "password": "correct horse battery"}
        made = await good(client.post("/api/v1/users", json=body))
        assert (await client.post("/api/v1/users", json=body)).status_code == 409
        changed = await good(client.put(f"/api/v1/users/{made['id']}", json={"role": "supervisor"}))
        assert changed["role"] == "supervisor"
        assert "jan" in [each["login"] for each in (await good(client.get("/api/v1/users")))["items"]]
        password = {"password": "another long password"}
        assert (await client.put(f"/api/v1/users/{made['id']}/password", json=password)).status_code == 204
        trail = (await good(client.get("/api/v1/audit")))["items"]
        assert "password" not in json.dumps([each["detail"] for each in trail]).replace("password_changed", "")
        assert "user.added" in [each["action"] for each in trail]


async def test_trunks_are_tested_and_traced(site: Site, floor: httpx.AsyncClient, administrator: Person) -> None:
    async with site.client(administrator.bearer) as client:
        trunk = (await good(client.get("/api/v1/trunks")))["items"][0]
        assert "password" not in trunk
        report = await good(client.post(f"/api/v1/trunks/{trunk['id']}/test"))
        assert isinstance(report["checks"], list)
        assert "lines" in await good(client.get(f"/api/v1/trunks/{trunk['id']}/trace"))
        assert (await client.post("/api/v1/trunks/999/test")).status_code == 404
        assert (await client.delete(f"/api/v1/trunks/{trunk['id']}")).status_code == 204
        wrong = await client.post("/api/v1/trunks", json={"name": "x", "host": "not a host!"})
        assert wrong.status_code == 422
        assert wrong.json()["error"]["field"] == "host"


async def test_a_twilio_trunk_is_kept_without_a_word_of_its_secrets(site: Site, administrator: Person) -> None:
    token, account = "a-very-secret-token", {"kind": "twilio", "name": "twilio", "account_sid": "AC" + "0" * 32}
    body = {**account, "auth_token": token, "caller_ids": ["+48221234567"], "public_url": "https://calls.example.com"}
    async with site.client(administrator.bearer) as client:
        sip = await good(client.post("/api/v1/trunks", json={"name": "sip", "host": "sip.example.com"}))
        assert sip["kind"] == "sip"
        made = await good(client.post("/api/v1/trunks", json={**body, "minute_price": "0.05", "daily_spend": "20"}))
        assert (made["kind"], made["minute_price"], made["has_auth_token"]) == ("twilio", "0.05", True)
        changed = await good(client.put(f"/api/v1/trunks/{made['id']}", json={**body, "auth_token": None, "calls_per_second": 2}))
        assert changed["calls_per_second"] == 2
        listed = (await good(client.get("/api/v1/trunks")))["items"]
        assert [each["kind"] for each in listed] == ["sip", "twilio"]
        report = await good(client.post(f"/api/v1/trunks/{made['id']}/webhooks"))
        assert report["ok"] is True
        assert (await client.post(f"/api/v1/trunks/{sip['id']}/webhooks")).status_code == 409
        assert (await client.post("/api/v1/trunks/999/webhooks")).status_code == 404
        trail = (await good(client.get("/api/v1/audit")))["items"]
        assert "trunk.webhooks_set" in [each["action"] for each in trail]
        assert token not in json.dumps([made, changed, listed, trail])
        for wrong, field in (
            ({**body, "kind": "fax"}, "kind"),
            ({**body, "kind": ["twilio"]}, "kind"),
            ({**body, "public_url": "http://calls.example.com"}, "public_url"),
            ({**body, "auth_token": "short"}, "auth_token"),
            ({**body, "host": "sip.example.com"}, "host"),
            ({**body, "name": "b"}, "caller_ids"),
            ({**body, "calls_per_second": "2"}, "calls_per_second"),
            ({"name": "x", "host": "sip.example.com", "account_sid": "AC"}, "account_sid"),
        ):
            answer = await client.post("/api/v1/trunks", json=wrong)
            assert answer.status_code == 422, wrong
            assert answer.json()["error"]["field"] == field
            assert token not in answer.text
        assert (await client.put(f"/api/v1/trunks/{sip['id']}", json=body)).json()["error"]["field"] == "kind"


async def test_supervisors_see_what_calls_cost_today(site: Site, administrator: Person, supervisor: Person) -> None:
    async with site.client(administrator.bearer) as client:
        await good(client.post("/api/v1/trunks", json={"name": "sip", "host": "h", "minute_price": "0.05", "daily_spend": "20"}))
        await good(client.post("/api/v1/trunks", json={"name": "free", "host": "h"}))
        told = (await client.get("/metrics", headers={"host": "127.0.0.1"})).text
        assert 'callcenter_trunk_spend_limit{trunk="sip"} 20.0' in told
    async with site.client(supervisor.bearer) as client:
        [spent] = (await good(client.get("/api/v1/operations")))["spending"]
        assert (spent["trunk"], spent["spent"], spent["limit"], spent["percent"]) == ("sip", "0", "20", 0)


async def test_supervisors_see_the_floor(site: Site, floor: httpx.AsyncClient, consultant: Person, supervisor: Person) -> None:
    await get_ready(floor)
    async with site.client(supervisor.bearer) as client:
        states = {each["user_id"]: each["state"] for each in (await good(client.get("/api/v1/agents")))["items"]}
        assert states[consultant.id] == "ready"
        put = await good(client.put(f"/api/v1/agents/{consultant.id}/state", json={"state": "break", "reason": "Lunch"}))
        assert put["state"] == "break"
        project = (await good(client.get("/api/v1/projects")))["items"][0]
        await good(client.put(f"/api/v1/projects/{project['id']}/dispositions", json={"names": ["Renewed"]}))
        names = [each["name"] for each in (await good(client.get(f"/api/v1/projects/{project['id']}/dispositions")))["items"]]
        assert names == ["Renewed", "Sold", "Not interested"]
        assert (await good(client.get(f"/api/v1/projects/{project['id']}/members")))["items"][0]["user_id"] == consultant.id
        figures = await good(client.get("/api/v1/operations"))
        assert figures["switch"]["stations_live"] == 1
        assert set(figures["latency"]) == {"count", "offered_ms", "sent_ms", "shown_ms"}
    assert [each["name"] for each in (await good(floor.get("/api/v1/projects")))["items"]] == ["Sales"]


async def test_an_import_is_checked_applied_and_undone(site: Site, supervisor: Person) -> None:
    rows = "first_name,last_name,mobile\nAda,Nowak,601111222\n,,\nEwa,Zając,601333444\n"
    async with site.client(supervisor.bearer) as client:

        async def reached(import_id: int, state: str) -> dict[str, Any]:
            async def there() -> Any:
                found = await good(client.get(f"/api/v1/imports/{import_id}"))
                assert found["state"] != "failed", found
                return found if found["state"] == state else None

            return dict(await until(there))

        files = {"file": ("people.csv", rows.encode(), "text/csv")}
        made = await good(client.post("/api/v1/imports", files=files, data={"dry_run": "true"}))
        checked = await reached(made["id"], "checked")
        assert (checked["accepted"], checked["dry_run"]) == (2, True)
        assert not (await good(client.get("/api/v1/contacts")))["items"]
        report = await client.get(f"/api/v1/imports/{made['id']}/rejected")
        assert report.headers["content-type"].startswith("text/csv")
        await good(client.get(f"/api/v1/imports/{made['id']}/notices"))
        await good(client.post(f"/api/v1/imports/{made['id']}/apply"))
        assert (await reached(made["id"], "done"))["applied"] == 2
        assert len((await good(client.get("/api/v1/contacts")))["items"]) == 2
        await good(client.post(f"/api/v1/imports/{made['id']}/undo"))
        await reached(made["id"], "undone")
        assert not (await good(client.get("/api/v1/contacts")))["items"]
        assert (await client.post(f"/api/v1/imports/{made['id']}/undo")).status_code == 409
        assert (await client.post("/api/v1/imports", data={"dry_run": "true"})).status_code in {415, 422}
        assert (await client.post("/api/v1/imports", files={"other": ("a", b"b")})).status_code == 422
    await site.app.state.imports.close()


async def test_an_import_somebody_left_behind_is_taken_up_at_the_next_start(site: Site, supervisor: Person) -> None:
    async with site.database.unit_of_work(Actor(supervisor.id, "Sofia", Role.SUPERVISOR, accounts=EVERY_ACCOUNT)) as uow:
        import_id = (await imports.create(uow, "people.csv")).id
    clock.shift(3600)
    async with serving(site), site.client(supervisor.bearer) as client:

        async def ended() -> Any:
            found = await good(client.get(f"/api/v1/imports/{import_id}"))
            return found if found["state"] == "failed" else None

        assert (await until(ended))["error"] == "Reading the file was interrupted. Import it again."


async def test_rehearsals_are_for_demos_and_say_when_no_carrier_runs(site: Site, consultant: Person) -> None:
    async with site.client(consultant.bearer) as client:
        answer = await client.post("/api/v1/rehearsal/call", json={})
        assert answer.status_code == 503
        assert answer.json()["error"]["sentence"]
        site.app.state.settings = site.settings.model_copy(update={"demo": False})
        assert (await client.post("/api/v1/rehearsal/call", json={})).status_code == 404


async def test_metrics_are_for_the_machine_itself_and_administrators(
    site: Site, floor: httpx.AsyncClient, consultant: Person, administrator: Person
) -> None:
    far = httpx.ASGITransport(site.app, client=("198.51.100.7", 1))
    async with httpx.AsyncClient(transport=far, base_url="http://calls.example") as client:
        assert (await client.get("/metrics")).status_code == 401
        assert (await client.get("/metrics", headers=consultant.bearer)).status_code == 403
        text = (await client.get("/metrics", headers=administrator.bearer)).text
    near = httpx.ASGITransport(site.app, client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=near, base_url="http://127.0.0.1:8000") as client:
        assert (await client.get("/metrics")).status_code == 200
        assert (await client.get("/metrics", headers={"host": "rebound.example"})).status_code == 401
    for line in ("callcenter_database_up 1.0", "callcenter_switch_up 1.0", 'callcenter_calls{state="talking"} 0.0'):
        assert line in text
    assert "callcenter_pop_up_seconds_bucket" in text

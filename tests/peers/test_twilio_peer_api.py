"""The peer's requests: who may ask, what is refused with which code, lists and limits; asked with Twilio's own library."""

import datetime as dt
from typing import Any

import pytest
from aiohttp import ClientSession, encode_basic_auth
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from callcenter.phone_fake import Outcome
from tests.peers.twilio import TwilioPeer
from tests.peers.twilio_app import CUSTOMER, OURS, App, client_of, dial, unused
from tests.telephony.waiting import until

# --- the account ------------------------------------------------------------------------------------------------------


async def test_a_wrong_token_is_refused_with_twilios_code(peer: TwilioPeer) -> None:
    client = client_of(peer, password="wrong")
    with pytest.raises(TwilioRestException) as refused:
        await client.api.accounts(peer.account_sid).fetch_async()
    await unused(client)
    assert (refused.value.status, refused.value.code) == (401, 20003)


async def test_an_api_key_makes_requests_but_does_not_see_the_account(peer: TwilioPeer, app: App) -> None:
    client = client_of(peer, *peer.add_api_key())
    assert len(await client.incoming_phone_numbers.list_async()) == 1
    with pytest.raises(TwilioRestException):
        await client.api.accounts(peer.account_sid).fetch_async()
    await unused(client)


async def test_the_account_is_active(peer: TwilioPeer, client: Client) -> None:
    account = await client.api.accounts(peer.account_sid).fetch_async()
    assert (account.status, account.type, account.sid) == ("active", "Full", peer.account_sid)


async def test_a_number_is_found_and_its_webhooks_set(peer: TwilioPeer, app: App, client: Client) -> None:
    peer.own("+48221000099")
    (number,) = await client.incoming_phone_numbers.list_async(phone_number=OURS)
    assert number.capabilities["voice"]
    changed = await number.update_async(voice_url="https://example.org/voice", voice_method="GET")
    assert (changed.voice_url, changed.voice_method) == ("https://example.org/voice", "GET")
    again = await client.incoming_phone_numbers(number.sid).fetch_async()
    assert (again.voice_url, again.sms_url) == ("https://example.org/voice", f"{app.url}/sms")


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"to": "500"}, 21211),
        ({"from_": "12"}, 21212),
        ({"from_": "+48221999999"}, 21210),
        ({"url": "not an address"}, 21205),
        ({"status_callback_event": ["rung"]}, 21626),
        ({"timeout": "soon"}, 20001),
    ],
)
async def test_wrong_parameters_are_refused_with_their_codes(
    client: Client, app: App, changed: dict[str, Any], code: int
) -> None:
    given: dict[str, Any] = {"to": CUSTOMER, "from_": OURS, "url": f"{app.url}/voice/out"}
    with pytest.raises(TwilioRestException) as refused:
        await client.calls.create_async(**given | changed)
    assert (refused.value.status, refused.value.code) == (400, code)


@pytest.mark.parametrize(
    ("method", "path", "form", "refused"),
    [
        ("POST", "/Calls.json", {"From": OURS, "Twiml": "<Response/>"}, (400, 21201)),
        ("POST", "/Calls.json", {"To": CUSTOMER, "Twiml": "<Response/>"}, (400, 21213)),
        ("POST", "/Calls.json", {"To": CUSTOMER, "From": OURS}, (400, 21205)),
        ("POST", "/Calls.json", {"To": CUSTOMER, "From": OURS, "Twiml": "<Say>"}, (400, 20001)),
        ("POST", "/Calls.json", {"To": CUSTOMER, "From": OURS, "Twiml": "<Response/>", "Sound": "1"}, (400, 20001)),
        ("POST", "/Calls.json", {"To": CUSTOMER, "From": OURS, "Twiml": "<Response/>", "StatusCallback": "/x"}, (400, 21609)),
        ("POST", "/Messages.json", {"From": OURS, "Body": "x"}, (400, 21604)),
        ("POST", "/Messages.json", {"To": CUSTOMER, "Body": "x"}, (400, 21603)),
        ("GET", "/Calls.json?StartTime=soon", {}, (400, 20001)),
        ("GET", "/Calls.json?PageSize=many", {}, (400, 20001)),
        ("GET", "/Calls/CA0.json", {}, (404, 20404)),
        ("GET", "/Messages/SM0.json", {}, (404, 20404)),
        ("GET", "/IncomingPhoneNumbers/PN0.json", {}, (404, 20404)),
        ("GET", "/Nothing.json", {}, (404, 20404)),
        ("DELETE", "/Calls.json", {}, (405, 20004)),
    ],
)
async def test_what_is_asked_wrongly_is_refused_as_twilio_words_it(
    peer: TwilioPeer, app: App, method: str, path: str, form: dict[str, str], refused: tuple[int, int]
) -> None:
    who = {"Authorization": encode_basic_auth(peer.account_sid, peer.auth_token)}
    account = f"{peer.url}/2010-04-01/Accounts/{peer.account_sid}"
    async with ClientSession(headers=who) as session, session.request(method, account + path, data=form) as answer:
        said = await answer.json()
    assert (answer.status, said["code"], said["status"]) == (*refused, refused[0])
    assert said["more_info"].endswith(str(refused[1]))
    assert peer.calls == peer.messages == []  # type: ignore[comparison-overlap]


async def test_calls_are_listed_newest_first_filtered_and_in_pages(peer: TwilioPeer, app: App, client: Client) -> None:
    peer.when_called(CUSTOMER, Outcome.BUSY)
    made = [(await dial(client, app)).sid for _ in range(5)]
    other = await dial(client, app, "+48500000102", twiml="<Response><Pause length='600'/></Response>", url=None)
    await until(lambda: all(peer.call(sid).ended for sid in made) and peer.call(other.sid).answered)
    listed = await client.calls.list_async(to=CUSTOMER, status="busy", page_size=2)
    assert [each.sid for each in listed] == made[::-1]
    assert [each.sid for each in await client.calls.list_async(status="in-progress")] == [other.sid]


async def test_calls_are_let_out_at_the_accounts_rate_and_too_many_waiting_are_429(
    peer: TwilioPeer, app: App, client: Client
) -> None:
    peer.rate.per_second = 0.5
    peer.longest_queue = 2
    peer.when_called(CUSTOMER, Outcome.RINGS)
    made = [(await dial(client, app)).sid for _ in range(2)]
    await until(lambda: peer.call(made[0]).status == "ringing")
    assert peer.call(made[1]).status == "queued"
    await dial(client, app)
    await until(lambda: peer.rate.waiting == 2)
    with pytest.raises(TwilioRestException) as refused:
        await dial(client, app)
    assert (refused.value.status, refused.value.code) == (429, 20429)


async def test_a_call_is_looked_for_in_time(peer: TwilioPeer, app: App, client: Client) -> None:
    app.documents["out"] = "<Hangup/>"
    made = await dial(client, app)
    await peer.call(made.sid).over()
    hour = dt.timedelta(hours=1)
    start = (await client.calls(made.sid).fetch_async()).start_time
    assert await client.calls.list_async(start_time_after=start - hour, start_time_before=start + hour)
    assert not await client.calls.list_async(start_time_before=start - hour)
    assert await client.calls.list_async(start_time=start.date())
    assert await client.calls(made.sid).delete_async()
    assert not await client.calls.list_async()

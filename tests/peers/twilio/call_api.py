"""The Calls resource: https://www.twilio.com/docs/voice/api/call-resource."""

import datetime as dt
from typing import TYPE_CHECKING, Any

from multidict import MultiDictProxy

from tests.peers.twilio import errors, twiml
from tests.peers.twilio.call import PeerCall
from tests.peers.twilio.errors import ApiError
from tests.peers.twilio.forms import CALL, CALL_UPDATE, NUMBER, check_events, read
from tests.peers.twilio.paging import page
from tests.peers.twilio.resources import API, call_view
from tests.peers.twilio.told import Callback

if TYPE_CHECKING:
    from tests.peers.twilio.peer import TwilioPeer

Form = MultiDictProxy[Any]
Answer = tuple[int, dict[str, Any] | None]
_TIMEOUT = range(1, 601)
_TWIML_LENGTH = 4000


async def create(peer: "TwilioPeer", form: Form, _: str) -> Answer:
    """Make a call: 201 with it queued."""
    options = read(form, CALL)
    _check_ends(peer, options)
    _check_instructions(options)
    if options.get("Timeout", 60) not in _TIMEOUT:
        raise ApiError(400, 20001, "Timeout must be from 1 to 600")
    if peer.longest_queue and peer.rate.waiting >= peer.longest_queue:
        raise ApiError(429, 20429)
    callback = None
    events = check_events(options.get("StatusCallbackEvent", []))
    if options.get("StatusCallback"):
        callback = Callback(options["StatusCallback"], options.get("StatusCallbackMethod", "POST"), tuple(events))
    call = peer.dial(options, callback)
    shown = call_view(call)
    if peer.faults.before_sid:
        await call.settled()
    return 201, shown


def _check_ends(peer: "TwilioPeer", options: dict[str, Any]) -> None:
    to, from_ = options.get("To", ""), options.get("From", "")
    if not to:
        raise ApiError(400, 21201)
    if not from_:
        raise ApiError(400, 21213)
    if not NUMBER.fullmatch(to):
        raise ApiError(400, 21211, to)
    if not NUMBER.fullmatch(from_):
        raise ApiError(400, 21212, from_)
    if from_ not in peer.numbers:
        raise ApiError(400, 21210, from_)


def _check_instructions(options: dict[str, Any]) -> None:
    if options.get("ApplicationSid"):
        raise ApiError(400, 21218, options["ApplicationSid"])
    if not options.get("Url") and not options.get("Twiml"):
        raise ApiError(400, 21205)
    _check_twiml(options)


def _check_twiml(options: dict[str, Any]) -> None:
    text = options.get("Twiml", "")
    if len(text) > _TWIML_LENGTH:
        raise ApiError(400, 20001, "Twiml is longer than 4000 characters")
    if text:
        try:
            twiml.parse(text)
        except twiml.TwimlError as error:
            raise ApiError(400, 20001, error.sentence) from error


async def fetch(peer: "TwilioPeer", _: Form, sid: str) -> Answer:
    """Show a call."""
    return 200, call_view(_found(peer, sid))


async def update(peer: "TwilioPeer", form: Form, sid: str) -> Answer:
    """Hang a call up, or let it obey something else; one that has ended, or is not yet in progress for that: 21220."""
    options = read(form, CALL_UPDATE)
    call = _found(peer, sid)
    status = options.get("Status")
    if status not in (None, "completed", "canceled"):
        raise ApiError(400, 20001, "Status must be completed or canceled")
    if call.ended:
        raise ApiError(400, 21220, "Call is not in-progress. Cannot redirect.")
    if status is not None:
        _end(call, status)
    elif options.get("Twiml") or options.get("Url"):
        if not call.answered:
            raise ApiError(400, 21220, "Call is not in-progress. Cannot redirect.")
        _check_twiml(options)
        call.redirect(options.get("Twiml", ""), options.get("Url", ""), options.get("Method", "POST"))
    if "TimeLimit" in options:
        call.limit(options["TimeLimit"])
    return 200, call_view(call)


def _end(call: PeerCall, status: str) -> None:
    """`canceled` ends only what is not in progress, `completed` everything."""
    if call.answered and status == "completed":
        call.end("completed")
    elif not call.answered:
        call.end("canceled" if call.direction != "inbound" or status == "canceled" else "completed", 487)


async def delete(peer: "TwilioPeer", _: Form, sid: str) -> Answer:
    """Forget a call that has ended."""
    call = _found(peer, sid)
    if not call.ended:
        raise ApiError(409, 20001, "the call has not ended")
    peer.calls.remove(call)
    return 204, None


async def list_calls(peer: "TwilioPeer", query: Form, _: str) -> Answer:
    """List calls, the newest first; filters as documented, StartTime by day or to the second."""
    limits = {(name, op): _limit(name + op, query) for name in ("StartTime", "EndTime") for op in ("", "<", ">")}
    found = [each for each in reversed(peer.calls) if _wanted(each, query) and _in_time(each, limits)]
    path = f"/{API}/Accounts/{peer.account_sid}/Calls.json"
    return 200, page(path, "calls", [call_view(each) for each in found], query)


def _wanted(call: PeerCall, query: Form) -> bool:
    plain = {"Status": call.shown_status, "To": call.to, "From": call.from_, "ParentCallSid": call.parent_sid}
    return all(query.get(name, has) == has for name, has in plain.items())


def _limit(name: str, query: Form) -> dt.datetime | None:
    if name not in query:
        return None
    try:
        limit = dt.datetime.fromisoformat(query[name])
    except ValueError as error:
        raise ApiError(400, 20001, f"{name} must be a date") from error
    return limit if limit.tzinfo else limit.replace(tzinfo=dt.UTC)


def _in_time(call: PeerCall, limits: dict[tuple[str, str], dt.datetime | None]) -> bool:
    for (name, op), limit in limits.items():
        at = call.start_time if name == "StartTime" else call.end_time
        if limit is not None and (at is None or not _fits(at, op, limit)):
            return False
    return True


def _fits(at: dt.datetime, op: str, limit: dt.datetime) -> bool:
    if op == "<":
        return at < limit
    return at >= limit if op == ">" else at.date() == limit.date()


def _found(peer: "TwilioPeer", sid: str) -> PeerCall:
    try:
        return peer.call(sid)
    except KeyError as error:
        raise errors.not_found(f"/{API}/Accounts/{peer.account_sid}/Calls/{sid}.json") from error

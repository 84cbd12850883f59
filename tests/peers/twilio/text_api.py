"""The Messages resource: https://www.twilio.com/docs/messaging/api/message-resource."""

from typing import TYPE_CHECKING, Any

from multidict import MultiDictProxy

from tests.peers.twilio import errors
from tests.peers.twilio.errors import ApiError
from tests.peers.twilio.forms import MESSAGE, NUMBER, read
from tests.peers.twilio.paging import page
from tests.peers.twilio.resources import API, message_view
from tests.peers.twilio.texts import PeerMessage, TextOutcome

if TYPE_CHECKING:
    from tests.peers.twilio.peer import TwilioPeer

Form = MultiDictProxy[Any]
Answer = tuple[int, dict[str, Any] | None]
_LONGEST = 1600
_REFUSALS = {TextOutcome.UNSUBSCRIBED: 21610, TextOutcome.LANDLINE: 21614}


async def create(peer: "TwilioPeer", form: Form, _: str) -> Answer:
    """Send a message: 201 with it queued."""
    options = read(form, MESSAGE)
    to, from_, body = (str(options.get(each, "")) for each in ("To", "From", "Body"))
    _check(peer, to, from_, body)
    message = PeerMessage(peer, "outbound-api", from_, to, body, options.get("StatusCallback", ""))
    shown = message_view(message)
    peer.send_text(message)
    if peer.faults.before_sid:
        await message.settled()
    return 201, shown


def _check(peer: "TwilioPeer", to: str, from_: str, body: str) -> None:
    if not to:
        raise ApiError(400, 21604)
    if not from_:
        raise ApiError(400, 21603)
    if not NUMBER.fullmatch(to):
        raise ApiError(400, 21211, to)
    if from_ not in peer.numbers:
        raise ApiError(400, 21606, from_)
    if not body:
        raise ApiError(400, 21602)
    if len(body) > _LONGEST:
        raise ApiError(400, 21617)
    if (code := _REFUSALS.get(peer.text_outcome(to))) is not None:
        raise ApiError(400, code)


async def fetch(peer: "TwilioPeer", _: Form, sid: str) -> Answer:
    """Show a message."""
    for each in peer.messages:
        if each.sid == sid:
            return 200, message_view(each)
    raise errors.not_found(f"/{API}/Accounts/{peer.account_sid}/Messages/{sid}.json")


async def list_messages(peer: "TwilioPeer", query: Form, _: str) -> Answer:
    """List messages, the newest first; filters To and From."""
    found = [
        each
        for each in reversed(peer.messages)
        if query.get("To", each.to) == each.to and query.get("From", each.from_) == each.from_
    ]
    path = f"/{API}/Accounts/{peer.account_sid}/Messages.json"
    return 200, page(path, "messages", [message_view(each) for each in found], query)

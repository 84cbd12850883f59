"""A Twilio of our own: a local HTTP and WebSocket server that behaves as Twilio's documentation says, and misbehaves on request.

Sources: https://www.twilio.com/docs (voice/api/call-resource, voice/twiml, voice/media-streams/websocket-messages,
messaging/api/message-resource, usage/webhooks/webhooks-security, api/errors) and the OpenAPI names in the `twilio` package.
What differs on purpose: streams may be ws:// (Twilio takes wss:// alone); parameters it does not know are refused.
What is not there: <Start>, <Record>, <Enqueue>, conferences, clients, SIP addresses, application SIDs, media messages; what
<Say> says is noted and takes no time. The rate of calls and the refusals of too many requests are set on the peer.
"""

from tests.peers.twilio.call import FINAL, PeerCall
from tests.peers.twilio.faults import Faults
from tests.peers.twilio.peer import Alert, TwilioPeer
from tests.peers.twilio.resources import PeerNumber, Requested
from tests.peers.twilio.stream import MediaStream
from tests.peers.twilio.texts import PeerMessage, TextOutcome
from tests.peers.twilio.webhooks import Posted

__all__ = [
    "FINAL",
    "Alert",
    "Faults",
    "MediaStream",
    "PeerCall",
    "PeerMessage",
    "PeerNumber",
    "Posted",
    "Requested",
    "TextOutcome",
    "TwilioPeer",
]

"""The few documents Twilio is told to obey (https://www.twilio.com/docs/voice/twiml)."""

from twilio.twiml.messaging_response import MessagingResponse
from twilio.twiml.voice_response import Connect, VoiceResponse

from callcenter.phone import EndReason

TYPE = "text/xml"
NOTHING = str(MessagingResponse())
_PAUSE_SECONDS = 1
_NOT_IN_SERVICE = frozenset({EndReason.REJECTED, EndReason.UNREACHABLE, EndReason.COMPLETED})


def talk(stream_url: str, token: str) -> str:
    """Join a call with us by a stream that shows `token`; when the stream ends, so does the call."""
    response, connect = VoiceResponse(), Connect()
    connect.stream(url=stream_url).parameter(name="token", value=token)
    response.append(connect)
    response.hangup()
    return str(response)


def wait(url: str) -> str:
    """Let a caller hear ringing a little longer, then ask again at `url`: a pause that comes first delays the answer."""
    response = VoiceResponse()
    response.pause(length=_PAUSE_SECONDS)
    response.redirect(url, method="POST")
    return str(response)


def refuse(reason: EndReason) -> str:
    """Refuse a caller: with the busy tone, or with Twilio's words for a number that is not in service."""
    response = VoiceResponse()
    response.reject(reason="rejected" if reason in _NOT_IN_SERVICE else "busy")
    return str(response)


def hang_up() -> str:
    """End a call."""
    response = VoiceResponse()
    response.hangup()
    return str(response)

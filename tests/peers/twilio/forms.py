"""Form-encoded parameters, checked as Twilio's OpenAPI description types them."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

from multidict import MultiDictProxy

from tests.peers.twilio.errors import ApiError

Kind = Literal["text", "url", "method", "integer", "boolean", "list", "number"]
NUMBER = re.compile(r"\+[1-9]\d{6,14}")
_SHAPES: dict[Kind, tuple[str, str]] = {
    "integer": (r"-?\d+", "an integer"),
    "number": (r"-?\d+(\.\d+)?", "a number"),
    "boolean": ("(?i)true|false", "true or false"),
    "method": ("GET|POST", "GET or POST"),
}
_READ: dict[Kind, Callable[[str], Any]] = {"integer": int, "number": float, "boolean": lambda text: text.lower() == "true"}
EVENTS = ("initiated", "ringing", "answered", "completed")

CALL: dict[str, Kind] = {
    "To": "text",
    "From": "text",
    "Url": "url",
    "Method": "method",
    "Twiml": "text",
    "ApplicationSid": "text",
    "FallbackUrl": "url",
    "FallbackMethod": "method",
    "StatusCallback": "url",
    "StatusCallbackEvent": "list",
    "StatusCallbackMethod": "method",
    "SendDigits": "text",
    "Timeout": "integer",
    "TimeLimit": "integer",
    "Record": "boolean",
    "CallerId": "text",
    "MachineDetection": "text",
    "MachineDetectionTimeout": "integer",
    "MachineDetectionSpeechThreshold": "integer",
    "MachineDetectionSpeechEndThreshold": "integer",
    "MachineDetectionSilenceTimeout": "integer",
    "AsyncAmd": "boolean",
    "AsyncAmdStatusCallback": "url",
    "AsyncAmdStatusCallbackMethod": "method",
}
CALL_UPDATE: dict[str, Kind] = {
    "Url": "url",
    "Method": "method",
    "Status": "text",
    "FallbackUrl": "url",
    "FallbackMethod": "method",
    "StatusCallback": "url",
    "StatusCallbackMethod": "method",
    "Twiml": "text",
    "TimeLimit": "integer",
}
MESSAGE: dict[str, Kind] = {
    "To": "text",
    "From": "text",
    "Body": "text",
    "StatusCallback": "url",
    "ValidityPeriod": "integer",
    "ProvideFeedback": "boolean",
    "SmartEncoded": "boolean",
    "MaxPrice": "number",
}
INCOMING: dict[str, Kind] = {
    "FriendlyName": "text",
    "VoiceUrl": "url",
    "VoiceMethod": "method",
    "VoiceFallbackUrl": "url",
    "VoiceFallbackMethod": "method",
    "VoiceCallerIdLookup": "boolean",
    "StatusCallback": "url",
    "StatusCallbackMethod": "method",
    "SmsUrl": "url",
    "SmsMethod": "method",
    "SmsFallbackUrl": "url",
    "SmsFallbackMethod": "method",
    "VoiceApplicationSid": "text",
    "SmsApplicationSid": "text",
    "TrunkSid": "text",
}


def read(form: MultiDictProxy[Any], kinds: Mapping[str, Kind]) -> dict[str, Any]:
    """Return the parameters that were given, each in its type. Unknown ones raise 20001, so that a wrong name is seen."""
    given: dict[str, Any] = {}
    for name in dict.fromkeys(form):
        if name not in kinds:
            raise ApiError(400, 20001, f"{name} is not a parameter this peer knows")
        values = [str(each) for each in form.getall(name)]
        given[name] = values if kinds[name] == "list" else _typed(name, values[-1], kinds[name])
    return given


def _typed(name: str, value: str, kind: Kind) -> Any:
    if kind == "url":
        check_url(name, value)
    pattern, words = _SHAPES.get(kind, ("(?s).*", ""))
    if not re.fullmatch(pattern, value):
        raise ApiError(400, 20001, f"{name} must be {words}")
    return _READ[kind](value) if kind in _READ else value


def check_url(name: str, value: str) -> None:
    """Refuse what is no absolute http(s) address; "" is none. Twilio allows no underscore in the host's name."""
    parts = urlsplit(value)
    if value and (parts.scheme not in ("http", "https") or not parts.hostname or "_" in parts.hostname):
        raise ApiError(400, 21609 if name == "StatusCallback" else 21205, f"{name} {value}")


def check_events(events: list[str]) -> list[str]:
    """Refuse events that are none; none given: completed."""
    for event in events:
        if event not in EVENTS:
            raise ApiError(400, 21626, event)
    return events or ["completed"]

"""The resources as Twilio's JSON shows them; names and types as in its OpenAPI description."""

import datetime as dt
import email.utils
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.peers.twilio.call import PeerCall
    from tests.peers.twilio.texts import PeerMessage

API = "2010-04-01"


def now() -> dt.datetime:
    """Return the time, UTC."""
    return dt.datetime.now(dt.UTC)


def rfc2822(at: dt.datetime | None) -> str | None:
    """Return a time as Twilio writes it."""
    return None if at is None else email.utils.format_datetime(at)


@dataclass
class Requested:
    """A REST request that came: `params` of the query and the form; `status` what it was answered (0: dropped)."""

    method: str
    path: str
    params: dict[str, Any]
    status: int = 0
    at: dt.datetime = field(default_factory=now)


@dataclass
class PeerNumber:
    """An IncomingPhoneNumber."""

    sid: str
    account_sid: str
    number: str
    friendly_name: str
    created: dt.datetime = field(default_factory=now)
    updated: dt.datetime = field(default_factory=now)
    settings: dict[str, Any] = field(default_factory=dict)  # by parameter's name: VoiceUrl, VoiceMethod ...

    def __getitem__(self, name: str) -> str:
        """Return a setting; a method not set is POST."""
        return str(self.settings.get(name, "POST" if name.endswith("Method") else ""))

    def view(self) -> dict[str, Any]:
        """Return the JSON."""
        return {
            "account_sid": self.account_sid,
            "address_requirements": "none",
            "address_sid": None,
            "api_version": API,
            "beta": False,
            "bundle_sid": None,
            "capabilities": {"fax": False, "mms": False, "sms": True, "voice": True},
            "date_created": rfc2822(self.created),
            "date_updated": rfc2822(self.updated),
            "emergency_address_sid": None,
            "emergency_address_status": "unregistered",
            "emergency_status": "Active",
            "friendly_name": self.settings.get("FriendlyName", self.friendly_name),
            "identity_sid": None,
            "origin": "twilio",
            "phone_number": self.number,
            "sid": self.sid,
            "sms_application_sid": self["SmsApplicationSid"],
            "sms_fallback_method": self["SmsFallbackMethod"],
            "sms_fallback_url": self["SmsFallbackUrl"],
            "sms_method": self["SmsMethod"],
            "sms_url": self["SmsUrl"],
            "status": "in-use",
            "status_callback": self["StatusCallback"],
            "status_callback_method": self["StatusCallbackMethod"],
            "trunk_sid": self["TrunkSid"] or None,
            "type": "local",
            "uri": f"/{API}/Accounts/{self.account_sid}/IncomingPhoneNumbers/{self.sid}.json",
            "voice_application_sid": self["VoiceApplicationSid"],
            "voice_caller_id_lookup": bool(self.settings.get("VoiceCallerIdLookup", False)),
            "voice_fallback_method": self["VoiceFallbackMethod"],
            "voice_fallback_url": self["VoiceFallbackUrl"],
            "voice_method": self["VoiceMethod"],
            "voice_receive_mode": "voice",
            "voice_url": self["VoiceUrl"],
        }


def call_view(call: "PeerCall") -> dict[str, Any]:
    """Return the JSON of a call."""
    over = call.ended
    uri = f"/{API}/Accounts/{call.account_sid}/Calls/{call.sid}"
    parts = ("events", "notifications", "recordings", "streams", "transcriptions", "siprec", "payments", "user_defined_messages")
    return {
        "account_sid": call.account_sid,
        "annotation": None,
        "answered_by": call.answered_by,
        "api_version": API,
        "caller_name": None if call.direction != "inbound" else "",
        "date_created": rfc2822(call.created),
        "date_updated": rfc2822(call.updated),
        "direction": call.direction,
        "duration": str(call.duration) if over and call.answered else ("0" if over else None),
        "end_time": rfc2822(call.end_time),
        "forwarded_from": None,
        "from": call.from_,
        "from_formatted": call.from_,
        "group_sid": None,
        "parent_call_sid": call.parent_sid,
        "phone_number_sid": call.number_sid,
        "price": call.price,
        "price_unit": "USD",
        "queue_time": str(call.queued_ms),
        "sid": call.sid,
        "start_time": rfc2822(call.start_time),
        "status": call.shown_status,
        "subresource_uris": {each: f"{uri}/{each.title().replace('_', '')}.json" for each in parts},
        "to": call.to,
        "to_formatted": call.to,
        "trunk_sid": None,
        "uri": f"{uri}.json",
    }


def message_view(message: "PeerMessage") -> dict[str, Any]:
    """Return the JSON of a message."""
    uri = f"/{API}/Accounts/{message.account_sid}/Messages/{message.sid}"
    return {
        "account_sid": message.account_sid,
        "api_version": API,
        "body": message.text,
        "date_created": rfc2822(message.created),
        "date_sent": rfc2822(message.sent),
        "date_updated": rfc2822(message.updated),
        "direction": message.direction,
        "error_code": message.error_code,
        "error_message": message.error_message,
        "from": message.from_,
        "messaging_service_sid": None,
        "num_media": "0",
        "num_segments": str(message.segments),
        "price": message.price,
        "price_unit": "USD",
        "sid": message.sid,
        "status": message.status,
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": message.to,
        "uri": f"{uri}.json",
    }


def account_view(sid: str, auth_token: str, created: dt.datetime) -> dict[str, Any]:
    """Return the JSON of the account."""
    uri = f"/{API}/Accounts/{sid}"
    return {
        "auth_token": auth_token,
        "date_created": rfc2822(created),
        "date_updated": rfc2822(created),
        "friendly_name": "The peer's account",
        "owner_account_sid": sid,
        "sid": sid,
        "status": "active",
        "subresource_uris": {
            "calls": f"{uri}/Calls.json",
            "incoming_phone_numbers": f"{uri}/IncomingPhoneNumbers.json",
            "messages": f"{uri}/Messages.json",
        },
        "type": "Full",
        "uri": f"{uri}.json",
    }

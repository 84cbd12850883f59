"""What the forms of trunks send, as the models of callcenter.trunks take it, and what they are filled with."""

from typing import Any

from starlette.datastructures import FormData

from callcenter.errors import Invalid
from callcenter.trunks.service import AnyTrunkInput, TrunkInput, TwilioInput
from callcenter.trunks.twilio import FOUR_HOURS
from webui.pages import fields

_SIP_TEXTS = ("host", "username", "auth_username", "domain", "outbound_proxy", "number_format", "external_address", "rtp_ports")
_TWILIO_TEXTS = ("account_sid", "api_key", "public_url", "stream_url", "api_url")
_SECONDS = 60  # of a minute: the page has the longest call in minutes
_UNKNOWN = {"state": "unknown", "state_detail": "", "state_values": {}}


def fresh(kind: str, public_url: str) -> dict[str, Any]:
    """Return what the form of a new trunk is filled with."""
    if kind == "twilio":
        given: dict[str, Any] = dict.fromkeys(("name", *_TWILIO_TEXTS), "")
        given |= {"kind": "twilio", "enabled": True, "caller_ids": [], "machine_detection": False, "calls_per_second": "1"}
        return shown(given | {"public_url": public_url, "longest_call_seconds": FOUR_HOURS})
    return shown(TrunkInput(name="-", host="localhost").model_dump() | {"name": "", "host": ""})


def shown(given: dict[str, Any]) -> dict[str, Any]:
    """Return a trunk's fields as the form shows them, with those it may not have."""
    whole: dict[str, Any] = {
        "has_password": False,
        "has_auth_token": False,
        "has_api_secret": False,
        "webhook_url": "",
        **_UNKNOWN,
    }
    whole |= {"minute_price": "0", "daily_spend": "0", **given}
    if "longest_call_minutes" not in whole:
        whole["longest_call_minutes"] = f"{whole.get('longest_call_seconds', 0) / _SECONDS:.10g}"
    if isinstance(whole.get("calls_per_second"), float):
        whole["calls_per_second"] = f"{whole['calls_per_second']:.10g}"
    return whole


def given(form: FormData) -> dict[str, Any]:
    """Return what was typed, secrets left out, to show it again and to make a model of it."""
    kind = "twilio" if fields.text(form, "kind") == "twilio" else "sip"
    found: dict[str, Any] = {"kind": kind, "name": fields.text(form, "name"), "enabled": fields.flag(form, "enabled")}
    found["caller_ids"] = fields.lines(form, "caller_ids")
    found |= {name: fields.text(form, name) or "0" for name in ("longest_call_minutes", "minute_price", "daily_spend")}
    if kind == "twilio":
        found |= {name: fields.text(form, name) for name in (*_TWILIO_TEXTS, "calls_per_second")}
        return found | {"machine_detection": fields.flag(form, "machine_detection")}
    found |= {name: fields.text(form, name) for name in _SIP_TEXTS}
    found |= {name: fields.flag(form, name) for name in ("register", "trusted", "emergency")}
    found["allow"] = fields.lines(form, "allow")
    found["number_from"] = fields.text(form, "number_from_header") or fields.text(form, "number_from")
    found["codecs"] = [each for each in fields.text(form, "codecs").split(",") if each]
    return found | {"port": fields.text(form, "port")}


def model(form: FormData, typed: dict[str, Any]) -> AnyTrunkInput:
    """Return the trunk that was typed; raises Invalid with the field at fault."""
    values = {name: value for name, value in typed.items() if name != "longest_call_minutes"}
    values |= {name: typed[name].replace(",", ".") for name in ("minute_price", "daily_spend")}
    values["longest_call_seconds"] = round(_decimal(typed["longest_call_minutes"], "longest_call_minutes") * _SECONDS)
    try:
        if typed["kind"] == "twilio":
            values["calls_per_second"] = _decimal(typed["calls_per_second"] or "1", "calls_per_second")
            return fields.validated(TwilioInput, values | {name: _secret(form, name) for name in ("auth_token", "api_secret")})
        values["port"] = fields.whole(form, "port") or 5060
        password = "" if fields.flag(form, "forget_password") else _secret(form, "password")
        return fields.validated(TrunkInput, values | {"password": password})
    except Invalid as refused:
        if refused.field == "longest_call_seconds":
            raise Invalid("A call lasts at most a day: 1440 minutes.", field="longest_call_minutes") from refused
        raise


def _secret(form: FormData, name: str) -> str | None:
    """Return a secret that was typed; None keeps the stored one."""
    value = form.get(name, "")
    return value if isinstance(value, str) and value else None


def _decimal(text: str, field: str) -> float:
    """Return a number typed with a point or a comma; raises Invalid."""
    digits = text.replace(",", ".", 1)
    if not digits.isascii() or not digits.replace(".", "", 1).isdigit() or len(digits) > 12:
        raise Invalid("A number is needed here.", field=field)
    return float(digits)

"""A trunk's way from what an administrator wrote into its row, from there to the switch, and back to the page."""

from typing import Any

from callcenter.config import Settings
from callcenter.errors import Invalid
from callcenter.phone import TrunkConfig, TwilioConfig
from callcenter.trunks import money, secrets
from callcenter.trunks.fields import StateFields, TrunkFields, TrunkOut
from callcenter.trunks.models import Trunk
from callcenter.trunks.twilio import (
    AnyTrunkInput,
    AnyTrunkOut,
    TwilioFields,
    TwilioInput,
    TwilioOut,
    public_address,
    stream_address,
)

_SECRETS = {"password", "auth_token", "api_secret"}
_AMOUNTS = ("minute_price", "daily_spend")


def write(trunk: Trunk, data: AnyTrunkInput, settings: Settings) -> None:
    """Put what was written into the row, secrets sealed; raises Invalid for what does not go together."""
    amounts = {name: money.parts(getattr(data, name)) for name in _AMOUNTS}
    if amounts["daily_spend"] and not amounts["minute_price"]:
        raise Invalid("Write what a minute costs, too: without it nothing can be counted.", field="minute_price")
    if isinstance(data, TwilioInput):
        data = _twilio(trunk, data, settings)
    elif data.register_ and not data.username:
        raise Invalid("A trunk that registers needs a user name.", field="username")
    elif data.password is not None:
        trunk.password_sealed = secrets.seal(settings.data_dir, data.password)
    if amounts != {name: getattr(trunk, name) for name in _AMOUNTS}:
        trunk.spend_told = 0  # with another limit, the administrators hear of it again
    for field, value in {**data.model_dump(exclude=_SECRETS), **amounts}.items():
        setattr(trunk, field, value)


def _twilio(trunk: Trunk, data: TwilioInput, settings: Settings) -> TwilioInput:
    """Seal the secrets, and return the rest with the address people reach us by where none was written.

    A secret stays with whom it was typed for: with another account or gateway it has to be typed again.
    """
    elsewhere = (data.account_sid, data.api_url) != (trunk.account_sid, trunk.api_url)
    if data.auth_token is not None:
        trunk.password_sealed = secrets.seal(settings.data_dir, data.auth_token)
    elif not trunk.password_sealed:
        raise Invalid("The auth token is missing.", field="auth_token")
    elif elsewhere:
        raise Invalid("Type the auth token again: it was given for another account or address.", field="auth_token")
    if not data.api_key:
        trunk.api_secret_sealed = ""
    elif data.api_secret is not None:
        trunk.api_secret_sealed = secrets.seal(settings.data_dir, data.api_secret)
    elif elsewhere or data.api_key != trunk.api_key:
        trunk.api_secret_sealed = ""
    if data.api_key and not trunk.api_secret_sealed:
        raise Invalid("Type the secret of this API key.", field="api_secret")
    return data.model_copy(update={"public_url": data.public_url or _reached_at(settings)})


def _reached_at(settings: Settings) -> str:
    """Return the setting public_url as a trunk needs it; raises Invalid."""
    if not settings.public_url:
        raise Invalid("Write the address Twilio reaches us by, like https://calls.example.com.", field="public_url")
    try:
        return public_address(settings.public_url)
    except ValueError:
        sentence = "Write the address Twilio reaches us by: the setting public_url, {value}, will not do."
        raise Invalid(sentence, field="public_url", value=settings.public_url) from None


def config(trunk: Trunk, settings: Settings) -> TrunkConfig | TwilioConfig:
    """Return what the switch needs to know, secrets in clear; raises Unavailable when they cannot be opened."""
    secret = secrets.unseal(settings.data_dir, trunk.password_sealed)
    if trunk.kind == "twilio":
        return TwilioConfig(
            trunk_id=trunk.id,
            name=trunk.name,
            account_sid=trunk.account_sid,
            auth_token=secret,
            public_url=trunk.public_url,
            stream_url=trunk.stream_url or stream_address(trunk.public_url, settings.streams),
            api_key=trunk.api_key,
            api_secret=secrets.unseal(settings.data_dir, trunk.api_secret_sealed),
            api_url=trunk.api_url,
            numbers=tuple(trunk.caller_ids),
            calls_per_second=trunk.calls_per_second,
            machine_detection=trunk.machine_detection,
            longest_call_seconds=trunk.longest_call_seconds,
            region=settings.region,
        )
    return TrunkConfig(
        trunk_id=trunk.id,
        name=trunk.name,
        host=trunk.host,
        port=trunk.port,
        username=trunk.username,
        auth_username=trunk.auth_username,
        password=secret,
        domain=trunk.domain,
        outbound_proxy=trunk.outbound_proxy,
        register=trunk.register,
        trusted=trunk.trusted,
        allow=tuple(trunk.allow),
        number_format=trunk.number_format,  # type: ignore[arg-type]  # only validated values are stored
        number_from=trunk.number_from,
        region=settings.region,
        external_address=trunk.external_address,
        rtp_ports=trunk.rtp_ports,
        codecs=tuple(trunk.codecs),
        longest_call_seconds=trunk.longest_call_seconds,
    )


def shown(trunk: Trunk) -> AnyTrunkOut:
    """Return a stored trunk as people see it, without its secrets."""
    fields = TwilioFields if trunk.kind == "twilio" else TrunkFields
    known: dict[str, Any] = {
        info.alias or name: getattr(trunk, info.alias or name)
        for name, info in (fields.model_fields | StateFields.model_fields).items()
    }
    known |= {name: money.written(known[name]) for name in _AMOUNTS}
    if trunk.kind != "twilio":
        return TrunkOut.model_validate({**known, "has_password": bool(trunk.password_sealed)})
    known["has_auth_token"], known["has_api_secret"] = bool(trunk.password_sealed), bool(trunk.api_secret_sealed)
    return TwilioOut.model_validate({**known, "webhook_url": f"{trunk.public_url}/twilio/{trunk.id}/"})


def audited(data: AnyTrunkInput) -> dict[str, Any]:
    """Return what the audit trail keeps of a change: everything but the secrets, of which only that they were typed."""
    typed = {f"{name}_changed": getattr(data, name) is not None for name in sorted(_SECRETS & set(type(data).model_fields))}
    return {**typed, **data.model_dump(exclude=_SECRETS)}

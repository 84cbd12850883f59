"""Whether a webhook is Twilio's: X-Twilio-Signature (https://www.twilio.com/docs/usage/webhooks/webhooks-security)."""

import hmac
from urllib.parse import urlsplit

from twilio.request_validator import RequestValidator, add_port, remove_port

from callcenter.phone import TwilioConfig, Webhook


class _Form(dict[str, list[str]]):
    """A form as the library reads it: every value of a name."""

    def getlist(self, name: str) -> list[str]:
        """Return every value of a name."""
        return self[name]


def address(config: TwilioConfig, path: str, query: str = "") -> str:
    """Return the address of one of an account's webhooks."""
    return f"{config.public_url}/twilio/{config.trunk_id}/{path}" + (f"?{query}" if query else "")


def sign(config: TwilioConfig, path: str, query: str, params: tuple[tuple[str, str], ...]) -> str:
    """Return the signature Twilio would give a webhook."""
    return str(RequestValidator(config.auth_token).compute_signature(address(config, path, query), _form(params)))


def genuine(config: TwilioConfig, webhook: Webhook) -> bool:
    """Tell whether a webhook was signed with the account's token, for the address Twilio knows, with a port or without."""
    url = urlsplit(address(config, webhook.path, webhook.query))
    validator, params, given = RequestValidator(config.auth_token), _form(webhook.params), webhook.signature.encode()
    fits = False
    for each in (url.geturl(), remove_port(url), add_port(url)):
        fits |= hmac.compare_digest(validator.compute_signature(each, params).encode(), given)
    return fits and bool(config.auth_token)  # anybody can sign with no token


def _form(params: tuple[tuple[str, str], ...]) -> _Form:
    form = _Form()
    for name, value in params:
        form.setdefault(name, []).append(value)
    return form

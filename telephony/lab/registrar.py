"""Who is registered where (RFC 3261 10), and whose credentials are good."""

import ipaddress
import re
import secrets
import time
from typing import NamedTuple

import structlog

from telephony.lab.accounts import TRUNK, Digest, username
from telephony.lab.customers import handset_number, normal
from telephony.lab.message import Malformed, Message, respond, split_uri, uri_of
from telephony.lab.transactions import Address, ServerTransaction

log = structlog.get_logger(__name__)

_LONGEST = 3600  # seconds a registration is granted at most


class Binding(NamedTuple):
    """Where an account can be reached, until `expires` (time.monotonic())."""

    contact: str
    peer: Address
    expires: float


class Registrar:
    """Accounts are the product's trunk and numbers; one binding each, the newest wins (a demo handset moves)."""

    def __init__(self, passwords: dict[str, str]) -> None:
        self._passwords = passwords
        self._digest = Digest()
        self._bindings: dict[str, Binding] = {}

    def where(self, account: str) -> Binding | None:
        """Return an account's binding, None when it is not registered now."""
        binding = self._bindings.get(account)
        return binding if binding is not None and binding.expires > time.monotonic() else None

    def who(self, peer: Address) -> str:
        """Return the number of the handset registered at an address, "" when there is none."""
        return next(
            (each for each, binding in self._bindings.items() if binding.peer == peer and each != TRUNK and self.where(each)), ""
        )

    def accounts(self) -> list[str]:
        """Return the accounts registered now."""
        return [each for each in self._bindings if self.where(each)]

    def allows(self, transaction: ServerTransaction, account: str) -> bool:
        """Whether the request carries good credentials of `account`; if not, it is answered: 401/407, or 403 when wrong."""
        request = transaction.request
        proxy = request.method != "REGISTER"
        value = request.first("Proxy-Authorization" if proxy else "Authorization")
        password = self._password(account)
        verdict = self._digest.check(request, value, password or "") if value else "none"
        if not password or verdict == "wrong" or (value and username(value) != account):
            log.info("credentials refused", account=account[:40], peer=transaction.peer[0], method=request.method)
            transaction.respond(respond(request, 403, "Forbidden", secrets.token_hex(4)))
            return False
        if verdict == "ok":
            return True
        status, reason = (407, "Proxy Authentication Required") if proxy else (401, "Unauthorized")
        response = respond(request, status, reason, secrets.token_hex(4))
        response.add("Proxy-Authenticate" if proxy else "WWW-Authenticate", self._digest.challenge(stale=verdict == "stale"))
        transaction.respond(response)
        return False

    def register(self, transaction: ServerTransaction) -> None:
        """Answer REGISTER: bind, refresh, un-bind (Expires 0) or tell what is bound (no Contact)."""
        request = transaction.request
        account = account_of(request.first("To"))
        if not self.allows(transaction, account):
            return
        contact = request.first("Contact")
        response = respond(request, 200, "OK", secrets.token_hex(4))
        seconds = _expires(request, contact)
        if contact and (contact.strip() == "*" or seconds == 0):
            self._bindings.pop(account, None)
            log.info("unregistered", account=account)
        elif contact:
            uri = uri_of(contact)
            self._bindings[account] = Binding(uri, _reachable(uri, transaction.peer), time.monotonic() + seconds)
            log.info("registered", account=account, peer=transaction.peer[0], port=transaction.peer[1], seconds=seconds)
        binding = self.where(account)
        if binding is not None:
            left = round(binding.expires - time.monotonic())
            response.add("Contact", f"<{binding.contact}>;expires={left}").add("Expires", str(left))
        transaction.respond(response)

    def _password(self, account: str) -> str | None:
        if account == TRUNK:
            return self._passwords["trunk"]
        return self._passwords["handset"] if handset_number(account) else None


def account_of(value: str) -> str:
    """Return the account a From, To or Contact value names: `callcenter`, or a number as +48..."""
    try:
        user = split_uri(uri_of(value)).user
    except Malformed:
        return ""
    return normal(user) if re.search(r"\d{9}", user) else user


def _expires(request: Message, contact: str) -> int:
    """Return the seconds asked for: the Contact's parameter before the header, 3600 when neither (RFC 3261 10.2.1.1)."""
    match = re.search(r";\s*expires\s*=\s*(\d{1,9})", contact.rpartition(">")[2], re.IGNORECASE)
    asked = match.group(1) if match else request.first("Expires")
    return min(int(asked), _LONGEST) if asked.isdecimal() else _LONGEST


def _reachable(uri: str, peer: Address) -> Address:
    """Return where to send for a contact: the address it names, or the one it came from if it names a host."""
    try:
        parts = split_uri(uri)
        return (str(ipaddress.ip_address(parts.host)), parts.port or 5060)
    except (Malformed, ValueError):
        return peer

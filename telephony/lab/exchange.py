"""The exchange of the built-in carrier: who may call, and where a call goes."""

import asyncio
import dataclasses
import random
import secrets
from collections import deque
from collections.abc import Coroutine
from typing import Any

import structlog

from callcenter.errors import Conflict, Invalid, NotFound
from telephony.lab.accounts import TRUNK
from telephony.lab.audio import AudioClock
from telephony.lab.customer_call import CustomerCall
from telephony.lab.customers import CUSTOMERS, DEMO_NUMBER, Behaviour, Customer, handset_number, normal
from telephony.lab.leg import ALLOWED, Leg
from telephony.lab.message import Malformed, Message, respond, split_uri, tag_of
from telephony.lab.registrar import Registrar, account_of
from telephony.lab.relay import Relay
from telephony.lab.transactions import Address, ServerTransaction, Transactions

log = structlog.get_logger(__name__)

MOST_CALLS = 60
_REMEMBERED = 100  # ended calls kept for the control connection


class Exchange:
    """Routes calls between customers, handsets and the product. `product` is where it listens if its trunk never registers."""

    def __init__(self, passwords: dict[str, str], product: Address) -> None:
        self.registrar = Registrar(passwords)
        self.customers = {each.number: each for each in CUSTOMERS}
        self.clock = AudioClock()
        self.wire = Transactions(self)
        self._product = product
        self._legs: dict[str, Leg] = {}
        self._calls: dict[str, CustomerCall] = {}
        self._past: deque[CustomerCall] = deque(maxlen=_REMEMBERED)
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self, address: Address) -> None:
        """Listen on a UDP address; raises OSError when it is taken."""
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: self.wire, local_addr=address)

    async def close(self) -> None:
        """Hang up everywhere and close."""
        for leg in tuple(self._legs.values()):
            leg.hang_up()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.wire.close()
        await asyncio.sleep(0)  # the turn of the loop in which the sockets really close

    # --- what the control connection asks -----------------------------------------------------------------------------

    def calls(self) -> list[CustomerCall]:
        """Return the customers' calls, those that ended lately first."""
        return [*self._past, *self._calls.values()]

    def registered(self) -> list[str]:
        """Return the accounts registered now."""
        return self.registrar.accounts()

    def call(self, call_id: str) -> CustomerCall:
        """Return a call in progress; raises NotFound."""
        call = self._calls.get(call_id)
        if call is None:
            raise NotFound("This customer is not on the phone any more.")
        return call

    def customer(self, number: str) -> Customer:
        """Return a customer by number; raises NotFound."""
        customer = self.customers.get(normal(number))
        if customer is None:
            raise NotFound("{number} is not the number of a demo customer.", number=number)
        return customer

    def behave(self, number: str, behaviour: str) -> Customer:
        """Change what a customer does when called, until the carrier stops."""
        if behaviour not in set(Behaviour):
            raise Invalid("Customers do not know how to behave like {behaviour}.", field="behaviour", behaviour=behaviour)
        changed = dataclasses.replace(self.customer(number), behaviour=Behaviour(behaviour))
        self.customers[changed.number] = changed
        return changed

    async def let_call(self, number: str | None = None, dialled: str | None = None, tone: int = 0) -> CustomerCall:
        """Let a customer (a random one who is free) call the product; raises Conflict when nobody can."""
        customer = self.customer(number) if number else self._anybody()
        if any(each.customer.number == customer.number for each in self._calls.values()):
            raise Conflict("{name} is on the phone already.", name=customer.name)
        binding = self.registrar.where(TRUNK)
        peer = binding.peer if binding else self._product
        host = self.wire.address[0]
        target = normal(dialled or DEMO_NUMBER)
        call = await CustomerCall.prepare(customer, target, "in", host, self.clock)
        call.tone = tone
        call.leg = self._dial(call, peer, _uri(target, peer), customer.number, withheld=customer.withheld, sdp=call.offer(host))
        self._follow(call, call.calls())
        return call

    # --- what the wire tells ------------------------------------------------------------------------------------------

    def request_came(self, request: Message, transaction: ServerTransaction) -> None:
        """Take a request seen for the first time."""
        if request.method == "REGISTER":
            self.registrar.register(transaction)
        elif tag_of(request.first("To")):
            leg = self._legs.get(request.call_id)
            if leg is None or leg.peer[0] != transaction.peer[0]:
                self._refuse(transaction, 481, "Call/Transaction Does Not Exist")
            else:
                leg.request_came(request, transaction)
        elif request.method == "INVITE":
            self._invite(request, transaction)
        elif request.method == "OPTIONS":
            transaction.respond(respond(request, 200, "OK", secrets.token_hex(4)).add("Allow", ALLOWED))
        else:
            response = respond(request, 405, "Method Not Allowed", secrets.token_hex(4))
            transaction.respond(response.add("Allow", ALLOWED))

    def ack_came(self, request: Message) -> None:
        """Take the ACK of a 200."""
        leg = self._legs.get(request.call_id)
        if leg is not None:
            leg.ack_came(request)

    def cancel_came(self, transaction: ServerTransaction) -> None:
        """Take a caller's CANCEL."""
        leg = self._legs.get(transaction.request.call_id)
        if leg is not None:
            leg.cancel_came()
        else:
            self._refuse(transaction, 487, "Request Terminated")

    # --- routing ------------------------------------------------------------------------------------------------------

    def _invite(self, request: Message, transaction: ServerTransaction) -> None:
        try:
            dialled = normal(split_uri(request.uri).user)
        except Malformed:
            self._refuse(transaction, 416, "Unsupported URI Scheme")
            return
        if request.first("Max-Forwards") == "0":
            self._refuse(transaction, 483, "Too Many Hops")
            return
        caller = self.registrar.who(transaction.peer)
        if not caller:
            account = TRUNK if not handset_number(account_of(request.first("From"))) else account_of(request.first("From"))
            if not self.registrar.allows(transaction, account):
                return
            caller = "" if account == TRUNK else account
        self._route(transaction, dialled, caller)

    def _route(self, transaction: ServerTransaction, dialled: str, caller: str) -> None:
        """Send a call on; `caller` is a handset's number, "" when the product calls."""
        shown = caller or account_of(transaction.request.first("From"))
        handset = self.registrar.where(dialled) if dialled != caller else None
        if len(self._legs) >= 2 * MOST_CALLS:
            self._refuse(transaction, 503, "Service Unavailable")
        elif handset is not None:
            self._relay(transaction, handset.peer, handset.contact, shown)
        elif dialled in self.customers:
            self._spawn(self._ring_customer(transaction, self.customers[dialled], shown))
        elif handset_number(dialled):
            self._refuse(transaction, 480, "Temporarily Unavailable")  # a phone that is switched off
        elif caller:
            binding = self.registrar.where(TRUNK)
            peer = binding.peer if binding else self._product
            self._relay(transaction, peer, _uri(dialled, peer), caller)
        else:
            self._refuse(transaction, 404, "Not Found")

    async def _ring_customer(self, transaction: ServerTransaction, customer: Customer, caller: str) -> None:
        host = self.wire.address[0]
        call = await CustomerCall.prepare(customer, caller, "out", host, self.clock)
        if transaction.answered:  # the caller gave up meanwhile
            call.audio.close()
            return
        call.leg = Leg.incoming(self.wire, self._legs, call, transaction)
        if any(each.customer.number == customer.number for each in self._calls.values()):
            call.customer = dataclasses.replace(customer, behaviour=Behaviour.BUSY)  # on the phone already
        self._follow(call, call.called(host))

    def _relay(self, transaction: ServerTransaction, peer: Address, uri: str, caller: str) -> None:
        relay = Relay()
        relay.caller = Leg.incoming(self.wire, self._legs, relay, transaction)
        relay.callee = self._dial(relay, peer, uri, caller, withheld=False, sdp=relay.caller.far_sdp)

    def _dial(self, listener: CustomerCall | Relay, peer: Address, uri: str, caller: str, *, withheld: bool, sdp: bytes) -> Leg:
        host, port = self.wire.address
        identity = f"<sip:{caller}@{host}:{port}>"
        shown = '"Anonymous" <sip:anonymous@anonymous.invalid>' if withheld else identity
        extra = [("P-Asserted-Identity", identity)] + ([("Privacy", "id")] if withheld else [])  # RFC 3325
        return Leg.dial(self.wire, self._legs, listener, peer, uri=uri, caller=shown, sdp=sdp, extra=tuple(extra))

    # --- inside -------------------------------------------------------------------------------------------------------

    def _anybody(self) -> Customer:
        busy = {each.customer.number for each in self._calls.values()}
        free = [each for each in self.customers.values() if each.number not in busy]
        if not free:
            raise Conflict("All demo customers are on the phone already.")
        return random.choice(free)  # noqa: S311 - which customer calls is no secret

    def _refuse(self, transaction: ServerTransaction, status: int, reason: str) -> None:
        transaction.respond(respond(transaction.request, status, reason, secrets.token_hex(4)))

    def _follow(self, call: CustomerCall, story: Coroutine[Any, Any, None]) -> None:
        async def until_over() -> None:
            try:
                await story
            finally:
                call.audio.close()
                self._calls.pop(call.id, None)
                self._past.append(call)

        self._calls[call.id] = call
        log.info("customer's call", number=call.customer.number, other=call.other, direction=call.direction)
        self._spawn(until_over())

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a customer's call failed", error=repr(error))


def _uri(number: str, peer: Address) -> str:
    return f"sip:{number}@{peer[0]}:{peer[1]}"

"""TwilioCarrier: every Twilio account as the switch sees them (telephony.legs.Carrier)."""

import asyncio
from collections import Counter
from collections.abc import Sequence

import structlog

from callcenter.config import Settings
from callcenter.errors import Invalid, NotFound, Unavailable
from callcenter.phone import (
    AnyTrunk,
    EndReason,
    Originate,
    SendText,
    TraceLine,
    TrunkReport,
    TrunkState,
    TwilioConfig,
    Webhook,
    WebhookAnswer,
)
from telephony.legs import CarrierListener
from telephony.twilio import leftovers
from telephony.twilio.account import Account
from telephony.twilio.api import Api
from telephony.twilio.book import Book
from telephony.twilio.leg import Leg
from telephony.twilio.outbound import OutboundLeg
from telephony.twilio.patience import Patience
from telephony.twilio.streams import Streams
from telephony.twilio.texts import Texts
from telephony.twilio.trace import Trace
from telephony.twilio.webhooks import Webhooks

log = structlog.get_logger(__name__)

_STREAMS = "streams"
_RETIRED_SECONDS = 60.0  # an account that is no more is kept so long at least, for what Twilio still says of its calls


class TwilioCarrier:
    """Implements telephony.legs.Carrier. It listens, and loads what is large, only while there is a Twilio trunk."""

    def __init__(self, settings: Settings, patience: Patience = Patience()) -> None:  # noqa: B008 - a tuple
        self._patience = patience
        self._totals: Counter[str] = Counter()
        self.streams = Streams(settings, self._totals)
        self._book = Book()
        self._texts = Texts()
        self._webhooks = Webhooks(self.streams, self._texts)
        self._listener: CarrierListener | None = None
        self._configs: tuple[TwilioConfig, ...] = ()
        self._accounts: dict[int, Account] = {}
        self._retired: list[Account] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._opening = asyncio.Lock()

    # --- telephony.legs.Carrier -------------------------------------------------------------------------------------

    async def start(self, listener: CarrierListener) -> None:
        """Begin with the trunks that are configured."""
        self._listener = listener
        self._apply()

    async def stop(self) -> None:
        """Hang up what lives, and see it ended at Twilio; close. Safe to repeat."""
        if self._listener is None:
            return
        for leg in self._book:
            leg.hang_up(EndReason.FAILED)
        accounts = [*self._accounts.values(), *self._retired]
        await asyncio.sleep(0)  # who waits for a refusal fetches it now
        for refused in list(self._book.refused):
            refused.finish()
        await asyncio.gather(*(each.settle(self._patience.stop) for each in accounts))
        self._listener = None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.streams.close()
        await asyncio.gather(*(each.close() for each in accounts))
        self._accounts.clear()
        self._retired.clear()

    def configure(self, trunks: Sequence[AnyTrunk]) -> None:
        """Take this whole set of trunks; calls in progress on a changed or removed one go on."""
        self._configs = tuple(each for each in trunks if isinstance(each, TwilioConfig))
        if self._listener is not None:
            self._apply()

    def _apply(self) -> None:
        wanted = {each.trunk_id: each for each in self._configs}
        for trunk_id, account in list(self._accounts.items()):
            if wanted.get(trunk_id) != account.config:
                self._retire(self._accounts.pop(trunk_id))
        for trunk_id, config in wanted.items():
            if trunk_id not in self._accounts:
                account = self._accounts[trunk_id] = self._account(config)
                account.spawn(account.watch())
                account.spawn(leftovers.end_them(account))
        if wanted or self._accounts or self.streams.port:
            self._spawn_listening()

    def _account(self, config: TwilioConfig) -> Account:
        trace = Trace()
        return Account(config, Api(config, trace), trace, self._book, self._patience, self._totals, self._state_changed)

    def _retire(self, account: Account) -> None:
        account.retired = True
        self._retired.append(account)
        self._spawn(self._see_off(account))

    async def _see_off(self, account: Account) -> None:
        """Keep an account that is no more while it has calls."""
        await asyncio.sleep(_RETIRED_SECONDS)
        while any(leg.account is account for leg in self._book):  # noqa: ASYNC110 - a minute more or less does not matter
            await asyncio.sleep(_RETIRED_SECONDS)
        self._retired.remove(account)
        await account.close()
        await self._listen()

    def _spawn_listening(self) -> None:
        self._spawn(self._listen())

    async def _listen(self) -> None:
        """Open the address of the streams while there is an account, close it when there is none."""
        async with self._opening:
            if not self._accounts and not len(self._book):
                await self.streams.close()
                return
            problem = None
            try:
                await self.streams.open()
            except Unavailable as error:
                log.error("twilio.not_listening", reason=str(error))  # noqa: TRY400 - a sentence
                problem = error
            for account in self._accounts.values():
                account.problem(_STREAMS, problem)

    def _state_changed(self, state: TrunkState) -> None:
        if self._listener is not None:
            self._listener.trunk_changed(state)

    def originate(self, command: Originate) -> Leg:
        """Start an outbound call; a known leg_id is left as it is. Raises Invalid for one that is to hide our number."""
        known = self._book.leg(command.leg_id)
        if known is not None:
            return known
        account, listener = self._account_of(command.trunk_id)
        if command.anonymous:
            raise Invalid("Twilio cannot hide the number a call comes from.")
        leg = OutboundLeg(command.leg_id, account, listener, self.streams, command)
        account.count("calls_out")
        account.queue.put(leg)
        return leg

    def send_text(self, command: SendText) -> None:
        """Send a message."""
        account, listener = self._account_of(command.trunk_id)
        self._texts.send(account, listener, command)

    async def webhook(self, query: Webhook) -> WebhookAnswer:
        """Take a webhook: 403 unless an account of this trunk signed it."""
        accounts = [each for each in (*self._accounts.values(), *self._retired) if each.config.trunk_id == query.trunk_id]
        if self._listener is None or not accounts:
            return WebhookAnswer(404)
        answer = await self._webhooks.take(accounts, self._listener, query)
        if answer.status == 403:
            self._totals["twilio_forged"] += 1
            log.warning("twilio.forged", trunk=query.trunk_id)
        return answer

    async def test(self, trunk_id: int) -> TrunkReport:
        """Try an account and say what works; raises NotFound."""
        from telephony.twilio import checks  # noqa: PLC0415 - a WebSocket client, which nothing else needs

        account, _ = self._account_of(trunk_id)
        return await checks.run(account, self.streams)

    async def set_webhooks(self, trunk_id: int) -> TrunkReport:
        """Tell Twilio where calls and messages to our numbers go; raises NotFound."""
        from telephony.twilio import checks  # noqa: PLC0415 - the same

        account, _ = self._account_of(trunk_id)
        return await checks.set_webhooks(account)

    def _account_of(self, trunk_id: int) -> tuple[Account, CarrierListener]:
        account = self._accounts.get(trunk_id)
        if account is None or self._listener is None:
            raise NotFound("There is no such trunk.")
        return account, self._listener

    def trace(self, trunk_id: int) -> tuple[TraceLine, ...]:
        """Return the last requests and webhooks of an account, secrets blanked."""
        account = self._accounts.get(trunk_id)
        return account.trace.lines() if account is not None else ()

    def states(self) -> tuple[TrunkState, ...]:
        """Return every account's state."""
        return tuple(each.state for each in self._accounts.values())

    @property
    def counters(self) -> dict[str, int]:
        """Totals since the start, and how many calls wait to be dialled now."""
        return {**self._totals, "twilio_waiting": sum(len(each.queue) for each in self._accounts.values())}

    def _spawn(self, work: "asyncio._CoroutineLike[None]") -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

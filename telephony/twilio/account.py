"""An account while it runs: its requests, its queue, its state, and the ending of calls that are over here."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

import structlog

from callcenter.errors import CallCenterError, Unavailable
from callcenter.phone import TrunkState, TwilioConfig
from telephony.twilio.api import Api
from telephony.twilio.book import Book
from telephony.twilio.dialling import DialQueue
from telephony.twilio.errors import Refused, TooFast, Uncertain, Unsent
from telephony.twilio.patience import Patience
from telephony.twilio.trace import Trace

if TYPE_CHECKING:
    from telephony.twilio.leg import Leg

log = structlog.get_logger(__name__)

_TRIES_TO_END = 8
_NOT_ALLOWED = (401, 403)
_END = "end"  # the name of the tasks a stop waits for
_STATE_SECONDS = 1.0  # between two reports of how many calls wait


class Account:
    """A configured trunk. `problems`, by what has them, are why it cannot be used."""

    def __init__(
        self,
        config: TwilioConfig,
        api: Api,
        trace: Trace,
        book: Book,
        patience: Patience,
        totals: Counter[str],
        changed: Callable[[TrunkState], None],
    ) -> None:
        self.config, self.api, self.trace, self.book, self.patience = config, api, trace, book, patience
        self.queue = DialQueue(config.calls_per_second, self._waiting_changed, asyncio.get_running_loop())
        self.state = TrunkState(config.trunk_id, "unknown")
        self.retired = False
        self._totals, self._changed = totals, changed
        self._checked = self._watched = False
        self._problems: dict[str, CallCenterError] = {}
        self._ending: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._report: asyncio.TimerHandle | None = None

    # --- state --------------------------------------------------------------------------------------------------------

    async def watch(self) -> None:
        """Try the credentials until they are accepted."""
        if self._watched:
            return
        self._watched = True
        while (problem := await self.try_credentials()) is not None:
            self._checked = True
            self.problem("account", problem)
            await asyncio.sleep(self.patience.account)
        self._watched = False
        self._checked = True
        self.problem("account", None)

    async def try_credentials(self) -> Unavailable | None:
        """Ask for the account; returns what is wrong."""
        try:
            await self.api.account()
        except Refused as error:
            return self._refusal(error)
        except (Unsent, Uncertain) as error:
            return Unavailable("Twilio cannot be reached: {reason}", reason=str(error))
        return None

    def _refusal(self, error: Refused) -> Unavailable:
        if error.status in _NOT_ALLOWED:
            return Unavailable("Twilio does not accept the account SID with its token or key. Check them on this page.")
        return Unavailable("Twilio refuses: {reason}", reason=f"{error.words} ({error.code or error.status})")

    def refused(self, error: Refused) -> None:
        """Note a refusal that says something of the account."""
        if error.status in _NOT_ALLOWED:
            self.problem("account", self._refusal(error))
            self.spawn(self.watch())

    def problem(self, name: str, problem: CallCenterError | None) -> None:
        """Note what is wrong with a part of the account, or that nothing is."""
        if problem is None:
            self._problems.pop(name, None)
        else:
            self._problems[name] = problem
        self._tell()

    def _waiting_changed(self) -> None:
        if self._report is None and not self.retired:
            self._report = asyncio.get_running_loop().call_later(_STATE_SECONDS, self._tell)

    def _tell(self) -> None:
        if self._report is not None:
            self._report.cancel()
            self._report = None
        new = self._state()
        if new != self.state and not self.retired:
            if new.state != self.state.state:
                log.info("trunk_state", trunk=self.config.name, state=new.state, detail=new.detail)
            self.state = new
            self._changed(new)

    def _state(self) -> TrunkState:
        trunk_id = self.config.trunk_id
        for problem in self._problems.values():
            values = {name: str(value) for name, value in problem.values.items()}
            return TrunkState(trunk_id, "failed", problem.sentence, values)
        if not self._checked:
            return TrunkState(trunk_id, "unknown")
        if not self.queue:
            return TrunkState(trunk_id, "ready")
        values = {"count": str(len(self.queue)), "rate": f"{self.config.calls_per_second:g}"}
        return TrunkState(
            trunk_id, "ready", "Calls waiting to be dialled: {count}. The account may dial {rate} a second.", values
        )

    def count(self, name: str) -> None:
        """Count something."""
        self._totals[name] += 1

    # --- calls --------------------------------------------------------------------------------------------------------

    def leg_over(self, leg: "Leg") -> None:
        """A leg ended here."""
        self.book.forget(leg, leg.last_words)

    def end_call(self, sid: str) -> None:
        """End a call at Twilio, whatever it takes: it costs as long as it lasts."""
        if sid not in self._ending and sid not in self.book.final:
            self._ending.add(sid)
            self.spawn(self._end(sid), _END)

    async def _end(self, sid: str) -> None:
        wait = self.patience.retry
        for _ in range(_TRIES_TO_END):
            if sid in self.book.final:
                break
            try:
                await self.api.end(sid)
            except (TooFast, Unsent, Uncertain) as error:
                log.info("twilio.not_ended_yet", call=sid, error=str(error))
                await asyncio.sleep(wait)
                wait *= 2
            except Refused as error:
                if error.status in _NOT_ALLOWED:
                    self.refused(error)
                log.info("twilio.not_ended", call=sid, code=error.code)  # as a rule because it is over
                break
            else:
                break
        else:
            self.count("twilio_never_ended")
            log.error("twilio.never_ended", call=sid)
        self._ending.discard(sid)

    # --- work ---------------------------------------------------------------------------------------------------------

    def spawn(self, work: Coroutine[Any, Any, None], name: str = "work") -> None:
        """Do something beside."""
        task = asyncio.get_running_loop().create_task(self._logged(work), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _logged(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception:  # one request's fault must not end the account; the leg's own timer ends the leg
            self.count("twilio_errors")
            log.exception("twilio.failed", trunk=self.config.name)

    async def settle(self, seconds: float) -> None:
        """Let what is being ended end, but no longer than this."""
        ends = [each for each in self._tasks if each.get_name() == _END]
        if ends:
            await asyncio.wait(ends, timeout=seconds)

    async def close(self) -> None:
        """Stop everything."""
        self.retired = True
        self.queue.close()
        if self._report is not None:
            self._report.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.api.close()

"""The misbehaviours a Twilio account can show, each a switch. All off: Twilio as on a good day."""

import random
from dataclasses import dataclass, field
from typing import Literal

Order = Literal["", "reversed", "shuffled", "end_first"]


@dataclass
class RestFault:
    """One way a REST request goes wrong: `status` 0 drops the connection; `after`: what was asked is done all the same."""

    status: int
    after: bool
    path: str
    method: str
    times: int


@dataclass
class Faults:
    """Switches. Seconds where it says so; names of webhooks: voice, initiated, ringing, answered, completed, amd, stream,
    number (the status callback of one of our numbers), sms, and the states of messages (sent, delivered ...).
    """

    twice: bool = False  # every webhook, voice included, comes twice; the second answer is not read
    twice_after: float = 0.0  # seconds between the two
    late: float = 0.0  # seconds every status callback waits
    order: Order = ""  # of a call's status callbacks; all but "" hold them until the last is known
    lose: set[str] = field(default_factory=set)  # names of webhooks that never come
    before_sid: bool = False  # callbacks come before the REST request that makes the call is answered
    wrong_signature: bool = False
    stale_rest: float = 0.0  # seconds by which the state of a call that REST shows lags behind what callbacks tell
    slow_rest: float = 0.0  # seconds before a REST request is answered, when it has been done
    cut_stream_after: int | None = None  # frames; the socket is gone without a word, the call goes on with the next verb
    stream_twice: bool = False  # every stream connects a second time, with the same parameters
    seed: int = 1  # of `shuffled`
    rest: list[RestFault] = field(default_factory=list)

    def refuse(self, status: int, *, path: str = "/Calls", method: str = "POST", times: int = 1) -> None:
        """Answer the next requests of that kind with 429, 500 or 503 before anything is done; 0 drops the connection."""
        self.rest.append(RestFault(status, after=False, path=path, method=method, times=times))

    def fail_after(self, status: int = 500, *, path: str = "/Calls", method: str = "POST", times: int = 1) -> None:
        """Do what the next requests of that kind ask, then answer `status`; 0 drops the connection."""
        self.rest.append(RestFault(status, after=True, path=path, method=method, times=times))

    def next_rest(self, method: str, path: str) -> RestFault | None:
        """Take the fault that meets a request, if any."""
        for fault in self.rest:
            if fault.method == method and fault.path in path:
                fault.times -= 1
                if fault.times <= 0:
                    self.rest.remove(fault)
                return fault
        return None

    def shuffled(self, seed: str) -> random.Random:
        """Return a source of disorder, the same for the same `seed`."""
        return random.Random(f"{self.seed}{seed}")

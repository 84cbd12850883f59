"""A small discrete-event world of one campaign's day, seeded: agents, lines and customers.

For rehearsals and tests: `run(day, seed, pace)` asks `pace(observed)` every tick for lines, as the live dialer is asked.
"""

from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush
from random import Random

from callcenter.campaigns.day import Day, Law, Result
from callcenter.campaigns.observed import Event, Kind, Observed, Totals

AWAY, READY, TALK, WRAP, PAUSED, MACHINE = range(6)
PEOPLE, MACHINES, BUSY, FAILED, NO_ANSWER, RECOGNISED, PATIENCE, TALKED, WRAPPED, HELD, SIGN_IN, BREAK, BACK, SIGN_OUT = range(14)
BREAK_SIGMA = 0.6
SPENT = {TALK: "talk_s", WRAP: "wrap_s", READY: "idle_s", MACHINE: "machine_s"}
STREAMS = ("answer", "talk", "wrap", "ring", "line", "agents", "machines", "trunk", "scale")


class World:
    """One day as it happens. Every draw comes from the seed; lines are numbered in the order they are dialled."""

    def __init__(self, day: Day, seed: int) -> None:
        self.day, self.result = day, Result()
        streams = [Random(f"{seed}:{name}") for name in STREAMS]  # noqa: S311 - customers, not secrets
        self.answer = day.answer.drawn(day.length, streams[0])
        self.machine_share = day.machines.drawn(day.length, streams[6])
        self.scale = day.talk_scale.drawn(day.length, streams[8]) if day.talk_scale else None
        self.talk_random, self.wrap_random, self.ring_random, self.line_random, self.agent_random = streams[1:6]
        self.trunk_random = streams[7]
        self.heap: list[tuple[float, int, int, int, float]] = []
        self.order = 0
        self.state = [AWAY] * day.agents
        self.since = [0.0] * day.agents
        self.wanted = [0.0] * day.agents  # a break of this length when free; negative: sign out
        self.ready: dict[int, float] = {}  # the one who waits longest first
        self.talking: dict[int, float] = {}
        self.wrapping: dict[int, float] = {}
        self.held: dict[int, float] = {}
        self.ringing: dict[int, float] = {}
        self.screening: dict[int, float] = {}
        self.waiting: dict[int, float] = {}
        self.queue: deque[int] = deque()
        self.events: list[Event] = []
        self.signed_in = self.paused = self.channels = 0
        self._timetable()

    def _timetable(self) -> None:
        day, random = self.day, self.agent_random
        for agent in range(day.agents):
            self._at(random.random() * day.sign_in_spread, SIGN_IN, agent)
            for low, high, when in day.leaving:
                if low * day.agents <= agent < high * day.agents:
                    self._at(when + random.random() * 60.0, SIGN_OUT, agent)
            at = random.expovariate(1.0 / day.breaks_every) if day.breaks_every > 0 else day.length
            while at < day.length:
                self._at(at, BREAK, agent, Law(day.break_length, BREAK_SIGMA).draw(random))
                at += random.expovariate(1.0 / day.breaks_every)
            for begin, spread, length in day.lunches:
                self._at(begin + random.random() * spread, BREAK, agent, length)

    def _at(self, when: float, what: int, which: int, value: float = 0.0) -> None:
        self.order += 1
        heappush(self.heap, (when, self.order, what, which, value))

    def _tell(self, at: float, kind: Kind, seconds: float = 0.0) -> None:
        self.events.append(Event(round(at, 2), kind, round(seconds, 2)))

    # ---- agents

    def _leave(self, agent: int, now: float) -> None:
        name = SPENT.get(self.state[agent])
        if name:
            setattr(self.result, name, getattr(self.result, name) + now - self.since[agent])
        self.since[agent] = now

    def _enter(self, agent: int, state: int, now: float) -> None:
        self._leave(agent, now)
        self.state[agent] = state

    def _free(self, agent: int, now: float) -> None:
        wanted = self.wanted[agent]
        if wanted < 0.0:
            self._enter(agent, AWAY, now)
            self.signed_in -= 1
        elif wanted > 0.0:
            self.wanted[agent] = 0.0
            self._pause(agent, now, wanted)
        else:
            self._enter(agent, READY, now)
            while self.queue:
                line = self.queue.popleft()
                if line in self.waiting:
                    self._connect(line, agent, now, now - self.waiting.pop(line))
                    return
            self.ready[agent] = now

    def _pause(self, agent: int, now: float, length: float) -> None:
        self._enter(agent, PAUSED, now)
        self.paused += 1
        self._at(now + length, BACK, agent, length)
        self._tell(now, Kind.PAUSE)

    def _connect(self, line: int, agent: int, now: float, waited: float) -> None:
        self.result.answered += 1
        self.result.connected += 1
        self._tell(now, Kind.CONNECTED, waited)
        self._enter(agent, TALK, now)
        self.talking[agent] = now
        seconds = max(1.0, self.day.talk.draw(self.talk_random))
        if self.scale is not None:
            seconds *= self.scale[int(now / 10.0)]
        self._at(now + seconds, TALKED, agent, self.day.wrap.draw(self.wrap_random))

    def _agent(self, what: int, agent: int, now: float, value: float) -> None:
        if what == TALKED:
            self.channels -= 1
            self._tell(now, Kind.TALK_END, now - self.talking.pop(agent))
            self._enter(agent, WRAP, now)
            self.wrapping[agent] = now
            self._at(now + value, WRAPPED, agent)
        elif what == WRAPPED:
            self._tell(now, Kind.WRAP_END, now - self.wrapping.pop(agent))
            self._free(agent, now)
        elif what == HELD:
            self.channels -= 1
            self.result.machines += 1
            self._tell(now, Kind.MACHINE, now - self.held.pop(agent))
            self._free(agent, now)
        else:
            self._timetabled(what, agent, now, value)

    def _timetabled(self, what: int, agent: int, now: float, value: float) -> None:
        state = self.state[agent]
        if what == SIGN_IN:
            self.signed_in += 1
            self.since[agent] = now
            self._free(agent, now)
        elif what == BACK:
            if state == PAUSED:
                self.paused -= 1
                self._tell(now, Kind.UNPAUSE, value)
                self._free(agent, now)
        elif state == AWAY:
            return
        elif what == BREAK:
            if state == READY:
                del self.ready[agent]
                self._pause(agent, now, value)
            elif state != PAUSED and self.wanted[agent] == 0.0:
                self.wanted[agent] = value
        else:
            self._sign_out(agent, now)

    def _sign_out(self, agent: int, now: float) -> None:
        state = self.state[agent]
        if state in (READY, PAUSED):
            self.ready.pop(agent, None)
            self.paused -= state == PAUSED
            self.signed_in -= 1
            self._enter(agent, AWAY, now)
        else:
            self.wanted[agent] = -1.0

    # ---- lines

    def _dial(self, now: float, line: int) -> None:
        day, slot = self.day, int(now / 10.0)
        self.result.dialed += 1
        self.channels += 1
        self.ringing[line] = now
        chance, draw = self.answer[slot], self.line_random.random()
        refused = max((share for begin, end, share in day.refusing if begin <= now < end), default=0.0)
        ring = day.ring.draw(self.ring_random)
        while ring > day.ring_timeout - 0.1:
            ring = day.ring.draw(self.ring_random)
        machine = self.line_random.random() < self.machine_share[slot]
        quick = 1.0 + 2.0 * self.line_random.random()
        if refused and self.trunk_random.random() < refused:
            self._at(now + 0.3, FAILED, line)
        elif draw < chance:
            self._at(now + day.setup + ring, MACHINES if machine else PEOPLE, line)
        elif draw < chance + (1.0 - chance) * day.busy:
            self._at(now + quick, BUSY, line)
        elif draw < chance + (1.0 - chance) * (day.busy + day.failed):
            self._at(now + quick, FAILED, line)
        else:
            self._at(now + day.setup + day.ring_timeout, NO_ANSWER, line)

    def _line(self, what: int, line: int, now: float, value: float) -> None:
        if what in (PEOPLE, MACHINES):
            self._tell(now, Kind.ANSWERED, now - self.ringing.pop(line))
            self._answered(what, line, now)
        elif what == RECOGNISED:
            begun = self.screening.pop(line)
            if value:
                self.channels -= 1
                self.result.machines += 1
                self._tell(now, Kind.MACHINE, now - begun)
            else:
                self._tell(now, Kind.HUMAN, now - begun)
                self._person(line, now)
        elif what == PATIENCE:
            if self.waiting.pop(line, None) is not None:
                self.channels -= 1
                self.result.answered += 1
                self.result.abandoned += 1
                self._tell(now, Kind.ABANDONED)
        else:
            self._unanswered(what, line, now)

    def _unanswered(self, what: int, line: int, now: float) -> None:
        rang, result = now - self.ringing.pop(line), self.result
        self.channels -= 1
        result.no_answers += what == NO_ANSWER
        result.busies += what == BUSY
        result.failures += what == FAILED
        self._tell(now, {NO_ANSWER: Kind.NO_ANSWER, BUSY: Kind.BUSY, FAILED: Kind.FAILED}[what], rang)

    def _answered(self, what: int, line: int, now: float) -> None:
        day = self.day
        if day.detection:
            self.screening[line] = now
            machine = what == MACHINES
            self._at(now + (day.machine_known if machine else day.person_known), RECOGNISED, line, float(machine))
        elif what == PEOPLE:
            self._person(line, now)
        elif self.ready:
            agent = next(iter(self.ready))
            del self.ready[agent]
            self._enter(agent, MACHINE, now)
            self.held[agent] = now
            self._at(now + day.machine_held, HELD, agent)
        else:
            self.channels -= 1
            self.result.machines += 1
            self._tell(now, Kind.MACHINE)

    def _person(self, line: int, now: float) -> None:
        if self.ready:
            agent = next(iter(self.ready))
            del self.ready[agent]
            self._connect(line, agent, now, 0.0)
        else:
            self.waiting[line] = now
            self.queue.append(line)
            self._at(now + self.day.patience, PATIENCE, line)

    # ---- the day

    def observed(self, now: float) -> Observed:
        """Return what a dialer sees now."""
        r = self.result

        def ages(begun: dict[int, float]) -> tuple[float, ...]:
            return tuple([round(now - at, 2) for at in begun.values()])

        return Observed(
            now=now,
            logged_in=self.signed_in,
            ready=len(self.ready),
            paused=self.paused,
            talk=ages(self.talking),
            wrap=ages(self.wrapping),
            machine=ages(self.held),
            ringing=ages(self.ringing),
            screening=ages(self.screening),
            waiting=ages(self.waiting),
            channels_in_use=self.channels,
            totals=Totals(r.dialed, r.answered, r.connected, r.abandoned, r.machines, r.no_answers, r.busies, r.failures),
            events=tuple(self.events),
        )

    def run(self, pace: Callable[[Observed], int]) -> Result:
        """Live through the day; no line is dialled that could outlast it."""
        day, now = self.day, 0.0
        while now <= day.length:
            while self.heap and self.heap[0][0] <= now:
                when, _, what, which, value = heappop(self.heap)
                if what <= PATIENCE:
                    self._line(what, which, when, value)
                else:
                    self._agent(what, which, when, value)
            lines = pace(self.observed(now))
            self.events = []
            if day.channels is not None:
                lines = min(lines, day.channels - self.channels)
            if now < day.length - day.ring_timeout - day.setup - 5.0:
                for _ in range(lines):
                    self._dial(now, self.result.dialed)
            now += day.tick
        for agent in range(day.agents):
            self._leave(agent, day.length)
        return self.result


def run(day: Day, seed: int, pace: Callable[[Observed], int]) -> Result:
    """Return what comes of a day, paced by `pace(observed) -> lines`."""
    return World(day, seed).run(pace)

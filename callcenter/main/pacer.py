"""`callcenter pacer`: the pacing as a program that answers one JSON line for each JSON line, for simulators and foreign dialers.

The words on the wire: `start` -> `{"ok": true}`, `tick` -> `{"originate": n}`, `stop` or the end of input -> done. A line
that cannot be understood is answered with `{"error": "..."}`, said on standard error too, and ends the program with
status 2: a dialer that guesses is worse than one that stops.
"""

import json
import sys
from typing import Annotated, Any, BinaryIO, Literal, TextIO

import typer

from callcenter.campaigns.observed import Event, Kind, Mode, Observed, Settings, Totals
from callcenter.campaigns.pacing import Pacer

LONGEST = 4_000_000  # bytes of a line: some ten thousand calls
MOST = 1_000_000_000
KINDS = {kind.value: kind for kind in Kind}


class Malformed(ValueError):
    """The line is no message of the protocol; the sentence says what is wrong."""


def command(
    mode: Annotated[Literal["progressive", "power", "predictive"], typer.Option(help="How lines are paced.")] = "predictive",
    ratio: Annotated[float, typer.Option(min=1.0, max=20.0, help="Lines for each ready agent in power mode.")] = 1.0,
) -> None:
    """Pace a campaign for another program: JSON lines in, JSON lines out."""
    raise typer.Exit(run(sys.stdin.buffer, sys.stdout, sys.stderr, Mode(mode), ratio))


def run(requests: BinaryIO, answers: TextIO, errors: TextIO, mode: Mode = Mode.PREDICTIVE, ratio: float = 1.0) -> int:
    """Answer the requests until they stop; returns the exit status."""
    pacer: Pacer | None = None
    number = 0
    while True:
        line = requests.readline(LONGEST + 1)
        number += 1
        if not line:
            return 0
        try:
            pacer, answer = _answer(pacer, _message(line), mode, ratio)
        except Malformed as error:
            sentence = f"Line {number}: {error}"
            answers.write(json.dumps({"error": sentence}) + "\n")
            answers.flush()
            errors.write(sentence + "\n")
            return 2
        if answer is None:
            return 0
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _answer(pacer: Pacer | None, message: dict[str, Any], mode: Mode, ratio: float) -> tuple[Pacer | None, dict[str, Any] | None]:
    """Return the pacer from now on and the answer to one message; no answer: it is over."""
    kind = message.get("type")
    if kind == "stop":
        return pacer, None
    if kind == "start":
        return Pacer(_settings(message, mode, ratio)), {"ok": True}
    if kind != "tick":
        raise Malformed('"type" must be "start", "tick" or "stop".')
    if pacer is None:
        raise Malformed('"tick" came before "start".')
    return pacer, {"originate": pacer.tick(observed(message)).lines}


def _message(line: bytes) -> dict[str, Any]:
    if len(line) > LONGEST:
        raise Malformed(f"The line is longer than {LONGEST} bytes.")
    if not line.endswith(b"\n"):
        raise Malformed("The input ended in the middle of a line.")
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        raise Malformed("This is no JSON.") from None
    if not isinstance(message, dict):
        raise Malformed("A message is a JSON object.")
    return message


def _settings(message: dict[str, Any], mode: Mode, ratio: float) -> Settings:
    info = _object(message, "info")
    channels = info.get("channels")
    detection = info.get("amd")
    if not isinstance(detection, bool):
        raise Malformed('"amd" must be true or false.')
    cap = _number(info, "max_abandon")
    ring, tick, period = (_number(info, key) for key in ("ring_timeout_s", "tick_s", "shift_s"))
    if cap > 1:
        raise Malformed('"max_abandon" is a share, from 0 to 1.')
    if not 1 <= ring <= 600 or not 0 < tick <= 60 or period <= 0:
        raise Malformed('"ring_timeout_s" is from 1 to 600 seconds, "tick_s" above 0 up to 60, "shift_s" above 0.')
    return Settings(
        mode=mode,
        cap=cap,
        ratio=ratio,
        channels=None if channels is None else _count(info, "channels"),
        ring_timeout_s=ring,
        patience_s=min(60.0, _number(info, "patience_s")),
        machine_detection=detection,
        tick_s=tick,
        period_s=period,
    )


def observed(message: dict[str, Any]) -> Observed:
    """Return what a tick message says; raises Malformed with the field that is wrong."""
    agents, calls, totals = (_object(message, key) for key in ("agents", "calls", "totals"))
    return Observed(
        now=_number(message, "now"),
        logged_in=_count(agents, "logged_in"),
        ready=_count(agents, "ready"),
        paused=_count(agents, "paused"),
        talk=_numbers(agents, "talk"),
        wrap=_numbers(agents, "wrap"),
        machine=_numbers(agents, "machine"),
        ringing=_numbers(calls, "ringing"),
        screening=_numbers(calls, "screening"),
        waiting=_numbers(calls, "waiting"),
        channels_in_use=_count(calls, "channels_in_use"),
        totals=Totals(**{key: _count(totals, key) for key in Totals.__slots__}),
        events=tuple(_event(each) for each in _list(message, "events")),
    )


def _event(value: object) -> Event:
    if not isinstance(value, list) or len(value) != 3 or not isinstance(value[1], str):
        raise Malformed('An event is [time, "kind", seconds].')
    kind = KINDS.get(value[1])
    if kind is None:
        raise Malformed(f"There is no event {value[1][:40]!r}.")
    return Event(_real(value[0], "events"), kind, _real(value[2], "events"))


def _object(message: dict[str, Any], key: str) -> dict[str, Any]:
    value = _field(message, key)
    if not isinstance(value, dict):
        raise Malformed(f'"{key}" must be an object.')
    return value


def _list(message: dict[str, Any], key: str) -> list[Any]:
    value = _field(message, key)
    if not isinstance(value, list):
        raise Malformed(f'"{key}" must be a list.')
    return value


def _field(message: dict[str, Any], key: str) -> object:
    if key not in message:
        raise Malformed(f'"{key}" is missing.')
    return message[key]


def _numbers(message: dict[str, Any], key: str) -> tuple[float, ...]:
    return tuple([_real(value, key) for value in _list(message, key)])


def _number(message: dict[str, Any], key: str) -> float:
    return _real(_field(message, key), key)


def _real(value: object, key: str) -> float:
    """Return a number that is finite and not negative; JSON's reader lets NaN, Infinity and true through."""
    if isinstance(value, (float, int)) and not isinstance(value, bool):
        if 0 <= value < MOST:
            return float(value)
        if -0.05 < value < 0:
            return 0.0  # an age rounded at the very moment it began
    raise Malformed(f'"{key}" must hold numbers from 0 to {MOST}, not {repr(value)[:40]}.')


def _count(message: dict[str, Any], key: str) -> int:
    number = _number(message, key)
    if number != int(number):
        raise Malformed(f'"{key}" must be a whole number.')
    return int(number)

"""`callcenter pacer` as another program meets it: lines in, lines out, and a sentence for whatever is wrong."""

import json
import subprocess
import sys
from typing import Any

import pytest

from callcenter.campaigns.day import Day, Law
from callcenter.campaigns.observed import Observed, Settings
from callcenter.campaigns.pacing import Pacer
from callcenter.campaigns.world import World

INFO = {
    "shift_s": 900,
    "tick_s": 1.0,
    "ring_timeout_s": 26.5,
    "patience_s": 2.0,
    "max_abandon": 0.03,
    "agents_planned": 6,
    "amd": True,
    "channels": None,
}
START = {"type": "start", "info": INFO}
TOTALS = dict.fromkeys(("dialed", "answered", "connected", "abandoned", "machines", "no_answers", "busies", "failures"), 0)
TICK: dict[str, Any] = {
    "type": "tick",
    "now": 1.0,
    "agents": {"logged_in": 4, "ready": 3, "paused": 0, "talk": [], "wrap": [2.5], "machine": []},
    "calls": {"ringing": [3.0], "screening": [], "waiting": [], "channels_in_use": 1},
    "totals": TOTALS,
    "events": [[0.5, "no_answer", 26.5]],
}


def program(text: str | bytes, *options: str) -> tuple[list[dict[str, Any]], int, str]:
    data = text.encode() if isinstance(text, str) else text
    done = subprocess.run(
        [sys.executable, "-m", "callcenter.main", "pacer", *options], input=data, capture_output=True, timeout=120, check=False
    )
    return [json.loads(line) for line in done.stdout.splitlines()], done.returncode, done.stderr.decode()


def lines(*messages: object) -> str:
    return "".join(json.dumps(each) + "\n" for each in messages)


def with_field(path: str, value: object) -> dict[str, Any]:
    tick: dict[str, Any] = json.loads(json.dumps(TICK))
    *above, last = path.split(".")
    place = tick
    for each in above:
        place = place[each]
    place[last] = value
    return tick


def test_it_answers_start_tick_and_stop() -> None:
    answers, status, said = program(lines(START, TICK, {"type": "stop"}))
    assert (answers, status, said) == ([{"ok": True}, {"originate": 2}], 0, "")


def test_the_end_of_input_ends_it_quietly() -> None:
    assert program(lines(START)) == ([{"ok": True}], 0, "")
    assert program("") == ([], 0, "")


BAD: dict[str, str | bytes] = {
    "no JSON": "{nonsense}\n",
    "half a line": json.dumps(TICK)[:50],
    "not text": b"\xff\xfe\x00\n",
    "no object": "[1, 2]\n",
    "a deep nest": "[" * 100_000 + "\n",
    "a huge line": '{"type": "tick", "x": "' + "x" * 4_100_000 + '"}\n',
    "an unknown type": lines({"type": "dance"}),
    "no type": lines({"now": 1}),
    "no agents": lines({key: value for key, value in TICK.items() if key != "agents"}),
    "agents as a list": lines(with_field("agents", [])),
    "a negative count": lines(with_field("agents.ready", -1)),
    "half an agent": lines(with_field("agents.ready", 1.5)),
    "true as a count": lines(with_field("agents.ready", True)),
    "half a character": '{"type": "tick", "now": "\\ud800"}\n',
    "text as a time": lines(with_field("calls.ringing", ["now"])),
    "not a number": lines(with_field("calls.ringing", [float("nan")])),
    "without end": lines(with_field("now", float("inf"))),
    "a huge number": lines(with_field("totals.dialed", 10**30)),
    "an unknown event": lines(with_field("events", [[1.0, "party", 2.0]])),
    "an event too short": lines(with_field("events", [[1.0, "busy"]])),
    "no totals": lines(with_field("totals", {})),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_answered_with_a_sentence_and_a_status(name: str) -> None:
    bad = BAD[name]
    answers, status, said = program(lines(START).encode() + (bad if isinstance(bad, bytes) else bad.encode()))
    assert status == 2
    assert answers[0] == {"ok": True}
    assert answers[1]["error"].startswith("Line 2: ")
    assert said.strip() == answers[1]["error"]
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("changed", "about"),
    [
        ({"max_abandon": 3}, "max_abandon"),
        ({"amd": "yes"}, "amd"),
        ({"ring_timeout_s": 0}, "ring_timeout_s"),
        ({"channels": -2}, "channels"),
        ({"shift_s": None}, "shift_s"),
    ],
)
def test_settings_that_cannot_be_are_refused(changed: dict[str, Any], about: str) -> None:
    answers, status, said = program(lines({"type": "start", "info": INFO | changed}))
    assert status == 2
    assert about in answers[0]["error"]
    assert about in said


def test_a_tick_before_the_start_is_refused() -> None:
    answers, status, _ = program(lines(TICK))
    assert status == 2
    assert "start" in answers[0]["error"]


def test_the_mode_is_chosen_on_the_command_line() -> None:
    tick = with_field("totals", TOTALS | {"answered": 900, "connected": 900})
    assert program(lines(START, tick), "--mode", "progressive")[0][1] == {"originate": 2}
    assert program(lines(START, tick), "--mode", "power", "--ratio", "2")[0][1] == {"originate": 5}
    assert program(lines(START, tick), "--mode", "wild")[1] == 2


def test_the_program_decides_what_the_pacer_decides() -> None:
    day = Day(agents=6, length=900.0, talk=Law(30.0, 0.8, 3.0), wrap=Law(5.0, 0.5, 1.0), sign_in_spread=10.0, cap=0.1)
    pacer = Pacer(Settings(cap=0.1, machine_detection=True, period_s=900.0))
    asked: list[dict[str, Any]] = []
    decided: list[int] = []

    def pace(seen: Observed) -> int:
        asked.append(wire(seen))
        decided.append(pacer.tick(seen).lines)
        return decided[-1]

    World(day, 1).run(pace)
    answers, status, _ = program(lines({"type": "start", "info": INFO | {"max_abandon": 0.1}}, *asked))
    assert status == 0
    assert [each["originate"] for each in answers[1:]] == decided
    assert max(decided) > 1


def wire(seen: Observed) -> dict[str, Any]:
    return {
        "type": "tick",
        "now": seen.now,
        "agents": {
            "logged_in": seen.logged_in,
            "ready": seen.ready,
            "paused": seen.paused,
            "talk": seen.talk,
            "wrap": seen.wrap,
            "machine": seen.machine,
        },
        "calls": {
            "ringing": seen.ringing,
            "screening": seen.screening,
            "waiting": seen.waiting,
            "channels_in_use": seen.channels_in_use,
        },
        "totals": {key: getattr(seen.totals, key) for key in TOTALS},
        "events": [[each.at, each.kind.value, each.seconds] for each in seen.events],
    }

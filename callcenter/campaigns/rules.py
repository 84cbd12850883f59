"""What rule packs are written in: rules of law with their sources, house rules, and what they come to on a day."""

import datetime as dt
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from callcenter.campaigns.hours import DAY, Windows, within

Use = Literal["talk", "message", "abandoned", "voicemail"]
"""What a customer meets: a person; a message by machine (agentless); the message of an abandoned call; one left on a machine."""

Holidays = Callable[[int], Mapping[dt.date, str]]

_ALWAYS: Windows = tuple(((0, DAY),) for _ in range(7))


@dataclass(frozen=True, slots=True)
class Source:
    """Where a rule is written."""

    act: str
    article: str
    url: str


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One rule. `law` is its source, None for a house rule; it holds from `since` (of law: the earliest day the source shows it
    in force) until `until`, the first day it no longer does. `says`: English, translated at the door.

    `topic` and `value`: cap (per cent of live answers), period (days the cap is counted over), answer (seconds), ring (seconds),
    hours (Windows), holidays (a function of the year), consent (pairs of purpose and Use that need one).
    """

    key: str
    topic: Literal["cap", "period", "answer", "ring", "hours", "holidays", "consent"]
    value: Any
    says: str
    since: dt.date
    law: Source | None = None
    until: dt.date | None = None
    days: Source | None = None  # of a house rule about holidays: what makes the days holidays

    def holds(self, day: dt.date) -> bool:
        """Tell whether it is in force on a day."""
        return self.since <= day and (self.until is None or day < self.until)


@dataclass(frozen=True, slots=True)
class Standing:
    """What a pack comes to on one day. `needs`: pairs of purpose and use that need a consent; of hours the strictest."""

    pack: str
    version: str
    cap: float
    period_days: int
    answer_seconds: float
    ring_seconds: int
    hours: Windows
    needs: frozenset[tuple[str, str]]
    rules: tuple[Rule, ...]

    def needs_consent(self, purpose: str, use: Use) -> bool:
        """Tell whether a customer must have agreed to this use for this purpose."""
        return (purpose, use) in self.needs


@dataclass(frozen=True, slots=True, eq=False)
class Pack:
    """The rules of a country, all that ever held and will. `version` changes with every change of the rules."""

    key: str
    version: str
    rules: tuple[Rule, ...]

    def at(self, day: dt.date) -> Standing:
        """Return what holds on a day; of several rules on a topic the strictest."""
        held = tuple(rule for rule in self.rules if rule.holds(day))
        of = {
            topic: [rule.value for rule in held if rule.topic == topic] for topic in ("cap", "period", "answer", "ring", "hours")
        }
        hours = of["hours"][0] if of["hours"] else _ALWAYS
        for more in of["hours"][1:]:
            hours = within(hours, more)
        return Standing(
            pack=self.key,
            version=self.version,
            cap=min(of["cap"], default=0.0),
            period_days=min(of["period"], default=30),
            answer_seconds=min(of["answer"], default=2.0),
            ring_seconds=max(of["ring"], default=15),
            hours=hours,
            needs=frozenset(pair for rule in held if rule.topic == "consent" for pair in rule.value),
            rules=held,
        )

    def holidays(self, year: int) -> Mapping[dt.date, str]:
        """Return the days of a year on which nobody is called, with their names."""
        return _holidays(self, year)

    def holiday(self, day: dt.date) -> str:
        """Return the name of the holiday a day is, "" for an ordinary day."""
        return self.holidays(day.year).get(day, "")


@functools.lru_cache(maxsize=64)
def _holidays(pack: Pack, year: int) -> Mapping[dt.date, str]:
    found: dict[dt.date, str] = {}
    for rule in pack.rules:
        if rule.topic == "holidays":
            found |= {day: name for day, name in rule.value(year).items() if rule.holds(day)}
    return MappingProxyType(found)

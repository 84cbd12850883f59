"""What a customer reads about a phone meeting, whole in each language: the mail, and the same words in the calendar.

A letter is written in the planner's language, not in that of whoever presses a button later. It stands here and not in the
catalogue of the pages: its sentences belong together, and the domain knows no catalogue.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from zoneinfo import ZoneInfo

from babel import Locale, dates

Kind = Literal["invited", "changed", "cancelled", "moved"]
LISTED = 30  # times in one letter

# Of each language: subjects and first sentences by kind, then the lines of the letter.
WORDS: dict[str, dict[str, str]] = {
    "en": {
        "subject.invited": "Phone call on {day}: {topic}",
        "subject.changed": "Changed: phone call on {day}: {topic}",
        "subject.cancelled": "Cancelled: phone call on {day}: {topic}",
        "subject.moved": "Moved: phone call on {day}: {topic}",
        "first.invited": "Hello,\n\n{who} will call you.",
        "first.changed": "Hello,\n\nsomething about our phone call has changed. {who} will call you.",
        "first.cancelled": "Hello,\n\nour phone call is cancelled; nobody will call you at this time.",
        "first.moved": "Hello,\n\nour phone call moves to another time, about which you get a letter of its own. "
        "Nobody will call you at this one.",
        "subject.several.invited": "Phone calls from {day}: {topic}",
        "subject.several.changed": "Changed: phone calls from {day}: {topic}",
        "subject.several.cancelled": "Cancelled: phone calls from {day}: {topic}",
        "first.several.invited": "Hello,\n\n{who} will call you at these times ({count}):",
        "first.several.changed": "Hello,\n\nsomething about our phone calls has changed. "
        "{who} will call you at these times ({count}):",
        "first.several.cancelled": "Hello,\n\nour phone calls at these times are cancelled ({count}); nobody will call you then:",
        "more": "… and {count} more, the last: {when}",
        "who": "{user} from {project}",
        "we": "We",
        "title": "Phone call from {who}",
        "number": "On the number: {number}",
        "when": "When: {when}",
        "zone": "(time zone {zone}, {offset})",
        "about": "About: {name}",
        "between": "{day}, between {start} and {end}",
        "from_to": "{start} – {end}",  # noqa: RUF001 - a range
        "reply": "If this does not suit you, reply to this e-mail.",
        "reply_or_call": "If this does not suit you, reply to this e-mail or call us: {phone}.",
        "location": "Phone {number}",
        "feed": "Phone meetings of {user}",
        "feed.title": "Phone meeting: {who}",
        "feed.project": "Project: {project}",
        "feed.manual": "You dial.",
        "feed.automatic": "It is dialled for you while you are ready.",
        "feed.held": "Held.",
        "feed.not_held": "Not held.",
        "feed.missed": "Missed.",
        "feed.uncertain": "Say what became of it.",
    },
    "pl": {
        "subject.invited": "Rozmowa telefoniczna {day}: {topic}",
        "subject.changed": "Zmiana: rozmowa telefoniczna {day}: {topic}",
        "subject.cancelled": "Odwołana: rozmowa telefoniczna {day}: {topic}",
        "subject.moved": "Przełożona: rozmowa telefoniczna {day}: {topic}",
        "first.invited": "Dzień dobry,\n\nzadzwoni do Państwa {who}.",
        "first.changed": "Dzień dobry,\n\nw sprawie naszej rozmowy telefonicznej zaszła zmiana. Zadzwoni do Państwa {who}.",
        "first.cancelled": "Dzień dobry,\n\nnasza rozmowa telefoniczna została odwołana; w tym czasie nikt nie zadzwoni.",
        "first.moved": "Dzień dobry,\n\nnasza rozmowa telefoniczna została przełożona na inny termin, o którym informujemy "
        "w osobnej wiadomości. W dotychczasowym terminie nikt nie zadzwoni.",
        "subject.several.invited": "Rozmowy telefoniczne od {day}: {topic}",
        "subject.several.changed": "Zmiana: rozmowy telefoniczne od {day}: {topic}",
        "subject.several.cancelled": "Odwołane: rozmowy telefoniczne od {day}: {topic}",
        "first.several.invited": "Dzień dobry,\n\nzadzwoni do Państwa {who}. Terminy rozmów ({count}):",
        "first.several.changed": "Dzień dobry,\n\nw sprawie naszych rozmów telefonicznych zaszła zmiana. "
        "Zadzwoni do Państwa {who}. Terminy rozmów ({count}):",
        "first.several.cancelled": "Dzień dobry,\n\nnasze rozmowy telefoniczne w tych terminach zostały odwołane ({count}); "
        "nikt wtedy nie zadzwoni:",
        "more": "… i jeszcze {count}, ostatnia: {when}",
        "who": "{user} ({project})",
        "we": "nasz konsultant",
        "title": "Rozmowa telefoniczna: {who}",
        "number": "Na numer: {number}",
        "when": "Kiedy: {when}",
        "zone": "(strefa czasowa {zone}, {offset})",
        "about": "Temat: {name}",
        "between": "{day}, między {start} a {end}",
        "from_to": "{start} – {end}",  # noqa: RUF001 - a range
        "reply": "Jeśli ten termin Państwu nie odpowiada, prosimy odpowiedzieć na tę wiadomość.",
        "reply_or_call": "Jeśli ten termin Państwu nie odpowiada, prosimy odpowiedzieć na tę wiadomość lub zadzwonić: {phone}.",
        "location": "Telefon {number}",
        "feed": "Spotkania telefoniczne: {user}",
        "feed.title": "Spotkanie telefoniczne: {who}",
        "feed.project": "Projekt: {project}",
        "feed.manual": "Numer wybierasz samodzielnie.",
        "feed.automatic": "Numer zostanie wybrany za Ciebie, gdy będziesz w stanie „Gotowy”.",
        "feed.held": "Odbyło się.",
        "feed.not_held": "Nie odbyło się.",
        "feed.missed": "Przepadło.",
        "feed.uncertain": "Podaj, jak się skończyło.",
    },
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What a letter tells. `user`, `project`, `name` and `phone` (a number of ours) may be empty; `zone` is an IANA name."""

    name: str
    number: str
    start: dt.datetime
    end: dt.datetime
    zone: str
    user: str = ""
    project: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """A subject and a body; `title` and `location` are the calendar's."""

    subject: str
    body: str
    title: str
    location: str


def write(language: str, kind: Kind, facts: Facts) -> Letter:
    """Write the letter about a meeting."""
    words = WORDS.get(language, WORDS["en"])
    who = _who(words, facts)
    start = facts.start.astimezone(ZoneInfo(facts.zone))
    lines = [words[f"first.{kind}"].format(who=who), "", words["when"].format(when=when(language, facts))]
    lines += _same(words, kind, facts)
    day = dates.format_date(start, "long", locale=_locale(language))
    subject = words[f"subject.{kind}"].format(day=day, topic=facts.name or who)
    return Letter(subject, "\n".join(lines) + "\n", *named(language, facts))


def write_several(language: str, kind: Kind, several: Sequence[Facts]) -> Letter:
    """Write one letter about meetings of a series (kind moved: as cancelled), in order; the first tells who, number and topic."""
    words, facts = WORDS.get(language, WORDS["en"]), several[0]
    kind = "cancelled" if kind == "moved" else kind
    who = _who(words, facts)
    lines = [words[f"first.several.{kind}"].format(who=who, count=len(several)), ""]
    listed = several if len(several) <= LISTED else several[: LISTED - 1]
    lines += [f"- {when(language, each)}" for each in listed]
    if len(listed) < len(several):
        lines.append(words["more"].format(count=len(several) - len(listed), when=when(language, several[-1])))
    lines += ["", *_same(words, kind, facts)]
    day = dates.format_date(facts.start.astimezone(ZoneInfo(facts.zone)), "long", locale=_locale(language))
    subject = words[f"subject.several.{kind}"].format(day=day, topic=facts.name or who)
    return Letter(subject, "\n".join(lines) + "\n", *named(language, facts))


def named(language: str, facts: Facts) -> tuple[str, str]:
    """Return what a calendar calls a meeting and where it takes place: a letter's title and location."""
    words = WORDS.get(language, WORDS["en"])
    title = facts.name or words["title"].format(who=_who(words, facts))
    return title, words["location"].format(number=facts.number)


def describe(language: str, facts: Facts) -> str:
    """Write what a calendar says beside each meeting of a series: the letter without its time, which the calendar shows."""
    words = WORDS.get(language, WORDS["en"])
    first = words["first.invited"].format(who=_who(words, facts))
    return "\n".join([first, "", *_same(words, "invited", facts)]) + "\n"


def _same(words: dict[str, str], kind: Kind, facts: Facts) -> list[str]:
    """Return the lines of a letter that are the same whenever the meeting is."""
    lines = [words["number"].format(number=facts.number)]
    if facts.name:
        lines.append(words["about"].format(name=facts.name))
    if kind in ("invited", "changed"):
        lines += ["", (words["reply_or_call"] if facts.phone else words["reply"]).format(phone=facts.phone)]
    return lines


def when(language: str, facts: Facts) -> str:
    """Write the window in its time zone: Friday, 27 November 2026, between 10:00 and 10:30 (time zone ...)."""
    words, locale = WORDS.get(language, WORDS["en"]), _locale(language)
    start, end = (each.astimezone(ZoneInfo(facts.zone)) for each in (facts.start, facts.end))
    offset = dates.get_timezone_gmt(start, "long", locale=locale)
    if start.date() == end.date() and start.utcoffset() == end.utcoffset():
        hours = {"start": dates.format_time(start, "short", locale=locale), "end": dates.format_time(end, "short", locale=locale)}
        window = words["between"].format(day=dates.format_date(start, "full", locale=locale), **hours)
    else:  # over midnight, or in the night the clocks change: each end in full
        both = [_whole(each, locale, start.utcoffset() != end.utcoffset()) for each in (start, end)]
        window = words["from_to"].format(start=both[0], end=both[1])
    return f"{window} {words['zone'].format(zone=facts.zone, offset=offset)}"


def _whole(at: dt.datetime, locale: Locale, with_offset: bool) -> str:
    written = f"{dates.format_date(at, 'full', locale=locale)}, {dates.format_time(at, 'short', locale=locale)}"
    return f"{written} {dates.get_timezone_gmt(at, 'long', locale=locale)}" if with_offset else written


def _who(words: dict[str, str], facts: Facts) -> str:
    if facts.user and facts.project:
        return words["who"].format(user=facts.user, project=facts.project)
    return facts.user or facts.project or words["we"]


def _locale(language: str) -> Locale:
    return Locale.parse("pl" if language == "pl" else "en_GB")

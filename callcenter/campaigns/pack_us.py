"""The United States: federal rules. States have rules of their own, some of them stricter, which are not in here."""

import datetime as dt

from callcenter.campaigns.hours import parse
from callcenter.campaigns.rules import Pack, Rule, Source

_HOUSE = dt.date(2026, 1, 1)  # when the house rules were set
_TSR = "FTC Telemarketing Sales Rule, 16 CFR 310.4"
_TSR_URL = "https://www.law.cornell.edu/cfr/text/16/310.4"
_TCPA = "FCC rules under the Telephone Consumer Protection Act, 47 CFR 64.1200"
_TCPA_URL = "https://www.law.cornell.edu/cfr/text/47/64.1200"
_MONDAY, _THURSDAY, _SATURDAY, _SUNDAY = 0, 3, 5, 6


def _nth(year: int, month: int, weekday: int, count: int) -> dt.date:
    first = dt.date(year, month, 1)
    return first + dt.timedelta(days=(weekday - first.weekday()) % 7 + 7 * (count - 1))


def _observed(named: dict[dt.date, str]) -> dict[dt.date, str]:
    """Add the Friday before a Saturday and the Monday after a Sunday, on which a holiday is kept as well."""
    moved = {_SATURDAY: -1, _SUNDAY: 1}
    kept = {day + dt.timedelta(days=moved[day.weekday()]): name for day, name in named.items() if day.weekday() in moved}
    return kept | named


def _federal(year: int) -> dict[dt.date, str]:
    memorial = _nth(year, 6, _MONDAY, 1) - dt.timedelta(days=7)
    fixed = {
        dt.date(year, 1, 1): "New Year's Day",
        dt.date(year, 6, 19): "Juneteenth National Independence Day",
        dt.date(year, 7, 4): "Independence Day",
        dt.date(year, 11, 11): "Veterans Day",
        dt.date(year, 12, 25): "Christmas Day",
    }
    found = _observed(fixed) | {
        _nth(year, 1, _MONDAY, 3): "Martin Luther King Day",
        _nth(year, 2, _MONDAY, 3): "Washington's Birthday",
        memorial: "Memorial Day",
        _nth(year, 9, _MONDAY, 1): "Labor Day",
        _nth(year, 10, _MONDAY, 2): "Columbus Day",
        _nth(year, 11, _THURSDAY, 4): "Thanksgiving Day",
    }
    if dt.date(year + 1, 1, 1).weekday() == _SATURDAY:
        found[dt.date(year, 12, 31)] = "New Year's Day"
    return {day: name for day, name in found.items() if day.year == year}


PACK = Pack(
    "US",
    "US-1",
    (
        Rule(
            "us.cap",
            "cap",
            3.0,
            "At most 3 % of the calls a person answers are abandoned, for each campaign.",
            dt.date(2008, 10, 1),
            Source(_TSR, "(b)(4)(i)", _TSR_URL),
        ),
        Rule(
            "us.period",
            "period",
            30,
            "The 3 % are counted over 30 days, or over the campaign when it is shorter.",
            dt.date(2008, 10, 1),
            Source(_TSR, "(b)(4)(i)", _TSR_URL),
        ),
        Rule(
            "us.cap.fcc",
            "cap",
            3.0,
            "At most 3 % of the telemarketing calls answered live are abandoned, over 30 days for each campaign.",
            dt.date(2012, 11, 15),
            Source(_TCPA, "(a)(7)", _TCPA_URL),
        ),
        Rule(
            "us.answer",
            "answer",
            2.0,
            "A call is abandoned when no consultant is there within two seconds of the greeting; then the name and number of the"
            " seller are played.",
            dt.date(2008, 10, 1),
            Source(_TSR, "(b)(1)(iv), (b)(4)(iii)", _TSR_URL),
        ),
        Rule(
            "us.ring",
            "ring",
            15,
            "It rings for at least 15 seconds, or four rings.",
            dt.date(2008, 10, 1),
            Source(_TSR, "(b)(4)(ii)", _TSR_URL),
        ),
        Rule(
            "us.hours",
            "hours",
            parse({str(day): [["08:00", "21:00"]] for day in range(7)}),
            "No sales calls before 8 and after 21, by the clock of whoever is called.",
            dt.date(2003, 10, 1),
            Source(_TCPA, "(c)(1)", _TCPA_URL),
        ),
        Rule(
            "us.consent.message",
            "consent",
            (("marketing", "message"), ("marketing", "voicemail")),
            "A recorded message for marketing needs the customer's agreement in writing before the call.",
            dt.date(2013, 10, 16),
            Source(_TCPA, "(a)(2), (a)(3)", _TCPA_URL),
        ),
        Rule(
            "us.consent.talk",
            "consent",
            (("marketing", "talk"),),
            "Who is called for marketing must have agreed to it before.",
            _HOUSE,
        ),
        Rule(
            "us.consent.machine",
            "consent",
            tuple((purpose, use) for purpose in ("service", "survey", "consent") for use in ("message", "voicemail")),
            "A recorded message needs a consent to automatic means whatever it is for.",
            _HOUSE,
        ),
        Rule(
            "us.holidays",
            "holidays",
            _federal,
            "No calls on federal holidays. The days are law; that nobody is called on them is a house rule.",
            _HOUSE,
            days=Source("5 U.S.C. 6103", "(a)", "https://www.law.cornell.edu/uscode/text/5/6103"),
        ),
    ),
)

"""Poland: the rules that hold there. What cannot be shown to be law is a house rule and says so."""

import datetime as dt

from callcenter.campaigns.easter import easter
from callcenter.campaigns.hours import parse
from callcenter.campaigns.rules import Pack, Rule, Source

_HOUSE = dt.date(2026, 1, 1)  # when the house rules were set
_PKE = Source(
    "Ustawa z dnia 12 lipca 2024 r. - Prawo komunikacji elektronicznej (Dz.U. 2024 poz. 1221)",
    "art. 398 ust. 1",
    "https://isap.sejm.gov.pl/isap.nsf/DocDetails.xsp?id=WDU20240001221",
)
_DAYS_OFF = Source(
    "Ustawa z dnia 18 stycznia 1951 r. o dniach wolnych od pracy",
    "art. 1",
    "https://isap.sejm.gov.pl/isap.nsf/DocDetails.xsp?id=WDU19510040028",
)
_EVERY_WORKDAY = parse({**{str(day): [["08:00", "20:00"]] for day in range(5)}, "5": [["09:00", "16:00"]]})


def _days_off(year: int) -> dict[dt.date, str]:
    sunday = easter(year)
    return {
        dt.date(year, 1, 1): "Nowy Rok",
        dt.date(year, 1, 6): "Święto Trzech Króli",
        sunday: "Wielkanoc",
        sunday + dt.timedelta(days=1): "Poniedziałek Wielkanocny",
        dt.date(year, 5, 1): "Święto Pracy",
        dt.date(year, 5, 3): "Święto Konstytucji 3 Maja",
        sunday + dt.timedelta(days=49): "Zielone Świątki",
        sunday + dt.timedelta(days=60): "Boże Ciało",
        dt.date(year, 8, 15): "Wniebowzięcie Najświętszej Maryi Panny",
        dt.date(year, 11, 1): "Wszystkich Świętych",
        dt.date(year, 11, 11): "Narodowe Święto Niepodległości",
        dt.date(year, 12, 25): "Boże Narodzenie",
        dt.date(year, 12, 26): "Drugi dzień Bożego Narodzenia",
    }


def _christmas_eve(year: int) -> dict[dt.date, str]:
    return {dt.date(year, 12, 24): "Wigilia Bożego Narodzenia"}


PACK = Pack(
    "PL",
    "PL-1",
    (
        Rule(
            "pl.consent.marketing",
            "consent",
            (("marketing", "talk"), ("marketing", "message"), ("marketing", "voicemail")),
            "Who is called or written to for marketing must have agreed to it before: to a person's call, and apart from that to"
            " calls by automatic systems.",
            dt.date(2024, 11, 10),
            _PKE,
        ),
        Rule(
            "pl.consent.machine",
            "consent",
            tuple(
                (purpose, use)
                for purpose in ("service", "survey", "consent", "marketing")
                for use in ("message", "abandoned", "voicemail")
            ),
            "A message played by a machine needs a consent to automatic means whatever it is for, the message of an abandoned"
            " call as well; without one the call ends in silence.",
            _HOUSE,
        ),
        Rule(
            "pl.cap",
            "cap",
            0.0,
            "Nobody is left without a consultant: one line for each consultant, who is on the call from its first ring.",
            _HOUSE,
        ),
        Rule("pl.period", "period", 30, "Abandoned calls are counted over 30 days.", _HOUSE),
        Rule("pl.answer", "answer", 2.0, "A consultant is there within two seconds of the answer.", _HOUSE),
        Rule("pl.ring", "ring", 15, "It rings for at least 15 seconds.", _HOUSE),
        Rule(
            "pl.hours",
            "hours",
            _EVERY_WORKDAY,
            "Calls from 8 to 20 on working days and from 9 to 16 on Saturdays, none on Sundays, by the clock of the one called.",
            _HOUSE,
        ),
        Rule(
            "pl.holidays",
            "holidays",
            _days_off,
            "No calls on public holidays. The days are law; that nobody is called on them is a house rule.",
            _HOUSE,
            days=_DAYS_OFF,
        ),
        Rule(
            "pl.holidays.christmas_eve",
            "holidays",
            _christmas_eve,
            "No calls on Christmas Eve, which is a public holiday since 1 February 2025. The day is law; that nobody is called on"
            " it is a house rule.",
            _HOUSE,
            days=Source(
                "Ustawa z dnia 6 grudnia 2024 r. o zmianie ustawy o dniach wolnych od pracy oraz niektórych innych ustaw",
                "art. 1",
                "https://kadry.infor.pl/kadry/indywidualne_prawo_pracy/czas_pracy/6751675,wigilia-2025-wolna-od-pracy-co-mowi-ustawa-o-dniach-wolnych-od-pracy.html",
            ),
        ),
    ),
)

"""Easter, on which other holidays hang."""

import datetime as dt


def easter(year: int) -> dt.date:
    """Return Easter Sunday of the Gregorian calendar.

    The anonymous Gregorian computus, Meeus, Astronomical Algorithms, 2nd ed., chapter 8.
    """
    golden, (century, rest) = year % 19, divmod(year, 100)
    leap_centuries, left_centuries = divmod(century, 4)
    correction = (century - (century + 8) // 25 + 1) // 3
    moon = (19 * golden + century - leap_centuries - correction + 15) % 30
    leaps, left = divmod(rest, 4)
    weekday = (32 + 2 * left_centuries + 2 * leaps - moon - left) % 7
    late = (golden + 11 * moon + 22 * weekday) // 451
    month, day = divmod(moon + weekday - 7 * late + 114, 31)
    return dt.date(year, month, day + 1)

"""For how many hours of dialling the leads of a campaign last. Pure."""

FEWEST = 20  # attempts that are over, under which a chance is no figure
SHORTEST = 300.0  # seconds of dialling, under which a pace is no figure


def pace(begun: int, seconds: float) -> float:
    """Return attempts an hour, from how many were begun in the last so many seconds; 0: too early to say."""
    return begun * 3600 / seconds if seconds >= SHORTEST else 0.0


def hours(leads: int, an_hour: float, over: int, finishing: int, most: int) -> float | None:
    """Return how many hours of dialling `leads` last at `an_hour` attempts an hour; None: too early to say.

    Of `over` attempts `finishing` were the last their lead needed; each lead is tried `most` times at most. A lead that was tried
    before needs fewer, so this is rather too long than too short.
    """
    if not leads:
        return 0.0
    if an_hour <= 0 or over < FEWEST:
        return None
    return leads * expected(finishing / over, most) / an_hour


def expected(chance: float, most: int) -> float:
    """Return how many attempts a lead takes when each is the last with this chance, and `most` are made."""
    return float(most) if chance <= 0 else (1 - (1 - chance) ** most) / chance

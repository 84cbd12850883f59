"""Which news of a sent message counts. Pure.

News may come twice, late and out of order. Delivered, undelivered and failed are final; nothing leads back. A word of the
carrier's ends uncertainty, whenever it comes.
"""

QUEUED, UNCERTAIN, RECEIVED = "queued", "uncertain", "received"
FINAL = frozenset({"delivered", "undelivered", "failed"})

_RANKS = {QUEUED: 0, UNCERTAIN: 1, "sent": 2, **dict.fromkeys(FINAL, 3)}


def follows(before: str, after: str) -> bool:
    """Tell whether a message in state `before` becomes `after`; one that came to us is in none of these states."""
    return before in _RANKS and _RANKS[after] > _RANKS[before]

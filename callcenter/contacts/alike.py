"""Whether two names may be one person's. Pure; names come folded (search.sort_name)."""

from rapidfuzz import fuzz

ALIKE = 88.0  # of 100: one letter other in nine, or two parts of a name the other way round
SHORTEST = 4  # letters: shorter names are like too many others


def alike(one: str, other: str) -> bool:
    """Tell whether two folded names are the same but for a letter or the order of their words."""
    if min(len(one), len(other)) < SHORTEST:
        return False
    if one == other or sorted(one.split()) == sorted(other.split()):
        return True
    return fuzz.ratio(one, other, score_cutoff=ALIKE) > 0 or fuzz.token_sort_ratio(one, other, score_cutoff=ALIKE) > 0


def turned(name: str) -> str:
    """Return a name with its first word last: how it is sorted when first and last name were typed the other way round."""
    first, _, rest = name.partition(" ")
    return f"{rest} {first}".strip()

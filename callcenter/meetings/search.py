"""Finding meetings by what is typed into the list: beginnings of words of the name and the contact's name, a number's digits.

Pure. A number is found by its beginning, with or without the country's code, and by its end. A meeting's `folded` holds
all that finds it, and each of its words is a term of the index (phone_meeting_terms): what is typed is the beginning of one.
"""

from callcenter.contacts import search, text

_NATIONAL = 9  # digits without the country's code
_BACKWARDS = "~"  # before a number's digits from the last to the first


def folded(name: str, contact: str, number: str) -> str:
    """Return the text of a meeting that search reads: words without case and diacritics, digits; a space before each."""
    digits = "".join(each for each in number if each.isdigit())
    found = [*text.words(name), *text.words(contact), digits, digits[-_NATIONAL:], _BACKWARDS + digits[::-1]]
    return "".join(f" {word}" for word in dict.fromkeys(found))


def terms(searchable: str) -> set[str]:
    """Return the terms of a meeting, from its folded text."""
    return {word[: search.LONGEST_TERM] for word in searchable.split()}


def wanted(typed: str) -> list[list[str]]:
    """Return beginnings of words a meeting's folded text must hold: of each list one; digits beside digits are one number."""
    found: list[list[str]] = []
    for each in search.parse(typed):
        starts = [start for start in (each.start, each.other) if start]
        ends = [_BACKWARDS + start[::-1] for start in starts if start.isdigit() and len(start) >= search.SHORTEST_END]
        found.append([*starts, *ends])
    return found

"""Finding tickets by what is typed: #1042, 1042, beginnings of words of the title. Pure."""

from callcenter.contacts import search, text

LARGEST_ID = 2**31 - 1
MOST_TERMS = 40  # of a title of 200 characters


def folded(ticket_id: int, title: str) -> str:
    """Return the text of a ticket that search reads: its number and words without case and diacritics, a space before each."""
    return "".join(f" {word}" for word in dict.fromkeys([str(ticket_id), *text.words(title)]))


def terms(searchable: str) -> set[str]:
    """Return the terms of a ticket, from its folded text."""
    return {word[: search.LONGEST_TERM] for word in searchable.split()[:MOST_TERMS]}


def wanted(typed: str) -> list[str]:
    """Return the beginnings of words that a ticket must have, each of them."""
    return list(dict.fromkeys(word[: search.LONGEST_TERM] for word in text.words(typed)))[: search.MAXIMUM_WORDS]


def number(typed: str) -> int | None:
    """Return the id that "#1042" or "1042" says, None for anything else."""
    digits = typed.strip().removeprefix("#").strip()
    if not digits.isascii() or not digits.isdigit() or len(digits) > len(str(LARGEST_ID)):
        return None
    return found if 0 < (found := int(digits)) <= LARGEST_ID else None

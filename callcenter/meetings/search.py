"""Finding meetings by what is typed into the list: parts of the name, of the contact's name, of the number. Pure."""

from callcenter.contacts import search, text


def folded(name: str, contact: str, number: str) -> str:
    """Return the text of a meeting that search reads: words without case and diacritics, the number's digits."""
    digits = "".join(each for each in number if each.isdigit())
    return " ".join([*dict.fromkeys([*text.words(name), *text.words(contact)]), digits])


def words(typed: str) -> list[str]:
    """Return what a meeting's folded text must contain, all of it; digits beside digits are one number."""
    return [wanted.other or wanted.start for wanted in search.parse(typed)]

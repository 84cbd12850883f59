"""Folding text so that people find names however they type them: no case, no diacritics, words apart."""

import re
import unicodedata

# Letters that Unicode does not decompose, so that stripping marks leaves them as they are (SQLite's FTS5 does the same).
_LETTERS = str.maketrans(
    {"ł": "l", "đ": "d", "ð": "d", "ø": "o", "ħ": "h", "\u0131": "i", "ŧ": "t", "æ": "ae", "œ": "oe", "þ": "th", "ŋ": "n"}
)
# What people's names have mostly: the same as decomposing gives, in one step.
_COMMON = str.maketrans("ąćęłńóśźżáéíúýàâçèêîôûùñäëïöüčďěňřšťůžőű", "acelnoszzaeiuyaaceeiouunaeioucdenrstuzou")
_WORD = re.compile(r"[^\W_]+")


def fold(text: str) -> str:
    """Return the text as search compares it: casefolded, without diacritics, white space collapsed."""
    if text.isascii() and text.isprintable():  # most text by far, ten times as fast
        return " ".join(text.lower().split())
    quick = text.lower().translate(_COMMON)
    if quick.isascii() and quick.isprintable():
        return " ".join(quick.split())
    # Casefolding may yield marks and decomposing may yield capitals, so both are done until nothing changes.
    while True:
        parts = unicodedata.normalize("NFKD", text.casefold())
        folded = "".join(each for each in parts if not unicodedata.combining(each)).translate(_LETTERS)
        folded = " ".join(clean(folded).split())
        if folded == text:
            return folded
        text = folded


def words(text: str) -> list[str]:
    """Return the folded words (letters and digits) of a text, in order."""
    return _WORD.findall(fold(text))


def clean(text: str) -> str:
    """Return the text without control characters and lone surrogates, which no database keeps; line ends become spaces."""
    if text.isprintable():  # then it has none of them
        return text.strip()
    spaced = (" " if each in "\t\r\n\v\f\x85\u2028\u2029" else each for each in text)
    return "".join(each for each in spaced if unicodedata.category(each) not in {"Cc", "Cs"}).strip()


def clean_lines(text: str) -> str:
    """Return a text of several lines without control characters, its lines kept."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(
        "".join(each for each in line if unicodedata.category(each) not in {"Cc", "Cs"} or each == "\t") for line in lines
    ).strip()

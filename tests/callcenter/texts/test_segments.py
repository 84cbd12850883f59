"""How many SMS a text is, against a slow and literal cutting."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.texts.segments import BASIC, EXTENDED, segments, units

ANY = st.text(alphabet=st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from(BASIC + EXTENDED)), max_size=500)
GSM = st.text(alphabet=BASIC + EXTENDED, max_size=700)


@pytest.mark.parametrize(
    ("text", "alphabet", "count", "left"),
    [
        ("", "gsm7", 1, 160),
        ("a" * 160, "gsm7", 1, 0),
        ("a" * 161, "gsm7", 2, 145),
        ("a" * 306, "gsm7", 2, 0),
        ("a" * 307, "gsm7", 3, 152),
        ("€" * 80, "gsm7", 1, 0),
        ("a" * 152 + "€" + "a" * 10, "gsm7", 2, 141),  # the euro's two septets are not cut apart
        ("ą" * 70, "ucs2", 1, 0),
        ("ą" * 71, "ucs2", 2, 63),
        ("ą" + "a" * 69, "ucs2", 1, 0),
        ("a" * 66 + "😀" + "a" * 10, "ucs2", 2, 55),  # nor a surrogate pair
        ("😀" * 35, "ucs2", 1, 0),
        ("😀" * 36, "ucs2", 2, 61),
    ],
)
def test_texts_at_the_edges(text: str, alphabet: str, count: int, left: int) -> None:
    found = segments(text)
    assert (found.alphabet, found.count, found.left) == (alphabet, count, left)


@pytest.mark.parametrize("letter", "ąćęłńóśźżĄĆĘŁŃÓŚŹŻ")
def test_no_polish_letter_fits_the_short_alphabet(letter: str) -> None:
    assert segments(letter).alphabet == "ucs2"


def test_the_alphabet_has_127_characters_beside_the_escape_and_nine_in_its_extension() -> None:
    assert len(BASIC) == len(set(BASIC)) == 127
    assert len(EXTENDED) == len(set(EXTENDED)) == 10  # with the form feed
    assert not set(BASIC) & set(EXTENDED)


def literally(text: str) -> int:
    """Cut a text by putting one character after another into messages."""
    short = all(each in BASIC + EXTENDED for each in text)

    def size(each: str) -> int:
        return (2 if each in EXTENDED else 1) if short else len(each.encode("utf-16-le")) // 2

    whole, part = (160, 153) if short else (70, 67)
    if sum(map(size, text)) <= whole:
        return 1
    messages = [0]
    for each in text:
        if messages[-1] + size(each) > part:
            messages.append(0)
        messages[-1] += size(each)
    return len(messages)


@given(st.one_of(ANY, GSM))
def test_the_count_is_that_of_a_literal_cutting(text: str) -> None:
    found = segments(text)
    assert found.count == literally(text)
    assert 0 <= found.left <= 160


@given(ANY, st.characters(exclude_categories=["Cs"]))
def test_one_character_more_never_makes_it_fewer(text: str, more: str) -> None:
    assert segments(text + more).count >= segments(text).count
    assert segments(more + text).count >= segments(text).count


@given(ANY)
def test_units_are_those_of_utf_16(text: str) -> None:
    assert units(text) == len(text.encode("utf-16-le")) // 2

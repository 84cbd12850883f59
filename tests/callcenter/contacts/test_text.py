"""Folding and the terms that search reads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.contacts import search, text


@pytest.mark.parametrize(
    ("typed", "folded"),
    [
        ("Łódź", "lodz"), ("ZAŻÓŁĆ GĘŚLĄ JAŹŃ", "zazolc gesla jazn"), ("Straße", "strasse"), ("Ærøskøbing", "aeroskobing"),
        ("  Jan \t Nowak ", "jan nowak"),
        ("ﬁrma", "firma"), ("e\u0301", "e"), ("Đorđe", "dorde"), ("a\x00b", "ab"), ("İstanbul", "istanbul"),
    ],
)  # fmt: skip
def test_letters_are_found_without_their_marks(typed: str, folded: str) -> None:
    assert text.fold(typed) == folded


@given(st.text())
def test_folding_again_changes_nothing(typed: str) -> None:
    assert text.fold(text.fold(typed)) == text.fold(typed)
    assert text.fold(typed.upper()) == text.fold(text.fold(typed.upper()))


@given(st.text())
def test_what_is_kept_can_be_stored(typed: str) -> None:
    for kept in (text.clean(typed), text.clean_lines(typed), text.fold(typed)):
        kept.encode()
        assert "\x00" not in kept


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("Kowalski", [("kowalski", None)]),
        ("kowalski 501", [("kowalski", None), ("501", None)]),
        ("22 123-45 nowak", [("2212345", None), ("nowak", None)]),
        ("+48 501", [("48501", None)]),
        ("0048 501", [("0048501", "48501")]),
        ("0501", [("0501", "501")]),
        ("(22) 123", [("22123", None)]),
        ("jan.kowalski@acme.pl", [("jan", None), ("kowalski", None), ("acme", None), ("pl", None)]),
        ("% _ '", []),
        ("4f", [("4f", None)]),
    ],
)
def test_what_is_typed_becomes_words_and_parts_of_numbers(typed: str, wanted: list[tuple[str, str | None]]) -> None:
    assert [(each.start, each.other) for each in search.parse(typed)] == wanted


def test_terms_hold_the_name_from_each_word_on_and_each_end_of_a_number() -> None:
    name = search.sort_name("Jan", "Kowalski")
    folded = search.folded(name, "Acme", "jan@acme.pl", ["48501"])
    assert (name, folded) == ("kowalski jan", " kowalski jan acme pl 48501 ")
    assert search.terms(name, folded) == {"kowalski jan", "jan kowalski", "acme", "pl", "48501", "8501", "501"}


@given(st.text(), st.text(), st.text(), st.text(), st.lists(st.text("0123456789", min_size=3, max_size=15), max_size=3))
def test_every_word_and_every_part_of_a_number_is_the_beginning_of_a_term(
    first: str, last: str, organisation: str, email: str, digits: list[str]
) -> None:
    name = search.sort_name(first, last)
    folded = search.folded(name, organisation, email, digits)
    terms = search.terms(name, folded)
    for word in text.words(" ".join((first, last, organisation, email))):
        assert any(term.startswith(word[: search.LONGEST_TERM]) for term in terms)
    for number in digits:
        for at in range(len(number) - 2):
            assert any(term.startswith(number[at : at + 4]) for term in terms)

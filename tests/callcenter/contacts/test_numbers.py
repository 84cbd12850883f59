"""What a telephone number is, however it was typed or sent."""

# ruff: noqa: RUF001 - the digits and dashes of other scripts are the point

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.contacts import numbers

POLISH = [
    "501234567", "+48501234567", "48501234567", "0048501234567", "501 234 567", "501-234-567", "(501) 234 567",
    "0501234567",
    "0 501 234 567", "+48 (0) 501 234 567", "00 48 501 234 567", "tel:+48501234567",
    "sip:+48501234567@carrier.example;user=phone",

    "٥٠١٢٣٤٥٦٧", "５０１２３４５６７", "  501\u00a0234\u00a0567 ", "\u202a+48 501 234 567\u202c",
    "501–234–567", "+48.501.234.567",
]  # fmt: skip


@pytest.mark.parametrize("raw", POLISH)
def test_one_polish_number_is_the_same_however_it_is_written(raw: str) -> None:
    parsed = numbers.parse(raw, "PL")
    assert (parsed.kind, parsed.e164, parsed.last_nine) == ("valid", "+48501234567", "501234567")
    assert parsed.shown == "+48 501 234 567"
    assert parsed.raw == raw


@pytest.mark.parametrize(
    ("raw", "region", "kind", "e164", "shown"),
    [
        ("+442079460958", "PL", "valid", "+442079460958", "+44 20 7946 0958"),
        ("442079460958", "PL", "valid", "+442079460958", "+44 20 7946 0958"),
        ("0044 20 7946 0958", "PL", "valid", "+442079460958", "+44 20 7946 0958"),
        ("020 7946 0958", "GB", "valid", "+442079460958", "+44 20 7946 0958"),
        ("22 123 45 67 wew. 12", "PL", "valid", "+48221234567", "+48 22 123 45 67 ext. 12"),
        ("22 123 45 67 ext 12", "PL", "valid", "+48221234567", "+48 22 123 45 67 ext. 12"),
        ("+48221234567;ext=12", "PL", "valid", "+48221234567", "+48 22 123 45 67 ext. 12"),
        ("22 123 45 67 #12", "PL", "valid", "+48221234567", "+48 22 123 45 67 ext. 12"),
        ("221234567x12", "PL", "valid", "+48221234567", "+48 22 123 45 67 ext. 12"),
        ("112", "PL", "short", None, "112"),
        ("+48112", "PL", "short", None, "+48112"),
        ("0048984", "PL", "short", None, "0048984"),
        ("201", "PL", "short", None, "201"),
        ("7", "PL", "short", None, "7"),
        ("116 123", "PL", "short", None, "116 123"),
        ("anonymous", "PL", "withheld", None, ""),
        ("Anonymous", "PL", "withheld", None, ""),
        ("sip:anonymous@anonymous.invalid", "PL", "withheld", None, ""),
        ("Zastrzeżony", "PL", "withheld", None, ""),
        ("", "PL", "empty", None, ""),
        (" \u200b\x00 ", "PL", "empty", None, ""),
        ("ING BANK", "PL", "alphanumeric", None, "ING BANK"),
        ("1-800-FLOWERS", "PL", "alphanumeric", None, "1-800-FLOWERS"),
        ("50123456", "PL", "invalid", None, "50123456"),
        ("5012345678", "PL", "invalid", None, "5012345678"),
        ("9" * 30, "PL", "invalid", None, "9" * 30),
        ("+", "PL", "invalid", None, "+"),
        ("+48 501 +234 567", "PL", "invalid", None, "+48 501 +234 567"),
    ],
)
def test_each_kind_of_caller_is_told_apart(raw: str, region: str, kind: str, e164: str | None, shown: str) -> None:
    parsed = numbers.parse(raw, region)
    assert (parsed.kind, parsed.e164, parsed.shown) == (kind, e164, shown)


def test_thirty_digits_match_nobody_by_their_last_nine() -> None:
    assert numbers.parse("9" * 30, "PL").last_nine is None
    assert numbers.parse("5012345678", "PL").last_nine == "012345678"
    assert numbers.parse("12345678", "PL").last_nine is None


TYPED = st.one_of(
    st.text(), st.text("0123456789+-() .x;#,*٠٥０\u00b2w", max_size=40), st.text("0123456789", min_size=2, max_size=16)
)


@given(TYPED, st.sampled_from(["PL", "GB", "US", "IT", "DE", "ZZ", "", "nonsense"]))
def test_nothing_anybody_can_type_raises(raw: str, region: str) -> None:
    parsed = numbers.parse(raw, region)
    assert parsed.raw == raw
    assert parsed.digits == "".join(each for each in parsed.digits if each in "0123456789")
    assert (parsed.e164 is not None) == (parsed.kind == "valid")
    assert parsed.last_nine is None or len(parsed.last_nine) == 9
    assert len(parsed.shown) < 100


@given(TYPED, st.sampled_from(["PL", "GB", "US", "IT", "DE"]), st.sampled_from(["PL", "GB", "US", "IT", "DE"]))
def test_an_e164_number_read_again_is_itself_in_every_region(raw: str, region: str, other: str) -> None:
    e164 = numbers.parse(raw, region).e164
    if e164 is not None:
        again = numbers.parse(e164, other)
        assert (again.e164, again.kind) == (e164, "valid")
        assert numbers.parse(numbers.parse(raw, region).shown, other).e164 == e164

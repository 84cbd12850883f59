"""A script's light formatting: what becomes HTML, and that nothing else ever does."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.campaigns.formatting import to_html, without_marks
from callcenter.correspondence.rendering import BEGINS, ENDS

_OURS = re.compile(r"</?(?:p|h3|h4|h5|ul|ol|li|strong)>|<br>")


def value(text: str) -> str:
    return f"{BEGINS}{text}{ENDS}"


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("", ""),
        ("Hello", "<p>Hello</p>"),
        ("One\ntwo\n\nthree", "<p>One<br>two</p><p>three</p>"),
        ("# Price\nIt is 5", "<h3>Price</h3><p>It is 5</p>"),
        ("## Price", "<h4>Price</h4>"),
        ("#5 is a number", "<p>#5 is a number</p>"),
        ("- one\n- two\nand", "<ul><li>one</li><li>two</li></ul><p>and</p>"),
        ("1. one\n2) two", "<ol><li>one</li><li>two</li></ol>"),
        ("a **bold** word", "<p>a <strong>bold</strong> word</p>"),
        ("2 ** 3 ** 4", "<p>2 ** 3 ** 4</p>"),
        ("<b>&</b>", "<p>&lt;b&gt;&amp;&lt;/b&gt;</p>"),
        (f"Dear {value('<i>Jan</i>')}", "<p>Dear &lt;i&gt;Jan&lt;/i&gt;</p>"),
        (value("# 1\n- x"), "<p># 1<br>- x</p>"),
        (value("**not bold**"), "<p>**not bold**</p>"),
        (f"**{value('Jan')}**", "<p><strong>Jan</strong></p>"),
        (f"- {value('')}x", "<ul><li>x</li></ul>"),
    ],
)
def test_what_becomes_what(text: str, html: str) -> None:
    assert to_html(text) == html


@given(st.text(max_size=300), st.text(max_size=100))
def test_no_tag_comes_out_but_ours(text: str, brought: str) -> None:
    made = to_html(without_marks(text) + value(without_marks(brought)))
    assert "<" not in _OURS.sub("", made)
    assert ">" not in _OURS.sub("", made)


@given(st.text(alphabet="<>&\"'#-*1. \nab", max_size=60))
def test_a_value_reads_as_it_was_typed(brought: str) -> None:
    made = to_html(f"x{value(brought)}x")
    assert made.startswith("<p>x")
    assert "<strong>" not in made

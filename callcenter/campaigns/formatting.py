"""A script's light formatting as HTML: paragraphs, headings (#), lists (- and 1.) and **bold**; all else is text. Pure.

What a lead brought stands between rendering.BEGINS and ENDS: it is text whatever it looks like, so that no name begins a list.
"""

import re
from collections.abc import Callable
from html import escape

from callcenter.correspondence.rendering import BEGINS, ENDS

_VALUE = re.compile(f"{BEGINS}(.*?){ENDS}", re.DOTALL)
_HELD = re.compile(f"{BEGINS}(\\d+){ENDS}")
_BOLD = re.compile(r"\*\*(\S(?:[^*\n]{0,2000}?\S)?)\*\*")
_HEADING = re.compile(r"(#{1,3})[ \t]+(\S.*)")
_BULLET = re.compile(r"\s{0,6}[-*•][ \t]+(\S.*)")
_NUMBER = re.compile(r"\s{0,6}\d{1,3}[.)][ \t]+(\S.*)")
_HEADINGS = {1: "h3", 2: "h4", 3: "h5"}  # below the page's own


def to_html(text: str) -> str:
    """Return the text as HTML that holds no tag but p, br, h3 to h5, ul, ol, li and strong, without any attribute."""
    held: list[str] = []

    def hold(found: re.Match[str]) -> str:
        held.append(found[1])
        return f"{BEGINS}{len(held) - 1}{ENDS}"

    def inline(line: str) -> str:
        bold = _BOLD.sub(r"<strong>\1</strong>", escape(line))
        return _HELD.sub(lambda found: escape(held[int(found[1])]).replace("\n", "<br>"), bold)

    return "".join(_blocks(_VALUE.sub(hold, text).split("\n"), inline))


def without_marks(text: str) -> str:
    """Return a text none of whose characters could be taken for a mark."""
    return text.replace(BEGINS, "").replace(ENDS, "")


def _blocks(lines: list[str], inline: Callable[[str], str]) -> list[str]:
    found: list[str] = []
    at = 0
    while at < len(lines):
        kind, _ = _kind(lines[at])
        end = at + 1
        while end < len(lines) and kind != "heading" and _kind(lines[end])[0] == kind:
            end += 1
        block = lines[at:end]
        match kind:
            case "heading":
                level = _HEADINGS[len(block[0].split(maxsplit=1)[0])]
                found.append(f"<{level}>{inline(_kind(block[0])[1])}</{level}>")
            case "ul" | "ol":
                items = "".join(f"<li>{inline(_kind(line)[1])}</li>" for line in block)
                found.append(f"<{kind}>{items}</{kind}>")
            case "p":
                found.append(f"<p>{'<br>'.join(inline(line.strip()) for line in block)}</p>")
        at = end
    return found


def _kind(line: str) -> tuple[str, str]:
    """Return what a line is, and its words without what says so."""
    if not line.strip():
        return "", ""
    for kind, pattern, group in (("heading", _HEADING, 2), ("ul", _BULLET, 1), ("ol", _NUMBER, 1)):
        if found := pattern.fullmatch(line):
            return kind, found[group]
    return "p", line

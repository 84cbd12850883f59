"""HTML as text: what a mail shows, without anything it would fetch, run or hide. Pure.

Read from left to right once: the standard library's parser needs minutes for some texts of a hundred kilobytes that were made
for that.
"""

import re
from html import unescape

_HIDDEN = frozenset({"head", "noscript", "object", "script", "style", "svg", "template", "title"})
_PARAGRAPHS = frozenset(
    {
        *("address", "article", "blockquote", "dl", "fieldset", "footer", "form", "header", "hr", "main", "nav", "ol", "p"),
        *("h1", "h2", "h3", "h4", "h5", "h6", "pre", "section", "table", "ul"),
    }
)
_LINES = frozenset({"br", "dd", "div", "dt", "li", "tr"})
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]{0,20})")
_HREF = re.compile(r"\bhref\s{0,5}=\s{0,5}[\"']?(https?://[^\s\"'<>]{1,500})", re.IGNORECASE)
_ENDS = {name: re.compile(rf"</{name}\b|<body\b" if name == "head" else rf"</{name}\b", re.IGNORECASE) for name in _HIDDEN}
_SPACES = re.compile(r"[ \t\f\v\xa0]+")
_EMPTY = re.compile(r"\n{3,}")


def to_text(html: str) -> str:
    """Return the text of a page, its links' addresses in brackets where they are not the text itself."""
    text = "".join(_Reader(html).read())
    lines = [_SPACES.sub(" ", each).strip() for each in text.split("\n")]
    return _EMPTY.sub("\n\n", "\n".join(lines)).strip()


class _Reader:
    def __init__(self, html: str) -> None:
        self._html = html
        self._parts: list[str] = []
        self._link = ""
        self._link_from = 0

    def read(self) -> list[str]:
        """Return the pieces of the text. What is begun and never ended ends it."""
        at = 0
        while at >= 0:
            start = self._html.find("<", at)
            self._say(self._html[at : start if start >= 0 else len(self._html)])
            at = self._markup(start) if start >= 0 else -1
        return self._parts

    def _markup(self, at: int) -> int:
        """Read what begins with < and return where it ends, -1 for nowhere."""
        if self._html.startswith("<!--", at):
            return self._after("-->", at + 4)
        if self._html.startswith(("<!", "<?"), at):
            return self._after(">", at)
        tag = _TAG.match(self._html, at)
        if tag is None:
            self._say("<")
            return at + 1
        end = self._after(">", at)
        name = tag[2].lower()
        if end < 0:
            return -1
        if tag[1]:
            self._close(name)
        elif name in _HIDDEN:
            found = _ENDS[name].search(self._html, end)
            return found.start() if found else -1
        else:
            self._open(name, self._html[at : min(end, at + 2000)])
        return end

    def _after(self, mark: str, at: int) -> int:
        end = self._html.find(mark, at)
        return end + len(mark) if end >= 0 else -1

    def _open(self, name: str, tag: str) -> None:
        if name in _PARAGRAPHS:
            self._parts.append("\n\n")
        elif name in _LINES:
            self._parts.append("\n- " if name == "li" else "\n")
        elif name in ("td", "th"):
            self._parts.append(" ")
        elif name == "a":
            link = _HREF.search(tag)
            self._link, self._link_from = unescape(link[1]) if link else "", len(self._parts)

    def _close(self, name: str) -> None:
        if name in _PARAGRAPHS or name in _LINES:
            self._parts.append("\n")
        elif name == "a" and self._link:
            shown = "".join(self._parts[self._link_from :]).strip()
            self._parts.append(f" [{self._link}]" if shown and shown != self._link else "")
            self._link = ""

    def _say(self, text: str) -> None:
        if text:
            self._parts.append(re.sub(r"\s+", " ", unescape(text)))

"""Reading vCard 2.1, 3.0 and 4.0 (RFC 2426, RFC 6350): a card becomes a row with columns of our own. Pure; for a thread.

The parts are taken apart by vobject; a card it cannot read is a row with the reason. Photos are kept from it, which takes
long over them: the first one comes beside the row as it stands there.
"""

import base64
import io
import re
from collections.abc import Generator, Iterable, Iterator
from typing import Any, BinaryIO, NamedTuple

import vobject
from vobject.base import VObjectError

from callcenter.errors import Invalid

HEADER = (
    "first_name", "last_name", "organisation", "position", "email", "address1", "address2", "postcode", "city", "province",
    "country", "number:mobile", "number:work", "number:landline", "number:main", "number:home_fax", "number:office_fax",
    "number:other", "tags", "note",
)  # fmt: skip
LONGEST_CARD = 100_000  # lines: a photo may be in it
_BROKEN = "This card cannot be read."
_LEFT_OUT = ("PHOTO", "LOGO", "SOUND", "KEY")


class Card(NamedTuple):
    """A card: the line it begins on, cells in the order of HEADER or what is wrong, and its picture (octets() reads it)."""

    line: int
    cells: list[str]
    error: str = ""
    picture: str | None = None


def read_cards(source: BinaryIO, encoding: str) -> Generator[Card]:
    """Yield each card of a file."""
    source.seek(0)
    wrapper = io.TextIOWrapper(source, encoding=encoding, errors="replace")
    try:
        for line, card, picture in _cards(wrapper):
            try:
                yield Card(line, _row(card), "", picture)
            except (VObjectError, ValueError, LookupError, AttributeError, TypeError, AssertionError, IndexError):
                yield Card(line, [], _BROKEN)
    finally:
        wrapper.detach()


def octets(picture: str) -> bytes:
    """Return the octets of a card's picture, written as any version writes it; raises Invalid for an address and for rubbish."""
    said, _, value = picture.partition(":")
    if value[:5].lower() == "data:":  # vCard 4.0: data:image/jpeg;base64,...
        said, _, value = value.partition(",")
    elif re.search(r"[;,]value=ur[il]", said, re.IGNORECASE) or re.match(r"[a-z]{2,10}://", value, re.IGNORECASE):
        raise Invalid("The picture is elsewhere: pictures at other addresses are not fetched.", field="file")
    try:
        return base64.b64decode(value, validate=True)
    except ValueError as error:
        raise Invalid("This picture cannot be read. Save it anew, or choose another.", field="file") from error


def _cards(lines: Iterable[str]) -> Iterator[tuple[int, str, str | None]]:
    """Yield each card's first line's number, its text ("" for one without an end or too long), and its picture."""
    card: list[str] = []
    begun = 0
    for number, line in enumerate(lines, 1):
        word = line.strip().upper()
        if word == "BEGIN:VCARD":
            if begun:
                yield begun, "", None
            card, begun = [], number
        if begun and len(card) < LONGEST_CARD:
            card.append(line)
        if begun and word == "END:VCARD":
            yield begun, *(_apart(card) if len(card) < LONGEST_CARD else ("", None))
            card, begun = [], 0
    if begun:
        yield begun, "", None


def _apart(card: list[str]) -> tuple[str, str | None]:
    """Return a card's text without pictures and the like, and its first photo on one line, None for none."""
    text: list[str] = []
    photos: list[list[str]] = []
    leaving = ""
    for line in card:
        if leaving and (line[:1] in " \t" or not line.strip()):
            if leaving == "PHOTO":
                photos[-1].append(line)
            continue
        name = line.partition(":")[0].partition(";")[0].rpartition(".")[2].strip().upper()
        leaving = name if name in _LEFT_OUT else ""
        if name == "PHOTO":
            photos.append([line])
        elif not leaving:
            text.append(line)
    found = ["".join("".join(each).split()) for each in photos]
    return "".join(text), next((each for each in found if each.partition(":")[2]), None)


def _row(text: str) -> list[str]:
    if not text:
        raise ValueError("no card")
    card = vobject.readOne(text, allowQP=True, ignoreUnreadable=True)
    found: dict[str, list[str]] = {name: [] for name in HEADER}
    for kind, contents in card.contents.items():
        for each in contents:
            _take(found, kind, each)
    if not found["first_name"] and not found["last_name"] and "fn" in card.contents:
        first, _, last = _plain(card.fn.value).rpartition(" ")
        found["first_name"], found["last_name"] = [first], [last]
    for name in HEADER:
        if name not in ("email", "note", "tags") and not name.startswith("number:"):
            found[name] = found[name][:1]
    together = {"note": "\n", "email": ", "}
    return [together.get(name, ";").join(each for each in found[name] if each) for name in HEADER]


def _take(found: dict[str, list[str]], kind: str, line: Any) -> None:
    """Put a line of a card where it belongs."""
    value = line.value
    if kind == "n":
        found["first_name"].append(" ".join(filter(None, (_plain(value.given), _plain(value.additional)))))
        found["last_name"].append(_plain(value.family))
    elif kind == "adr":
        found["address1"].append(_plain(value.street))
        found["address2"].append(" ".join(filter(None, (_plain(value.extended), _plain(value.box)))))
        parts = {"postcode": value.code, "city": value.city, "province": value.region, "country": value.country}
        for name, part in parts.items():
            found[name].append(_plain(part))
    elif kind == "tel":
        found[f"number:{_type(_types(line))}"].append(_plain(value).replace(";ext=", " ext. ").replace(";", ","))
    elif kind == "categories":
        found["tags"] += [_plain(each) for each in (value if isinstance(value, list) else str(value).split(","))]
    elif kind in _PLAIN:
        found[_PLAIN[kind]].append(_plain(value, lines=kind == "note").removeprefix("mailto:"))
    elif kind == "org":
        found["organisation"].append(_plain(value[0] if isinstance(value, list) and value else value))


_PLAIN = {"title": "position", "email": "email", "note": "note"}


def _plain(value: object, *, lines: bool = False) -> str:
    if isinstance(value, list):
        return " ".join(_plain(each) for each in value if each)
    said = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")
    return said.strip() if lines else " ".join(said.split())


def _types(line: Any) -> set[str]:
    """Return the types of a line: TYPE=work,cell, TYPE="work,cell", or WORK;CELL as vCard 2.1 writes."""
    said = [*line.params.get("TYPE", []), *line.singletonparams]
    return {each.strip().lower() for every in said for each in every.split(",")}


def _type(said: set[str]) -> str:
    """Return the kind of number (S13) that the types of a TEL mean."""
    if "fax" in said:
        return "home_fax" if "home" in said else "office_fax"
    if said & {"cell", "mobile", "iphone"}:
        return "mobile"
    if said & {"main", "x-main"}:
        return "main"
    if "work" in said:
        return "work"
    return "landline" if "home" in said else "other"

"""What an e-mail that came says, whatever its sender made of it. Pure; for a thread, since some are slow to read.

The standard library's older policy (compat32) is used: it takes headers as they are, where the newer one parses each as it
is read, at times wrongly and slowly. Everything is bounded: headers, parts, depth, text, attachments. Archives are kept as
they came and never unpacked, so that none can swell.
"""

import datetime as dt
import email.header
import re
import unicodedata
from collections.abc import Iterator
from email.errors import MessageError
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from email.utils import getaddresses, parsedate_to_datetime
from typing import NamedTuple

from callcenter.correspondence.html_text import to_text
from callcenter.files.service import clean_name
from callcenter.messages.addresses import is_address, one_line

LONGEST_TEXT = 200_000
_LONGEST_HEADER = 10_000
_LONGEST_HTML = 512 << 10
_MOST_PARTS = 200
_MOST_MULTIPARTS = 60  # boundaries; each line is compared with all that are open
_MOST_FILES = 50
_MOST_IDS = 100
_ID = re.compile(r"<[^<>\s@]{1,250}@[^<>\s@]{1,250}>")
_MULTIPART = re.compile(rb"(?im)^content-type:\s*multipart/")
_FIRST_YEAR = 1990


class Attachment(NamedTuple):
    """A file that came along."""

    name: str
    content: bytes


class Report(NamedTuple):
    """What a delivery report says (RFC 3464). `action`: failed, delayed, delivered, relayed, expanded."""

    action: str
    recipient: str
    words: str


class Reading(NamedTuple):
    """An e-mail as it can be kept. `address`: of its sender, "" for none; `parents`: Message-IDs it names, oldest first.

    `kind`: mail, auto (a machine wrote it), bounce (with `report`). `flawed`: it could not be read as a whole.
    """

    address: str
    name: str
    to: list[str]
    subject: str
    text: str
    message_id: str
    parents: list[str]
    kind: str
    sent_at: dt.datetime | None
    files: list[Attachment]
    report: Report | None = None
    flawed: bool = False


def read(raw: bytes) -> Reading:
    """Read a message; never raises: what cannot be read comes as a note with the message itself attached."""
    try:
        if len(_MULTIPART.findall(raw)) > _MOST_MULTIPARTS:
            return _unreadable(raw)
        return _read(BytesParser(policy=compat32).parsebytes(raw))
    except (MessageError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError, AssertionError):
        return _unreadable(raw)


def _read(message: Message) -> Reading:
    sender = _addresses(message, "From") or _addresses(message, "Sender")
    name, address = sender[0] if sender else ("", "")
    text, files = _content(message)
    report = _report(message)
    parents = [*_ids(message, "References"), *_ids(message, "In-Reply-To")]
    if report is not None:
        parents += _original(message)
    own = _ids(message, "Message-ID")
    return Reading(
        address=address,
        name=one_line(name)[:200],
        to=[each for _, each in [*_addresses(message, "To"), *_addresses(message, "Cc")]][:50],
        subject=one_line(_header(message, "Subject")),
        text=text,
        message_id=own[0] if own else "",
        parents=list(dict.fromkeys(parents))[-_MOST_IDS:],
        kind="bounce" if report is not None else "auto" if _is_automatic(message) else "mail",
        sent_at=_date(message),
        files=files,
        report=report,
    )


def _unreadable(raw: bytes) -> Reading:
    """Return a note in the place of a message that cannot be read, with what its first lines tell."""
    head = raw[:_LONGEST_HEADER].decode("latin-1")
    found = {each: re.search(rf"(?im)^{each}:[ \t]*(.*)$", head) for each in ("from", "subject", "message-id")}
    said = {name: one_line(match[1]) if match else "" for name, match in found.items()}
    address = re.search(r"[^\s<>@,;:\"]+@[^\s<>@,;:\"]+", said["from"])
    ids = _ID.findall(said["message-id"])
    return Reading(
        address=address[0] if address and is_address(address[0]) else "",
        name="",
        to=[],
        subject=said["subject"],
        text="",
        message_id=ids[0] if ids else "",
        parents=[],
        kind="auto",
        sent_at=None,
        files=[Attachment("message.eml", raw)],
        flawed=True,
    )


def _header(message: Message, name: str) -> str:
    """Return a header as text, its encoded words read (RFC 2047), "" for none."""
    text = next(iter(_raw(message, name)), "")
    try:
        parts = email.header.decode_header(text)
    except (MessageError, ValueError):
        return _clean(text)
    return _clean("".join(each if isinstance(each, str) else _decoded(each, charset or "ascii") for each, charset in parts))


def _raw(message: Message, name: str) -> list[str]:
    """Return the first headers of a name as they came; octets beyond ASCII are UTF-8 (RFC 6532) or are guessed."""
    found = [value for each, value in message.raw_items() if each.lower() == name.lower()][:5]
    octets = (str(each)[:_LONGEST_HEADER].encode("utf-8", "surrogateescape") for each in found)
    return [_decoded(each, "utf-8") for each in octets]


def _addresses(message: Message, name: str) -> list[tuple[str, str]]:
    """Return names and addresses of a header, those that are none left out."""
    found = []
    for shown, given in getaddresses(_raw(message, name)):
        address = _clean(given).strip()
        if is_address(address):
            alone = Message()
            alone["X"] = shown
            found.append((_header(alone, "X") if "=?" in shown else _clean(shown), address))
    return found


def _ids(message: Message, name: str) -> list[str]:
    return _ID.findall(" ".join(_raw(message, name)))[:_MOST_IDS]


def _date(message: Message) -> dt.datetime | None:
    """Return when it was written, as its sender says; None for what cannot be: some clocks stand in 1970."""
    try:
        found = parsedate_to_datetime(next(iter(_raw(message, "Date")), "")[:200])
        found = found.replace(tzinfo=dt.UTC) if found.tzinfo is None else found.astimezone(dt.UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return found if found.year >= _FIRST_YEAR else None


def _is_automatic(message: Message) -> bool:
    """Tell what a machine wrote: RFC 3834, and what those do that do not know it."""
    said = _header(message, "Auto-Submitted").strip().lower()
    if said and not said.startswith("no"):
        return True
    precedence = _header(message, "Precedence").strip().lower()
    return precedence in ("bulk", "junk", "auto_reply", "list") or any(
        message.get(each) is not None for each in ("X-Autoreply", "X-Autorespond", "X-Auto-Response-Suppress", "List-Id")
    )


def _leaves(message: Message) -> Iterator[Message]:
    """Yield the parts that hold something, in order; a message inside the message is one part."""
    stack, seen = [message], 0
    while stack and seen < _MOST_PARTS:
        part = stack.pop()
        seen += 1
        inside = _inside(part)
        if part.get_content_maintype() == "multipart" and inside:
            stack.extend(reversed(inside))
        else:
            yield part


def _inside(part: Message) -> list[Message]:
    """Return the messages a part is made of, none for one that holds octets."""
    inside = part.get_payload()
    return [each for each in inside if isinstance(each, Message)] if isinstance(inside, list) else []


def _content(message: Message) -> tuple[str, list[Attachment]]:
    """Return the text and the files. HTML becomes text; the text of an alternative goes before it."""
    plain, html = "", ""
    files: list[Attachment] = []
    for part in _leaves(message):
        kind, name = part.get_content_type(), _file_name(part)
        shown = part.get_content_disposition() != "attachment" and not name
        if shown and kind == "text/plain":
            plain += ("\n" if plain else "") + _text(part) if len(plain) < LONGEST_TEXT else ""
        elif shown and kind == "text/html":
            html = html or to_text(_text(part)[:_LONGEST_HTML])
        elif not (shown and kind.startswith("message/delivery-status")):
            content = _octets(part)
            if content and len(files) < _MOST_FILES:
                files.append(Attachment(clean_name(name or _made_up(kind)), content))
    return (plain if plain.strip() else html)[:LONGEST_TEXT].strip(), files


def _file_name(part: Message) -> str:
    try:
        name = part.get_filename() or ""
    except (TypeError, ValueError, LookupError):  # parameters in pieces that do not fit (RFC 2231)
        return "attachment"
    if "=?" not in name:
        return _clean(str(name))[:500]
    alone = Message()
    alone["X"] = str(name)[:500]
    return _header(alone, "X")


def _made_up(kind: str) -> str:
    endings = {
        "message/rfc822": "message.eml",
        "text/calendar": "invite.ics",
        "image/png": "image.png",
        "image/jpeg": "image.jpg",
    }
    return endings.get(kind, "attachment")


def _octets(part: Message) -> bytes:
    """Return what a part holds; of a message inside the message the whole."""
    if inside := _inside(part):
        return b"\n".join(each.as_bytes() for each in inside)
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _text(part: Message) -> str:
    try:
        charset = part.get_content_charset() or "utf-8"
    except (LookupError, ValueError, TypeError):
        charset = "utf-8"
    return _clean(_decoded(_octets(part)[: 4 * LONGEST_TEXT], charset)).replace("\r\n", "\n").replace("\r", "\n")


def _decoded(octets: bytes, charset: str) -> str:
    """Return text: in its charset, else UTF-8, else as old Polish mail programs wrote, and never an error."""
    for each in (charset, "utf-8"):
        try:
            return octets.decode(each)
        except (UnicodeError, LookupError, ValueError):
            continue
    return octets.decode("cp1250", "replace")


def _clean(text: str) -> str:
    """Return text as databases keep it: no NUL, no half of a character, no other control character but line ends."""
    return "".join(each for each in text if each in "\n\r\t" or unicodedata.category(each) not in ("Cc", "Cs"))


def _report(message: Message) -> Report | None:
    """Return what a delivery report says; of several recipients the first that failed."""
    found: list[Report] = []
    for part in _leaves(message):
        if part.get_content_type() == "message/delivery-status":
            found += [_recipient(each) for each in _inside(part)[:_MOST_PARTS] if each.get("Action") is not None]
    failed = [each for each in found if each.action == "failed"]
    return next(iter(failed or found), None)


def _recipient(block: Message) -> Report:
    address = _header(block, "Final-Recipient") or _header(block, "Original-Recipient")
    words = _header(block, "Diagnostic-Code").partition(";")[2] or _header(block, "Status")
    return Report(_header(block, "Action").strip().lower(), address.partition(";")[2].strip()[:254], one_line(words)[:500])


def _original(message: Message) -> list[str]:
    """Return the Message-ID of the mail a report is about, from the copy it carries."""
    for part in _leaves(message):
        inside = _inside(part)
        if part.get_content_type() == "message/rfc822" and inside:
            return _ids(inside[0], "Message-ID")
        if part.get_content_type() == "text/rfc822-headers":
            return _ids(BytesParser(policy=compat32).parsebytes(_octets(part), headersonly=True), "Message-ID")
    return []

"""Contacts as vCard 4.0 (RFC 6350) or 3.0 (RFC 2426). Pure: rows as export_rows writes them."""

from collections.abc import Iterable

_TYPES = {  # of TEL; a fax of the office is a fax of work
    "mobile": ("cell", "CELL"),
    "landline": ("home,voice", "HOME,VOICE"),
    "work": ("work,voice", "WORK,VOICE"),
    "main": ("x-main", "MAIN"),
    "home_fax": ("home,fax", "HOME,FAX"),
    "office_fax": ("work,fax", "WORK,FAX"),
    "other": ("voice", "VOICE"),
}
_FOLDED = 75  # octets of a line


def cards(fields: list[str], page: Iterable[list[str]], version: str) -> bytes:
    """Return the cards of rows whose columns are `fields`."""
    return b"".join(_card(dict(zip(fields, row, strict=True)), version) for row in page)


def _card(row: dict[str, str], version: str) -> bytes:
    lines = ["BEGIN:VCARD", f"VERSION:{version}", f"N:{_text(row.get('last_name', ''))};{_text(row.get('first_name', ''))};;;"]
    name = f"{row.get('first_name', '')} {row.get('last_name', '')}".strip() or row.get("organisation", "")
    lines.append(f"FN:{_text(name)}")
    for field, word in (("organisation", "ORG"), ("position", "TITLE"), ("email", "EMAIL"), ("note", "NOTE")):
        if row.get(field):
            lines.append(f"{word}:{_text(row[field])}")
    address = [row.get(each, "") for each in ("address2", "address1", "city", "province", "postcode", "country")]
    if any(address):
        lines.append("ADR:;" + ";".join(_text(each) for each in address))
    for field, value in row.items():
        if field.startswith("number:") and value:
            lines += [_number(field.removeprefix("number:"), each, version) for each in value.split("; ")]
    if row.get("tags"):
        lines.append("CATEGORIES:" + ",".join(_text(each) for each in row["tags"].split("; ")))
    lines.append("END:VCARD")
    return b"".join(_fold(line) for line in lines)


def _number(kind: str, number: str, version: str) -> str:
    new, old = _TYPES[kind]
    if version == "3.0":
        return f"TEL;TYPE={old}:{_text(number)}"
    return f'TEL;VALUE=text;TYPE="{new}":{_text(number)}'


def _text(value: str) -> str:
    """Escape as RFC 6350, 3.4."""
    escaped = value.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return escaped.replace("\r\n", "\\n").replace("\n", "\\n").replace("\r", "\\n")


def _fold(line: str) -> bytes:
    """Break a line as RFC 6350, 3.2: after 75 octets, never inside a letter."""
    raw, found = line.encode(), bytearray()
    while len(raw) > _FOLDED:
        end = _FOLDED
        while raw[end] & 0xC0 == 0x80:
            end -= 1
        found += raw[:end] + b"\r\n "
        raw = raw[end:]
    return bytes(found + raw + b"\r\n")

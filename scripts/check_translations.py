#!/usr/bin/env python3
"""Check that every text people may read is extracted and has a good Polish translation; `--update` extracts anew.

Texts come from templates (gettext), scripts (`t`, `tn`), and Python: gettext calls, errors, notices, and any literal of the
domain that reads like a sentence, since those may reach a person through an import report or a trunk's test.
"""

import argparse
import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from babel.messages import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / "webui/locale/messages.pot"
POLISH = ROOT / "webui/locale/pl/LC_MESSAGES/messages.po"
BROWSER = "browser"  # marks what webui/i18n.browser_messages gives to scripts
GETTEXT = {"gettext": (0,), "_": (0,), "ngettext": (0, 1)}
ERRORS = {
    *("Invalid", "NotFound", "Conflict", "NotPermitted", "NotSignedIn", "TooMany", "Unavailable", "CallCenterError"),
    *("BadRequest", "WrongMethod", "TooLarge", "WrongType", "Failed", "Refusal", "BadValue", "ValueError"),
}
SENTENCE = re.compile(r"[A-Z{][^\\]* [^\\]*[.!?]")  # no pattern of a regular expression
PLACEHOLDER = re.compile(r"\{(\w+)\}|%\((\w+)\)[sd]")
# Not for people in a browser: the command line, settings, metrics, SIP logs, letters (whole in each of their languages).
QUIET = (
    *("callcenter/main/", "callcenter/config.py", "callcenter/demo.py", "callcenter/phone_fake.py", "telephony/lab/"),
    "callcenter/meetings/letters.py",
)
FREE = ("callcenter/", "telephony/", "webui/validation.py")  # any sentence there counts


@dataclass(slots=True)
class Found:
    """A text and where it stands."""

    plural: str | None = None
    files: set[str] = field(default_factory=set)
    browser: bool = False


def main() -> int:
    """Run the check, or the update; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--update", action="store_true", help="write the catalogues anew, keeping translations")
    found = collect()
    if parser.parse_args().update:
        update(found)
    problems = list(check(found))
    for problem in problems:
        sys.stderr.write(problem + "\n")
    sys.stdout.write(f"{len(found)} texts, {len(problems)} problems\n")
    return 1 if problems else 0


def collect() -> dict[str, Found]:
    """Return every text of the sources."""
    found: dict[str, Found] = {}
    for file in sorted([*ROOT.glob("callcenter/**/*.py"), *ROOT.glob("telephony/**/*.py"), *ROOT.glob("webui/**/*.py")]):
        name = str(file.relative_to(ROOT))
        if not name.startswith(QUIET):
            for text, plural, browser in from_python(ast.parse(file.read_text()), name):
                _note(found, text, plural, name, browser)
    for pattern, method, keywords in (
        ("templates/**/*.html", "jinja2.ext:babel_extract", {"_": None, "gettext": None, "ngettext": (1, 2)}),
        ("static/app/**/*.js", "javascript", {"t": None, "tn": (1, 2)}),
    ):
        for file in sorted((ROOT / "webui").glob(pattern)):
            with file.open("rb") as source:
                options = {"extensions": "jinja2.ext.i18n", "newstyle_gettext": "true", "trimmed": "true"}
                for _, message, _, _ in extract(method, source, keywords=keywords, options=options):
                    text, plural = message if isinstance(message, tuple) else (message, None)
                    _note(found, text, plural, str(file.relative_to(ROOT)), method == "javascript")
    return found


def _note(found: dict[str, Found], text: str, plural: str | None, file: str, browser: bool) -> None:
    if text.strip():
        entry = found.setdefault(text, Found())
        entry.plural = entry.plural or plural
        entry.files.add(file)
        entry.browser = entry.browser or browser


def from_python(tree: ast.AST, name: str) -> Iterator[tuple[str, str | None, bool]]:
    """Yield (text, plural, whether a page's script may show it) of a module."""
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from _from_call(node, name)
        elif isinstance(node, ast.Assign) and any(getattr(target, "id", "") == "sentence" for target in node.targets):
            yield from ((text, None, True) for text in _literals(node.value))
        elif isinstance(node, ast.Constant) and name.startswith(FREE) and id(node) not in docstrings | inside:
            yield from ((text, None, False) for text in _literals(node) if SENTENCE.fullmatch(text))


def _from_call(node: ast.Call, name: str) -> Iterator[tuple[str, str | None, bool]]:
    called = getattr(node.func, "id", "") or getattr(node.func, "attr", "")
    if called in GETTEXT and len(node.args) >= len(GETTEXT[called]):
        texts = [next(_literals(node.args[place]), "") for place in GETTEXT[called]]
        if texts[0]:
            yield texts[0], texts[1] if len(texts) > 1 else None, False
    if called in ERRORS and node.args and (called != "ValueError" or name.endswith("/fields.py")):
        yield from ((text, None, False) for text in _literals(node.args[0]))
    for keyword in node.keywords:
        if keyword.arg == "sentence":
            yield from ((text, None, called in {"Notice", "Warning"}) for text in _literals(keyword.value))


def _literals(node: ast.expr) -> Iterator[str]:
    """Yield the literal texts an expression may be."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _literals(node.body)
        yield from _literals(node.orelse)


def update(found: dict[str, Found]) -> None:
    """Write template and Polish catalogue anew; what is new in Polish is empty."""
    template = Catalog(project="callcenter", charset="utf-8", fuzzy=False)
    for text, entry in sorted(found.items(), key=lambda each: (sorted(each[1].files)[0], each[0])):
        identity = (text, entry.plural) if entry.plural else text
        comments = [BROWSER] if entry.browser else []
        template.add(identity, locations=[(file, 0) for file in sorted(entry.files)], auto_comments=comments)
    with POLISH.open("rb") as file:
        polish = read_po(file, locale="pl")
    kept = {_id(message.id): message.string for message in polish if message.id}
    fresh = Catalog(project="callcenter", locale="pl", charset="utf-8", fuzzy=False)
    for message in template:
        if message.id:
            blank: str | tuple[str, ...] = ("",) * 3 if message.pluralizable else ""
            string = kept.get(_id(message.id), blank)
            same_shape = isinstance(string, tuple | list) == bool(message.pluralizable)
            fresh.add(message.id, string if same_shape else blank, message.locations, auto_comments=message.auto_comments)
    for path, catalog in ((TEMPLATE, template), (POLISH, fresh)):
        catalog.header_comment = "# Written by scripts/check_translations.py --update"
        with path.open("wb") as written:
            write_po(written, catalog, width=120, include_lineno=False, omit_header=False)
        text = re.sub(
            r'"(POT-Creation-Date|PO-Revision-Date|Generated-By|Last-Translator|Language-Team|Report-Msgid).*\n',
            "",
            path.read_text(),
        )
        path.write_text(text)


def check(found: dict[str, Found]) -> Iterator[str]:
    """Yield what is wrong with the catalogues."""
    with TEMPLATE.open("rb") as file:
        template = {_id(message.id): message for message in read_po(file) if message.id}
    with POLISH.open("rb") as file:
        polish = {_id(message.id): message for message in read_po(file, locale="pl") if message.id}
    for text, entry in found.items():
        for name, known in (("messages.pot", template), ("messages.po", polish)):
            message = known.get(text)
            if message is None:
                yield f"{name}: not extracted (--update): {text!r} of {sorted(entry.files)[0]}"
            elif entry.browser != (BROWSER in message.auto_comments) or bool(entry.plural) != bool(message.pluralizable):
                yield f"{name}: out of date: {text!r}"
        if text in polish:
            yield from _check_translation(text, entry, polish[text].string, fuzzy=polish[text].fuzzy)
    for text in (template.keys() | polish.keys()) - found.keys():
        yield f"no longer in the sources: {text!r}"


def _check_translation(text: str, entry: Found, string: object, *, fuzzy: bool) -> Iterator[str]:
    forms = [str(each) for each in string] if isinstance(string, tuple | list) else [str(string or "")]
    if fuzzy or not all(forms) or (entry.plural and len(forms) != 3):  # Polish has three forms
        yield f"messages.po: not translated: {text!r}"
        return
    wanted = _placeholders(text) | _placeholders(entry.plural or "")
    for form in forms:
        if _placeholders(form) != wanted and not (entry.plural and _placeholders(form) < wanted):
            yield f"messages.po: placeholders differ: {text!r} -> {form!r}"


def _placeholders(text: str) -> set[str]:
    return {first or second for first, second in PLACEHOLDER.findall(text)}


def _id(identity: object) -> str:
    return str(identity[0]) if isinstance(identity, tuple | list) else str(identity)


if __name__ == "__main__":
    sys.exit(main())

"""Letters from templates: Jinja2, of which only a small part is let in.

A template is looked at before anything runs: only text, fields, conditions, loops over lists that are given, and a few
filters are allowed, so that nothing can be called, imported, assigned or multiplied, and no loop runs further than its list.
The sandbox stands behind that, and what comes out is counted while it comes. The one module that knows jinja2.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from callcenter.errors import Invalid

LONGEST = 20_000  # characters of a template, and of a value that goes into it
LONGEST_LETTER = 100_000
_SECONDS = 1.0  # of computing: what a busy machine waits does not count
_MOST_NODES = 4000
_DEEPEST = 20
_DEEPEST_LOOPS = 2
_FILTERS = ("capitalize", "default", "d", "first", "join", "last", "length", "lower", "title", "trim", "upper")
_TESTS = ("defined", "none", "string", "number", "true", "false")
_ALLOWED = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Getattr, nodes.Const, nodes.If, nodes.CondExpr),
    *(nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Filter, nodes.Test, nodes.For, nodes.Keyword),
)
_NAME = "<template>"  # of the file in tracebacks, jinja2's own

Value = str | bool | float | Sequence[str] | Mapping[str, Any]
BEGINS, ENDS = "\ue000", "\ue001"  # private characters around each value, where who asks must tell it from the template's text


class _Environment(ImmutableSandboxedEnvironment):
    """Gives out what is in the values, and nothing else of any object."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return a field; raises SecurityError for an attribute of anything that is no set of fields."""
        if isinstance(obj, jinja2.Undefined):
            return obj
        if not isinstance(obj, Mapping):
            raise SecurityError(f"“{attribute}” cannot be read here.")
        return obj[attribute] if attribute in obj else self.undefined(obj=obj, name=attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Refuse: fields are read with a point."""
        raise SecurityError("Fields are read with a point, like contact.first_name.")

    def call(self, __context: Any, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        """Refuse."""
        raise SecurityError("Nothing can be called in a template.")


def _plain(value: Any) -> Any:
    """Return a value as it stands in a letter."""
    if isinstance(value, Mapping):
        raise SecurityError("This is no single field.")
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else value


def _marked(value: Any) -> str:
    """Return a value between marks nobody can type into it."""
    shown = _plain(value)
    if isinstance(shown, jinja2.Undefined):
        str(shown)  # strict: says what is not there
    return f"{BEGINS}{str(shown).replace(BEGINS, '').replace(ENDS, '')}{ENDS}"


def _environment(finalize: Callable[[Any], Any]) -> _Environment:
    made = _Environment(
        finalize=finalize, undefined=jinja2.StrictUndefined, autoescape=False, trim_blocks=True, keep_trailing_newline=False
    )
    made.globals.clear()
    made.filters = {name: made.filters[name] for name in _FILTERS}
    made.tests = {name: made.tests[name] for name in _TESTS}
    return made


_JINJA = _environment(_plain)
_MARKING = _environment(_marked)


def check(source: str, known: Mapping[str, Value], field: str) -> None:
    """Raise Invalid (`field`) with the line at fault unless a template may be kept; `known` has every field there is."""
    _compiled(source, known, field)


def render(source: str, values: Mapping[str, Value], field: str, *, marked: bool = False) -> str:
    """Return the letter; raises Invalid (`field`) with the line at fault. `marked`: each value between BEGINS and ENDS."""
    template = _compiled(source, values, field, _MARKING if marked else _JINJA)
    parts: list[str] = []
    size, until = 0, time.thread_time() + _SECONDS
    try:
        for part in template.generate(**values):
            parts.append(part)
            size += len(part)
            if size > LONGEST_LETTER or time.thread_time() > until:
                break
    except jinja2.UndefinedError as error:
        raise _jinja(error.message or "", _line(error), field) from error
    except (jinja2.TemplateError, ArithmeticError, LookupError, TypeError, ValueError, RecursionError) as error:
        raise _jinja(str(error), _line(error), field) from error
    if size > LONGEST_LETTER or time.thread_time() > until:
        raise Invalid("What this template makes is too long.", field=field)
    return "".join(parts)


def _compiled(source: str, values: Mapping[str, Value], field: str, jinja: _Environment = _JINJA) -> jinja2.Template:
    if len(source) > LONGEST:
        raise Invalid("A template has at most {maximum} characters.", field=field, maximum=LONGEST)
    try:
        tree = jinja.parse(source)
    except jinja2.TemplateSyntaxError as error:
        raise _jinja(error.message or "", error.lineno, field) from error
    except (RecursionError, MemoryError) as error:
        raise _failed("Line {line}: this is nested too deeply.", 1, field) from error
    _Check(values, field).look(tree)
    try:
        return jinja.from_string(tree)
    except (jinja2.TemplateError, SyntaxError, RecursionError, MemoryError) as error:
        raise _jinja(str(error), getattr(error, "lineno", None) or 1, field) from error


class _Check:
    """Walks through a template and refuses what is not allowed, with its line."""

    def __init__(self, known: Mapping[str, Value], field: str) -> None:
        self._known = known
        self._field = field
        self._left = _MOST_NODES

    def look(self, node: nodes.Node, own: frozenset[str] = frozenset(), depth: int = 0, loops: int = 0) -> None:
        """Look at a node and what is in it; `own`: the names its loops have given."""
        self._left -= 1
        if self._left < 0 or depth > _DEEPEST:
            raise _failed("Line {line}: this is nested too deeply.", node.lineno, self._field)
        if not isinstance(node, _ALLOWED):
            raise self._refused(node)
        if isinstance(node, nodes.For):
            self._loop(node, own, loops)
            own, loops = own | {node.target.name}, loops + 1  # type: ignore[attr-defined]  # _loop has seen to it
        else:
            self._single(node, own)
        for child in node.iter_child_nodes():
            self.look(child, own, depth + 1, loops)

    def _single(self, node: nodes.Node, own: frozenset[str]) -> None:
        match node:
            case nodes.Name() if node.name not in self._known and node.name not in own:
                raise self._no_field(node.name, node.lineno)
            case nodes.Getattr():
                self._value(node, own)
            case nodes.Filter() if node.name not in _FILTERS:
                raise _failed("Line {line}: there is no filter {name} here.", node.lineno, self._field, name=node.name[:100])
            case nodes.Test() if node.name not in _TESTS:
                raise _failed("Line {line}: there is no test {name} here.", node.lineno, self._field, name=node.name[:100])

    def _loop(self, node: nodes.For, own: frozenset[str], loops: int) -> None:
        if loops >= _DEEPEST_LOOPS or node.recursive:
            raise _failed("Line {line}: loops inside loops are too deep.", node.lineno, self._field)
        if not isinstance(node.target, nodes.Name) or not self._is_list(node.iter, own):
            raise _failed("Line {line}: a loop goes over a list, like contact.tags.", node.lineno, self._field)

    def _is_list(self, node: nodes.Node, own: frozenset[str]) -> bool:
        """Tell whether a loop may go over this: a list that is given, never the letters of a text."""
        return isinstance(node, nodes.Getattr) and isinstance(self._value(node, own), list | tuple)

    def _value(self, node: nodes.Getattr, own: frozenset[str]) -> Any:
        """Return what a field is; refuses one nobody has, and whatever is no field."""
        path, at = [node.attr], node.node
        while isinstance(at, nodes.Getattr):
            path.append(at.attr)
            at = at.node
        if not isinstance(at, nodes.Name) or at.name in own:
            raise self._unreadable(node.attr, node.lineno)
        if at.name not in self._known:
            raise self._no_field(at.name, node.lineno)
        found: Any = self._known[at.name]
        for name in reversed(path):
            if not isinstance(found, Mapping):
                raise self._unreadable(name, node.lineno)
            if name not in found:
                raise self._no_field(name, node.lineno)
            found = found[name]
        return found

    def _unreadable(self, name: str, line: int) -> Invalid:
        return _failed("Line {line}: {name} cannot be read here.", line, self._field, name=name[:100])

    def _refused(self, node: nodes.Node) -> Invalid:
        if isinstance(node, nodes.Call):
            return _failed("Line {line}: nothing can be called in a template.", node.lineno, self._field)
        name = type(node).__name__.lower()
        return _failed("Line {line}: “{name}” is not allowed in a template.", node.lineno, self._field, name=name)

    def _no_field(self, name: str, line: int) -> Invalid:
        return _failed("Line {line}: there is no field {name}.", line, self._field, name=name[:100])


def _failed(sentence: str, line: int, field: str, **values: object) -> Invalid:
    return Invalid(sentence, field=field, line=line, **values)


def _jinja(words: str, line: int, field: str) -> Invalid:
    """Return jinja2's own words, which are English."""
    return _failed("Line {line}: {reason}", line, field, reason=words[:300] or "?")


def _line(error: BaseException) -> int:
    """Return the template's line an error came from: jinja2 puts it into the traceback."""
    line, trace = 1, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == _NAME:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line

"""The text of a YAML or JSON document as a tree of plain JSON values, whoever wrote it.

The tree is built from the parser's events with a stack of our own, so that neither depth nor aliases can exhaust the
process. Scalars mean what they mean to most readers (YAML 1.1), but for what JSON cannot hold: dates, binary data and
numbers that are not finite or have too many digits stay the text they were. Of a key that stands twice the last
counts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import yaml

from llmflow.errors import TooLarge, UsageError

MAX_DEPTH = 200
MAX_VALUES = 500_000  # every value counts, those behind an alias each time it is used
_LONGEST_NUMBER = 1000  # letters; YAML writes numbers in base 60 too, and such a long one is built for hours
_NESTED = (yaml.MappingStartEvent, yaml.SequenceStartEvent)
_MERGE = "tag:yaml.org,2002:merge"
_STRING = "tag:yaml.org,2002:str"
#: Tags whose Python value is a JSON value. Everything else a document may say (dates, sets, bytes) stays text.
_PLAIN = {f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float")}


@dataclass(frozen=True, slots=True)
class Codes:
    """Of what is wrong with a kind of document."""

    unreadable: str
    too_large: str


def tree(content: bytes | str, *, max_bytes: int, codes: Codes) -> dict[str, Any]:
    """The document's tree. Raises UsageError (codes.unreadable, with the line) and TooLarge (codes.too_large)."""
    if len(content) > max_bytes:
        raise TooLarge(f"The file has {len(content)} bytes; at most {max_bytes} are read.", code=codes.too_large)
    try:
        found = _Builder().built(_decoded(content))
    except _Unreadable as error:
        raise UsageError(str(error), code=codes.unreadable) from error
    except _TooLarge as error:
        raise TooLarge(str(error), code=codes.too_large) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        shown = str(_unreadable(f"{error.problem or error.context or 'it is not YAML'}", mark))
        raise UsageError(shown, code=codes.unreadable) from error
    except yaml.YAMLError as error:  # a character that YAML forbids
        raise UsageError(str(error).partition("\n")[0] + ".", code=codes.unreadable) from error
    if not isinstance(found, dict):
        raise UsageError("The file is not what it should be: its top must be keys with values.", code=codes.unreadable)
    return found


class _Unreadable(Exception):
    """What is wrong, and where."""


class _TooLarge(Exception):
    """What there is too much of, and where."""


def _decoded(content: bytes | str) -> str:
    """Text without its byte order mark."""
    if isinstance(content, bytes):
        encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
        try:
            content = content.decode(encoding)
        except UnicodeDecodeError as error:
            line = error.object[: error.start].count(b"\n") + 1
            raise _Unreadable(f"Line {line}: the file is not UTF-8 text.") from error
    return content.encode("utf-8", "replace").decode().removeprefix("\ufeff")  # JSON may write half a character


def _unreadable(problem: str, mark: Any) -> _Unreadable:
    """`mark`: the parser's place, None where it knows none."""
    where = f"Line {mark.line + 1}, column {mark.column + 1}: " if mark is not None else ""
    return _Unreadable(f"{where}{problem}.")


@dataclass(slots=True)
class _Open:
    """A list or mapping that is being read. `key`: of the value that comes next; None while a key is awaited."""

    value: dict[str, Any] | list[Any]
    anchor: str | None
    start: int  # values counted before it
    depth: int = 1  # of what is inside
    key: str | None = None
    merged: list[Any] = field(default_factory=list)


class _Builder:
    def __init__(self) -> None:
        self._scalars = yaml.SafeLoader("")
        self._count = 0
        self._stack: list[_Open] = []
        self._anchors: dict[str, tuple[Any, int, int]] = {}  # the value, how many values it is, and how deep
        self._root: Any = None
        self._documents = 0

    def built(self, text: str) -> Any:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        for event in yaml.parse(text, Loader=loader):
            if isinstance(event, yaml.ScalarEvent):
                self._scalar(event)
            elif isinstance(event, _NESTED):
                self._enter(event)
            elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
                self._leave(event)
            elif isinstance(event, yaml.AliasEvent):
                self._alias(event)
            elif isinstance(event, yaml.DocumentStartEvent):
                self._documents += 1
                if self._documents > 1:
                    raise _unreadable("a second document begins; a file holds one", event.start_mark)
        return self._root

    def _counted(self, more: int, event: yaml.Event) -> None:
        self._count += more
        if self._count > MAX_VALUES:
            raise _TooLarge(f"Line {_line(event)}: the file has more than {MAX_VALUES} values.")

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        self._counted(1, event)
        tag = event.tag
        if tag is None or tag == "!":
            tag = self._scalars.resolve(  # type: ignore[no-untyped-call]
                yaml.ScalarNode, event.value, event.implicit
            )
        holder = self._stack[-1] if self._stack else None
        awaits_key = holder is not None and isinstance(holder.value, dict) and holder.key is None
        if awaits_key and tag == _MERGE:
            assert holder is not None
            holder.key = _MERGE
            return
        value = self._plain(tag, event)
        if event.anchor:
            self._anchors[event.anchor] = (value, 1, 0)
        self._put(value, event)

    def _plain(self, tag: str, event: yaml.ScalarEvent) -> Any:
        text: str = event.value
        if tag not in _PLAIN or len(text) > _LONGEST_NUMBER:
            return text.encode("utf-8", "replace").decode()  # an escape may write half a character
        node = yaml.ScalarNode(tag, text)
        try:
            value = self._scalars.construct_object(node)
        except (ValueError, OverflowError, KeyError):  # `!!int abc`, or a number of too many digits
            return text
        finally:
            self._scalars.constructed_objects.clear()
        return value if _is_json(value) else text

    def _enter(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent) -> None:
        self._counted(1, event)
        if len(self._stack) >= MAX_DEPTH:
            raise _too_deep(event)
        holder = self._stack[-1] if self._stack else None
        if holder is not None and isinstance(holder.value, dict) and holder.key is None:
            raise _unreadable("a key must be a word, not a list or mapping", event.start_mark)
        value: dict[str, Any] | list[Any] = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._stack.append(_Open(value, event.anchor, self._count - 1))

    def _leave(self, event: yaml.Event) -> None:
        done = self._stack.pop()
        if isinstance(done.value, dict):
            for merged in done.merged:  # what the mapping says itself counts more
                done.value = {**merged, **done.value}
        if done.anchor:
            self._anchors[done.anchor] = (done.value, self._count - done.start, done.depth)
        self._put(done.value, event, depth=done.depth)

    def _alias(self, event: yaml.AliasEvent) -> None:
        found = self._anchors.get(event.anchor or "")
        if found is None:  # also one inside what it names
            raise _unreadable(f"nothing is named &{event.anchor} before this", event.start_mark)
        value, size, depth = found
        self._counted(size, event)
        if len(self._stack) + depth > MAX_DEPTH:
            raise _too_deep(event)
        self._put(value, event, depth=depth)

    def _put(self, value: Any, event: yaml.Event, *, depth: int = 0) -> None:
        """Places a finished value in what is being read. `depth`: of nested values in it."""
        if not self._stack:
            self._root = value
            return
        holder = self._stack[-1]
        holder.depth = max(holder.depth, depth + 1)
        if isinstance(holder.value, list):
            holder.value.append(value)
        elif holder.key is None:
            holder.key = _as_key(value, event)
        elif holder.key == _MERGE:
            parts = value if isinstance(value, list) else [value]
            if not all(isinstance(part, dict) for part in parts):
                raise _unreadable("`<<` takes in mappings only", event.start_mark)
            holder.merged.extend(parts)
            holder.key = None
        else:
            holder.value[holder.key] = value
            holder.key = None


def _is_json(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return not isinstance(value, int) or -(2**63) <= value < 2**63


def _as_key(value: Any, event: yaml.Event) -> str:
    """As JSON writes a key."""
    match value:
        case str():
            return value
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
    raise _unreadable("a key must be a word, not a list or mapping", event.start_mark)


def _too_deep(event: yaml.Event) -> _TooLarge:
    return _TooLarge(f"Line {_line(event)}: values are nested more than {MAX_DEPTH} deep.")


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1

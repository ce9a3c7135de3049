"""The pool: what each node made, the system's, environment's and conversation's variables; values are JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from llmflow.workflow import files
from llmflow.workflow.types import Selector, Typed


class _Missing:
    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()


class Pool:
    """Values by owner (a node's id, sys, env, conversation) and name. A round's pool lies in its container's."""

    __slots__ = ("_parent", "_types", "_values")

    def __init__(self, parent: Pool | None = None) -> None:
        self._parent = parent
        self._values: dict[str, dict[str, Any]] = {}
        self._types: dict[tuple[str, str], str] = {}

    def put(self, owner: str, values: Mapping[str, Any]) -> None:
        """All that `owner` has, here."""
        self._values[owner] = dict(values)

    def declare(self, owner: str, variables: Mapping[str, Typed]) -> None:
        """Variables that may be written, with their types."""
        self._values[owner] = {name: typed.value for name, typed in variables.items()}
        self._types.update({(owner, name): typed.type for name, typed in variables.items()})

    def write(self, owner: str, name: str, value: Any) -> None:
        """Sets a variable where it lives, be it outside of the round."""
        found = self._holder(owner)
        (found or self)._values.setdefault(owner, {})[name] = value

    def type_of(self, owner: str, name: str) -> str:
        """The declared type, or else the value's."""
        pool: Pool | None = self
        while pool:
            if found := pool._types.get((owner, name)):
                return found
            pool = pool._parent
        return type_name(self.get((owner, name)))

    def owned(self, owner: str) -> dict[str, Any]:
        """A copy of all that `owner` has; {} for nobody."""
        found = self._holder(owner)
        return dict(found._values[owner]) if found else {}

    def has(self, owner: str) -> bool:
        """Did `owner` put anything here, or around here?"""
        return self._holder(owner) is not None

    def get(self, selector: Selector, default: Any = None) -> Any:
        """The value at a selector, `default` where there is none. A path goes into objects, lists by number, files."""
        if not selector:
            return default
        found = self._holder(selector[0])
        if found is None:
            return default
        value: Any = found._values[selector[0]]
        for name in selector[1:]:
            value = _child(value, name)
            if value is MISSING:
                return default
        return value

    def _holder(self, owner: str) -> Pool | None:
        pool: Pool | None = self
        while pool is not None:
            if owner in pool._values:
                return pool
            pool = pool._parent
        return None


def _child(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        if files.is_file(value):
            return files.attribute(value, name)
        return value.get(name, MISSING)
    if isinstance(value, list) and name.isdecimal() and int(name) < len(value):
        return value[int(name)]
    return MISSING


def text_of(value: Any) -> str:
    """A value in a prompt, an address or a condition. None, files and empty lists are ""."""
    if isinstance(value, str):
        return value
    if value is None or files.is_file(value) or value == []:
        return ""
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return "" if all(map(files.is_file, value)) else json.dumps(value, ensure_ascii=False)
    return str(value)


def markdown_of(value: Any) -> str:
    """A value in an answer: files as links, lists as bullets, objects as indented JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if files.is_file(value):
        return files.markdown(value)
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, indent=2)
    if isinstance(value, list):
        if value and all(map(files.is_file, value)):
            return "\n".join(map(files.markdown, value))
        return "\n".join(f"- {item if isinstance(item, str) else text_of(item)}" for item in value)
    return str(value)


def type_name(value: Any) -> str:
    """Dify's name of a value's type."""
    if isinstance(value, list):
        inner = {type_name(item) for item in value}
        only = inner.pop() if len(inner) == 1 else "any"
        return "array[any]" if only == "none" or only.startswith("array") else f"array[{only}]"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if value is None:
        return "none"
    if files.is_file(value):
        return "file"
    return "string" if isinstance(value, str) else "object"


_ZERO: dict[str, Any] = {"string": "", "secret": "", "number": 0, "integer": 0, "float": 0.0, "boolean": False}


def zero_of(type_name: str) -> Any:
    """The empty value of a type."""
    if type_name.startswith("array"):
        return []
    return {} if type_name == "object" else _ZERO.get(type_name)


def constant(value: Any, type_name: str) -> Any:
    """A constant written in an editor, often as text, as a value of the type. Raises ValueError."""
    if not isinstance(value, str) or type_name in ("string", "secret", ""):
        return zero_of(type_name) if value is None else value
    if type_name in ("number", "integer", "float"):
        return number(value)
    if type_name == "boolean":
        return value.strip().lower() in ("true", "1", "yes")
    if type_name == "object" or type_name.startswith("array"):
        try:
            return json.loads(value) if value.strip() else zero_of(type_name)
        except json.JSONDecodeError as error:
            raise ValueError(f"This is no JSON: {value[:100]}") from error
    return value


def number(text: str) -> int | float:
    """Raises ValueError."""
    try:
        return int(text)
    except ValueError:
        return float(text)


def size_of(value: Any) -> int:
    """Bytes of a value, about: its text and the text of what is in it."""
    total, todo = 0, [value]
    while todo:
        item = todo.pop()
        if isinstance(item, str):
            total += len(item) if item.isascii() else len(item.encode("utf-8", "surrogatepass"))
        elif isinstance(item, dict):
            todo += [*item.keys(), *item.values()]
            total += 8
        elif isinstance(item, list):
            todo += item
            total += 8
        else:
            total += 8
    return total

"""Checks what code gave back against the outputs that its node declares, with Dify's types and limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from llmflow.config.settings import Workflow
from llmflow.errors import NodeFailed
from llmflow.workflow.variables import type_name

_LARGEST = 2**63 - 1  # what databases keep as a whole number


class Declared(Protocol):
    """`children`: an object's own outputs; None: any."""

    @property
    def type(self) -> str: ...

    @property
    def children(self) -> Mapping[str, Declared] | None: ...


def checked(result: Any, declared: Mapping[str, Declared] | None, limits: Workflow) -> dict[str, Any]:
    """The outputs, as the run keeps them; `declared` None: whatever there is. None is of every type.

    Raises NodeFailed (code_output) that names the output."""
    if not isinstance(result, dict):
        raise _wrong("", f"main must return an object, and returned {_called(result)}")
    return _Check(limits).object(result, declared, "", 1)


def _wrong(path: str, what: str) -> NodeFailed:
    return NodeFailed(f"The output `{path}` {what}." if path else f"{what}.", code="code_output")


def _called(value: Any) -> str:
    return {"none": "nothing", "object": "an object"}.get(found := type_name(value), f"a {found}")


class _Check:
    def __init__(self, limits: Workflow) -> None:
        self._limits = limits
        self._by_type: dict[str, Callable[[Any, str], Any]] = {
            "string": self._string,
            "number": self._number,
            "boolean": self._boolean,
        }

    def object(
        self, value: dict[str, Any], declared: Mapping[str, Declared] | None, path: str, depth: int
    ) -> dict[str, Any]:
        if depth > self._limits.code_depth:
            raise _wrong(path, f"is nested deeper than {self._limits.code_depth} levels")
        below = f"{path}." if path else ""
        if declared is None:
            return {name: self._any(item, f"{below}{name}", depth) for name, item in value.items()}
        if missing := [name for name in declared if name not in value]:
            raise _wrong(below + missing[0], "is declared, and main did not return it")
        if others := [name for name in value if name not in declared]:
            raise _wrong(below + others[0], "is not declared, and main returned it")
        return {name: self._typed(value[name], each, below + name, depth) for name, each in declared.items()}

    def _typed(self, value: Any, declared: Declared, path: str, depth: int) -> Any:
        if value is None:
            return None
        if declared.type == "object":
            if not isinstance(value, dict):
                raise self._mistyped(value, "object", path)
            return self.object(value, declared.children, path, depth + 1)
        if declared.type.startswith("array"):
            return self._list(value, declared, path, depth)
        return self._by_type[declared.type](value, path)

    def _list(self, value: Any, declared: Declared, path: str, depth: int) -> list[Any]:
        if not isinstance(value, list):
            raise self._mistyped(value, declared.type, path)
        inner = declared.type[6:-1]
        most = self._limits.code_numbers if inner == "number" else self._limits.code_items
        if inner != "boolean" and len(value) > most:
            raise _wrong(path, f"has more than {most} items")
        found: list[Any] = []
        for index, item in enumerate(value):
            place = f"{path}[{index}]"
            if item is None:
                found.append(None)
            elif inner == "object":
                if not isinstance(item, dict):
                    raise self._mistyped(item, "object", place)
                found.append(self.object(item, declared.children, place, depth + 1))
            else:
                found.append(self._by_type[inner](item, place))
        return found

    def _any(self, value: Any, path: str, depth: int) -> Any:
        match value:
            case dict():
                return self.object(value, None, path, depth + 1)
            case list():
                if depth >= self._limits.code_depth and any(isinstance(item, list) for item in value):
                    raise _wrong(path, f"is nested deeper than {self._limits.code_depth} levels")
                return [
                    self._any(item, f"{path}[{index}]", depth + isinstance(item, list))
                    for index, item in enumerate(value)
                ]
            case str():
                return self._string(value, path)
            case bool() | None:
                return value
            case _:
                return self._number(value, path)

    def _string(self, value: Any, path: str) -> str:
        if not isinstance(value, str):
            raise self._mistyped(value, "string", path)
        if len(value) > self._limits.code_characters:
            raise _wrong(path, f"has more than {self._limits.code_characters} characters")
        return value.replace("\x00", "")  # which no database keeps

    def _number(self, value: Any, path: str) -> int | float:
        """True and False are 1 and 0, as older designs count on."""
        if not isinstance(value, int | float):
            raise self._mistyped(value, "number", path)
        if not -_LARGEST <= value <= _LARGEST:
            raise _wrong(path, "is too large a number")
        return int(value) if isinstance(value, bool) else value

    def _boolean(self, value: Any, path: str) -> bool:
        if not isinstance(value, bool):
            raise self._mistyped(value, "boolean", path)
        return value

    @staticmethod
    def _mistyped(value: Any, wanted: str, path: str) -> NodeFailed:
        return _wrong(path, f"is declared as {wanted}, and is {_called(value)}")

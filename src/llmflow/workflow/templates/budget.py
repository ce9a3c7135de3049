"""What one rendering of a template may still use: time, characters, items."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from time import perf_counter
from typing import Any

from llmflow.config.settings import Workflow
from llmflow.errors import NodeFailed
from llmflow.workflow.types import NotQuick

_LOOK_EVERY = 16
_STRUCTURE_FACTOR = 4  # lists and objects may be this many times as large as a template's output, and its input


class Budget:
    """What one rendering may still use."""

    __slots__ = ("_structure", "_values", "deadline", "largest", "late", "ticks")

    def __init__(self, limits: Workflow, values: Mapping[str, Any], milliseconds: float | None) -> None:
        self.late = NotQuick("The template takes its time.") if milliseconds is not None else limit("takes too long")
        self.largest = limits.template_characters
        self._values = values
        self._structure = 0
        self.deadline = perf_counter() + (milliseconds or limits.template_ms) / 1000
        self.ticks = 0

    def tick(self) -> None:
        self.ticks += 1
        if self.ticks % _LOOK_EVERY == 0 and perf_counter() > self.deadline:
            raise self.late

    def measure(self, size: int) -> None:
        """Of something about to be made; time goes with size, so large things tick more."""
        if size > self.largest:
            raise limit(f"makes more than {self.largest} characters")
        if size > 4096 and perf_counter() > self.deadline:
            raise self.late

    def measure_within(self, value: Any) -> None:
        """Of a list or an object, with all that is in it."""
        if not isinstance(value, list | tuple | dict):
            self.measure(len(value) if isinstance(value, str | bytes) else 1)
            return
        expanded(value, self, self.structure)

    @property
    def structure(self) -> int:
        """Characters and items that a list or an object may have in all."""
        if not self._structure:
            self._structure = _STRUCTURE_FACTOR * (self.largest + expanded(self._values, self, None))
        return self._structure


def expanded(value: Any, budget: Budget, largest: int | None) -> int:
    """Characters and items of a value as it would be printed. Raises NodeFailed past `largest`, or past the time."""
    total, seen, todo = 0, 0, [value]
    while todo:
        item = todo.pop()
        seen += 1
        if isinstance(item, str | bytes):
            total += len(item)
        elif isinstance(item, dict):
            todo += [*item.keys(), *item.values()]
        elif isinstance(item, list | tuple):
            todo += item
        total += 1
        if largest is not None and total + len(todo) > largest:
            raise limit("makes too much")
        if seen % 4096 == 0 and perf_counter() > budget.deadline:
            raise budget.late
    return total


budget_now: ContextVar[Budget] = ContextVar("budget")


def limit(what: str) -> NodeFailed:
    return NodeFailed(f"The template {what}.", code="template_limit")


def size_of(value: Any) -> int:
    """Characters or items; 1 for what has none."""
    return len(value) if isinstance(value, str | list | tuple | dict | bytes) else 1

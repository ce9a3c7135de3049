"""Conditions of if-else, loops and filters: operators over the pool's values, as Dify compares them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import Field, field_validator

from llmflow.errors import NodeFailed
from llmflow.workflow import files
from llmflow.workflow.data import Lenient
from llmflow.workflow.templates.template import fill
from llmflow.workflow.variables import MISSING, Pool, number, type_name


class SubCondition(Lenient):
    """Of each file of a list. `key`: the file's property."""

    key: str
    comparison_operator: str
    value: Any = None


class SubConditions(Lenient):
    logical_operator: Literal["and", "or"] = "and"
    conditions: list[SubCondition] = Field(default_factory=list)


class Condition(Lenient):
    """`value` is a template, a list, or a boolean; `varType`: what an editor believed the variable to be."""

    variable_selector: list[str]
    comparison_operator: str
    value: Any = None
    sub_variable_condition: SubConditions | None = None

    @field_validator("comparison_operator", mode="before")
    @classmethod
    def _one_name(cls, value: Any) -> Any:
        return _SAME.get(value, value)

    @field_validator("variable_selector", mode="before")
    @classmethod
    def _no_selector(cls, value: Any) -> Any:
        return value or []

    def shown(self) -> dict[str, Any]:
        sub = self.sub_variable_condition
        return {
            "variable_selector": self.variable_selector,
            "comparison_operator": self.comparison_operator,
            "value": self.value,
            "sub_variable_condition": sub.model_dump(mode="json") if sub else None,
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """`compared`: what was compared with what, for people; `results`: of each condition that was looked at."""

    holds: bool
    results: list[bool] = field(default_factory=list)
    compared: list[dict[str, Any]] = field(default_factory=list)


def holds(conditions: Sequence[Condition], operator: str, pool: Pool) -> Verdict:
    """Looks at the conditions until the answer is known; none at all: "and" holds, "or" does not.

    Raises NodeFailed (node_input_invalid) where values cannot be compared so."""
    results: list[bool] = []
    compared: list[dict[str, Any]] = []
    for condition in conditions:
        result = _one(condition, pool, compared)
        results.append(result)
        if result == (operator == "or"):
            return Verdict(result, results, compared)
    return Verdict(operator == "and", results, compared)


def _one(condition: Condition, pool: Pool, compared: list[dict[str, Any]]) -> bool:
    actual = pool.get(condition.variable_selector, MISSING)
    name = condition.comparison_operator
    if name in ("exists", "not exists"):
        compared.append(_compared(None if actual is MISSING else actual, None, name))
        return (actual is not MISSING and actual is not None) == (name == "exists")
    if actual is MISSING:
        where = ".".join(condition.variable_selector)
        raise NodeFailed(f"The variable {where} is not there.", code="node_input_invalid")
    if condition.sub_variable_condition and condition.sub_variable_condition.conditions:
        compared.append(_compared(actual, None, name))
        return _of_files(actual, condition.sub_variable_condition, pool)
    expected = condition.value
    if isinstance(expected, str):
        expected = fill(expected, pool)
    if isinstance(actual, bool) or type_name(actual) == "array[boolean]":
        expected = [truth(item) for item in expected] if isinstance(expected, list) else truth(expected)
    compared.append(_compared(actual, expected, name))
    return compare(actual, name, expected)


def _compared(actual: Any, expected: Any, operator: str) -> dict[str, Any]:
    return {"actual_value": actual, "expected_value": expected, "comparison_operator": operator}


def compare(actual: Any, operator: str, expected: Any) -> bool:
    """Raises NodeFailed (node_input_invalid) for an operator that is none, or that the values do not have."""
    function = _OPERATORS.get(operator)
    if function is None:
        raise NodeFailed(f"There is no comparison '{operator}'.", code="node_invalid")
    try:
        return function(actual, expected)
    except (TypeError, ValueError) as error:
        text = f"'{operator}' cannot compare {_named(actual)} with {_named(expected)}."
        raise NodeFailed(text, code="node_input_invalid") from error


def _of_files(actual: Any, sub: SubConditions, pool: Pool) -> bool:
    """A condition of a list holds when one file satisfies it; one with "not", when all do."""
    found = list(files.files_in(actual))
    results = []
    for condition in sub.conditions:
        expected = fill(condition.value, pool) if isinstance(condition.value, str) else condition.value
        values = [files.attribute(file, condition.key) for file in found]
        if condition.key == "extension":
            expected, values = files.dotted(expected), files.dotted(values)
        each = [compare(value, condition.comparison_operator, expected) for value in values]
        results.append(all(each) if "not" in condition.comparison_operator else any(each))
    return all(results) if sub.logical_operator == "and" else any(results)


def truth(value: Any) -> bool:
    """Of a constant that an editor may have written as text."""
    if isinstance(value, str):
        return value.strip().lower() in ("true", "1", "yes")
    return bool(value)


def _named(value: Any) -> str:
    return f"{type_name(value)} ({str(value)[:40]})" if not isinstance(value, dict | list) else type_name(value)


def _contains(actual: Any, expected: Any) -> bool:
    if not actual:
        return False
    if isinstance(actual, str):
        return str(expected) in actual
    if isinstance(actual, list):
        return expected in actual or (isinstance(expected, str) and any(_same(item, expected) for item in actual))
    raise TypeError


def _same(item: Any, text: str) -> bool:
    """A number in a list, against the text an editor keeps."""
    if isinstance(item, bool) or not isinstance(item, int | float):
        return False
    try:
        return item == number(text)
    except ValueError:
        return False


def _starts(actual: Any, expected: Any) -> bool:
    return bool(actual) and _text(actual).startswith(_text(expected))


def _ends(actual: Any, expected: Any) -> bool:
    return bool(actual) and _text(actual).endswith(_text(expected))


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise TypeError


def _is(actual: Any, expected: Any) -> bool:
    if isinstance(actual, int | float) and not isinstance(actual, bool):
        return _numbers(actual, expected, lambda a, b: a == b)
    if actual is not None and not isinstance(actual, str | bool):
        raise TypeError
    return bool(actual == expected) and actual is not None


def _is_not(actual: Any, expected: Any) -> bool:
    return actual is not None and not _is(actual, expected)


def _numbers(actual: Any, expected: Any, test: Callable[[Any, Any], bool]) -> bool:
    if actual is None:
        return False
    if isinstance(actual, str):
        actual = number(actual)  # a number that came as text
    if not isinstance(actual, int | float):
        raise TypeError
    if isinstance(expected, str):
        expected = number(expected.strip())
    if not isinstance(expected, int | float):
        raise TypeError
    return test(actual, expected)


def _equal(actual: Any, expected: Any) -> bool:
    return bool(actual) == bool(expected) if isinstance(actual, bool) else _numbers(actual, expected, _eq)


def _eq(a: Any, b: Any) -> bool:
    return bool(a == b)


def _in(actual: Any, expected: Any) -> bool:
    if not actual:
        return False
    if isinstance(expected, str):
        expected = [expected]
    if not isinstance(expected, list):
        raise TypeError
    return actual in expected


def _all_of(actual: Any, expected: Any) -> bool:
    if not isinstance(expected, list):
        raise TypeError
    return bool(actual) and isinstance(actual, list | str) and all(item in actual for item in expected)


_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "contains": _contains,
    "not contains": lambda a, b: not _contains(a, b),
    "start with": _starts,
    "end with": _ends,
    "is": _is,
    "is not": _is_not,
    "empty": lambda a, _: not a and not _is_number(a),
    "not empty": lambda a, _: bool(a) or _is_number(a),
    "=": _equal,
    "≠": lambda a, b: a is not None and not _equal(a, b),
    ">": lambda a, b: _numbers(a, b, lambda x, y: x > y),
    "<": lambda a, b: _numbers(a, b, lambda x, y: x < y),
    "≥": lambda a, b: _numbers(a, b, lambda x, y: x >= y),
    "≤": lambda a, b: _numbers(a, b, lambda x, y: x <= y),
    "null": lambda a, _: a is None,
    "not null": lambda a, _: a is not None,
    "in": _in,
    "not in": lambda a, b: not _in(a, b),
    "all of": _all_of,
    "exists": lambda a, _: a is not None,
    "not exists": lambda a, _: a is None,
}

#: How other hands write an operator.
_SAME = {
    "==": "=",
    "!=": "≠",
    ">=": "≥",
    "<=": "≤",
    "equals": "is",
    "starts with": "start with",
    "ends with": "end with",
    "is empty": "empty",
    "is not empty": "not empty",
}

OPERATORS: tuple[str, ...] = tuple(_OPERATORS)


def _is_number(value: Any) -> bool:
    """Zero is a number, and no number is empty."""
    return isinstance(value, int | float) and not isinstance(value, bool)

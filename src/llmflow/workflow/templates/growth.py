"""What a template may call, and what it asks for measured before it is made: operations, methods, filters."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from llmflow.workflow.templates.budget import budget_now, expanded, limit, size_of

_LARGEST_INT_BITS = 4096
_LARGEST_ARGUMENT = 10_000  # a width, a count, a precision
_WIDE = re.compile(r"\d{5,}")
_NUMBER = re.compile(r"[0-9]{1,4}")
_NESTED_FORMAT = re.compile(r"\{[^{}]*\{")


def _check_add(left: Any, right: Any) -> None:
    budget_now.get().measure(size_of(left) + size_of(right))


def _check_times(left: Any, right: Any) -> None:
    if isinstance(left, int) and isinstance(right, int):
        _check_bits(left.bit_length() + right.bit_length())
        return
    for text, times in ((left, right), (right, left)):
        if isinstance(times, int):
            budget_now.get().measure(size_of(text) * max(times, 0))


def _check_power(left: Any, right: Any) -> None:
    if isinstance(left, int) and isinstance(right, int):
        _check_bits(left.bit_length() * max(right, 1))


def _check_bits(bits: int) -> None:
    if bits > _LARGEST_INT_BITS:
        raise limit("makes a number too large")


def _check_percent(left: Any, right: Any) -> None:
    """`%` formats a text: a width in it may be large."""
    if isinstance(left, str):
        if _WIDE.search(left) or "*" in left:
            raise limit("asks for a text too wide")
        given = right if isinstance(right, tuple) else (right,)
        budget_now.get().measure(len(left) + left.count("%") * 10_000 + sum(map(_text_size, given)))


OPERATIONS: dict[str, Callable[[Any, Any], None]] = {
    "+": _check_add,
    "*": _check_times,
    "**": _check_power,
    "%": _check_percent,
}


def _text_size(value: Any) -> int:
    """About as long as the value's text."""
    budget = budget_now.get()
    return len(value) if isinstance(value, str) else 8 + expanded(value, budget, budget.largest)


def check_arguments(args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    for value in (*args, *kwargs.values()):
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) > _LARGEST_ARGUMENT:
            raise limit(f"gives a number above {_LARGEST_ARGUMENT}")


#: Methods of texts, lists, objects and numbers that a template may call.
METHODS = frozenset(
    """
    capitalize casefold center count endswith find format index isalnum isalpha isascii isdecimal isdigit islower
    isnumeric isspace istitle isupper join ljust lower lstrip partition removeprefix removesuffix replace rfind rindex
    rjust rpartition rsplit rstrip split splitlines startswith strip swapcase title upper zfill
    get items keys values copy is_integer bit_length hex
    """.split()
)


def check_method(owner: Any, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    budget = budget_now.get()
    if name not in ("get", "count", "index"):
        check_arguments(args, kwargs)
    if name == "replace" and len(args) >= 2:
        _check_replace(owner, args[0], args[1])
    elif name == "join" and args:
        items = list(args[0]) if not isinstance(args[0], str) else args[0]
        budget.measure(sum(map(size_of, items)) + size_of(owner) * len(items))
    elif name == "format":
        if _WIDE.search(owner) or _NESTED_FORMAT.search(owner):
            raise limit("asks for a text too wide")
        fields, widths = owner.count("{"), sum(map(int, _NUMBER.findall(owner)))
        budget.measure(len(owner) + widths + fields * (1 + sum(map(_text_size, (*args, *kwargs.values())))))


def _check_replace(text: Any, old: Any, new: Any) -> None:
    text, old, new = str(text), str(old), str(new)
    times = text.count(old) if old else len(text) + 1
    budget_now.get().measure(len(text) + times * max(0, len(new) - len(old)))


#: Filters of Jinja's that a template may use.
FILTERS = """
    abs attr batch capitalize center count d default dictsort e escape first float forceescape format groupby
    indent int items join last length list lower map max min reject rejectattr replace reverse round safe select
    selectattr slice sort string striptags sum title tojson trim truncate unique upper urlencode wordcount wordwrap
""".split()


def check_growth(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """Filters whose result can be much larger than what goes in."""
    budget = budget_now.get()
    value = args[0] if args else ""
    if name == "replace" and len(args) >= 3:
        _check_replace(value, args[1], args[2])
    elif name == "format":
        _check_percent(str(value), tuple(args[1:]))
    elif name == "indent":
        width = args[1] if len(args) > 1 else kwargs.get("width", 4)
        size = width if isinstance(width, int) else len(str(width))
        budget.measure(len(str(value)) + (str(value).count("\n") + 1) * size)
    elif name == "tojson":
        indent = kwargs.get("indent", args[1] if len(args) > 1 else 0) or 0
        budget.measure(_text_size(value) * (1 + (indent if isinstance(indent, int) else 0)))
    elif name == "wordwrap":
        size = len(str(kwargs.get("wrapstring", args[3] if len(args) > 3 else "\n") or ""))
        budget.measure(len(str(value)) * (1 + size))
    elif name == "join":
        joint = args[1] if len(args) > 1 else kwargs.get("d", "")
        if isinstance(value, str | list | tuple | dict):
            budget.measure(_text_size(value) + len(value) * len(str(joint)))
    elif name in ("string", "e", "escape", "forceescape", "urlencode", "list"):
        budget.measure(_text_size(value))

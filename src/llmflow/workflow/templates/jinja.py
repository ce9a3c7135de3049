"""Jinja in a sandbox of our own process: a template can neither reach out, nor hang, nor eat memory.

Jinja's sandbox closes the way to Python's insides. What it leaves open are bombs: loops in loops, texts multiplied, a
filter that pads to a billion. They are stopped where they grow, so that no child process is needed:

- every turn of a loop and every call counts, and every so often the clock is looked at;
- results of `+`, `*`, `**`, `%` and `~`, and joined output, are measured before they are made;
- filters and methods are those on a list; numbers given to them are bounded, and what they make is measured;
- lists and objects are measured with all that is in them, however often the same thing is in them: what is small to
  hold may be endless to print or to compare.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from functools import lru_cache, wraps
from time import perf_counter
from typing import Any

from jinja2 import Template, TemplateError, nodes
from jinja2.ext import loopcontrols
from jinja2.runtime import Context as JinjaContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace
from jinja2.visitor import NodeTransformer

from llmflow.config.settings import Workflow
from llmflow.errors import NodeFailed
from llmflow.workflow.types import NotQuick

QUICK_MS = 20  # what a template may take on the event loop
_LARGEST_INT_BITS = 4096
_LARGEST_ARGUMENT = 10_000  # a width, a count, a precision
_SOURCE_FACTOR = 2  # a template's source may be this many times as long as its output
_LOOK_EVERY = 16
_STRUCTURE_FACTOR = 4  # lists and objects may be this many times as large as a template's output, and its input
_WIDE = re.compile(r"\d{5,}")
_NUMBER = re.compile(r"[0-9]{1,4}")
_NESTED_FORMAT = re.compile(r"\{[^{}]*\{")


class _Budget:
    """What one rendering may still use."""

    __slots__ = ("_structure", "_values", "deadline", "largest", "late", "ticks")

    def __init__(self, limits: Workflow, values: Mapping[str, Any], milliseconds: float | None) -> None:
        self.late = NotQuick("The template takes its time.") if milliseconds is not None else _limit("takes too long")
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
            raise _limit(f"makes more than {self.largest} characters")
        if size > 4096 and perf_counter() > self.deadline:
            raise self.late

    def measure_within(self, value: Any) -> None:
        """Of a list or an object, with all that is in it."""
        if not isinstance(value, list | tuple | dict):
            self.measure(len(value) if isinstance(value, str | bytes) else 1)
            return
        _expanded(value, self, self.structure)

    @property
    def structure(self) -> int:
        """Characters and items that a list or an object may have in all."""
        if not self._structure:
            self._structure = _STRUCTURE_FACTOR * (self.largest + _expanded(self._values, self, None))
        return self._structure


def _expanded(value: Any, budget: _Budget, largest: int | None) -> int:
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
            raise _limit("makes too much")
        if seen % 4096 == 0 and perf_counter() > budget.deadline:
            raise budget.late
    return total


_budget: ContextVar[_Budget] = ContextVar("budget")


def render(source: str, values: Mapping[str, Any], limits: Workflow, *, milliseconds: float | None = None) -> str:
    """The template's text. Raises NodeFailed (template_failed, template_limit).

    `milliseconds`: no longer than this, shorter than the limit; then NotQuick is raised, to be tried in a thread."""
    budget = _Budget(limits, values, milliseconds)
    if len(source) > budget.largest * _SOURCE_FACTOR:
        raise _limit("is too long")
    token = _budget.set(budget)
    try:
        return _joined(_template(source).root_render_func(_context(source, values)))
    except (NodeFailed, NotQuick):
        raise
    except RecursionError as error:
        raise _limit("is nested too deep") from error
    except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise NodeFailed(f"The template failed: {error}", code="template_failed") from error
    except (SyntaxError, MemoryError) as error:  # of the code made of it, which is too large for Python's compiler
        raise _limit("is nested too deep") from error
    finally:
        _budget.reset(token)


async def render_aside(source: str, values: Mapping[str, Any], limits: Workflow) -> str:
    """The same, without keeping others waiting: what is not quick goes on in a thread."""
    try:
        return render(source, values, limits, milliseconds=QUICK_MS)
    except NotQuick:
        return await asyncio.to_thread(render, source, values, limits)


def check(source: str) -> str:
    """What is wrong with a template's syntax, "" when nothing."""
    try:
        _environment.parse(source)
    except (TemplateError, RecursionError) as error:
        return str(error) or "The template is nested too deep."
    return ""


@lru_cache(maxsize=1024)
def _template(source: str) -> Template:
    return _environment.from_string(source)


def _context(source: str, values: Mapping[str, Any]) -> JinjaContext:
    """As `Template.new_context`, without copying the globals out of their chain each time."""
    template = _template(source)
    return _environment.context_class(_environment, {**_globals, **values}, template.name, template.blocks)


def _limit(what: str) -> NodeFailed:
    return NodeFailed(f"The template {what}.", code="template_limit")


def _joined(pieces: Iterable[Any]) -> str:
    """Instead of "".join: what a template, a macro or a block puts out, measured while it comes."""
    budget = _budget.get()
    size = 0
    kept: list[str] = []
    for piece in pieces:
        text = str(piece)
        size += len(text)
        budget.measure(size)
        kept.append(text)
    return "".join(kept)


def _turns(items: Any) -> Iterator[Any]:
    """A loop's items, each of which counts."""
    budget = _budget.get()
    for item in items:
        budget.tick()
        yield item


def _grown(items: Iterator[Any]) -> Iterator[Any]:
    """What a filter makes piece by piece, measured while it comes: something may keep it all."""
    budget = _budget.get()
    size = 0
    for item in items:
        budget.tick()
        size += _size(item)
        if size > budget.structure:
            raise _limit("makes too much")
        yield item


class _Counted:
    """A loop's items with their length, which `loop.length` and `loop.last` want."""

    def __init__(self, items: Sequence[Any]) -> None:
        self._items = items

    def __iter__(self) -> Iterator[Any]:
        return _turns(self._items)

    def __len__(self) -> int:
        return len(self._items)


def _counted(items: Any) -> Any:
    return _Counted(items) if hasattr(items, "__len__") else _turns(items)


def _size(value: Any) -> int:
    """Characters or items; 1 for what has none."""
    return len(value) if isinstance(value, str | list | tuple | dict | bytes) else 1


class _Bounds(NodeTransformer):
    """Puts the counting into the tree before code is made of it."""

    def visit_For(self, node: nodes.For) -> nodes.Node:
        self.generic_visit(node)
        node.iter = nodes.Filter(node.iter, "__counted", [], [], None, None, lineno=node.lineno)
        return node

    def visit_List(self, node: nodes.List) -> nodes.Node:
        self.generic_visit(node)
        return _built(node)

    def visit_Dict(self, node: nodes.Dict) -> nodes.Node:
        self.generic_visit(node)
        return _built(node)

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Node:
        self.generic_visit(node)
        return _built(node) if node.ctx == "load" else node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        self.generic_visit(node)
        items = nodes.List(node.nodes, lineno=node.lineno)
        return nodes.Filter(items, "__concat", [], [], None, None, lineno=node.lineno)


def _built(node: nodes.Expr) -> nodes.Node:
    return nodes.Filter(node, "__built", [], [], None, None, lineno=node.lineno)


class _Namespace(Namespace):
    """Jinja's, but printed without what is in it."""

    def __repr__(self) -> str:
        return "<namespace>"


class _Environment(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"+", "*", "**", "%"})
    concat = staticmethod(_joined)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        bounded: nodes.Template = _Bounds().visit(tree)
        return bounded

    def call_binop(self, context: JinjaContext, operator: str, left: Any, right: Any) -> Any:
        _budget.get().tick()
        _OPERATIONS[operator](left, right)
        result = super().call_binop(context, operator, left, right)
        if isinstance(result, list | tuple):
            _budget.get().measure_within(result)
        return result

    def call(self, context: JinjaContext, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        budget = _budget.get()
        budget.tick()
        owner = _owner(obj)
        if isinstance(owner, str | bytes | list | tuple | dict | int | float):
            _check_method(owner, getattr(obj, "__name__", ""), args, kwargs)
        result = super().call(context, obj, *args, **kwargs)
        budget.measure_within(result)
        return result

    def is_safe_callable(self, obj: Any) -> bool:
        owner = _owner(obj)
        if isinstance(owner, str | bytes | list | tuple | dict | int | float):
            return getattr(obj, "__name__", "") in _METHODS
        return super().is_safe_callable(obj)


def _owner(method: Any) -> Any:
    """What a method belongs to; the sandbox wraps a text's `format`."""
    return getattr(getattr(method, "__wrapped__", method), "__self__", None)


def _check_add(left: Any, right: Any) -> None:
    _budget.get().measure(_size(left) + _size(right))


def _check_times(left: Any, right: Any) -> None:
    if isinstance(left, int) and isinstance(right, int):
        _check_bits(left.bit_length() + right.bit_length())
        return
    for text, times in ((left, right), (right, left)):
        if isinstance(times, int):
            _budget.get().measure(_size(text) * max(times, 0))


def _check_power(left: Any, right: Any) -> None:
    if isinstance(left, int) and isinstance(right, int):
        _check_bits(left.bit_length() * max(right, 1))


def _check_bits(bits: int) -> None:
    if bits > _LARGEST_INT_BITS:
        raise _limit("makes a number too large")


def _check_percent(left: Any, right: Any) -> None:
    """`%` formats a text: a width in it may be large."""
    if isinstance(left, str):
        if _WIDE.search(left) or "*" in left:
            raise _limit("asks for a text too wide")
        given = right if isinstance(right, tuple) else (right,)
        _budget.get().measure(len(left) + left.count("%") * 10_000 + sum(map(_text_size, given)))


_OPERATIONS: dict[str, Callable[[Any, Any], None]] = {
    "+": _check_add,
    "*": _check_times,
    "**": _check_power,
    "%": _check_percent,
}


def _text_size(value: Any) -> int:
    """About as long as the value's text."""
    budget = _budget.get()
    return len(value) if isinstance(value, str) else 8 + _expanded(value, budget, budget.largest)


def _check_arguments(args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    for value in (*args, *kwargs.values()):
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) > _LARGEST_ARGUMENT:
            raise _limit(f"gives a number above {_LARGEST_ARGUMENT}")


#: Methods of texts, lists, objects and numbers that a template may call.
_METHODS = frozenset(
    """
    capitalize casefold center count endswith find format index isalnum isalpha isascii isdecimal isdigit islower
    isnumeric isspace istitle isupper join ljust lower lstrip partition removeprefix removesuffix replace rfind rindex
    rjust rpartition rsplit rstrip split splitlines startswith strip swapcase title upper zfill
    get items keys values copy is_integer bit_length hex
    """.split()
)


def _check_method(owner: Any, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    budget = _budget.get()
    if name not in ("get", "count", "index"):
        _check_arguments(args, kwargs)
    if name == "replace" and len(args) >= 2:
        _check_replace(owner, args[0], args[1])
    elif name == "join" and args:
        items = list(args[0]) if not isinstance(args[0], str) else args[0]
        budget.measure(sum(map(_size, items)) + _size(owner) * len(items))
    elif name == "format":
        if _WIDE.search(owner) or _NESTED_FORMAT.search(owner):
            raise _limit("asks for a text too wide")
        fields, widths = owner.count("{"), sum(map(int, _NUMBER.findall(owner)))
        budget.measure(len(owner) + widths + fields * (1 + sum(map(_text_size, (*args, *kwargs.values())))))


def _check_replace(text: Any, old: Any, new: Any) -> None:
    text, old, new = str(text), str(old), str(new)
    times = text.count(old) if old else len(text) + 1
    _budget.get().measure(len(text) + times * max(0, len(new) - len(old)))


#: Filters of Jinja's that a template may use.
_FILTERS = """
    abs attr batch capitalize center count d default dictsort e escape first float forceescape format groupby
    indent int items join last length list lower map max min reject rejectattr replace reverse round safe select
    selectattr slice sort string striptags sum title tojson trim truncate unique upper urlencode wordcount wordwrap
""".split()


def _bounded(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The filter, with its arguments and its result measured. Marks Jinja set on it (pass_context ...) stay."""

    @wraps(function)
    def bounded(*args: Any, **kwargs: Any) -> Any:
        budget = _budget.get()
        budget.tick()
        _check_arguments(args[1:] if name not in ("int", "float", "abs", "default", "d") else (), kwargs)
        _check_growth(
            name,
            [
                arg
                for arg in args
                if not isinstance(arg, _Environment | JinjaContext) and not isinstance(arg, nodes.EvalContext)
            ],
            kwargs,
        )
        result = function(*args, **kwargs)
        if isinstance(result, Iterator):
            return _grown(result)
        budget.measure_within(result)
        return result

    return bounded


def _check_growth(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """Filters whose result can be much larger than what goes in."""
    budget = _budget.get()
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


def _measured(value: Any) -> Any:
    _budget.get().measure_within(value)
    return value


def _concat(items: list[Any]) -> str:
    budget = _budget.get()
    texts = [str(item) for item in items]
    budget.measure(sum(map(len, texts)))
    return "".join(texts)


def _make_environment() -> _Environment:
    environment = _Environment(optimized=False, extensions=[loopcontrols], keep_trailing_newline=False)
    kept = {name: _bounded(name, environment.filters[name]) for name in _FILTERS if name in environment.filters}
    environment.filters.clear()
    environment.filters.update(kept)
    environment.filters["__counted"] = _counted
    environment.filters["__concat"] = _concat
    environment.filters["__built"] = _measured
    environment.globals["namespace"] = _Namespace
    for name in ("lipsum", "cycler", "joiner"):
        environment.globals.pop(name, None)
    return environment


_environment = _make_environment()
_globals = dict(_environment.globals)

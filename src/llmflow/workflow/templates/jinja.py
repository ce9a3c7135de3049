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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, wraps
from typing import Any

from jinja2 import Template, TemplateError, nodes
from jinja2.ext import loopcontrols
from jinja2.runtime import Context as JinjaContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace
from jinja2.visitor import NodeTransformer

from llmflow.config.settings import Workflow
from llmflow.errors import NodeFailed
from llmflow.workflow.templates.budget import Budget, budget_now, limit, size_of
from llmflow.workflow.templates.growth import (
    FILTERS,
    METHODS,
    OPERATIONS,
    check_arguments,
    check_growth,
    check_method,
)
from llmflow.workflow.types import NotQuick

QUICK_MS = 20  # what a template may take on the event loop
_SOURCE_FACTOR = 2  # a template's source may be this many times as long as its output


def render(source: str, values: Mapping[str, Any], limits: Workflow, *, milliseconds: float | None = None) -> str:
    """The template's text. Raises NodeFailed (template_failed, template_limit).

    `milliseconds`: no longer than this, shorter than the limit; then NotQuick is raised, to be tried in a thread."""
    budget = Budget(limits, values, milliseconds)
    if len(source) > budget.largest * _SOURCE_FACTOR:
        raise limit("is too long")
    token = budget_now.set(budget)
    try:
        return _joined(_template(source).root_render_func(_context(source, values)))
    except (NodeFailed, NotQuick):
        raise
    except RecursionError as error:
        raise limit("is nested too deep") from error
    except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise NodeFailed(f"The template failed: {error}", code="template_failed") from error
    except (SyntaxError, MemoryError) as error:  # of the code made of it, which is too large for Python's compiler
        raise limit("is nested too deep") from error
    finally:
        budget_now.reset(token)


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


def _joined(pieces: Iterable[Any]) -> str:
    """Instead of "".join: what a template, a macro or a block puts out, measured while it comes."""
    budget = budget_now.get()
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
    budget = budget_now.get()
    for item in items:
        budget.tick()
        yield item


def _grown(items: Iterator[Any]) -> Iterator[Any]:
    """What a filter makes piece by piece, measured while it comes: something may keep it all."""
    budget = budget_now.get()
    size = 0
    for item in items:
        budget.tick()
        size += size_of(item)
        if size > budget.structure:
            raise limit("makes too much")
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
        budget_now.get().tick()
        OPERATIONS[operator](left, right)
        result = super().call_binop(context, operator, left, right)
        if isinstance(result, list | tuple):
            budget_now.get().measure_within(result)
        return result

    def call(self, context: JinjaContext, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        budget = budget_now.get()
        budget.tick()
        owner = _owner(obj)
        if isinstance(owner, str | bytes | list | tuple | dict | int | float):
            check_method(owner, getattr(obj, "__name__", ""), args, kwargs)
        result = super().call(context, obj, *args, **kwargs)
        budget.measure_within(result)
        return result

    def is_safe_callable(self, obj: Any) -> bool:
        owner = _owner(obj)
        if isinstance(owner, str | bytes | list | tuple | dict | int | float):
            return getattr(obj, "__name__", "") in METHODS
        return super().is_safe_callable(obj)


def _owner(method: Any) -> Any:
    """What a method belongs to; the sandbox wraps a text's `format`."""
    return getattr(getattr(method, "__wrapped__", method), "__self__", None)


def _bounded(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The filter, with its arguments and its result measured. Marks Jinja set on it (pass_context ...) stay."""

    @wraps(function)
    def bounded(*args: Any, **kwargs: Any) -> Any:
        budget = budget_now.get()
        budget.tick()
        check_arguments(args[1:] if name not in ("int", "float", "abs", "default", "d") else (), kwargs)
        check_growth(
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


def _measured(value: Any) -> Any:
    budget_now.get().measure_within(value)
    return value


def _concat(items: list[Any]) -> str:
    budget = budget_now.get()
    texts = [str(item) for item in items]
    budget.measure(sum(map(len, texts)))
    return "".join(texts)


def _make_environment() -> _Environment:
    environment = _Environment(optimized=False, extensions=[loopcontrols], keep_trailing_newline=False)
    kept = {name: _bounded(name, environment.filters[name]) for name in FILTERS if name in environment.filters}
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

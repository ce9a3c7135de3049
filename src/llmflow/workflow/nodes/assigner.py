"""assigner: writes variables of the conversation or of a loop. Version 1 writes one, version 2 several in order."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from llmflow.errors import NodeFailed
from llmflow.workflow.context import Context
from llmflow.workflow.data import Lenient, NodeData
from llmflow.workflow.files import is_file
from llmflow.workflow.kind import Kind
from llmflow.workflow.types import Outcome, Words
from llmflow.workflow.variables import MISSING, constant, size_of, zero_of

_NUMBERS = ("number", "integer", "float")


class AssignerData(NodeData):
    """Version 1."""

    assigned_variable_selector: list[str] = Field(default_factory=list)
    write_mode: str = "over-write"
    input_variable_selector: list[str] = Field(default_factory=list)

    @field_validator("input_variable_selector", mode="before")
    @classmethod
    def _no_selector(cls, value: Any) -> Any:
        return value or []


class Item(Lenient):
    """`value`: a constant, or a selector where `input_type` is "variable"."""

    variable_selector: list[str]
    input_type: Literal["variable", "constant"] = "variable"
    operation: str = "over-write"
    value: Any = None


class AssignerItemsData(NodeData):
    """Version 2."""

    version: str = "2"
    items: list[Item] = Field(default_factory=list)


def run(data: AssignerData, context: Context) -> Outcome:
    writing = _Writing(context)
    value = MISSING if data.write_mode == "clear" else context.get(data.input_variable_selector, MISSING)
    if value is MISSING and data.write_mode != "clear":
        raise _missing(data.input_variable_selector)
    writing.apply(data.assigned_variable_selector, data.write_mode, value)
    return writing.outcome({"value": None if value is MISSING else value})


def run_items(data: AssignerItemsData, context: Context) -> Outcome:
    writing = _Writing(context)
    for item in data.items:
        value = item.value
        if item.operation in ("clear", "remove-first", "remove-last"):
            value = MISSING
        elif item.input_type == "variable" and isinstance(value, list):
            value = writing.read(value)
            if value is MISSING:
                raise _missing(item.value)
            if value is None:
                continue  # as Dify does: nothing is no value to write
        writing.apply(item.variable_selector, item.operation, value, is_constant=item.input_type == "constant")
    return writing.outcome({"items": [item.model_dump(mode="json") for item in data.items]})


class _Writing:
    """Writes in order, each of which sees those before it; nothing is written when one of them fails."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._new: dict[tuple[str, str], Any] = {}

    def read(self, selector: list[str]) -> Any:
        key = tuple(selector)
        return self._new[key[0], key[1]] if key in self._new else self._context.get(selector, MISSING)

    def apply(self, selector: list[str], operation: str, value: Any, *, is_constant: bool = False) -> None:
        owner, name = self._target(selector)
        old = self.read(selector)
        if old is MISSING:
            raise _missing(selector)
        kind = self._context.pool.type_of(owner, name)
        if is_constant and operation not in ("append",):
            value = _constant(value, kind, selector)
        new = _result(operation, kind, old, value, ".".join(selector))
        limit = self._context.limits.variable_kb
        if size_of(new) > limit * 1024:
            raise NodeFailed(f"{'.'.join(selector)} would be larger than {limit} KB.", code="workflow_limit")
        self._new[owner, name] = new

    def outcome(self, inputs: dict[str, Any]) -> Outcome:
        updated = [
            {
                "name": name,
                "selector": [owner, name],
                "value_type": self._context.pool.type_of(owner, name),
                "new_value": value,
            }
            for (owner, name), value in self._new.items()
        ]
        writes = [(owner, name, value) for (owner, name), value in self._new.items()]
        return Outcome({}, inputs=inputs, process_data={"updated_variables": updated}, writes=writes)

    def _target(self, selector: list[str]) -> tuple[str, str]:
        owners = {"conversation", *self._context.around}
        if len(selector) != 2 or selector[0] not in owners:
            text = f"{'.'.join(selector)} cannot be written: only variables of the conversation and of a loop can."
            raise NodeFailed(text, code="node_invalid")
        return selector[0], selector[1]


def _result(operation: str, kind: str, old: Any, value: Any, name: str) -> Any:
    match operation:
        case "over-write" | "set":
            return _fitting(value, kind, name)
        case "clear":
            return zero_of(kind)
        case "append" | "extend" | "remove-first" | "remove-last":
            return _listed(operation, kind, old, value, name)
        case "+=" | "-=" | "*=" | "/=":
            return _reckoned(operation, old, value, name)
    raise NodeFailed(f"There is no operation '{operation}'.", code="node_invalid")


def _listed(operation: str, kind: str, old: Any, value: Any, name: str) -> list[Any]:
    if old is None and kind.startswith("array"):
        old = []
    if not isinstance(old, list):
        raise NodeFailed(f"{name} is no list.", code="node_input_invalid")
    if operation == "remove-first":
        return old[1:]
    if operation == "remove-last":
        return old[:-1]
    if operation == "append":
        inner = kind[6:-1] if kind.startswith("array[") else "any"
        return [*old, _fitting(value, inner, name)]
    return [*old, *_fitting(value, kind if kind.startswith("array") else "array[any]", name)]


def _reckoned(operation: str, old: Any, value: Any, name: str) -> int | float:
    old = 0 if old is None else old
    for operand in (old, value):
        if isinstance(operand, bool) or not isinstance(operand, int | float):
            raise NodeFailed(f"{name} {operation} needs numbers.", code="node_input_invalid")
    if operation == "/=" and value == 0:
        raise NodeFailed(f"{name} would be divided by zero.", code="node_input_invalid")
    results = {
        "+=": lambda: old + value,
        "-=": lambda: old - value,
        "*=": lambda: old * value,
        "/=": lambda: old / value,
    }
    result: int | float = results[operation]()
    return result


def _fitting(value: Any, kind: str, name: str) -> Any:
    """The value, if it is one of the type. Raises NodeFailed (node_input_invalid)."""
    if _fits(value, kind):
        return value
    raise NodeFailed(
        f"{name} is {kind or 'typed'} and cannot be given {type(value).__name__}.", code="node_input_invalid"
    )


def _fits(value: Any, kind: str) -> bool:
    if kind.startswith("array"):
        inner = kind[6:-1] if kind.startswith("array[") else "any"
        return isinstance(value, list) and all(_fits(item, inner) for item in value)
    if kind in ("string", "secret"):
        return isinstance(value, str)
    if kind in _NUMBERS:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "object":
        return isinstance(value, dict) and not is_file(value)
    return is_file(value) if kind == "file" else True


def _constant(value: Any, kind: str, selector: list[str]) -> Any:
    try:
        return constant(value, kind)
    except ValueError as error:
        raise NodeFailed(f"{'.'.join(selector)}: {error}", code="node_input_invalid") from error


def _missing(selector: list[str]) -> NodeFailed:
    return NodeFailed(f"The variable {'.'.join(selector)} is not there.", code="node_input_invalid")


_WORDS = Words("Assigner", "변수 쓰기", "Writes conversation or loop variables.", "대화나 되풀이의 변수에 값을 씁니다.")

KIND = Kind(
    type="assigner",
    data=AssignerData,
    run=run,
    words=_WORDS,
    reads=lambda data: [data.input_variable_selector] if data.input_variable_selector else [],
    fields={
        "assigned_variable_selector": Words("Variable", "변수", "What is written.", "값을 쓸 변수입니다."),
        "write_mode": Words("How", "방법", "Replace, append or empty.", "바꾸기, 덧붙이기, 비우기입니다."),
        "input_variable_selector": Words("Value", "값", "Where it comes from.", "값이 있는 곳입니다."),
    },
)

KIND_ITEMS = Kind(
    type="assigner",
    version="2",
    data=AssignerItemsData,
    run=run_items,
    words=_WORDS,
    reads=lambda data: [
        item.value
        for item in data.items
        if item.input_type == "variable" and isinstance(item.value, list) and item.value
    ],
    fields={"items": Words("Writes", "쓰기", "Done in order.", "위에서부터 차례로 씁니다.")},
)

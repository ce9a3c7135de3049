"""list-operator: some of a list: those that satisfy conditions, one by its place, in an order, so many at most."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from llmflow.errors import NodeFailed
from llmflow.workflow import files
from llmflow.workflow.conditions import compare, truth
from llmflow.workflow.context import Context
from llmflow.workflow.data import Lenient, NodeData
from llmflow.workflow.kind import Kind
from llmflow.workflow.types import NotQuick, Outcome, Words
from llmflow.workflow.variables import MISSING, type_name

_LISTS = ("array[string]", "array[number]", "array[boolean]", "array[file]")
_KEYS = ("name", "type", "extension", "mime_type", "transfer_method", "url", "related_id", "size")
_QUICK = 2_000  # items that are gone through while others wait


class Filter(Lenient):
    """`key`: of a file, the property that is compared; `value`: a template, a list of texts, or a boolean."""

    key: str = ""
    comparison_operator: str = "contains"
    value: Any = ""

    @field_validator("key", mode="before")
    @classmethod
    def _no_key(cls, value: Any) -> Any:
        return value or ""


class FilterBy(Lenient):
    enabled: bool = False
    conditions: list[Filter] = Field(default_factory=list)

    @field_validator("conditions", mode="before")
    @classmethod
    def _no_conditions(cls, value: Any) -> Any:
        return value or []


class OrderBy(Lenient):
    """`key`: of files, the property to sort by."""

    enabled: bool = False
    key: str = ""
    value: Literal["asc", "desc"] = "asc"

    @field_validator("key", mode="before")
    @classmethod
    def _no_key(cls, value: Any) -> Any:
        return value or ""

    @field_validator("value", mode="before")
    @classmethod
    def _no_order(cls, value: Any) -> Any:
        return str(value or "asc").lower()


class Limit(Lenient):
    """`size` below 0: all."""

    enabled: bool = False
    size: int = -1


class ExtractBy(Lenient):
    """`serial`: a template that gives a place in the list, from 1."""

    enabled: bool = False
    serial: str = "1"


class ListData(NodeData):
    """Files made before there was `extract_by` have none."""

    variable: list[str] = Field(default_factory=list)
    filter_by: FilterBy = FilterBy()
    extract_by: ExtractBy = ExtractBy()
    order_by: OrderBy = OrderBy()
    limit: Limit = Limit()

    @field_validator("filter_by", "extract_by", "order_by", "limit", mode="before")
    @classmethod
    def _nothing(cls, value: Any) -> Any:
        return value or {}

    @field_validator("variable", mode="before")
    @classmethod
    def _no_selector(cls, value: Any) -> Any:
        return value or []


def run(data: ListData, context: Context) -> Outcome:
    items = _items(data, context)
    if len(items) > _QUICK and not context.is_aside:
        raise NotQuick
    kept = items
    if data.filter_by.enabled:
        for condition in data.filter_by.conditions:
            kept = _filtered(kept, condition, context)
    if data.extract_by.enabled and items:
        kept = [_extracted(kept, data.extract_by, context)]
    if data.order_by.enabled:
        kept = _ordered(kept, data.order_by)
    if data.limit.enabled and data.limit.size >= 0:
        kept = kept[: data.limit.size]
    outputs = {
        "result": kept,
        "first_record": kept[0] if kept else None,
        "last_record": kept[-1] if kept else None,
    }
    return Outcome(outputs, inputs={"variable": items}, process_data={"variable": items})


def _items(data: ListData, context: Context) -> list[Any]:
    """Raises NodeFailed (node_input_invalid) for what is no list of texts, numbers, booleans or files."""
    value = context.get(data.variable, MISSING)
    where = ".".join(data.variable)
    if value is MISSING:
        raise NodeFailed(f"The variable {where} is not there.", code="node_input_invalid")
    if value is None or value in ("", [], {}):
        return []
    if type_name(value) not in _LISTS:
        text = f"{where} is {type_name(value)}, not a list of texts, numbers, booleans or files."
        raise NodeFailed(text, code="node_input_invalid")
    return list(value)


def _filtered(items: list[Any], condition: Filter, context: Context) -> list[Any]:
    expected = context.fill(condition.value) if isinstance(condition.value, str) else condition.value
    if condition.key == "extension":
        expected = files.dotted(expected)
    return [item for item in items if _holds(_value(item, condition.key), condition.comparison_operator, expected)]


def _value(item: Any, key: str) -> Any:
    """What is compared of an item: of a file its property, "" for one it has not."""
    if not files.is_file(item):
        return item
    if key not in _KEYS:
        raise NodeFailed(f"Files have no property '{key}'.", code="node_invalid", hint=f"One of {', '.join(_KEYS)}.")
    found = files.attribute(item, key)
    if found is None:
        return ""
    return files.dotted(found) if key == "extension" else found


def _holds(value: Any, operator: str, expected: Any) -> bool:
    if isinstance(value, bool):
        expected = truth(expected)
    if operator in ("in", "not in") and isinstance(value, str) and isinstance(expected, str):
        return (value in expected) == (operator == "in")  # a text that holds them all: "pdf, docx"
    return compare(value, operator, expected)


def _extracted(items: list[Any], extract: ExtractBy, context: Context) -> Any:
    serial = context.fill(extract.serial).strip()
    if not serial.isdecimal() or not 1 <= int(serial) <= len(items):
        text = f"There is no item '{serial[:40]}' in a list of {len(items)}."
        raise NodeFailed(text, code="node_input_invalid", hint="Items are numbered from 1.")
    return items[int(serial) - 1]


def _ordered(items: list[Any], order: OrderBy) -> list[Any]:
    return sorted(items, key=lambda item: _value(item, order.key), reverse=order.value == "desc")


KIND = Kind(
    type="list-operator",
    data=ListData,
    run=run,
    reads=lambda data: [data.variable],
    outputs={"result": "array[any]", "first_record": "any", "last_record": "any"},
    words=Words("List", "목록 다루기", "Filters, sorts and cuts a list.", "목록을 거르고 정렬하고 자릅니다."),
    fields={
        "variable": Words("List", "목록", "The list to take from.", "골라낼 목록입니다."),
        "filter_by": Words("Filter", "거르기", "All conditions must hold.", "조건을 모두 만족하는 것만 남깁니다."),
        "extract_by": Words("One item", "하나만", "By its place, from 1.", "1부터 센 순서로 하나를 고릅니다."),
        "order_by": Words("Order", "정렬", "Files by a property.", "파일은 속성으로 정렬합니다."),
        "limit": Words("Limit", "개수 제한", "So many at most.", "앞에서부터 이만큼만 남깁니다."),
    },
)

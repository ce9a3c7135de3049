"""Conditions on what documents say of themselves, in Dify's words, decided in SQL.

A field is one of the base's own (string, number or time) or built in: document_name, uploader, upload_date,
last_update_date, source. As in Dify, a document without a value for a field is found by `empty` alone, also where a
condition says `is not`; a condition without a value says nothing and is passed over. Texts are compared whatever their
case, but for `is`, `is not`, `in` and `not in`. Times are Unix seconds, and read from ISO dates too.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, get_args

import sqlalchemy as sa

from llmflow.errors import UsageError
from llmflow.store.tables import accounts, api_keys, documents

FieldType = Literal["string", "number", "time"]
Operator = Literal[
    "contains",
    "not contains",
    "start with",
    "end with",
    "is",
    "is not",
    "in",
    "not in",
    "empty",
    "not empty",
    "=",
    "≠",
    ">",
    "<",
    "≥",
    "≤",
    "before",
    "after",
]
_OTHER_NAMES: dict[str, Operator] = {"!=": "≠", "==": "=", ">=": "≥", "<=": "≤", "starts with": "start with"}
_UNARY = ("empty", "not empty")
_MOST = 50

BUILT_IN: dict[str, FieldType] = {
    "document_name": "string",
    "uploader": "string",
    "upload_date": "time",
    "last_update_date": "time",
    "source": "string",
}
_SOURCES = {"file_upload": "upload", "upload_file": "upload", "website": "url", "website_crawl": "url"}


@dataclass(frozen=True, slots=True)
class Condition:
    """`value`: a text, a number, or for `in` and `not in` a list of these or a text with commas; None: no value."""

    name: str
    operator: Operator
    value: str | int | float | Sequence[str | int | float] | None = None


@dataclass(frozen=True, slots=True)
class Conditions:
    """All of them (`and`) or at least one (`or`)."""

    conditions: tuple[Condition, ...] = ()
    operator: Literal["and", "or"] = "and"


@dataclass(frozen=True, slots=True)
class Guess:
    """A model is to make conditions of the question. `model` "": the default one; `options`: its parameters."""

    model: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Field:
    """Of a base's documents. `id`: under which a document keeps its value."""

    id: str
    knowledge_id: str
    name: str
    type: FieldType


def read_conditions(given: Mapping[str, Any] | None) -> Conditions | None:
    """Of Dify's `{"logical_operator", "conditions": [{"name", "comparison_operator", "value"}]}`; None: none are there.
    Raises UsageError, with what is wrong, for anything else."""
    if given is None or not given.get("conditions"):
        return None
    operator = given.get("logical_operator") or "and"
    if operator not in ("and", "or"):
        raise UsageError(f"`{operator}` joins no conditions; `and` and `or` do.", param="logical_operator")
    listed = given["conditions"]
    if not isinstance(listed, list) or len(listed) > _MOST:
        raise UsageError(f"`conditions` is a list of at most {_MOST}.", param="conditions")
    return Conditions(tuple(map(_read, listed)), "or" if operator == "or" else "and")


def _read(given: Any) -> Condition:
    if not isinstance(given, Mapping):
        raise UsageError("A condition is an object.", param="conditions")
    name, said = given.get("name"), given.get("comparison_operator")
    if not isinstance(name, str) or not name:
        raise UsageError("A condition needs the name of a field.", param="name")
    known: dict[object, Operator] = {one: one for one in get_args(Operator)} | _OTHER_NAMES
    if said not in known:
        raise UsageError(f"`{said}` compares nothing; one of {', '.join(get_args(Operator))} does.", param=name)
    value = given.get("value")
    parts = value if isinstance(value, list) else [value]
    if any(isinstance(part, bool) or not isinstance(part, str | int | float | None) for part in parts):
        raise UsageError("A condition's value is a text, a number or a list of these.", param=name)
    return Condition(name, known[said], value)


def where(conditions: Conditions, fields: Sequence[Field]) -> sa.ColumnElement[bool]:
    """What SQL asks of rows of `documents`. `fields`: of the bases that are searched; a base without a field of that
    name has no value for it. Raises UsageError for a value that does not fit its field."""
    parts = [_one(condition, fields) for condition in conditions.conditions if _says_something(condition)]
    if not parts:
        return sa.true()
    return sa.and_(*parts) if conditions.operator == "and" else sa.or_(*parts)


def _says_something(condition: Condition) -> bool:
    return condition.operator in _UNARY or condition.value is not None


def _one(condition: Condition, fields: Sequence[Field]) -> sa.ColumnElement[bool]:
    own = [field for field in fields if field.name == _plain(condition.name)]
    if not own and condition.name in BUILT_IN:
        return _compared(_built_in(condition.name), BUILT_IN[condition.name], condition)
    parts = [
        sa.and_(documents.c.knowledge_id == field.knowledge_id, _compared(_value_of(field), field.type, condition))
        for field in own
    ]
    if condition.operator == "empty":
        parts.append(documents.c.knowledge_id.not_in([field.knowledge_id for field in own]))
    return sa.or_(*parts) if parts else sa.false()


def _value_of(field: Field) -> sa.ColumnElement[Any]:
    """A document's value, NULL where it has none. What is no number is none in a field of numbers or times."""
    text = sa.cast(documents.c.metadata[field.id].as_string(), sa.Text)
    if field.type == "string":
        return sa.func.nullif(text, "")
    is_number = text.regexp_match(r"^-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?$")
    return sa.case((is_number, sa.cast(text, sa.Double)), else_=sa.null())


def _built_in(name: str) -> sa.ColumnElement[Any]:
    match name:
        case "document_name":
            return documents.c.name
        case "upload_date":
            return documents.c.created_at / sa.literal(1000.0)
        case "last_update_date":
            return documents.c.updated_at / sa.literal(1000.0)
        case "source":
            return documents.c.source
    by = documents.c.created_by
    account = sa.select(accounts.c.name).where(accounts.c.id == by).correlate(documents).scalar_subquery()
    key = sa.select(api_keys.c.name).where(api_keys.c.id == by).correlate(documents).scalar_subquery()
    return sa.func.coalesce(account, key)


def _compared(column: sa.ColumnElement[Any], kind: FieldType, condition: Condition) -> sa.ColumnElement[bool]:
    match condition.operator:
        case "empty":
            return column.is_(None)
        case "not empty":
            return column.is_not(None)
        case "contains" | "not contains" | "start with" | "end with":
            return _matched(sa.cast(column, sa.Text) if kind != "string" else column, condition)
        case "in":
            return column.in_([_fitting(value, kind, condition) for value in _listed(condition.value)])
        case "not in":
            return column.not_in([_fitting(value, kind, condition) for value in _listed(condition.value)])
    values = _listed(condition.value) if isinstance(condition.value, list | tuple) else [condition.value]
    if len(values) != 1:
        raise UsageError(f"`{condition.operator}` compares {condition.name} with one value.", param=condition.name)
    value = _fitting(values[0], kind, condition)
    match condition.operator:
        case "is" | "=":
            return column == value
        case "is not" | "≠":
            return column != value
        case ">" | "after":
            return column > value
        case "<" | "before":
            return column < value
        case "≥":
            return column >= value
    return column <= value


def _matched(column: sa.ColumnElement[Any], condition: Condition) -> sa.ColumnElement[bool]:
    value = _plain(str(condition.value))
    match condition.operator:
        case "contains":
            return column.icontains(value, autoescape=True)
        case "not contains":
            return sa.not_(column.icontains(value, autoescape=True))
        case "start with":
            return column.istartswith(value, autoescape=True)
    return column.iendswith(value, autoescape=True)


def _plain(text: str) -> str:
    """As texts are kept: composed letters (macOS sends them apart), without what PostgreSQL cannot hold."""
    return unicodedata.normalize("NFC", text).replace("\x00", "")


def _listed(value: Any) -> list[Any]:
    if isinstance(value, list | tuple):
        return list(value)
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else [value]


def _fitting(value: Any, kind: FieldType, condition: Condition) -> str | float:
    """The value as the column has it. Raises UsageError."""
    if kind == "string":
        text = _plain(str(value))
        return _SOURCES.get(text, text) if condition.name == "source" else text
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError) as error:
        if kind == "time" and isinstance(value, str):
            return _seconds(value, condition.name)
        raise UsageError(f"`{value}` is no number, which {condition.name} is.", param=condition.name) from error
    return number / 1000 if kind == "time" and abs(number) > 1e11 else number


def _seconds(text: str, name: str) -> float:
    try:
        when = datetime.fromisoformat(text.strip())
    except ValueError as error:
        message = f"`{text}` is no time; write 2026-11-26, 2026-11-26T09:00:00+09:00 or Unix seconds."
        raise UsageError(message, param=name) from error
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()

"""Fits arguments to a tool's JSON schema: what a model or a template gave as text becomes what the schema asks for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from llmflow.errors import NodeFailed

_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0", ""})


def fit(schema: Mapping[str, Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments by name, with the schema's defaults; those that are None are left out, and so are those that the
    schema does not know, unless it takes more. Values inside of objects and lists are left as they are.

    Raises NodeFailed (tool_input_invalid), naming the parameter."""
    known: Mapping[str, Any] = schema.get("properties", {})
    takes_more = bool(schema.get("additionalProperties", not known))
    found = {
        name: _value(name, known[name], value) if name in known else value
        for name, value in arguments.items()
        if value is not None and (name in known or takes_more)
    }
    for name, wanted in known.items():
        if found.get(name) in (None, "") and isinstance(wanted, Mapping) and wanted.get("default") is not None:
            found[name] = wanted["default"]
    for name in schema.get("required", ()):
        if found.get(name) is None:
            raise _wrong(name, "is missing")
    return found


def _value(name: str, wanted: Any, value: Any) -> Any:
    if not isinstance(wanted, Mapping):
        return value
    types = wanted.get("type", ())
    types = (types,) if isinstance(types, str) else tuple(types)
    fitted = _fitted(name, types, value) if types else value
    allowed = wanted.get("enum")
    if allowed and fitted not in allowed and fitted != "":
        raise _wrong(name, f"is none of {', '.join(map(str, allowed))[:300]}")
    return fitted


def _fitted(name: str, types: tuple[str, ...], value: Any) -> Any:
    if any(_is(type, value) for type in types):
        return value
    if isinstance(value, str):
        for type in types:
            if (found := _from_text(type, value)) is not None:
                return found
        if not value.strip() and "string" not in types:
            return None  # a field left empty
    elif "string" in types:
        return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else _text(value)
    elif "integer" in types and isinstance(value, float) and value.is_integer():
        return int(value)
    elif "array" in types:
        return [value]
    raise _wrong(name, f"is no {' or '.join(types)}")


def _is(type: str, value: Any) -> bool:
    match type:
        case "string":
            return isinstance(value, str)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "boolean":
            return isinstance(value, bool)
        case "object":
            return isinstance(value, dict)
        case "array":
            return isinstance(value, list)
        case "null":
            return value is None
        case _:
            return True


def _from_text(type: str, value: str) -> Any:
    """None where the text is no value of the type."""
    stripped = value.strip()
    try:
        match type:
            case "integer":
                return int(stripped)
            case "number":
                return int(stripped) if stripped.lstrip("+-").isdecimal() else float(stripped)
            case "boolean":
                return True if stripped.lower() in _TRUE else False if stripped.lower() in _FALSE else None
            case "object" | "array":
                found = json.loads(stripped)
                return found if _is(type, found) else None
    except (ValueError, RecursionError):
        return None
    return None


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _wrong(name: str, how: str) -> NodeFailed:
    return NodeFailed(f"The parameter `{name}` {how}.", code="tool_input_invalid", param=name)

"""Writes a schema out as a model's server takes it: references in place, flat where it can be, and of bounded size.

What a model needs to fill a value is kept; examples, XML and the like are not. Where a schema comes to itself again, or
is deeper or larger than anybody fills by hand, anything is taken at that place: the server has the last word anyway.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llmflow.tools.openapi.references import References

_DEPTHS = (8, 6, 4, 3, 2)  # tried in turn until a schema is small enough
_MOST_PARTS = 300
_LONGEST_TEXT = 600
_MOST_ENUM = 200
_KEPT = frozenset(
    "type title format default const pattern minimum maximum multipleOf minLength maxLength minItems maxItems"
    " uniqueItems exclusiveMinimum exclusiveMaximum minProperties maxProperties contentMediaType".split()
)
_CHOICES = ("oneOf", "anyOf", "allOf")
_TYPES = frozenset("string number integer boolean object array null".split())


class Schemas:
    def __init__(self, references: References) -> None:
        self._references = references
        self._parts = 0
        self._deepest = 0

    def written(self, schema: Any) -> dict[str, Any]:
        """As deep as its size allows; {} takes anything. Never raises for content."""
        found: dict[str, Any] = {}
        for self._deepest in _DEPTHS:
            self._parts = 0
            found = self._written(schema, 0, frozenset())
            if self._parts <= _MOST_PARTS:
                break
        return found

    def _written(self, schema: Any, depth: int, inside: frozenset[str]) -> dict[str, Any]:
        self._parts += 1
        if not isinstance(schema, Mapping) or depth > self._deepest or self._parts > 4 * _MOST_PARTS:
            return {}
        try:
            found, passed = self._references.whole(schema)
        except LookupError:
            return {}
        if inside & set(passed):
            return _kind_of(found)
        inside = inside | set(passed)
        new: dict[str, Any] = {name: value for name, value in found.items() if name in _KEPT and _is_plain(value)}
        _retype(new, found)
        if isinstance(text := found.get("description"), str) and text.strip():
            new["description"] = shortened(text)
        if isinstance(choices := found.get("enum"), list) and 0 < len(choices) <= _MOST_ENUM:
            new["enum"] = choices
        properties = found.get("properties")
        if isinstance(properties, Mapping):
            new["properties"] = {}
            for name, one in properties.items():
                if self._parts > 4 * _MOST_PARTS:
                    break  # more of them than anybody fills
                if not (isinstance(one, Mapping) and one.get("readOnly") is True):
                    new["properties"][str(name)] = self._written(one, depth + 1, inside)
        if isinstance(required := found.get("required"), list):
            new["required"] = [name for name in required if isinstance(name, str) and name in new.get("properties", {})]
        if "items" in found or new.get("type") == "array":
            new["items"] = self._written(found.get("items"), depth + 1, inside)
        more = found.get("additionalProperties")
        if isinstance(more, bool):
            new["additionalProperties"] = more
        elif isinstance(more, Mapping):
            new["additionalProperties"] = self._written(more, depth + 1, inside)
        for choice in _CHOICES:
            if isinstance(parts := found.get(choice), list):
                shown = [self._written(part, depth + 1, inside) for part in parts[:50]]
                _join(new, choice, shown)
        if "properties" in new:
            new.setdefault("type", "object")
        return {name: value for name, value in new.items() if value != [] or name != "required"}


def shortened(text: str, longest: int = _LONGEST_TEXT) -> str:
    text = " ".join(text.split())
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


def _join(new: dict[str, Any], choice: str, parts: list[dict[str, Any]]) -> None:
    """All of several objects is one object; one of one is that one. What only repeats `required` says nothing here."""
    parts = [part for part in parts if part]
    if choice == "allOf" or len(parts) == 1:
        for part in parts:
            for name, value in part.items():
                if name == "properties":
                    new["properties"] = {**new.get("properties", {}), **value}
                elif name == "required":
                    new["required"] = list(dict.fromkeys([*new.get("required", []), *value]))
                elif name in ("oneOf", "anyOf"):
                    new.setdefault(name, value)
                else:
                    new.setdefault(name, value)
    elif parts:
        new[choice] = parts


def _retype(new: dict[str, Any], found: Mapping[str, Any]) -> None:
    """Types of JSON schema; OpenAPI 3.0's `nullable`, its boolean bounds, and Swagger's `file`."""
    types = found.get("type")
    if types == "file":
        new.update(type="string", format="binary")
    elif isinstance(types, list):
        known = [name for name in types if name in _TYPES]
        new["type"] = known[0] if len(known) == 1 else known
        if not known:
            del new["type"]
    elif types not in _TYPES:
        new.pop("type", None)
    if found.get("nullable") is True and isinstance(new.get("type"), str):
        new["type"] = [new["type"], "null"]
    for bound, plain in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(new.get(bound), bool) and new.pop(bound) and plain in new:
            new[bound] = new.pop(plain)


def _kind_of(found: Mapping[str, Any]) -> dict[str, Any]:
    """What a schema that comes to itself again says in one word."""
    if found.get("type") in _TYPES:
        return {"type": found["type"]}
    return {"type": "object"} if "properties" in found else {}


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float | bool | list) or value is None

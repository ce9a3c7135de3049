"""What a description says of operations besides their paths: their bodies, query strings and places."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import Any

import msgspec

Operation = tuple[str, str]  # method, and path as the document has it
Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer", "minimum": 1}
LIMIT: Schema = {"type": "integer", "minimum": 1, "maximum": 100, "default": 20}
YES: Schema = {"type": "boolean", "default": False}
TIME: Schema = {"type": "string", "format": "date-time"}
FILE: Schema = {"type": "string", "format": "binary"}


def one_of(*words: str) -> Schema:
    return {"type": "string", "enum": list(words)}


@dataclass(frozen=True, slots=True)
class Described:
    """Operations of one kind of key. A body is a Struct or a schema."""

    key: str  # the security scheme
    bodies: Mapping[Operation, type[msgspec.Struct] | Schema]
    forms: Mapping[Operation, Schema]  # bodies of multipart/form-data
    queries: Mapping[Operation, Mapping[str, Schema]]
    needed: Mapping[Operation, Set[str]] = field(default_factory=dict)  # names in `queries` that must be there
    places: Mapping[str, Schema] = field(default_factory=dict)  # by path, of the one place that is no id
    older: Set[Operation] = frozenset()  # served for clients that know no newer way
    unlisted: Set[str] = frozenset()  # paths that nobody asks for but by an address that an answer gave
    with_user: bool = False  # a Struct's body names a user beside what it has
    unnamed: Set[type[msgspec.Struct]] = frozenset()  # where the user may be left out

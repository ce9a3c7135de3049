"""Follows $refs inside one document. References to other files are not followed: nobody is asked for more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

_MOST_HOPS = 30


class References:
    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root

    def whole(self, value: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
        """What stands there in the end, with what stands beside the references (3.1), and the references that led
        there. Raises LookupError for one that leads nowhere, in a circle or out of the document."""
        passed: list[str] = []
        beside: dict[str, Any] = {}
        while isinstance(value, Mapping) and isinstance(value.get("$ref"), str):
            ref = value["$ref"]
            if ref in passed or len(passed) > _MOST_HOPS:
                raise LookupError(f"the reference {ref[:200]} leads in a circle")
            passed.append(ref)
            beside = {**{name: one for name, one in value.items() if name != "$ref"}, **beside}
            value = self._at(ref)
        if not isinstance(value, Mapping):
            return beside, tuple(passed)
        return {**value, **beside}, tuple(passed)

    def _at(self, ref: str) -> Any:
        if not ref.startswith("#"):
            raise LookupError(f"the reference {ref[:200]} leads out of the document")
        found: Any = self._root
        for part in ref[1:].split("/")[1:]:
            name = unquote(part).replace("~1", "/").replace("~0", "~")
            if isinstance(found, Mapping) and name in found:
                found = found[name]
            elif isinstance(found, list) and name.isdecimal() and int(name) < len(found):
                found = found[int(name)]
            else:
                raise LookupError(f"the reference {ref[:200]} leads nowhere")
        return found

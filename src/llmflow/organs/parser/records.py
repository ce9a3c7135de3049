"""JSON as pieces that can be found: an object's values together, what is nested under its name as a heading."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from llmflow.errors import DocumentError
from llmflow.organs.parser import text
from llmflow.organs.parser.draft import Draft
from llmflow.organs.parser.source import Source
from llmflow.ports.parser import KINDS

_DEEPEST = 60  # levels; what lies deeper stands as it was written
_HEADINGS = 6


def read_json(source: Source) -> None:
    try:
        value = msgspec.json.decode(source.text.lstrip("\ufeff"))
    except msgspec.DecodeError as error:
        source.draft.warn(f"The JSON is not valid ({error}); it was read as text.")
        text.read_plain(source.text, source.draft)
        return
    except RecursionError as error:
        raise DocumentError("The JSON is nested too deep to be read.") from error
    if isinstance(value, list) and value and all(map(_is_element, value)):
        _add_elements(value, source.draft)
    else:
        _add(value, source.draft, 0)


def read_json_lines(source: Source) -> None:
    for number, line in enumerate(source.text.lstrip("\ufeff").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            _add(msgspec.json.decode(line), source.draft, 0)
        except (msgspec.DecodeError, RecursionError):
            source.draft.warn(f"Line {number} is not valid JSON; such lines were read as text.")
            source.draft.add("UncategorizedText", line)


def _is_element(value: Any) -> bool:
    """One of Unstructured's elements, as its own programs write them."""
    return isinstance(value, dict) and {"type", "element_id", "text"} <= value.keys() and isinstance(value["text"], str)


def _add_elements(elements: list[dict[str, Any]], draft: Draft) -> None:
    for element in elements:
        kind = element["type"] if element["type"] in KINDS else "UncategorizedText"
        told = element.get("metadata")
        told = told if isinstance(told, dict) else {}
        page, depth, html = told.get("page_number"), told.get("category_depth"), told.get("text_as_html")
        draft.add(
            kind,
            element["text"],
            level=depth + 1 if isinstance(depth, int) else 1,
            page=page if isinstance(page, int) else None,
            html=html if isinstance(html, str) else None,
        )


def _add(value: Any, draft: Draft, depth: int) -> None:
    if depth > _DEEPEST:
        draft.add("UncategorizedText", msgspec.json.encode(value).decode())
    elif isinstance(value, dict):
        draft.close_headings(depth + 1)
        draft.add("UncategorizedText", "\n".join(_lines(value)))
        for name, inner in value.items():
            if isinstance(inner, (dict, list)) and not _is_flat(inner):
                if depth < _HEADINGS:
                    draft.add("Title", str(name), level=depth + 1)
                _add(inner, draft, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _add(inner, draft, depth)
    else:
        draft.add("ListItem" if depth else "UncategorizedText", _shown(value))


def _lines(value: dict[str, Any]) -> Iterator[str]:
    """The values that are one word or a list of such."""
    for name, inner in value.items():
        if isinstance(inner, list) and _is_flat(inner):
            inner = ", ".join(map(_shown, inner))
        if not isinstance(inner, (dict, list)) and (shown := _shown(inner)):
            yield f"{name}: {shown}"


def _is_flat(value: Any) -> bool:
    return isinstance(value, list) and not any(isinstance(inner, (dict, list)) for inner in value)


def _shown(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else msgspec.json.encode(value).decode()

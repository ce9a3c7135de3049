"""Templates with {{#node.name#}} in them, taken apart once and filled from a pool."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from llmflow.workflow.variables import Pool, markdown_of, text_of

Part = str | tuple[str, ...]

#: Ids and names as editors make them, Korean letters included. {{#context#}} has no dot and is no variable.
_REFERENCE = re.compile(r"\{\{#\s*([\w-]+(?:\.[\w-]+)+)\s*#\}\}")


@lru_cache(maxsize=4096)
def parts(template: str) -> tuple[Part, ...]:
    """Text and selectors, in order; no part is empty."""
    found: list[Part] = []
    end = 0
    for match in _REFERENCE.finditer(template):
        if match.start() > end:
            found.append(template[end : match.start()])
        found.append(tuple(match[1].split(".")))
        end = match.end()
    if end < len(template):
        found.append(template[end:])
    return tuple(found)


def selectors(template: str) -> list[tuple[str, ...]]:
    """What a template reads."""
    return [part for part in parts(template) if isinstance(part, tuple)]


def fill(template: str, pool: Pool, *, shown: Callable[[Any], str] = text_of) -> str:
    """The template with its variables' values; what is not there is ""."""
    if "{{#" not in template:
        return template
    return "".join(part if isinstance(part, str) else shown(pool.get(part)) for part in parts(template))


def fill_markdown(template: str, pool: Pool) -> str:
    """As an answer shows values."""
    return fill(template, pool, shown=markdown_of)

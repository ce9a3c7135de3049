"""Makes a tool of this package from few words."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from llmflow.tools.types import Run, Tool, ToolRef, ToolSpec, Words


def made(
    provider: str,
    name: str,
    run: Run,
    *,
    description: str,
    words: Words,
    parameters: Mapping[str, Mapping[str, Any]],
    fields: Mapping[str, Words],
    required: Collection[str] = (),
    settings: Collection[str] = (),
    is_safe: bool = True,
) -> Tool:
    """`parameters`: name to JSON schema."""
    return Tool(
        ToolSpec(
            ref=ToolRef("builtin", provider, name, provider),
            name=name,
            description=description,
            parameters={"type": "object", "properties": dict(parameters), "required": list(required)},
            words=words,
            settings=frozenset(settings),
            fields=fields,
            is_safe=is_safe,
        ),
        run,
    )

"""Finds tools: by a reference of a node or an agent, or all there are."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from llmflow.errors import NotFound
from llmflow.tools.builtin.source import Builtin
from llmflow.tools.types import Source, Tool, ToolRef


class Toolbox:
    """Asks its sources in turn; those of this package come first."""

    def __init__(self, *sources: Source) -> None:
        self._sources: list[Source] = [Builtin(), *sources]

    def add(self, source: Source) -> None:
        """One more, asked last: what itself needs a toolbox comes after it."""
        self._sources.append(source)

    async def find(self, ref: ToolRef, workspace_id: str) -> Tool:
        """Raises NotFound (tool_unknown) with the nearest name there is."""
        for source in self._sources:
            if (found := await source.find(ref, workspace_id)) is not None:
                return found
        known = [tool.spec.ref.shown for tool in await self.all(workspace_id)]
        near = difflib.get_close_matches(ref.shown, known, n=1) or difflib.get_close_matches(
            ref.tool_name, [name.rpartition("/")[2] for name in known], n=1
        )
        hint = f"Did you mean {near[0]}?" if near else None
        raise NotFound(f"There is no tool {ref.shown[:200]} here.", code="tool_unknown", hint=hint)

    async def all(self, workspace_id: str) -> Sequence[Tool]:
        return [tool for source in self._sources for tool in await source.all(workspace_id)]

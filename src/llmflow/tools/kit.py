"""A run's tools: found by reference, called with what the run lets them reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llmflow.errors import NodeFailed
from llmflow.tools.arguments import fit
from llmflow.tools.toolbox import Toolbox
from llmflow.tools.types import Scope, Tool, ToolAnswer, ToolRef, ToolSpec


@dataclass(frozen=True, slots=True)
class Ready:
    """A tool that can be called."""

    tool: Tool
    scope: Scope

    @property
    def spec(self) -> ToolSpec:
        return self.tool.spec

    async def call(self, arguments: Mapping[str, Any]) -> ToolAnswer:
        """Arguments may be text where the schema wants a number or an object, as models and templates give them.

        Raises NodeFailed (tool_input_invalid, tool_failed, and what the tool itself says) and other errors of
        errors.py."""
        answer = await self.tool.run(fit(self.spec.parameters, arguments), self.scope)
        limit = self.scope.limits.http_text_kb * 1024
        if len(answer.text) > limit:
            raise NodeFailed(f"{self.spec.name} answered more than {limit // 1024} KB.", code="tool_failed")
        return answer


class Kit:
    """The toolbox as one run sees it."""

    def __init__(self, toolbox: Toolbox | None = None, scope: Scope | None = None, *, workspace_id: str = "") -> None:
        self._toolbox = toolbox or Toolbox()
        self._scope = scope or Scope()
        self._workspace_id = workspace_id

    async def find(self, ref: ToolRef) -> Ready:
        """Raises NotFound (tool_unknown)."""
        return Ready(await self._toolbox.find(ref, self._workspace_id), self._scope)

    async def all(self) -> Sequence[ToolSpec]:
        return [tool.spec for tool in await self._toolbox.all(self._workspace_id)]

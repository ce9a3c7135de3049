"""Knowledge bases as tools: each is searched by a question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from llmflow.knowledge.bases import Bases
from llmflow.knowledge.types import KnowledgeBase
from llmflow.tools.names import told_apart
from llmflow.tools.types import Scope, Tool, ToolAnswer, ToolRef, ToolSpec, Words

_MOST = 20
_PARAMETERS = {
    "type": "object",
    "properties": {
        "query": {"type": "string", "description": "What is looked for, as a question or in words"},
        "top_k": {"type": "integer", "minimum": 1, "maximum": _MOST, "default": 4, "description": "Most passages"},
    },
    "required": ["query"],
}
_FIELDS = {
    "query": Words("Question", "질문", "What is looked for.", "찾을 내용입니다."),
    "top_k": Words("Passages", "단락 수", "How many at most.", "가장 많이 가져올 수입니다."),
}


class KnowledgeTools:
    """A source: the workspace's knowledge bases, by id or name."""

    def __init__(self, bases: Bases) -> None:
        self._bases = bases

    async def find(self, ref: ToolRef, workspace_id: str) -> Tool | None:
        if ref.provider_type != "dataset-retrieval":
            return None
        wanted = {ref.provider_id, ref.provider_name, ref.tool_name} - {""}
        for base in await self._bases.all(workspace_id, to_search=True):
            if wanted & {base.id, base.name, f"dataset_{base.id.replace('-', '_')}"}:
                return _tool(base)
        return None

    async def all(self, workspace_id: str) -> Sequence[Tool]:
        return [_tool(base) for base in await self._bases.all(workspace_id)]


def _tool(base: KnowledgeBase) -> Tool:
    return Tool(
        ToolSpec(
            ref=ToolRef("dataset-retrieval", base.id, base.id, base.name),
            name=told_apart("search", base.name, base.id),
            description=f"Finds passages in the documents of {base.name}. {base.description}".strip(),
            parameters=_PARAMETERS,
            words=Words(base.name, base.name, base.description, base.description),
            settings=frozenset({"top_k"}),
            fields=_FIELDS,
            is_safe=True,
        ),
        partial(_search, base.id),
    )


async def _search(base_id: str, arguments: Mapping[str, Any], scope: Scope) -> ToolAnswer:
    query = arguments["query"].strip()
    top_k = max(1, min(arguments["top_k"], _MOST))
    found = await scope.search(base_id, query, top_k) if query else []
    return ToolAnswer("\n\n".join(f"[{one['title']}]\n{one['content']}" for one in found), found)

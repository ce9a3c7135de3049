"""The tools of this package as a source."""

from __future__ import annotations

from collections.abc import Sequence

from llmflow.tools.builtin import chunkers, code, http, maths, time, webscraper
from llmflow.tools.types import Tool, ToolRef

_TOOLS: tuple[Tool, ...] = (
    *time.TOOLS,
    *maths.TOOLS,
    *webscraper.TOOLS,
    *http.TOOLS,
    *code.TOOLS,
    *chunkers.TOOLS,
)
_BY_NAME = {(tool.spec.ref.provider_id, tool.spec.ref.tool_name): tool for tool in _TOOLS}
#: Dify's tools that one of another name does the work of here.
_ALIKE = {
    ("jina", "jina_reader"): ("webscraper", "webscraper"),
    ("qa_chunker", "qa_chunker"): ("qa_chunk", "qa_chunk"),
}
_DIFY = "langgenius"


def provider_here(provider: str) -> str:
    """The name here of one of Dify's own providers: "time" for "langgenius/time/time"; any other as it is."""
    author, _, rest = provider.partition("/")
    return rest.rpartition("/")[2] if author == _DIFY and rest else provider


def builtin(ref: ToolRef) -> Tool | None:
    """None: not one of this package."""
    if ref.provider_type not in ("builtin", "plugin"):
        return None
    for provider in (ref.provider_id, ref.provider_name):
        name = (provider_here(provider), ref.tool_name)
        if (found := _BY_NAME.get(_ALIKE.get(name, name))) is not None:
            return found
    return None


class Builtin:
    async def find(self, ref: ToolRef, workspace_id: str) -> Tool | None:
        return builtin(ref)

    async def all(self, workspace_id: str) -> Sequence[Tool]:
        return _TOOLS

"""The text of a Dify DSL file as a tree of plain JSON values."""

from __future__ import annotations

from typing import Any

from llmflow.config.tree import Codes, tree

_CODES = Codes("dsl_unreadable", "dsl_too_large")


def read(content: bytes | str, *, max_bytes: int) -> dict[str, Any]:
    """The document's tree. Raises UsageError (dsl_unreadable, with the line) and TooLarge (dsl_too_large)."""
    return tree(content, max_bytes=max_bytes, codes=_CODES)

"""Makes a tool's answer of what an address answered."""

from __future__ import annotations

import json
from collections.abc import Callable

from llmflow.errors import NodeFailed
from llmflow.net.messages import HttpAnswer
from llmflow.tools.types import Scope, ToolAnswer

_SHOWN = 500  # characters of an answer that is an error


async def of_http(answer: HttpAnswer, scope: Scope, *, hide: Callable[[str], str] = str) -> ToolAnswer:
    """Text as it is, JSON also as a value, anything else as a file. `hide`: masks what an error may not say, ere it is
    cut.

    Raises NodeFailed (tool_failed) for a status of 400 or more, and for more text than a node may read."""
    if answer.status >= 400:
        said = "" if answer.is_file else hide(answer.text().strip())[:_SHOWN]
        raise NodeFailed(f"It answered {answer.status}{': ' if said else '.'}{said}", code="tool_failed")
    if answer.is_file:
        kept = await scope.keep_file(answer.body, answer.file_name, answer.media_type)
        return ToolAnswer(files=[kept])
    text = read_text(answer, scope)
    return ToolAnswer(text, _values(text) if "json" in answer.media_type else ())


def read_text(answer: HttpAnswer, scope: Scope) -> str:
    """Raises NodeFailed (tool_failed) for more than a node may read."""
    limit = scope.limits.http_text_kb
    if len(answer.body) > limit * 1024:
        raise NodeFailed(f"The answer is larger than {limit} KB.", code="tool_failed")
    return answer.text()


def _values(text: str) -> list[object]:
    try:
        return [json.loads(text)]
    except (ValueError, RecursionError):
        return []

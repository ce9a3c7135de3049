"""How much of a conversation a model still has room for, beside what it is asked and what it shall answer."""

from __future__ import annotations

from collections.abc import Sequence

from llmflow.errors import LLMFlowError
from llmflow.ports.llm import Message
from llmflow.workflow.context import Context

_A_MESSAGE = 8  # tokens around each one's text
_AN_IMAGE = 1_500
_SHARE = 4  # of the context is kept for an answer whose length nobody bounded


async def fitting(
    context: Context, model: str, answer_tokens: int | None, asked: Sequence[Message], turns: Sequence[Message]
) -> list[Message]:
    """The newest of `turns` that fit into the model's context beside `asked` and the answer; whole exchanges, in
    order. All, where it is not known how much the model reads: it says so itself."""
    if not turns:
        return []
    try:
        info = await context.outside.model(model)
        whole = info.context_tokens
        left = whole - (answer_tokens or whole // _SHARE)
        if sum(_bytes(message) for message in (*asked, *turns)) <= left:
            return list(turns)  # a token has at least a byte: nothing need be counted
        for message in asked:
            left -= await _tokens(context, model, message)
        kept = len(turns)
        for at in range(len(turns) - 1, -1, -1):
            left -= await _tokens(context, model, turns[at])
            if left < 0:
                break
            kept = at
    except LLMFlowError:
        return list(turns)
    while kept < len(turns) and turns[kept].role != "user":
        kept += 1  # an answer without its question says nothing
    return list(turns[kept:])


async def _tokens(context: Context, model: str, message: Message) -> int:
    text, images = _parts(message)
    return await context.outside.count_tokens(text, model) + _A_MESSAGE + images * _AN_IMAGE


def _bytes(message: Message) -> int:
    text, images = _parts(message)
    return len(text.encode("utf-8", "replace")) + _A_MESSAGE + images * _AN_IMAGE


def _parts(message: Message) -> tuple[str, int]:
    """Its text, and how many images it has."""
    if not isinstance(message.content, list):
        return message.content or "", 0
    texts = [str(part.get("text") or "") for part in message.content]
    return "".join(texts), sum(1 for part in message.content if "image_url" in part)

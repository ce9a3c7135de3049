"""A border for tests: one word that no model may read."""

from __future__ import annotations

from collections.abc import Sequence

from llmflow.gateway.types import Call, Crossing
from llmflow.ports.llm import ChatDelta, ChatRequest, Message


def _ask(text: str) -> ChatRequest:
    return ChatRequest((Message("user", text),))


class Masking:
    """A border that hides the word 비밀 from models, and shows it again when "<1>" comes back, also in two pieces."""

    async def cross(self, call: Call, request: ChatRequest) -> Crossing | None:
        said = str(request.messages[0].content)
        return _Masked(_ask(said.replace("비밀", "<1>"))) if "비밀" in said else None

    async def hide(self, call: Call, texts: Sequence[str]) -> Sequence[str]:
        return [text.replace("비밀", "<1>") for text in texts]


class _Masked:
    def __init__(self, request: ChatRequest) -> None:
        self.request = request
        self._held = ""

    def back(self, delta: ChatDelta) -> ChatDelta | None:
        text = (self._held + delta.text).replace("<1>", "비밀")
        cut = text.rfind("<")
        self._held, text = (text[cut:], text[:cut]) if cut >= 0 else ("", text)
        return ChatDelta(text=text, finish_reason=delta.finish_reason, usage=delta.usage)

    def rest(self) -> ChatDelta | None:
        return ChatDelta(text=self._held) if self._held else None

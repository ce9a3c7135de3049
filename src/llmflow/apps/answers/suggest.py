"""Questions to ask next: what else the documents say near the answer, or what the model proposes."""

from __future__ import annotations

import re

from llmflow.apps.answers.answer import Answerer, Ground, reads
from llmflow.apps.answers.prompt import Question
from llmflow.apps.answers.words import words
from llmflow.apps.types import App, ChatMessage
from llmflow.errors import NotFound, OrganError, UsageError
from llmflow.gateway.gateway import Gateway
from llmflow.knowledge.language import language_of
from llmflow.ports.llm import ChatRequest, Message

_HOW_MANY = 3
_ASK = (
    "Propose the three short questions that this user would most likely ask next and that the same documents answer. "
    "One question on each line, nothing else, in the language of the user's question."
)
_ITEM = re.compile(r"(?:[-*•]|\d+[.)])?\s*(.+)")  # of a line without space around it
_NUMBERED = re.compile(r"^\s*(?:제?\d+(?:\.\d+)*[.)조항장절]?|[A-Z]\.)\s+")


class Suggestions:
    def __init__(self, answerer: Answerer, gateway: Gateway) -> None:
        self._answerer = answerer
        self._gateway = gateway

    async def after(self, app: App, message: ChatMessage) -> list[str]:
        """At most three; none when nothing was answered."""
        if message.status != "normal" or not message.answer:
            return []
        language = app.config.language or language_of(message.query)
        try:
            info = await self._gateway.info(app.config.model)
            if info.grounded and reads(info, language):
                return await self._from_model(app, message)
        except (NotFound, OrganError, UsageError):
            pass  # the model is gone, does not answer or refuses; headings serve as well
        return await self._from_headings(app, message, language)

    async def _from_model(self, app: App, message: ChatMessage) -> list[str]:
        asked = (
            Message("user", message.query),
            Message("assistant", message.answer[:4000]),
            Message("user", _ASK),
        )
        text = ""
        async for delta in self._gateway.stream(ChatRequest(asked, model=app.config.model, max_tokens=160)):
            text += delta.text
        lines = [match[1] for line in text.splitlines() if (match := _ITEM.match(line.strip()))]
        return [line for line in lines if line.endswith(("?", "？", "요", "까"))][:_HOW_MANY]

    async def _from_headings(self, app: App, message: ChatMessage, language: str) -> list[str]:
        """The sections that come next in nearness and were not cited."""
        if not app.config.knowledge:
            return []
        question = Question(message.query, language)
        cited = {_last(citation.heading_path) for citation in message.citations}
        near = await self._answerer.search(Ground(app.workspace_id, app.config.knowledge), question)
        headings = dict.fromkeys(_last(found.heading_path) for found in near if language_of(found.text) == language)
        say = words(language).more_about
        return [say.format(heading=heading) for heading in headings if heading and heading not in cited][:_HOW_MANY]


def _last(path: list[str]) -> str:
    return _NUMBERED.sub("", path[-1]).strip() if path else ""

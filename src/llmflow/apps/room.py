"""The apps room put together; wiring makes one, the HTTP surfaces use it."""

from __future__ import annotations

from dataclasses import dataclass

from llmflow.apps.answer import Answerer
from llmflow.apps.apps import Apps
from llmflow.apps.chat import Chat
from llmflow.apps.conversations import Conversations
from llmflow.apps.feedback import Feedbacks
from llmflow.apps.files import AppFiles
from llmflow.apps.suggest import Suggestions
from llmflow.apps.turns import Turns
from llmflow.config.settings import Settings
from llmflow.gateway.gateway import Gateway
from llmflow.knowledge.bases import Bases
from llmflow.knowledge.retrieve import Retriever
from llmflow.ports.blobs import Blobs
from llmflow.store.database import Database


@dataclass(frozen=True, slots=True)
class AppsRoom:
    apps: Apps
    chat: Chat
    conversations: Conversations
    feedback: Feedbacks
    files: AppFiles
    suggestions: Suggestions
    turns: Turns

    async def start(self) -> None:
        """Puts right what a dead process left."""
        await self.chat.recover()

    async def close(self) -> None:
        """Stops the answers being written; what was said is kept. Before the organs are closed."""
        await self.turns.close()


def build(
    settings: Settings, database: Database, bases: Bases, retriever: Retriever, gateway: Gateway, blobs: Blobs
) -> AppsRoom:
    answerer = Answerer(
        bases,
        retriever,
        gateway,
        top_k=settings.knowledge.top_k,
        answer_tokens=settings.chat.answer_tokens,
        temperature=settings.chat.temperature,
    )
    turns = Turns(settings.limits.chat_concurrency)
    return AppsRoom(
        apps=Apps(database),
        chat=Chat(database, answerer, turns, history_messages=settings.chat.history_messages),
        conversations=Conversations(database),
        feedback=Feedbacks(database),
        files=AppFiles(database, blobs, max_bytes=settings.limits.file_mb * 1024 * 1024),
        suggestions=Suggestions(answerer, gateway),
        turns=turns,
    )

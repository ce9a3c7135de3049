"""What a start makes when it is missing: the administrator, the command line's token, the demo."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path

from llmflow import home as homes
from llmflow.apps.chat import promised
from llmflow.apps.chat.ask import Ask
from llmflow.apps.types import ChatConfig
from llmflow.errors import Conflict, LLMFlowError, NotFound, Unauthorized
from llmflow.wiring import Platform

DEMO = "demo"
_FOLDER = Path(__file__).parent / "demo"

_log = logging.getLogger(__name__)


async def ensure_token(platform: Platform) -> None:
    """The command line's key for this home: made when the file is missing or its key no longer works."""
    token = homes.read_token(platform.settings.home)
    if token is not None:
        try:
            platform.keys.home_key_id = (await platform.keys.check(token)).key_id
        except Unauthorized:
            token = None
    if token is None:
        key, token = await platform.keys.create(platform.workspace_id, "admin", name="command line of this home")
        platform.keys.home_key_id = key.id
        homes.write_token(platform.settings.home, token)


async def seed_demo(platform: Platform) -> None:
    """A knowledge base of the packaged handbooks and a chat app on it, both called `demo`. The documents are accepted
    here and indexed by the jobs. What a killed start made of it is completed; a demo that cannot be made is no reason
    not to start."""
    try:
        try:
            base = await platform.knowledge.bases.create(
                platform.workspace_id, DEMO, description="Handbooks of a fictional company, in Korean and English"
            )
        except Conflict:
            base = await platform.knowledge.bases.get(platform.workspace_id, DEMO)
        for path in sorted(_FOLDER.glob("*/*")):
            await platform.knowledge.documents.accept(base, path.name, _bytes_of(path))
        suggested = json.loads((_FOLDER / "suggested.json").read_text("utf-8"))
        await platform.apps.catalogue.create(
            platform.workspace_id,
            DEMO,
            description="Answers questions about the handbooks, with citations",
            config=ChatConfig(
                knowledge=(base.id,),
                opening_statement=(
                    "하늘로보틱스 사내 규정에 대해 물어보세요. Ask me about the Haneul Robotics handbooks."
                ),
                suggested_questions=tuple(question for questions in suggested.values() for question in questions),
            ),
        )
    except Conflict:
        pass  # the app is there
    except (LLMFlowError, OSError) as error:
        _log.warning("The demo was not made: %s", error)
        return
    try:
        app = await platform.apps.catalogue.get(platform.workspace_id, DEMO)
        await promised.promise(platform.database, app, _pre_asked())
    except LLMFlowError as error:
        _log.warning("The demo's questions were not kept: %s", error)


def _pre_asked() -> list[str]:
    """The demo's questions that a new administrator finds answered: one in each language."""
    suggested = json.loads((_FOLDER / "suggested.json").read_text("utf-8"))
    return [questions[0] for questions in suggested.values()]


async def ask_demo(platform: Platform) -> None:
    """Asks, for the first administrator, what the demo promised and no start has answered yet; the answers wait for the
    documents. Nothing where there is no demo, or where they were answered or deleted."""
    try:
        app = await platform.apps.catalogue.get(platform.workspace_id, DEMO)
        members = await platform.members.all(platform.workspace_id)
        first = min(members, key=lambda account: (account.created_at, account.id))
        user = await promised.hand_over(platform.database, app, first.id)
        if user is None:
            return
        for conversation_id, question in await promised.due(platform.database, app, user, _pre_asked()):
            await platform.apps.chat.ask(app, user, Ask(question, conversation_id=conversation_id, waits=True))
    except NotFound:
        pass  # there is no demo
    except LLMFlowError as error:
        _log.warning("The demo's questions were not asked: %s", error)


async def _bytes_of(path: Path) -> AsyncIterator[bytes]:
    yield await asyncio.to_thread(path.read_bytes)

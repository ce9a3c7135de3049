"""How long a file that somebody sent is kept: as long as something uses it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa

from llmflow.apps.chat.ask import Ask
from llmflow.apps.runs.runs import Begin
from llmflow.apps.types import App, AppFile, EndUser, Source
from llmflow.organs.llm.scripted import ScriptedLlm
from llmflow.store.database import Database
from llmflow.store.tables import file_uses, files
from tests.apps.fakes import WORKSPACE, World, world_of
from tests.flow_apps import answer, dsl, end, start

_DAY_MS = 86_400_000


@pytest.fixture
async def world(database: Database, tmp_path: Path) -> AsyncIterator[World]:
    made = await world_of(database, tmp_path, ScriptedLlm(reply="Fifteen days."))
    yield made
    await made.room.close()


async def _send(world: World, user: EndUser, text: str) -> AppFile:
    async def chunks() -> AsyncIterator[bytes]:
        yield text.encode()

    return await world.room.files.upload(user, "규정.txt", chunks())


async def _ask(
    world: World, app: App, user: EndUser, sent: Sequence[AppFile], *, conversation_id: str | None = None
) -> str:
    """The id of the conversation, when the answer is there."""
    named = [{"type": "document", "transfer_method": "local_file", "upload_file_id": file.id} for file in sent]
    ask = Ask("How many days?", conversation_id=conversation_id, files=named)
    turn = await world.room.chat.ask(app, user, ask)
    await turn.finished()
    return turn.conversation_id


async def _kept(world: World) -> set[str]:
    async with world.database.read() as connection:
        return set(await connection.scalars(sa.select(files.c.id)))


async def _uses(world: World) -> int:
    async with world.database.read() as connection:
        return int(await connection.scalar(sa.select(sa.func.count()).select_from(file_uses)) or 0)


def _blobs(world: World) -> set[str]:
    return {path.name for path in (world.folder / "blobs").rglob("*") if path.is_file()}


async def _age(world: World, by_ms: int) -> None:
    async with world.database.write() as connection:
        await connection.execute(sa.update(files).values(created_at=files.c.created_at - by_ms))


@pytest.mark.parametrize("source", ["api", "account", "public"])
async def test_a_deleted_conversation_takes_its_files_with_it(world: World, source: Source) -> None:
    user = await world.room.conversations.user(WORKSPACE, world.app.id, "김하늘", source=source)
    file = await _send(world, user, "연차는 15일입니다.")
    conversation = await _ask(world, world.app, user, [file, file])
    await _ask(world, world.app, user, [file], conversation_id=conversation)
    await _age(world, 40 * _DAY_MS)
    await world.room.files.remove_unused()
    assert await _kept(world) == {file.id}
    await world.room.conversations.delete(user, conversation)
    assert (await _kept(world), await _uses(world), _blobs(world)) == (set(), 0, set())


async def test_what_another_conversation_uses_is_kept(world: World) -> None:
    file, twin = [await _send(world, world.user, "연차는 15일입니다.") for _ in range(2)]
    first = await _ask(world, world.app, world.user, [file])
    second = await _ask(world, world.app, world.user, [file, twin])
    await world.room.conversations.delete(world.user, first)
    assert await _kept(world) == {file.id, twin.id}
    third = await _ask(world, world.app, world.user, [await _send(world, world.user, "연차는 15일입니다.")])
    await world.room.conversations.delete(world.user, second)
    assert len(_blobs(world)) == 1  # the same bytes, sent once more
    await world.room.conversations.delete(world.user, third)
    assert (await _kept(world), _blobs(world)) == (set(), set())


async def test_what_was_never_asked_about_goes_after_a_day(world: World) -> None:
    old = await _send(world, world.user, "오래된 글")
    await _age(world, _DAY_MS + 1)
    fresh = await _send(world, world.user, "새 글")
    await world.room.files.remove_unused()
    assert await _kept(world) == {fresh.id}
    assert _blobs(world) == {fresh.digest}
    assert old.digest != fresh.digest


async def test_a_chatflows_files_go_with_its_conversation(world: World) -> None:
    flow = dsl("flow", (start(), answer("네.")), mode="advanced-chat")
    app = (await world.room.imports.make(WORKSPACE, flow, publish=True)).app
    user = await world.room.conversations.user(WORKSPACE, app.id, "ann")
    file = await _send(world, user, "글")
    conversation = await _ask(world, app, user, [file])
    made = await world.room.files.keep(
        user, "made.txt", b"by a node", media_type="text/plain", used_by=await _message(world, user, conversation)
    )
    await _age(world, 2 * _DAY_MS)
    await world.room.files.remove_unused()
    assert await _kept(world) == {file.id, made.id}
    await world.room.conversations.delete(user, conversation)
    assert (await _kept(world), _blobs(world)) == (set(), set())


async def _message(world: World, user: EndUser, conversation: str) -> str:
    ((message,), _) = await world.room.conversations.messages(user, conversation)
    return message.id


async def test_a_workflows_run_keeps_its_files_until_the_app_is_deleted(world: World) -> None:
    app = (await world.room.imports.make(WORKSPACE, dsl("w", (start(), end(a="sys.files"))), publish=True)).app
    user = await world.room.conversations.user(WORKSPACE, app.id, "ann")
    file = await _send(world, user, "글")
    named = [{"type": "document", "transfer_method": "local_file", "upload_file_id": file.id}]
    begin = Begin(source="service-api", user="ann", files=await world.room.files.values(user, named))
    live = world.room.runs.start(app, await world.room.plans.in_force(app), begin)
    assert [event async for batch in live.follow() for event in batch]
    await _age(world, 2 * _DAY_MS)
    await world.room.files.remove_unused()
    assert await _kept(world) == {file.id}
    await world.room.catalogue.delete(WORKSPACE, app.id)
    assert (await _kept(world), await _uses(world), _blobs(world)) == (set(), 0, set())

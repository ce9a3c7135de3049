"""Files of a question in a workflow: which of them are read, and for whom."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from llmflow.apps.chat.ask import Ask
from llmflow.apps.runs.runs import Begin
from llmflow.apps.types import App, AppFile, Ended, EndUser, Failed, Source
from llmflow.workflow.events import WorkflowFinished
from llmflow.workflow.files import make_file
from tests.apps.fakes import WORKSPACE, World
from tests.flow_apps import Node, answer, counting_server, dsl, end, start


def extractor(*selector: str) -> Node:
    data = {"type": "document-extractor", "title": "d", "variable_selector": list(selector), "is_array_file": True}
    return {"id": "d", "type": "custom", "position": {"x": 0, "y": 0}, "data": data}


async def reading(world: World) -> App:
    nodes = (start(), extractor("sys", "files"), answer("{{#d.text#}}"))
    return (await world.room.imports.make(WORKSPACE, dsl("읽기", nodes, mode="advanced-chat"), publish=True)).app


async def upload(world: World, user: EndUser, name: str, content: bytes) -> AppFile:
    async def whole() -> AsyncIterator[bytes]:
        yield content

    return await world.room.files.upload(user, name, whole())


async def asked(world: World, app: App, user: EndUser, sent: dict[str, Any]) -> Ended | Failed:
    return await (await world.room.chat.ask(app, user, Ask("읽어 줘", files=[sent]))).finished()


@pytest.mark.parametrize("source", ["api", "account", "public"])
async def test_a_document_of_whoever_asks_is_read(world: World, source: Source) -> None:
    app = await reading(world)
    user = await world.room.conversations.user(WORKSPACE, app.id, "ann", source=source)
    file = await upload(world, user, "규정.txt", "연차는 15일이다.".encode())
    sent = {"type": "document", "transfer_method": "local_file", "upload_file_id": file.id}
    last = await asked(world, app, user, sent)
    assert isinstance(last, Ended), last
    assert last.answer.text == "- 연차는 15일이다."


async def test_a_damaged_document_ends_the_run_with_its_own_code(world: World) -> None:
    app = await reading(world)
    user = await world.room.conversations.user(WORKSPACE, app.id, "ann")
    file = await upload(world, user, "규정.txt", b"\xff\xfe\xfa")
    last = await asked(
        world, app, user, {"type": "document", "transfer_method": "local_file", "upload_file_id": file.id}
    )
    assert isinstance(last, Failed)
    assert last.code == "document_unreadable"


async def test_a_document_elsewhere_is_fetched_and_read(world: World) -> None:
    app = await reading(world)
    user = await world.room.conversations.user(WORKSPACE, app.id, "ann")
    with counting_server() as counting:
        sent = {"type": "document", "transfer_method": "remote_url", "url": f"{counting.url}/a.txt"}
        last = await asked(world, app, user, sent)
    assert isinstance(last, Ended), last
    assert last.answer.text == "- 답 /a.txt 1"


async def test_nobody_reads_a_file_of_somebody_else_by_its_id(world: World) -> None:
    files = {"variable": "f", "label": "f", "type": "json_object", "required": True}
    begin = {**start(), "data": {"type": "start", "title": "start", "variables": [files]}}
    content = dsl("훔치기", (begin, extractor("start", "f"), end(text="d.text")))
    app = (await world.room.imports.make(WORKSPACE, content, publish=True)).app
    owner = await world.room.conversations.user(WORKSPACE, app.id, "ann")
    thief = await world.room.conversations.user(WORKSPACE, app.id, "bob")
    kept = await upload(world, owner, "비밀.txt", "비밀".encode())
    compiled = await world.room.plans.in_force(app)
    stolen = make_file(name="비밀.txt", id=kept.id)
    codes = []
    for user in (owner, thief):
        wanted = Begin(inputs={"f": stolen}, source="service-api", user="x", end_user_id=user.id)
        last = await world.room.runs.start(app, compiled, wanted).ended()
        assert isinstance(last, WorkflowFinished)
        codes.append(last.error_code)
    assert codes == [None, "file_not_found"]

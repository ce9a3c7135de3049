"""Servers of knowledge that are slow, talk too much or change under a question."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from llmflow.errors import UsageError
from llmflow.knowledge import external
from llmflow.knowledge.external import External, ExternalApi
from llmflow.knowledge.rule import SearchRule
from llmflow.knowledge.types import KnowledgeBase
from llmflow.net.client import HttpClient
from llmflow.store.crypto import Cipher
from llmflow.store.database import Database
from tests.knowledge.conftest import Room
from tests.knowledge.test_permissions import asked_by

KEY = "a key of theirs"


@dataclass
class Server:
    """A server of knowledge on loopback: what it was told, and how it answers next."""

    url: str = ""
    keys: list[str] = field(default_factory=list)
    mood: str = "good"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.keys.append(request.headers.get("Authorization", ""))
        if not await request.read():  # is tried
            return web.Response(status=400)
        match self.mood:
            case "unknown":
                return web.json_response({"error_code": 2001, "error_msg": "없는 지식입니다"}, status=404)
            case "empty":
                return web.json_response({"records": []})
            case "page":
                return web.Response(text="<html>어서 오세요</html>")
            case "broken":
                return web.Response(status=500, text=f"It was {self.keys[-1]}")
            case "telling":
                return web.Response(status=401, text=f"Who is {self.keys[-1]}?")
            case "dripping":
                response = web.StreamResponse()
                await response.prepare(request)
                while True:
                    await response.write(b" ")
                    await asyncio.sleep(0.02)
        return web.json_response({"records": [{"content": "보수 규정", "score": 0.9, "title": "규정"}]})


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    app = web.Application()
    app.router.add_post("/retrieval", server.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield server
    await runner.cleanup()


@pytest.fixture
async def room_outside(database: Database) -> AsyncIterator[External]:
    http = HttpClient()
    yield External(database, Cipher("a pass phrase for tests"), http)
    await http.close()


async def base_of(room: Room, api: ExternalApi, name: str = "밖") -> KnowledgeBase:
    return await room.bases.create(api.workspace_id, name, external_api_id=api.id, external_id="theirs")


async def test_an_answer_that_comes_drop_by_drop_ends_and_is_noted(
    room: Room, room_outside: External, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(external, "_ASK_S", 0.2)
    base = await base_of(room, await room_outside.create("w", "느린 곳", server.url, KEY))
    server.mood = "dripping"
    found, notes = await asyncio.wait_for(room_outside.search([base], "보수", SearchRule(), None), 10)
    assert (found, [note.code for note in notes]) == ([], ["external_failed"])
    assert "0.2 s" in notes[0].text


async def test_what_a_server_says_of_its_key_is_hidden(room: Room, room_outside: External, server: Server) -> None:
    base = await base_of(room, await room_outside.create("w", "수다", server.url, KEY))
    server.mood = "telling"
    _, (note,) = await room_outside.search([base], "보수", SearchRule(), None)
    assert "Who is Bearer" in note.text
    assert KEY not in note.text


async def test_a_new_name_brings_no_address_or_key_back(room: Room, room_outside: External, server: Server) -> None:
    seen = await room_outside.create("w", "옛 이름", server.url, KEY)
    moved = server.url.replace("127.0.0.1", "localhost")
    await room_outside.change(seen, url=moved, key="another key")  # by somebody else, meanwhile
    renamed = await room_outside.change(seen, name="새 이름")
    assert (renamed.name, renamed.url) == ("새 이름", moved)
    await room_outside.search([await base_of(room, renamed)], "보수", SearchRule(), None)
    assert server.keys[-1] == "Bearer another key"


@pytest.mark.parametrize(
    ("mood", "state", "status"),
    [
        ("good", "found", 200),
        ("empty", "nothing", 200),
        ("telling", "key_refused", 401),
        ("unknown", "no_knowledge", 404),
        ("page", "unreadable", 200),
        ("broken", "failed", 500),
    ],
)
async def test_a_trial_tells_how_a_server_answers(
    room_outside: External, server: Server, mood: str, state: str, status: int
) -> None:
    server.mood = mood
    tried = await room_outside.try_out(server.url, KEY, "theirs", "보수 규정")
    assert (tried.state, tried.status) == (state, status)
    assert [(one.title, one.text) for one in tried.records] == [("규정", "보수 규정")] * (state == "found")
    assert KEY not in tried.said


async def test_a_trial_without_knowledge_tells_whether_anybody_is_there(room_outside: External, server: Server) -> None:
    api = await room_outside.create("w", "곳", server.url, KEY)
    assert [(await room_outside.try_kept(api, " ", "보수")).state, server.keys[-1]] == ["reached", f"Bearer {KEY}"]
    assert (await room_outside.try_out(f"{server.url}/elsewhere", KEY, "", "보수")).state == "no_address"
    nobody = await room_outside.try_out("http://127.0.0.1:9", KEY, "theirs", "보수")
    assert (nobody.state, nobody.status) == ("unreachable", None)
    assert nobody.said != ""


@pytest.mark.parametrize("key", ["two\nlines", "nul\x00"])
async def test_a_key_that_no_request_can_carry_is_refused(room_outside: External, server: Server, key: str) -> None:
    with pytest.raises(UsageError) as caught:
        await room_outside.create("w", "곳", server.url, key)
    assert (caught.value.param, server.keys) == ("key", [])


async def test_another_servers_knowledge_is_asked_only_for_who_may_see_it(
    room: Room, room_outside: External, server: Server
) -> None:
    base = await base_of(room, await room_outside.create("w", "이사회 곳", server.url, KEY))
    await room.permissions.open_base(base, ("이사회",))
    room.retriever._elsewhere = room_outside
    asked = len(server.keys)
    for groups, found in (((), []), (("직원",), []), (("이사회",), ["보수 규정"])):
        with asked_by(*groups):
            there = await room.bases.get("w", base.id, to_search=True)
            assert [hit.text for hit in (await room.retriever.search([there], "보수")).found] == found
    assert len(server.keys) == asked + 1

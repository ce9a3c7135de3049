"""Model servers that people connect: tried, kept with a sealed key, served at once and after a restart."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import cast

import pytest
import sqlalchemy as sa

from llmflow.access.people import ensure_workspace
from llmflow.errors import ConfigError, Conflict, Forbidden, LLMFlowError, NotFound, OrganError, UsageError
from llmflow.gateway.connections import Connections
from llmflow.gateway.gateway import Gateway
from llmflow.gateway.types import Address
from llmflow.net.client import HttpClient, MetadataGuard
from llmflow.organs.embedding.hashing import HashingEmbedding
from llmflow.organs.llm.openai import OpenAILlm
from llmflow.organs.llm.scripted import ScriptedLlm
from llmflow.ports.embedding import Embedding
from llmflow.ports.llm import ChatRequest, Llm, Message
from llmflow.store.crypto import Cipher
from llmflow.store.database import Database
from llmflow.store.tables import model_connections as table
from tests.live import free_port
from tests.model_server import ModelServer, model_server

KEY = "sk-secret-0123456789"
PHRASE = "a pass phrase for tests"


class House:
    """A gateway over a scripted base, as a start makes it."""

    def __init__(self, database: Database, workspace_id: str, http: HttpClient, phrase: str = PHRASE) -> None:
        self.database = database
        self.workspace_id = workspace_id
        self.http = http
        base = cast(Llm, ScriptedLlm(model="base", reply="B"))
        self.gateway = Gateway({"default": base}, cast(Embedding, HashingEmbedding()))
        self.connections = Connections(database, Cipher(phrase), self.gateway, partial(_connect, http))

    async def restarted(self) -> House:
        again = House(self.database, self.workspace_id, self.http)
        await again.connections.load(self.workspace_id)
        return again

    async def said(self, model: str = "") -> str:
        request = ChatRequest((Message("user", "안녕"),), model=model)
        return "".join([delta.text async for delta in self.gateway.stream(request)]).strip()

    async def listed(self) -> list[str]:
        return [info.id for info in await self.gateway.models()]


def _connect(http: HttpClient, address: Address) -> Llm:
    return OpenAILlm(
        url=address.url,
        model=address.model,
        api_key=address.api_key,
        context_tokens=address.context_tokens,
        timeout_s=2.0,
        http=http,
    )


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with model_server(key=KEY) as running:
        yield running


@pytest.fixture
async def house(database: Database) -> AsyncIterator[House]:
    workspace_id, _ = await ensure_workspace(database, Cipher(PHRASE))
    http = HttpClient(guard=MetadataGuard())
    yield House(database, workspace_id, http)
    await http.close()


async def test_trying_really_asks_and_keeps_nothing(house: House, server: ModelServer) -> None:
    server.models = [{"id": "tiny-1", "max_model_len": 2048}, {"id": "seer", "capabilities": ["multimodal"]}]
    tried = await house.connections.try_out(Address(server.url, KEY, "seer"))
    assert [(one.id, one.context_tokens, one.vision) for one in tried.models] == [
        ("seer", 8192, True),
        ("tiny-1", 2048, False),
    ]
    assert (tried.model, tried.reply) == ("seer", server.reply)
    assert 0 < tried.first_ms <= tried.total_ms
    assert [body["model"] for body in server.asked] == ["seer"]
    assert await house.connections.all(house.workspace_id) == []
    assert await house.listed() == ["base"]


async def _why(house: House, address: Address) -> LLMFlowError:
    with pytest.raises(LLMFlowError) as caught:
        await house.connections.try_out(address)
    assert caught.value.hint
    assert KEY not in str(caught.value)
    return caught.value


async def test_each_way_of_failing_has_its_own_code(house: House, server: ModelServer) -> None:
    nobody = Address(f"http://127.0.0.1:{free_port()}", KEY)
    assert (await _why(house, nobody)).code == "model_unreachable"
    assert (await _why(house, Address(server.url, "sk-wrong"))).code == "model_key_wrong"
    assert (await _why(house, Address(server.url))).code == "model_key_wrong"
    assert (await _why(house, Address(server.url, KEY, "tiny-9"))).code == "model_unknown"
    server.models = []
    assert (await _why(house, Address(server.url, KEY))).code == "model_missing"
    server.page = b"<html>Welcome to nginx</html>"
    assert (await _why(house, Address(server.url, KEY))).code == "model_address_wrong"
    server.page, server.delay_s = b"", 3.0
    assert (await _why(house, Address(server.url, KEY))).code == "model_timeout"
    with pytest.raises(ConfigError):
        await house.connections.try_out(Address("ftp://127.0.0.1"))


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/v1",
        "http://[fd00:ec2::254]/v1",
        "http://[::ffff:169.254.169.254]/v1",
        "http://100.100.100.200",
        "http://168.63.129.16",
    ],
)
async def test_a_clouds_own_addresses_are_refused(house: House, url: str) -> None:
    with pytest.raises(Forbidden) as caught:
        await house.connections.try_out(Address(url))
    assert caught.value.code == "address_blocked"


async def test_a_connection_serves_at_once_and_after_a_restart(house: House, server: ModelServer) -> None:
    assert await house.said() == "B"
    await house.connections.create(house.workspace_id, "회사 서버", Address(server.url, KEY))
    assert await house.listed() == ["base", "tiny-1", "tiny-2"]
    assert await house.said("tiny-2") == server.reply
    assert await house.said() == "B"
    again = await house.restarted()
    assert await again.said("tiny-1") == server.reply
    assert await again.said() == "B"


async def test_the_default_connection_answers_where_no_model_is_named(house: House, server: ModelServer) -> None:
    made = await house.connections.create(
        house.workspace_id, "work", Address(server.url, KEY, "tiny-2"), is_default=True
    )
    assert await house.said() == server.reply
    assert server.asked[-1]["model"] == "tiny-2"
    assert (await house.gateway.info()).id == "tiny-2"
    again = await house.restarted()
    assert await again.said("default") == server.reply
    await house.connections.change(made, "work", Address(server.url, KEY), is_default=False)
    assert await house.said() == "B"
    assert not (await house.connections.get(house.workspace_id, "work")).is_default


async def test_one_default_at_a_time(house: House, server: ModelServer) -> None:
    for name in ("one", "two"):
        await house.connections.create(house.workspace_id, name, Address(server.url, KEY), is_default=True)
    flags = {one.name: one.is_default for one in await house.connections.all(house.workspace_id)}
    assert flags == {"one": False, "two": True}
    assert house.gateway.servers.preferred == "two"


async def test_the_key_is_sealed_and_never_shown(
    house: House, server: ModelServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    address = Address(server.url, KEY)
    made = await house.connections.create(house.workspace_id, "work", address)
    await house.said("tiny-1")
    server.key = "another"
    with pytest.raises(OrganError) as refused:
        await house.said("tiny-1")
    async with house.database.read() as connection:
        (row,) = (await connection.execute(sa.select(table))).all()
    for shown in (str(tuple(row)), repr(made), repr(address), str(refused.value), caplog.text):
        assert KEY not in shown
    assert made.has_key
    assert await house.connections.address(made) == address
    stranger = House(house.database, house.workspace_id, house.http, "another pass phrase")
    with pytest.raises(ConfigError) as caught:
        await stranger.connections.load(house.workspace_id)
    assert caught.value.code == "master_key_wrong"


async def test_a_sealed_key_opens_in_its_own_row_only(house: House, server: ModelServer) -> None:
    first = await house.connections.create(house.workspace_id, "one", Address(server.url, KEY))
    second = await house.connections.create(house.workspace_id, "two", Address(server.url, "sk-other"))
    async with house.database.write() as connection:
        sealed = await connection.scalar(sa.select(table.c.sealed_key).where(table.c.id == first.id))
        await connection.execute(sa.update(table).where(table.c.id == second.id).values(sealed_key=sealed))
    with pytest.raises(ConfigError):
        await house.connections.address(second)


async def test_a_dead_server_fails_its_own_models_and_comes_back_by_itself(house: House, server: ModelServer) -> None:
    await house.connections.create(house.workspace_id, "work", Address(server.url, KEY))
    assert await house.said("tiny-1") == server.reply
    port = server.port
    server.stop()
    assert await house.said() == "B"
    with pytest.raises(OrganError) as caught:
        await house.said("tiny-1")
    assert caught.value.code == "organ_unavailable"
    assert await house.listed() == ["base"]
    (state,) = [await house.connections.state(one) for one in await house.connections.all(house.workspace_id)]
    assert not state.ok
    assert state.hint
    server.start(port)
    assert await house.said("tiny-1") == server.reply


async def test_a_changed_connection_serves_anew_and_a_removed_one_no_more(house: House, server: ModelServer) -> None:
    made = await house.connections.create(house.workspace_id, "work", Address(server.url, KEY), is_default=True)
    changed = await house.connections.change(made, "일터", Address(server.url, KEY, "tiny-2"))
    assert (changed.name, changed.model, changed.is_default) == ("일터", "tiny-2", True)
    assert await house.said() == server.reply
    assert server.asked[-1]["model"] == "tiny-2"
    await house.connections.remove(changed)
    assert await house.said() == "B"
    with pytest.raises(NotFound):
        await house.said("tiny-2")
    with pytest.raises(NotFound):
        await house.connections.get(house.workspace_id, "일터")


async def test_names_are_taken_once_and_the_bases_name_never(house: House, server: ModelServer) -> None:
    await house.connections.create(house.workspace_id, "work", Address(server.url, KEY))
    other = await house.connections.create(house.workspace_id, "other", Address(server.url, KEY))
    with pytest.raises(Conflict):
        await house.connections.create(house.workspace_id, "work", Address(server.url))
    with pytest.raises(Conflict):
        await house.connections.change(other, "work", Address(server.url))
    for name in ("default", "  "):
        with pytest.raises(UsageError):
            await house.connections.create(house.workspace_id, name, Address(server.url))


async def test_what_another_process_changed_holds_once_it_is_loaded(house: House, server: ModelServer) -> None:
    told: list[tuple[str, str]] = []
    house.connections._tell = lambda topic, id: told.append((topic, id))
    other, w = await house.restarted(), house.workspace_id
    made = await house.connections.create(w, "원격", Address(server.url, KEY), is_default=True)
    await other.connections.load(w)
    assert (await other.said(), other.gateway.servers.names) == (server.reply, ["원격", "default"])
    before = other.gateway.servers._llms["원격"]
    await other.connections.load(w)
    assert other.gateway.servers._llms["원격"] is before, "what did not change is not made anew"
    renamed = await house.connections.change(made, "새이름", Address(server.url, KEY), is_default=False)
    await other.connections.load(w)
    assert (await other.said(), other.gateway.servers.names) == ("B", ["default", "새이름"])
    await house.connections.remove(renamed)
    await other.connections.load(w)
    assert other.gateway.servers.names == ["default"]
    assert told == [("connections", w)] * 3


async def test_the_default_that_another_process_moved_is_the_default_once_it_is_loaded(
    house: House, server: ModelServer
) -> None:
    other, w = await house.restarted(), house.workspace_id
    for name in ("one", "two"):
        await house.connections.create(w, name, Address(server.url, KEY), is_default=True)
    for process in (house, other):  # one that made the changes itself, and one that hears of them
        await process.connections.load(w)
        assert process.gateway.servers.names[0] == "two"
    older = await house.connections.get(w, "one")
    await house.connections.change(older, "one", Address(server.url, KEY), is_default=True)
    for process in (house, other):
        await process.connections.load(w)
        assert process.gateway.servers.names[0] == "one"

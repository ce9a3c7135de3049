"""OpenAPI documents kept as collections of tools: found, changed, removed; secrets sealed."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from llmflow.errors import Conflict, LLMFlowError, NotFound, UsageError
from llmflow.net.messages import HttpAnswer, HttpRequest
from llmflow.store.crypto import Cipher
from llmflow.store.database import Database
from llmflow.store.ids import new_id
from llmflow.store.tables import tool_collections
from llmflow.tools.kit import Kit
from llmflow.tools.openapi.collections import Collections
from llmflow.tools.openapi.types import Collection, Credential, Scheme
from llmflow.tools.toolbox import Toolbox
from llmflow.tools.types import Scope, ToolRef
from tests.tools.conftest import Server

DOCUMENT = (Path(__file__).parent / "documents" / "store.yaml").read_text("utf-8")
WORKSPACE = new_id()
SECRET = Credential(Scheme("api_key", "X-Api-Key"), "아주 비밀인 열쇠 42")


async def _no_network(request: HttpRequest) -> HttpAnswer:
    raise AssertionError(request.url)


def collections(database: Database, scope: Scope | None = None) -> Collections:
    http = scope.http if scope else _no_network
    return Collections(database, Cipher("a passphrase of tests"), http, max_bytes=1 << 20)


async def added(kept: Collections, name: str = "", base_url: str = "", credential: Credential = SECRET) -> Collection:
    described = await kept.describe(content=DOCUMENT)
    return await kept.create(WORKSPACE, name, described, base_url=base_url, credential=credential)


async def test_its_tools_are_found_by_its_id_and_name_and_by_the_documents_own_names(database: Database) -> None:
    kept = collections(database)
    made = await added(kept)
    toolbox = Toolbox(kept)
    for ref in (
        ToolRef("api", made.id, "product_replace_it"),
        ToolRef("api", "상점 API", "product/replace it!"),
        ToolRef("api", "an id of another installation", "product/replace it!", "상점 API"),
    ):
        assert (await toolbox.find(ref, WORKSPACE)).spec.name == "product_replace_it"
    assert len(await kept.of(made)) == 8
    for ref in (ToolRef("builtin", made.id, "plant"), ToolRef("api", made.id, "fell"), ToolRef("api", "상점", "plant")):
        with pytest.raises(NotFound):
            await toolbox.find(ref, WORKSPACE)
    with pytest.raises(NotFound):
        await toolbox.find(ToolRef("api", made.id, "plant"), new_id())


async def test_what_is_kept_is_there_after_a_restart_with_its_secret(
    database: Database, server: Server, scope: Scope
) -> None:
    made = await added(collections(database), base_url=server.url)
    again = Kit(Toolbox(collections(database)), scope, workspace_id=WORKSPACE)
    await (await again.find(ToolRef("api", made.id, "plant"))).call({"value": "소나무"})
    assert server.seen[0].headers["X-Api-Key"] == SECRET.secret
    assert server.seen[0].body.decode() == '{"value": "소나무"}'


async def test_the_secret_is_sealed_and_bound_to_its_row(database: Database) -> None:
    kept = collections(database)
    first, second = await added(kept), await added(kept, "다른 것")
    async with database.read() as connection:
        rows = (await connection.execute(sa.select(tool_collections))).all()
    assert len({row.sealed_secret for row in rows}) == 2
    assert all(SECRET.secret not in str(row) for row in rows)
    async with database.write() as connection:
        taken = sa.select(tool_collections.c.sealed_secret).where(tool_collections.c.id == first.id).scalar_subquery()
        await connection.execute(
            sa.update(tool_collections).where(tool_collections.c.id == second.id).values(sealed_secret=taken)
        )
    with pytest.raises(LLMFlowError) as caught:
        await collections(database).all(WORKSPACE)
    assert caught.value.code == "master_key_wrong"


async def test_a_name_is_taken_once(database: Database) -> None:
    kept = collections(database)
    made, other = await added(kept), await added(kept, "다른 것")
    with pytest.raises(Conflict):
        await added(kept)
    with pytest.raises(Conflict):
        await kept.change(other, name=made.name)
    assert [one.name for one in await kept.list(WORKSPACE)] == sorted(["상점 API", "다른 것"])


async def test_a_kept_secret_does_not_go_with_a_new_address(database: Database) -> None:
    kept = collections(database)
    made = await added(kept)
    moved = "https://elsewhere.example"
    with pytest.raises(UsageError, match="the address it was given for"):
        await kept.change(made, base_url=moved)
    with pytest.raises(UsageError, match="the address it was given for"):
        await kept.change(made, base_url=moved, credential=Credential(SECRET.scheme), keeps_secret=True)
    same_server = await kept.change(made, base_url=made.base_url + "/v3", name="새 이름")
    assert (same_server.has_secret, same_server.base_url) == (True, "https://kr.shop.example/v2/v3")
    changed = await kept.change(same_server, base_url=moved, credential=Credential(Scheme("bearer"), "새 열쇠"))
    assert (changed.base_url, changed.scheme, changed.has_secret) == (moved, Scheme("bearer"), True)
    none = await kept.change(changed, credential=Credential(Scheme("bearer"), ""))
    assert not none.has_secret


async def test_a_change_of_the_header_keeps_the_secret_where_that_is_said(
    database: Database, server: Server, scope: Scope
) -> None:
    kept = collections(database)
    made = await added(kept, base_url=server.url)
    await kept.change(made, credential=Credential(Scheme("api_key", "X-Other")), keeps_secret=True)
    kit = Kit(Toolbox(kept), scope, workspace_id=WORKSPACE)
    await (await kit.find(ToolRef("api", made.id, "plant"))).call({})
    assert server.seen[0].headers["X-Other"] == SECRET.secret
    assert "X-Api-Key" not in server.seen[0].headers


async def test_a_document_anew_changes_the_tools_and_nothing_else(database: Database) -> None:
    kept = collections(database)
    made = await added(kept)
    smaller = "openapi: 3.0.0\ninfo: {title: 다른 제목}\npaths: {/only: {get: {operationId: only}}}\n"
    changed = await kept.change(made, described=await kept.describe(content=smaller))
    assert [tool.spec.name for tool in await kept.of(changed)] == ["only"]
    assert (changed.name, changed.base_url, changed.has_secret) == (made.name, made.base_url, True)


async def test_what_is_removed_is_not_found(database: Database) -> None:
    kept = collections(database)
    made = await added(kept)
    await kept.remove(made)
    assert await kept.find(ToolRef("api", made.id, "plant"), WORKSPACE) is None
    with pytest.raises(NotFound):
        await kept.get(WORKSPACE, made.id)


@pytest.mark.parametrize("base_url", ["ftp://a.example", "kr.shop.example", "https://", "https://me:pw@a.example"])
async def test_what_is_no_address_of_a_server_is_refused(database: Database, base_url: str) -> None:
    with pytest.raises(UsageError) as caught:
        await added(collections(database), base_url=base_url)
    assert caught.value.code == "openapi_no_server"


async def test_a_document_is_fetched_under_the_guard_and_bounded(
    database: Database, server: Server, scope: Scope, guarded: Scope
) -> None:
    for url in (server.url, "http://169.254.169.254/openapi.json"):
        with pytest.raises(LLMFlowError) as caught:
            await collections(database, guarded).describe(url=url)
        assert caught.value.code == "address_blocked"
    assert server.seen == []
    for path, code in (
        ("/gone", "http_failed"),
        ("/endless", "http_failed"),
        ("/page", "openapi_unreadable"),
        ("/away?to=http://10.0.0.1/", "address_blocked"),
    ):
        with pytest.raises(LLMFlowError) as caught:
            await collections(database, scope).describe(url=server.url + path)
        assert caught.value.code == code
    with pytest.raises(UsageError):
        await collections(database).describe(url="file:///etc/passwd")

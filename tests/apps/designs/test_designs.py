"""Designs of apps: one draft, published versions that do not change, and nothing readable at rest."""

from __future__ import annotations

import copy

import pytest
import sqlalchemy as sa

from llmflow.apps.designs.designs import Designs
from llmflow.apps.triggers.triggers import Triggers
from llmflow.apps.types import App, ChatConfig, Design
from llmflow.errors import Conflict, NotFound, TooLarge, UsageError
from llmflow.store.crypto import Cipher
from llmflow.store.database import Database
from llmflow.store.ids import new_id
from llmflow.store.tables import app_versions
from llmflow.workflow.dsl.bindings import Bindings
from llmflow.workflow.dsl.document import Document
from tests.workflow.dsl.files import load

APP = App(new_id(), new_id(), "휴가 안내", "advanced-chat", "", ChatConfig(), 0, 0)


def designs_of(database: Database, *, max_bytes: int = 1_000_000, max_versions: int = 10) -> Designs:
    cipher = Cipher("a passphrase of tests")
    return Designs(database, cipher, Triggers(database, cipher).settle, max_bytes=max_bytes, max_versions=max_versions)


def design(greeting: str = "안녕하세요!") -> Design:
    tree = copy.deepcopy(load("휴가-안내.yml").tree)
    tree["workflow"]["features"]["opening_statement"] = greeting
    return Design(Document(tree), Bindings({"old": "new"}, {"gpt-4o-mini": ""}))


def greeting_of(found: Design) -> str:
    return str(found.document.features["opening_statement"])


async def test_a_draft_is_kept_whole_with_its_bindings(database: Database) -> None:
    designs = designs_of(database)
    saved = await designs.save_draft(APP, design(), author="account-1")
    version, found = await designs.draft(APP)
    assert version == saved
    assert (version.number, version.author) == (0, "account-1")
    assert found == design()


async def test_nothing_of_a_design_can_be_read_in_the_database(database: Database) -> None:
    await designs_of(database).save_draft(APP, design())
    async with database.read() as connection:
        row = (await connection.execute(sa.select(app_versions))).one()
    assert not any(word in str(row) for word in ("열쇠", "규정", "s3cret", "desk.example.com"))
    cipher = Cipher("another passphrase")
    other = Designs(database, cipher, Triggers(database, cipher).settle, max_bytes=1_000_000, max_versions=1)
    with pytest.raises(Exception, match="master_key_wrong"):
        await other.draft(APP)


async def test_a_save_on_what_is_no_longer_there_is_refused(database: Database) -> None:
    designs = designs_of(database)
    first = await designs.save_draft(APP, design())
    second = await designs.save_draft(APP, design("둘"), seen_hash=first.hash)
    assert second.hash != first.hash
    with pytest.raises(Conflict) as caught:
        await designs.save_draft(APP, design("셋"), seen_hash=first.hash)
    assert caught.value.code == "changed_meanwhile"
    assert greeting_of((await designs.draft(APP))[1]) == "둘"
    await designs.save_draft(APP, design("넷"))
    assert greeting_of((await designs.draft(APP))[1]) == "넷"


async def test_published_versions_count_up_and_the_newest_is_in_force(database: Database) -> None:
    designs = designs_of(database)
    await designs.save_draft(APP, design("하나"))
    one = await designs.publish(APP, name=" 첫 판 ", note="처음", author="account-1")
    await designs.save_draft(APP, design("둘"))
    two = await designs.publish(APP)
    assert [(v.number, v.name) for v in await designs.versions(APP)] == [(2, ""), (1, "첫 판")]
    assert (await designs.in_force(APP)).id == two.id
    assert greeting_of((await designs.get(APP, 1))[1]) == "하나"
    assert (await designs.by_id(APP, one.id))[0] == one


async def test_a_version_is_restored_into_the_draft_and_stays_itself(database: Database) -> None:
    designs = designs_of(database)
    await designs.save_draft(APP, design("하나"))
    await designs.publish(APP)
    changed = await designs.save_draft(APP, design("둘"))
    with pytest.raises(Conflict):
        await designs.restore(APP, 1, seen_hash="something else")
    await designs.restore(APP, 1, seen_hash=changed.hash, author="account-2")
    version, found = await designs.draft(APP)
    assert (greeting_of(found), version.author) == ("하나", "account-2")
    assert found.document.environment[1].value == "s3cret-열쇠"
    assert len(await designs.versions(APP)) == 1


async def test_a_version_is_renamed_and_keeps_its_design(database: Database) -> None:
    designs = designs_of(database)
    await designs.save_draft(APP, design("하나"))
    before = await designs.publish(APP, name="a", note="b")
    assert (await designs.rename(APP, 1, name="가")).note == "b"
    version, found = await designs.get(APP, 1)
    assert (version.name, version.hash) == ("가", before.hash)
    assert greeting_of(found) == "하나"


async def test_a_version_is_deleted_unless_it_is_in_force(database: Database) -> None:
    designs = designs_of(database)
    for greeting in ("하나", "둘"):
        await designs.save_draft(APP, design(greeting))
        await designs.publish(APP)
    with pytest.raises(Conflict) as caught:
        await designs.delete(APP, 2)
    assert caught.value.code == "version_in_force"
    await designs.delete(APP, 1)
    assert [v.number for v in await designs.versions(APP)] == [2]
    await designs.publish(APP)
    assert [v.number for v in await designs.versions(APP)] == [3, 2]


async def test_what_is_not_there_is_said(database: Database) -> None:
    designs = designs_of(database)
    for wanted, code in (
        (designs.draft(APP), "no_design"),
        (designs.publish(APP), "no_design"),
        (designs.in_force(APP), "not_published"),
        (designs.get(APP, 3), "version_not_found"),
        (designs.by_id(APP, new_id()), "version_not_found"),
        (designs.rename(APP, 0), "version_not_found"),
        (designs.delete(APP, 0), "version_not_found"),
    ):
        with pytest.raises(NotFound) as caught:
            await wanted
        assert caught.value.code == code


async def test_the_draft_is_no_published_version(database: Database) -> None:
    designs = designs_of(database)
    draft = await designs.save_draft(APP, design())
    with pytest.raises(UsageError):
        await designs.by_id(APP, draft.id)
    with pytest.raises(NotFound):
        await designs.rename(APP, 0, name="x")
    assert await designs.versions(APP) == []


async def test_limits_of_size_and_number_are_held(database: Database) -> None:
    designs = designs_of(database, max_versions=2)
    with pytest.raises(TooLarge):
        await designs_of(database, max_bytes=100).save_draft(APP, design())
    await designs.save_draft(APP, design())
    await designs.publish(APP)
    await designs.publish(APP)
    with pytest.raises(Conflict) as caught:
        await designs.publish(APP)
    assert caught.value.code == "too_many_versions"


async def test_designs_of_two_apps_are_apart(database: Database) -> None:
    designs = designs_of(database)
    other = App(new_id(), APP.workspace_id, "다른 앱", "workflow", "", ChatConfig(), 0, 0)
    await designs.save_draft(APP, design())
    mine = await designs.publish(APP)
    with pytest.raises(NotFound):
        await designs.draft(other)
    with pytest.raises(NotFound):
        await designs.by_id(other, mine.id)

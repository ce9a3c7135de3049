"""The store on SQLite and PostgreSQL alike."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import IntegrityError

from llmflow.errors import ConfigError
from llmflow.store import migrations
from llmflow.store.content import Content, ContentText, Scope
from llmflow.store.database import Database
from llmflow.store.ids import is_uuid, new_id, now_ms
from llmflow.store.tables import chunks, end_users, file_uses, metadata, secrets, workspaces


def test_head_is_the_newest_script() -> None:
    folder = Path(migrations.__file__).parent
    assert ScriptDirectory(str(folder)).get_current_head() == migrations.HEAD


async def test_migrations_make_exactly_the_tables_of_the_code(database: Database) -> None:
    def difference(connection: sa.Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    async with database.read() as connection:
        assert await connection.run_sync(difference) == []


async def test_end_users_of_the_first_version_came_through_the_api(empty_database_url: str) -> None:
    old = Database(empty_database_url)
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))

    def first(connection: sa.Connection) -> None:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(
            sa.text(
                "INSERT INTO end_users (id, workspace_id, app_id, external_id, created_at) "
                "VALUES ('u', 'w', 'a', '김하늘', 7)"
            )
        )

    async with old.write() as connection:
        await connection.run_sync(first)
    await old.open()
    async with old.read() as connection:
        rows = (await connection.execute(sa.select(end_users))).all()
    await old.close()
    assert [(row.id, row.source, row.external_id, row.created_at) for row in rows] == [("u", "api", "김하늘", 7)]


async def test_the_box_that_a_passage_had_is_kept_with_its_page(empty_database_url: str) -> None:
    old = Database(empty_database_url)
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))

    def first(connection: sa.Connection) -> None:
        config.attributes["connection"] = connection
        command.upgrade(config, "0005")
        for passage, page, box in (("a", 3, "[1.5, 2, 30, 40]"), ("b", None, None)):
            connection.execute(
                sa.text(
                    "INSERT INTO chunks (id, workspace_id, knowledge_id, document_id, ordinal, text, tokens, page, "
                    "heading_path, kind, bbox) VALUES (:id, 'w', 'k', 'd', 0, '연차', 1, :page, '[]', 'text', :box)"
                ),
                {"id": passage, "page": page, "box": box},
            )

    async with old.write() as connection:
        await connection.run_sync(first)
    await old.open()
    async with old.read() as connection:
        rows = (await connection.execute(sa.select(chunks.c.id, chunks.c.boxes).order_by(chunks.c.id))).all()
    await old.close()
    assert [(row.id, row.boxes) for row in rows] == [("a", [[3, 1.5, 2, 30, 40]]), ("b", [])]


async def test_files_that_were_asked_about_stay_used_by_their_messages(empty_database_url: str) -> None:
    old = Database(empty_database_url)
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))

    def first(connection: sa.Connection) -> None:
        config.attributes["connection"] = connection
        command.upgrade(config, "0007")
        for app, mode in (("chat", "chat"), ("flow", "workflow")):
            connection.execute(
                sa.text(
                    "INSERT INTO apps (id, workspace_id, name, mode, config, created_at, updated_at) "
                    "VALUES (:app, 'w', :app, :mode, '{}', 1, 1)"
                ),
                {"app": app, "mode": mode},
            )
        for file, app in (("asked", "chat"), ("never", "chat"), ("run", "flow")):
            connection.execute(
                sa.text(
                    "INSERT INTO files (id, workspace_id, app_id, end_user_id, name, extension, media_type, size, "
                    "digest, created_at) VALUES (:file, 'w', :app, 'u', '규정.pdf', 'pdf', '', 1, :file, 1)"
                ),
                {"file": file, "app": app},
            )
        for message, sent in (("m", '[{"upload_file_id": "asked"}, {"upload_file_id": "gone"}]'), ("n", "[]")):
            connection.execute(
                sa.text(
                    "INSERT INTO messages (id, workspace_id, app_id, conversation_id, end_user_id, query, answer, "
                    "inputs, citations, files, status, created_at) "
                    "VALUES (:id, 'w', 'chat', 'c', 'u', '', '', '{}', '[]', :sent, 'normal', 1)"
                ),
                {"id": message, "sent": sent},
            )

    async with old.write() as connection:
        await connection.run_sync(first)
    await old.open()
    async with old.read() as connection:
        rows = (await connection.execute(sa.select(file_uses).order_by(file_uses.c.file_id))).all()
    await old.close()
    assert [tuple(row) for row in rows] == [("asked", "m", "w", "chat"), ("run", "flow", "w", "flow")]


async def test_opening_twice_changes_nothing(database: Database) -> None:
    await database.open()
    async with database.read() as connection:
        assert await connection.scalar(sa.text("SELECT count(*) FROM alembic_version")) == 1


async def test_hundreds_of_concurrent_updates_lose_none(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute(workspaces.insert().values(id="w", name="0", created_at=0))

    async def add_one() -> None:
        async with database.write() as connection:
            await connection.execute(sa.update(workspaces).values(created_at=workspaces.c.created_at + 1))

    await asyncio.gather(*(add_one() for _ in range(300)))
    async with database.read() as connection:
        assert await connection.scalar(sa.select(workspaces.c.created_at)) == 300


async def test_a_failed_transaction_leaves_nothing(database: Database) -> None:
    with pytest.raises(RuntimeError):
        async with database.write() as connection:
            await connection.execute(workspaces.insert().values(id="w", name="n", created_at=0))
            raise RuntimeError
    async with database.read() as connection:
        assert (await connection.execute(sa.select(workspaces))).all() == []


async def test_content_columns_refuse_text_that_passed_no_boundary(database: Database) -> None:
    row = {
        "id": new_id(),
        "workspace_id": "w",
        "knowledge_id": "k",
        "document_id": "d",
        "ordinal": 0,
        "tokens": 1,
        "heading_path": [],
        "kind": "text",
    }
    with pytest.raises(sa.exc.StatementError, match="Boundary"):
        async with database.write() as connection:
            await connection.execute(chunks.insert().values(text="raw", **row))
    admitted = await database.boundary.admit_one(Scope("knowledge", "k"), "한국어 \x00 text")
    async with database.write() as connection:
        await connection.execute(chunks.insert().values(text=admitted, **row))
    async with database.read() as connection:
        assert await connection.scalar(sa.select(chunks.c.text)) == "한국어  text"


async def test_content_stays_content_through_the_boundary(database: Database) -> None:
    admitted = await database.boundary.admit(Scope("conversation", "c"), ["a", "나"])
    assert admitted == ["a", "나"]
    assert all(isinstance(text, Content) for text in admitted)


def test_every_table_names_its_workspace() -> None:
    lacking = {t.name for t in metadata.tables.values() if "workspace_id" not in t.c and t.name != "workspaces"}
    assert lacking == set()


def test_words_of_people_are_content_columns() -> None:
    words = {"query", "answer", "text", "citations", "inputs", "content"}
    for table in metadata.tables.values():
        for column in table.c:
            if column.name in words:
                assert isinstance(column.type, ContentText), f"{table.name}.{column.name}"


async def test_the_same_secret_name_in_one_workspace_is_refused(database: Database) -> None:
    values = {"workspace_id": "w", "name": "n", "sealed": "s", "created_at": now_ms()}
    async with database.write() as connection:
        await connection.execute(secrets.insert().values(id=new_id(), **values))
    with pytest.raises(sa.exc.IntegrityError):
        async with database.write() as connection:
            await connection.execute(secrets.insert().values(id=new_id(), **values))


async def test_a_database_that_cannot_be_reached_says_where_without_the_password() -> None:
    database = Database("postgresql://someone:hunter2@127.0.0.1:1/none")
    with pytest.raises(ConfigError) as caught:
        await database.open()
    assert "127.0.0.1:1" in str(caught.value)
    assert "hunter2" not in str(caught.value)
    await database.close()


def test_other_databases_are_refused_by_name() -> None:
    with pytest.raises(ConfigError, match="mysql"):
        Database("mysql://u:p@h/d")


async def test_a_database_of_a_newer_version_is_not_touched(sqlite_database_url: str) -> None:
    database = Database(sqlite_database_url)
    await database.open()
    async with database.write() as connection:
        await connection.execute(sa.text("UPDATE alembic_version SET version_num='9999'"))
    with pytest.raises(ConfigError, match="another version"):
        await database.open()
    await database.close()


def test_ids_rise_and_are_version_seven() -> None:
    ids = [new_id() for _ in range(2000)]
    assert ids == sorted(ids)
    assert len(set(ids)) == 2000
    assert all(is_uuid(one) and one[14] == "7" and one[19] in "89ab" for one in ids)


async def test_a_single_reader_does_not_wait_for_the_writer(sqlite_database_url: str) -> None:
    database = Database(sqlite_database_url, pool_size=1)
    await database.open()
    try:
        async with database.write() as writing:
            await writing.execute(workspaces.insert().values(id="w", name="n", created_at=0))
            async with database.read() as reading:
                assert (await reading.execute(sa.select(workspaces))).all() == []
    finally:
        await database.close()


async def test_an_error_does_not_tell_what_was_written(database: Database) -> None:
    async def write() -> None:
        async with database.write() as connection:
            await connection.execute(workspaces.insert().values(id="w", name="주민번호 900101", created_at=0))

    await write()
    with pytest.raises(IntegrityError) as caught:
        await write()
    assert "INSERT INTO workspaces" in str(caught.value)
    assert "900101" not in str(caught.value)


async def test_a_database_has_one_server_at_a_time(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmflow.store.database._CLAIM_WAIT_S", 0.05)
    first, second = Database(postgres_url), Database(postgres_url)
    await first.claim()
    await first.claim()
    with pytest.raises(ConfigError, match="Another LLMFlow"):
        await second.claim()
    await first.close()
    await second.claim()
    await second.close()

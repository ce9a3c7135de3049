"""Fixtures that every test may use: shared data, a PostgreSQL server of our own, databases."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from llmflow.store.database import Database, sqlite_url
from tests.flow_apps import Counting, counting_server
from tests.live import LiveServer, start_server
from tests.postgres import database_of, postgres, postgres_tools

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Public data kept outside the repository; tests that need it skip without it."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("skipped: no shared data")
    return folder


@pytest.fixture
def counting() -> Iterator[Counting]:
    """A web server that counts who asked for what."""
    with counting_server() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A PostgreSQL server on loopback for this test run, stopped at its end. Its address without a database."""
    if postgres_tools() is None:
        if os.environ.get("CI"):
            pytest.fail("PostgreSQL is not installed; scripts/system-packages.sh test installs it")
        pytest.skip("skipped: PostgreSQL is not installed")
    with postgres() as address:
        yield address


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """A fresh, empty PostgreSQL database."""
    with database_of(postgres_server) as address:
        yield address


@pytest.fixture(params=["sqlite", "postgres"])
def database_kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def empty_database_url(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database, once for each kind."""
    if database_kind == "sqlite":
        return sqlite_url(tmp_path / "llmflow.db")
    return str(request.getfixturevalue("postgres_url"))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite database without rows, for others to be copied from: migrating each would take longer than its test."""
    path = tmp_path_factory.mktemp("migrated") / "llmflow.db"
    await migrate(sqlite_url(path))
    return path


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def migrated_postgres(postgres_server: str) -> AsyncIterator[str]:
    """The name of such a database in PostgreSQL."""
    with database_of(postgres_server) as address:
        await migrate(address)
        yield address.rpartition("/")[2]


async def migrate(url: str) -> None:
    database = Database(url)
    await database.open()
    await database.close()


@pytest.fixture
def sqlite_database_url(migrated_file: Path, tmp_path: Path) -> str:
    """A migrated SQLite database, where the kind of database does not matter."""
    return sqlite_url(shutil.copyfile(migrated_file, tmp_path / "llmflow.db"))


@pytest.fixture
def database_url(database_kind: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a migrated database without rows, once for each kind."""
    if database_kind == "sqlite":
        yield request.getfixturevalue("sqlite_database_url")
        return
    server = request.getfixturevalue("postgres_server")
    with database_of(server, like=request.getfixturevalue("migrated_postgres")) as address:
        yield address


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An open database, migrated, once for each kind."""
    opened = Database(database_url)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def live_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A real server with the demo, its documents read; shared by tests that leave it as they found it."""
    server = start_server(tmp_path_factory.mktemp("live") / "home")
    server.wait_until_indexed("demo")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def fake_model_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A real server on fakes: hashed vectors, a model that repeats the question. Quick, no demo."""
    config = "organs: {llm: {use: scripted}, embedding: {use: hashing}}\n"
    server = start_server(tmp_path_factory.mktemp("fake") / "home", "--no-demo", config=config)
    yield server
    server.stop()

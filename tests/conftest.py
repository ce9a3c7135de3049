"""Fixtures that every test may use: shared data, a PostgreSQL server of our own, databases."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

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
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database, once for each kind."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path / "llmflow.db")
    url: str = request.getfixturevalue("postgres_url")
    return url


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

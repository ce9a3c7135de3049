"""Fixtures that every test may use: shared data, a PostgreSQL server of our own, databases."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from llmflow.store.database import Database, sqlite_url
from tests.live import LiveServer, free_port, start_server

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Public data kept outside the repository; tests that need it skip without it."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("skipped: no shared data")
    return folder


def _postgres_tools() -> Path | None:
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    return versions[0].parent if versions else None


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A PostgreSQL server on loopback for this test run, stopped at its end. Its address without a database."""
    tools = _postgres_tools()
    if tools is None:
        if os.environ.get("CI"):
            pytest.fail("PostgreSQL is not installed; scripts/system-packages.sh test installs it")
        pytest.skip("skipped: PostgreSQL is not installed")
    folder = Path(tempfile.mkdtemp(prefix="llmflow-pg-"))
    user = "postgres" if os.geteuid() == 0 else getpass.getuser()  # the server refuses to run as root
    prefix = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if os.geteuid() == 0 else []
    if prefix:
        shutil.chown(folder, user)
    port = free_port()
    data = folder / "data"
    run = {"check": True, "stdout": subprocess.DEVNULL, "cwd": "/"}
    subprocess.run(
        [*prefix, tools / "initdb", "-D", data, "-U", "llmflow", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"],
        **run,  # type: ignore[call-overload]
    )
    options = f"-p {port} -h 127.0.0.1 -k {folder} -c fsync=off -c max_connections=200"
    subprocess.run(
        [*prefix, tools / "pg_ctl", "-D", data, "-w", "-o", options, "-l", folder / "log", "start"],
        **run,  # type: ignore[call-overload]
    )
    try:
        yield f"postgresql://llmflow@127.0.0.1:{port}"
    finally:
        subprocess.run(
            [*prefix, tools / "pg_ctl", "-D", data, "-m", "immediate", "stop"],
            **run,  # type: ignore[call-overload]
        )
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """A fresh, empty PostgreSQL database."""
    import psycopg

    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(f"{postgres_server}/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    yield f"{postgres_server}/{name}"
    with psycopg.connect(f"{postgres_server}/postgres", autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


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

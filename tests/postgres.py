"""A PostgreSQL server of one's own, for tests and benchmarks."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.live import free_port


def postgres_tools() -> Path | None:
    """Where the server's programs are; None where it is not installed."""
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    return versions[0].parent if versions else None


@contextmanager
def postgres() -> Iterator[str]:
    """A server on loopback, with an empty folder that is deleted at the end. Its address without a database."""
    tools = postgres_tools()
    assert tools is not None
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


@contextmanager
def database_of(server: str, *, like: str | None = None) -> Iterator[str]:
    """The address of a fresh database, a copy of the one named `like` or empty. It is dropped at the end."""
    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        by_files = (
            " STRATEGY file_copy" if connection.info.server_version >= 150000 else ""
        )  # what older ones do anyway
        connection.execute(f'CREATE DATABASE "{name}"' + (f' TEMPLATE "{like}"{by_files}' if like else ""))
    yield f"{server}/{name}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')

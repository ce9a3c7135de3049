"""Connections: `read()` for queries, `write()` for one transaction. SQLite and PostgreSQL behave alike.

On SQLite: write-ahead log, full sync, BEGIN IMMEDIATE, and one writer at a time in this process (others queue on a
lock instead of failing). On PostgreSQL: a pool.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from llmflow.errors import ConfigError, OrganError
from llmflow.store import migrations
from llmflow.store.content import Boundary

_BUSY_MS = 15_000


class Database:
    """The database of one LLMFlow. `boundary` is the one way to make content that its columns take."""

    def __init__(self, url: str, *, pool_size: int = 8) -> None:
        """`url`: sqlite:///path or postgresql://user:password@host/database."""
        self.url = _driver_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.boundary = Boundary()
        self._lock = asyncio.Lock()
        if self.is_sqlite:
            self._readers = _sqlite_engine(self.url, pool_size=pool_size)
            self._writer = _sqlite_engine(self.url, pool_size=1)
        else:
            self._readers = self._writer = create_async_engine(
                self.url, pool_size=pool_size, max_overflow=pool_size, pool_pre_ping=True
            )

    async def open(self) -> None:
        """Migrates to the newest schema. Raises ConfigError when the database cannot be reached."""
        try:
            if await migrations.current(self._writer) != migrations.HEAD:
                await migrations.upgrade(self._writer)
        except (OperationalError, OSError) as error:
            raise ConfigError(
                f"The database {self.url.render_as_string(hide_password=True)} cannot be opened: {_reason(error)}.",
                code="organ_unavailable",
                hint="Check store.url, and that the database server runs and lets this user in.",
            ) from error

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection for queries; it sees what was committed when its first query ran."""
        async with self._readers.connect() as connection:
            yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """One transaction: committed when the block ends, rolled back when it raises. Keep it short."""
        if not self.is_sqlite:
            async with self._writer.begin() as connection:
                yield connection
            return
        async with self._lock:
            try:
                async with self._writer.begin() as connection:
                    yield connection
            except DBAPIError as error:
                if "disk is full" in str(error) or "disk I/O error" in str(error):
                    raise OrganError("The disk that holds the database is full.", code="disk_full") from error
                raise

    async def close(self) -> None:
        await self._readers.dispose()
        if self._writer is not self._readers:
            await self._writer.dispose()


def sqlite_url(path: Path) -> str:
    return sa.URL.create("sqlite", database=str(path)).render_as_string()


def _driver_url(url: str) -> sa.URL:
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        raise ConfigError("store.url is not a database address.", param="store.url") from error
    match parsed.get_backend_name():
        case "sqlite":
            return parsed.set(drivername="sqlite+aiosqlite")
        case "postgresql" | "postgres":
            return parsed.set(drivername="postgresql+psycopg")
        case other:
            raise ConfigError(f"store.url: `{other}` is not supported; SQLite and PostgreSQL are.", param="store.url")


def _sqlite_engine(url: sa.URL, *, pool_size: int) -> AsyncEngine:
    engine = create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=60,
        connect_args={"isolation_level": None, "timeout": _BUSY_MS / 1000},
    )

    @sa.event.listens_for(engine.sync_engine, "connect")
    def configure(connection: Any, _: Any) -> None:
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            f"busy_timeout={_BUSY_MS}",
            "foreign_keys=ON",
            "temp_store=MEMORY",
            "cache_size=-16000",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @sa.event.listens_for(engine.sync_engine, "begin")
    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if pool_size == 1 else "BEGIN")

    return engine


def _reason(error: Exception) -> str:
    text = str(error.orig) if isinstance(error, DBAPIError) else str(error)
    return text.strip().split("\n", 1)[0].rstrip(".")

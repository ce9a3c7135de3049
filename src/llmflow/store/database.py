"""Connections: `read()` for queries, `write()` for one transaction, on SQLite and PostgreSQL.

On SQLite: write-ahead log, full sync, BEGIN IMMEDIATE, and one writer at a time in this process (others queue on a
lock instead of failing). On PostgreSQL: a pool, and writers run beside each other: one that decides by what it read
locks those rows (`with_for_update`) or leans on a unique constraint.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from llmflow.errors import ConfigError, OrganError, UsageError
from llmflow.store import batch, migrations, sqlite
from llmflow.store.content import Boundary

_BUSY_MS = 15_000
_CLAIM_TRIES, _CLAIM_WAIT_S = 10, 0.5
_CONNECT_S = 10


class Database:
    """The database of one LLMFlow. `boundary` is the one way to make content that its columns take."""

    def __init__(self, url: str, *, pool_size: int = 8) -> None:
        """`url`: sqlite:///path or postgresql://user:password@host/database."""
        self.url = _driver_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.boundary = Boundary()
        self._lock = asyncio.Lock()
        self._claim: AsyncConnection | None = None
        self._direct: sqlite.Connection | None = None
        if self.is_sqlite:
            self._readers = _sqlite_engine(self.url, pool_size=pool_size)
            self._writer = _sqlite_engine(self.url, pool_size=1, begin="BEGIN IMMEDIATE")
        else:
            self._readers = self._writer = create_async_engine(
                self.url,
                pool_size=pool_size,
                max_overflow=pool_size,
                pool_pre_ping=True,
                hide_parameters=True,
                connect_args={"connect_timeout": _CONNECT_S},
            )

    async def open(self) -> None:
        """Migrates to the newest schema. Raises ConfigError when the database cannot be reached."""
        try:
            if await migrations.current(self._writer) != migrations.HEAD:
                await migrations.upgrade(self._writer)
        except (OperationalError, OSError) as error:
            if _is_full(error):
                raise ConfigError("The disk that holds the database is full.", code="disk_full") from error
            raise ConfigError(
                f"The database {self.url.render_as_string(hide_password=True)} cannot be opened: {_reason(error)}.",
                code="organ_unavailable",
                hint="Check store.url, and that the database server runs and lets this user in.",
            ) from error

    async def claim(self) -> None:
        """Makes this process the database's one server until it ends, however it ends. Raises ConfigError when
        another has it. SQLite lives in a home, whose lock does the same."""
        if self.is_sqlite or self._claim is not None:
            return
        claim = await self._writer.connect()
        for _ in range(_CLAIM_TRIES):
            if await claim.scalar(sa.text("SELECT pg_try_advisory_lock(7007008)")):
                await claim.commit()
                self._claim = claim
                return
            await asyncio.sleep(_CLAIM_WAIT_S)  # a server that was killed just now may still count as connected
        await claim.close()
        raise ConfigError(
            f"Another LLMFlow serves the database {self.url.render_as_string(hide_password=True)}.",
            code="home_in_use",
            hint="Stop the other LLMFlow, or give this one a database of its own in store.url.",
        )

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection for queries. On SQLite all of them see what was committed when the first one ran, on PostgreSQL
        each sees what was committed when it ran. Raises OrganError when the database does not answer."""
        with _told():
            async with self._readers.connect() as connection:
                yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """One transaction: committed when the block ends, rolled back when it raises. Keep it short. Raises
        OrganError (disk_full), and OrganError when the database does not answer or gave the transaction up."""
        async with self._lock if self.is_sqlite else nullcontext():
            with _told():
                async with self._writer.begin() as connection:
                    yield connection

    async def apply(self, rows: batch.Batch) -> None:
        """Prepared statements with their rows as one transaction: all or nothing, in order. Raises as `write` does."""
        for prepared, of_it in rows:
            prepared.check(of_it)
        if not self.is_sqlite:
            async with self.write() as connection:
                for prepared, of_it in rows:
                    await connection.execute(prepared.statement, list(of_it))
            return
        async with self._lock:
            with _told():
                try:
                    if self._direct is None:
                        self._direct = await _open_direct(self.url)
                    await self._direct.in_thread(batch.run_on_sqlite, rows)
                except sqlite3.Error as error:
                    raise DBAPIError.instance("(prepared)", None, error, sqlite3.Error) from error

    async def close(self) -> None:
        if self._direct is not None:
            await self._direct.close()
            self._direct = None
        if self._claim is not None:
            await self._claim.invalidate()  # closes it, and with it the lock
            self._claim = None
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


_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    f"busy_timeout={_BUSY_MS}",
    "foreign_keys=ON",
    "temp_store=MEMORY",
    "cache_size=-16000",
)


async def _open_direct(url: sa.URL) -> sqlite.Connection:
    """A connection of its own for `apply`; those of the pools belong to SQLAlchemy."""
    connection = sqlite.connect(str(url.database), isolation_level=None, timeout=_BUSY_MS / 1000)
    await connection
    await connection.in_thread(lambda raw: [raw.execute(f"PRAGMA {pragma}").fetchall() for pragma in _PRAGMAS])
    return connection


def _sqlite_engine(url: sa.URL, *, pool_size: int, begin: str = "BEGIN") -> AsyncEngine:
    engine = create_async_engine(
        url,
        hide_parameters=True,  # an error's text goes to logs, and parameters are people's words and digests of secrets
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=60,
        connect_args={"async_creator_fn": sqlite.connect, "isolation_level": None, "timeout": _BUSY_MS / 1000},
    )

    @sa.event.listens_for(engine.sync_engine, "connect")
    def configure(connection: Any, _: Any) -> None:
        cursor = connection.cursor()
        for pragma in _PRAGMAS:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @sa.event.listens_for(engine.sync_engine, "begin")
    def begin_as_told(connection: sa.Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


@contextmanager
def _told() -> Iterator[None]:
    """Faults of the database, not of the statement, as OrganError."""
    try:
        yield
    except UnicodeEncodeError as error:
        raise UsageError("The text has half a character (a lone surrogate), which cannot be stored.") from error
    except DBAPIError as error:
        if "NUL (0x00)" in str(error.orig):
            raise UsageError("The text has a NUL character, which cannot be stored.") from error
        if _is_full(error):
            raise OrganError("The disk that holds the database is full.", code="disk_full") from error
        if _is_away(error):
            raise OrganError(f"The database does not answer: {_reason(error)}.") from error
        raise
    except PoolTimeout as error:
        raise OrganError("Every connection to the database is busy.") from error


def _is_full(error: Exception) -> bool:
    text = str(error)
    return any(sign in text for sign in ("disk is full", "disk I/O error", "(psycopg.errors.DiskFull)"))


def _is_away(error: DBAPIError) -> bool:
    """On SQLite an OperationalError may be a wrong statement too; on PostgreSQL it never is."""
    if error.connection_invalidated:
        return True
    signs = ("database is locked", "unable to open database")
    return isinstance(error, OperationalError) and (
        "(sqlite3." not in str(error) or any(s in str(error) for s in signs)
    )


def _reason(error: Exception) -> str:
    text = str(error.orig) if isinstance(error, DBAPIError) else str(error)
    return text.strip().split("\n", 1)[0].rstrip(".")

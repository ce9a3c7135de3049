"""aiosqlite with one trip to its thread for each statement, where SQLAlchemy's adapter makes four.

A trip costs about 60 us of CPU, more than SQLite itself takes for most of our statements. Rows are fetched whole, which
SQLAlchemy does anyway for a cursor that is not streaming; streaming cursors are not offered.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

import aiosqlite


class Cursor:
    """A statement and its result; what SQLAlchemy's adapter asks of an aiosqlite cursor."""

    arraysize = 1

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: list[Any] = []
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None

    async def __aenter__(self) -> Cursor:
        return self

    async def execute(self, statement: str, parameters: Any = ()) -> Cursor:
        await self._connection.in_thread(self._run, statement, parameters, False)
        return self

    async def executemany(self, statement: str, parameters: Sequence[Any]) -> Cursor:
        await self._connection.in_thread(self._run, statement, parameters, True)
        return self

    def _run(self, raw: sqlite3.Connection, statement: str, parameters: Any, many: bool) -> None:
        cursor = raw.cursor()
        try:
            (cursor.executemany if many else cursor.execute)(statement, parameters)
            self.description = cursor.description
            self._rows = cursor.fetchall() if cursor.description else []
            self.rowcount, self.lastrowid = cursor.rowcount, cursor.lastrowid
        finally:
            cursor.close()

    async def fetchall(self) -> list[Any]:
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        """Its statement was finished by `execute`."""


class Connection(aiosqlite.Connection):
    """aiosqlite's connection, but for its cursors."""

    def cursor(self) -> Cursor:  # type: ignore[override]
        return Cursor(self)

    async def in_thread(self, work: Any, *arguments: Any) -> None:
        """Runs `work(sqlite3 connection, *arguments)` in the connection's thread."""
        await self._execute(work, self._conn, *arguments)  # type: ignore[no-untyped-call]


def connect(database: str, **options: Any) -> Connection:
    """As aiosqlite.connect; for SQLAlchemy's `async_creator_fn`."""
    connection = Connection(lambda: sqlite3.connect(database, **options), iter_chunk_size=64)
    connection._thread.daemon = True  # so that a process that forgets to close it ends all the same
    return connection

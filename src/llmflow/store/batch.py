"""Statements prepared once and run often, many rows at a time: what is written for every run of a workflow.

`Database.apply` takes them as one transaction. On SQLite that is one trip to the connection's thread, where SQLAlchemy
makes one for each statement and its begin and commit beside.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from llmflow.store.content import Content, ContentText

Row = Mapping[str, Any]
Statement = sa.Insert | sa.Update | sa.Delete
Batch = Sequence[tuple["Prepared", Sequence[Row]]]

_DIALECT = sqlite.dialect(paramstyle="named")


class Prepared:
    """`statement`: an insert, update or delete whose every value is a bound parameter; a row gives them all by name.
    `on_sqlite`: the same in SQLite's words, where they differ.

    Content is checked; what a column of JSON takes becomes JSON; other values go to SQLite as they are."""

    def __init__(self, statement: Statement, *, on_sqlite: Statement | None = None) -> None:
        self.statement = statement
        compiled = (statement if on_sqlite is None else on_sqlite).compile(dialect=_DIALECT)
        self.sql = str(compiled)
        self._content = tuple(name for name, bound in compiled.binds.items() if isinstance(bound.type, ContentText))
        self._json = tuple(name for name, bound in compiled.binds.items() if isinstance(bound.type, sa.JSON))

    def check(self, rows: Sequence[Row]) -> None:
        """Raises TypeError for people's words that did not pass the boundary."""
        for row in rows:
            for name in self._content:
                if row[name] is not None and not isinstance(row[name], Content):
                    raise TypeError("content must pass Boundary.admit before it is written")

    def for_sqlite(self, rows: Sequence[Row]) -> Sequence[Row]:
        if not self._json:
            return rows
        return [{**row, **{name: json.dumps(row[name]) for name in self._json}} for row in rows]


def insert(table: sa.Table) -> Prepared:
    """Inserts whole rows; one whose key is there already is left as it is, so that a batch may be run twice."""
    values = _bound(table, [column.name for column in table.columns])
    return Prepared(
        postgresql.insert(table).values(values).on_conflict_do_nothing(),
        on_sqlite=sqlite.insert(table).values(values).on_conflict_do_nothing(),
    )


def upsert(table: sa.Table, keys: Sequence[str], changed: Sequence[str]) -> Prepared:
    """Inserts whole rows; of one that is there by `keys`, sets `changed`."""
    values = _bound(table, [column.name for column in table.columns])
    on_postgres, on_sqlite = postgresql.insert(table).values(values), sqlite.insert(table).values(values)
    return Prepared(
        on_postgres.on_conflict_do_update(
            index_elements=list(keys), set_={name: on_postgres.excluded[name] for name in changed}
        ),
        on_sqlite=on_sqlite.on_conflict_do_update(
            index_elements=list(keys), set_={name: on_sqlite.excluded[name] for name in changed}
        ),
    )


def add(table: sa.Table, keys: Sequence[str], summed: Sequence[str]) -> Prepared:
    """Inserts whole rows; to one that is there by `keys`, adds `summed`."""
    values = _bound(table, [column.name for column in table.columns])
    on_postgres, on_sqlite = postgresql.insert(table).values(values), sqlite.insert(table).values(values)
    return Prepared(
        on_postgres.on_conflict_do_update(
            index_elements=list(keys), set_={name: table.c[name] + on_postgres.excluded[name] for name in summed}
        ),
        on_sqlite=on_sqlite.on_conflict_do_update(
            index_elements=list(keys), set_={name: table.c[name] + on_sqlite.excluded[name] for name in summed}
        ),
    )


def update(table: sa.Table, columns: Sequence[str], *, by: str = "id") -> Prepared:
    """Sets `columns` where `by` is the row's `key`."""
    return Prepared(sa.update(table).where(table.c[by] == sa.bindparam("key")).values(_bound(table, columns)))


def _bound(table: sa.Table, columns: Sequence[str]) -> dict[str, sa.BindParameter[Any]]:
    return {name: sa.bindparam(name, type_=table.c[name].type) for name in columns}


def run_on_sqlite(connection: sqlite3.Connection, batch: Batch) -> None:
    """One transaction; in the connection's thread."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        for prepared, given in batch:
            rows = prepared.for_sqlite(given)
            if len(rows) == 1:
                connection.execute(prepared.sql, rows[0])
            else:
                connection.executemany(prepared.sql, rows)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise

"""What tables are made of: their names' conventions, and the kinds of columns."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from llmflow.store.content import ContentText

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def own_id() -> sa.Column[str]:
    return sa.Column("id", sa.String(36), primary_key=True)


def ref(name: str, *, null: bool = False, index: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.String(36), nullable=null, index=index)


def time(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger, nullable=null)


def text(name: str, *, null: bool = False, default: str | None = None) -> sa.Column[Any]:
    return sa.Column(name, sa.Text, nullable=null, server_default=default)


def content(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, ContentText, nullable=null)


def count(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger, nullable=False, server_default="0")


def flag(name: str, *, default: bool) -> sa.Column[Any]:
    return sa.Column(name, sa.Boolean, nullable=False, server_default=sa.true() if default else sa.false())


def json(name: str, *, default: str | None = None) -> sa.Column[Any]:
    return sa.Column(name, sa.JSON, nullable=False, server_default=default)

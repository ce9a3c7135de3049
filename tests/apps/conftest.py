from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from llmflow.organs.llm.scripted import ScriptedLlm
from llmflow.store.database import Database
from tests.apps.fakes import TinyLlm, World, world_of


@pytest.fixture
async def one_database(sqlite_database_url: str) -> AsyncIterator[Database]:
    """SQLite, where the kind of database does not matter."""
    opened = Database(sqlite_database_url)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def world(one_database: Database, tmp_path: Path) -> AsyncIterator[World]:
    """With a model that is trusted with passages."""
    made = await world_of(one_database, tmp_path, ScriptedLlm(reply="Fifteen days a year [1]."))
    yield made
    await made.room.close()


@pytest.fixture
async def tiny_world(one_database: Database, tmp_path: Path) -> AsyncIterator[World]:
    """With a model like the packaged one: English only, its answers checked."""
    made = await world_of(one_database, tmp_path, TinyLlm())
    yield made
    await made.room.close()

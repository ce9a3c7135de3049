"""Changing apps, on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from llmflow.apps.apps import Apps
from llmflow.apps.sites import Sites
from llmflow.apps.types import ChatConfig, SiteSettings
from llmflow.errors import Conflict, NotFound
from llmflow.organs.llm.scripted import ScriptedLlm
from llmflow.store.database import Database
from tests.apps.fakes import world_of


@pytest.fixture
async def apps(database: Database, tmp_path: Path) -> AsyncIterator[Apps]:
    world = await world_of(database, tmp_path, ScriptedLlm())
    yield world.room.catalogue
    await world.room.close()


async def test_a_change_leaves_what_it_does_not_name(apps: Apps) -> None:
    made = await apps.create("w", "규정 도우미", ChatConfig(instruction="짧게"), description="사내 규정")
    changed = await apps.update("w", made.id, config=replace(made.config, icon="📘"))
    assert (changed.name, changed.description, changed.config.instruction) == ("규정 도우미", "사내 규정", "짧게")
    assert await apps.get("w", made.id) == changed
    assert changed.updated_at > made.updated_at


async def test_a_change_on_what_somebody_else_changed_meanwhile_is_refused(apps: Apps) -> None:
    made = await apps.create("w", "도우미", ChatConfig())
    await apps.update("w", made.id, description="먼저", seen_at=made.updated_at)
    with pytest.raises(Conflict) as caught:
        await apps.update("w", made.id, description="나중", seen_at=made.updated_at)
    assert caught.value.code == "changed_meanwhile"
    assert (await apps.get("w", made.id)).description == "먼저"


async def test_a_name_in_use_is_refused(apps: Apps) -> None:
    await apps.create("w", "하나", ChatConfig())
    other = await apps.create("w", "둘", ChatConfig())
    with pytest.raises(Conflict):
        await apps.update("w", other.id, name="하나")


async def test_an_app_goes_with_its_public_page(apps: Apps, database: Database) -> None:
    made = await apps.create("w", "도우미", ChatConfig())
    site = await Sites(database).put(made, SiteSettings(), is_on=True)
    contents = await apps.contents(made)
    assert (contents.conversations, contents.end_users, contents.files, contents.keys) == (0, 0, 0, 0)
    await apps.delete("w", made.id)
    assert await Sites(database).by_code(site.code) is None
    with pytest.raises(NotFound):
        await apps.get("w", made.id)

"""What one process tells and others hear, over PostgreSQL."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from llmflow.errors import OrganError
from llmflow.store import news as news_module
from llmflow.store.database import Database
from llmflow.store.news import News


@asynccontextmanager
async def listening(url: str) -> AsyncIterator[tuple[News, list[str]]]:
    database, heard = Database(url), list[str]()
    news = News(database)
    news.on("keys", heard.append)
    await news.open()
    assert heard == [""], "what changed while it started"
    heard.clear()
    try:
        yield news, heard
    finally:
        await news.close()
        await database.close()


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not is_so():
            await asyncio.sleep(0.01)


async def test_what_another_process_tells_is_heard_once_and_ones_own_word_is_not(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with listening(postgres_url) as (news, heard):
        news.tell("keys", "mine")
        await asyncio.gather(*news._telling)
        with psycopg.connect(postgres_url, autocommit=True) as other:
            for text in ("1 nothing of ours", "1 keys 열쇠 하나"):
                other.execute("SELECT pg_notify('llmflow_news', %s)", (text,))
        await until(lambda: bool(heard))
        assert heard == ["열쇠 하나"]
        monkeypatch.setattr(os, "getpid", lambda: 1)  # as another process
        async with listening(postgres_url) as (_, theirs):
            news.tell("keys", "k1")
            monkeypatch.setattr(os, "getpid", lambda: 2)
            await until(lambda: theirs == ["k1"])


async def test_after_a_lost_connection_anything_may_have_changed(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(news_module, "_AGAIN_S", (0.01,))
    async with listening(postgres_url) as (_, heard):
        with psycopg.connect(postgres_url, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
            await until(lambda: heard == [""])
            other.execute("SELECT pg_notify('llmflow_news', '1 keys k2')")
        await until(lambda: heard == ["", "k2"])


async def test_what_could_not_be_read_is_read_once_it_can_be(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(news_module, "_AGAIN_S", (0.01,))
    database, heard, away = Database(postgres_url), list[str](), [False]
    news = News(database)

    async def read(id: str) -> None:
        if away[0]:
            away[0] = False
            raise OrganError("Every connection to the database is busy.")
        heard.append(id)

    news.on("routes", read)
    await news.open()
    away[0] = True
    with psycopg.connect(postgres_url, autocommit=True) as other:
        other.execute("SELECT pg_notify('llmflow_news', '1 routes w')")
        await until(lambda: heard == ["", ""])
        other.execute("SELECT pg_notify('llmflow_news', '1 routes w')")
    await until(lambda: heard == ["", "", "w"])
    await news.close()
    await database.close()


async def test_what_could_not_be_told_is_told_once_it_can_be(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(news_module, "_AGAIN_S", (0.01,))
    async with listening(postgres_url) as (_, heard):
        teller = News(Database(postgres_url))
        await teller.open()
        whole, tries = teller._database.write, list[int]()

        def write() -> AbstractAsyncContextManager[AsyncConnection]:
            tries.append(1)
            if len(tries) == 1:
                raise OrganError("Every connection to the database is busy.")
            return whole()

        monkeypatch.setattr(teller._database, "write", write)
        monkeypatch.setattr(os, "getpid", lambda: 1)  # as another process
        teller.tell("keys", "k1")
        monkeypatch.setattr(os, "getpid", lambda: 2)
        await until(lambda: heard == ["k1"])
        await teller.close()
        await teller._database.close()


async def test_nothing_is_told_where_nobody_listens(postgres_url: str) -> None:
    database = Database("postgresql://nobody@127.0.0.1:1/none")
    news = News(database)
    news.tell("keys", "k")
    assert not news._telling
    await news.close()
    await database.close()

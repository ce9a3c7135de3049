"""A base of 5,000 documents: the page holds a bounded part of it, whatever one does with the list."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest
from playwright.async_api import Page, expect

from tests.live import LiveServer, start_server
from tests.studio.browser.look import axe, fits, settled, shoot
from tests.studio.browser.pages import Pages

COUNT = 5_000
MOST_NODES = 4_000  # of the whole page


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server on fakes with a base named "many": 4,990 documents that are ready, 10 that failed."""
    config = "organs: {llm: {use: scripted}, embedding: {use: hashing}}\n"
    server = start_server(tmp_path_factory.mktemp("many") / "home", "--no-demo", config=config)
    with server.client() as client:
        base = client.post("/api/v1/knowledge", json={"name": "many"}).raise_for_status().json()
    failed = ("file_damaged", "The file is damaged.", "Open it in its own program and save it again.")
    with sqlite3.connect(server.home / "llmflow.db", timeout=30) as database:
        [workspace] = database.execute("SELECT id FROM workspaces").fetchone()
        database.executemany(
            "INSERT INTO documents (id, workspace_id, knowledge_id, name, digest, size, state, warnings, chunk_count,"
            " error_code, error_message, error_hint, created_at, updated_at) VALUES (?,?,?,?,?,?,?,'[]',7,?,?,?,?,?)",
            [
                (
                    f"01900000-0000-7000-8000-{number:012d}",
                    workspace,
                    base["id"],
                    f"규정집/제{number // 100}권/문서 {number:04d}.pdf",
                    f"{number:064x}",
                    1000 + number,
                    *(("failed", *failed) if number % 500 == 0 else ("ready", "", "", "")),
                    1_780_000_000_000 + number,
                    1_780_000_000_000 + number,
                )
                for number in range(COUNT)
            ],
        )
    yield server
    server.stop()


_SCROLL = "part => { const main = document.getElementById('main'); main.scrollTo(0, part * main.scrollHeight); }"


async def _is_bounded(page: Page) -> None:
    assert await page.evaluate("document.querySelectorAll('*').length") < MOST_NODES


async def test_five_thousand_documents_are_walked_searched_and_filtered_in_a_page_of_bounded_size(
    pages: Pages, many: LiveServer
) -> None:
    page = await pages.open("/knowledge/many", server=many)
    rows = page.get_by_role("table").get_by_role("row")
    links = page.get_by_role("table").get_by_role("link")
    table = page.get_by_role("table")
    await expect(table).to_have_attribute("aria-rowcount", "5001")
    await expect(links.first).to_have_text("규정집/제49권/문서 4999.pdf")
    for part, last in ((0.5, False), (0.9, False), (1.0, True)):
        before = set(await links.all_inner_texts())
        await page.evaluate(_SCROLL, part)
        await expect(links.first).not_to_have_text(sorted(before)[-1])
        if last:
            await expect(links.last).to_have_text("규정집/제0권/문서 0000.pdf")
        await _is_bounded(page)
        assert before.isdisjoint(await links.all_inner_texts())
    await page.evaluate("document.getElementById('main').scrollTo(0, 0)")

    await page.get_by_role("searchbox").fill("문서 4321")
    await expect(rows).to_have_count(2)
    await expect(links.first).to_have_text("규정집/제43권/문서 4321.pdf")
    await page.get_by_role("searchbox").fill("")
    await expect(table).to_have_attribute("aria-rowcount", "5001")
    await _is_bounded(page)

    await page.goto("/knowledge/many?state=failed")
    await expect(rows).to_have_count(11)
    await expect(page.get_by_text("Open it in its own program").first).to_be_visible()


async def test_a_long_list_fits_a_phone(pages: Pages, many: LiveServer) -> None:
    page = await pages.open("/knowledge/many", server=many, language="ko", theme="dark", width=360)
    await settled(page)
    await fits(page)
    await axe(page)
    await shoot(page, "many-documents-ko-dark-360")
    name = await page.get_by_role("columnheader", name="이름").bounding_box()
    assert name and name["width"] > 90, "names have the room that the other columns leave"
    await page.goto("/knowledge")
    await expect(page.get_by_text("4,990").first).to_be_visible()
    await fits(page)

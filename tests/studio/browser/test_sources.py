"""Where a base gets documents by itself, and embedding it anew with another model."""

from __future__ import annotations

import re
from urllib.parse import quote

from playwright.async_api import expect

from tests.live import LiveServer
from tests.studio.browser.look import axe, fits, settled, shoot
from tests.studio.browser.pages import Pages
from tests.studio.browser.words import say


def _base(server: LiveServer, name: str) -> str:
    with server.client() as client:
        return str(client.post("/api/v1/knowledge", json={"name": name}).raise_for_status().json()["id"])


async def test_a_source_is_added_says_what_failed_is_refreshed_and_removed(pages: Pages, studio: LiveServer) -> None:
    page = await pages.open(f"/knowledge/{_base(studio, '원본 연결')}/sources", language="ko")
    await page.get_by_role("button", name=say("sources.add", "ko")).click()
    dialog = page.get_by_role("dialog", name=say("sources.add", "ko"))
    await dialog.get_by_label(say("common.name", "ko")).fill("사내 안내")
    await dialog.get_by_label(say("sources.field.urls", "ko"), exact=True).fill(
        "http://127.0.0.1:9/a.html\nhttp://127.0.0.1:9/b.html"
    )
    await dialog.get_by_label(say("sources.every", "ko")).select_option("60")
    await axe(page)
    await dialog.get_by_role("button", name=say("sources.addNow", "ko")).click()
    card = page.get_by_role("list", name=say("sources.title", "ko")).get_by_role("listitem").first
    await expect(card).to_contain_text(say("sources.count.failed_other", "ko").replace("{{count, number}}", "2"))
    await expect(card).to_contain_text("http://127.0.0.1:9/a.html")
    await card.get_by_role("button", name=say("sources.seeFailed", "ko")).click()
    panel = page.get_by_role("dialog", name=say("sources.failedOf", "ko", name="사내 안내"))
    await expect(panel).to_contain_text("address_blocked")
    await panel.get_by_role("button", name=say("common.close", "ko")).click()
    await card.get_by_role("button", name=say("sources.refresh", "ko")).click()
    await expect(card).to_contain_text(say("sources.earlier_one", "ko").replace("{{count, number}}", "1"))
    await settled(page)
    await axe(page)
    await shoot(page, "knowledge-sources")
    await page.set_viewport_size({"width": 360, "height": 740})
    await fits(page)
    await shoot(page, "knowledge-sources-360")
    await card.get_by_role("button", name=re.compile("작업$")).click()
    await page.get_by_role("menuitem", name=say("sources.remove", "ko")).click()
    await page.get_by_role("alertdialog").get_by_role("button", name=say("sources.remove", "ko")).click()
    await expect(page.get_by_text(say("sources.none", "ko"))).to_be_visible()


async def test_a_base_is_embedded_with_another_model(pages: Pages, studio: LiveServer) -> None:
    base = _base(studio, "다른 모델")
    studio.put(base, quote("규정.txt"), "연차는 열다섯 날입니다.".encode())
    assert studio.wait_until_indexed(base) == {"ready": 1}
    page = await pages.open(f"/knowledge/{base}/settings", language="ko")
    panel = page.get_by_role("main")
    await expect(panel.locator("code", has_text="hashing-384").first).to_be_visible()
    await page.get_by_role("combobox", name=re.compile(say("embedding.other", "ko"))).click()
    await page.get_by_role("option", name="hashing-128").click()
    await axe(page)
    await shoot(page, "knowledge-embedding")
    await page.get_by_role("button", name=say("embedding.begin", "ko")).click()
    await expect(page.get_by_role("alertdialog")).to_contain_text("hashing-128")
    await page.get_by_role("alertdialog").get_by_role("button", name=say("embedding.begin", "ko")).click()
    await expect(page.get_by_role("alertdialog")).to_have_count(0)
    await expect(panel.locator("code", has_text="hashing-128").first).to_be_visible()
    await shoot(page, "knowledge-embedding-switched")
    with studio.client() as client:
        assert client.get(f"/api/v1/knowledge/{base}/embedding").json()["model"] == "hashing-128"

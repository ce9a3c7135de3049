"""Another server's knowledge, connected in the browser: this server's own, asked as another's."""

from __future__ import annotations

import re

from playwright.async_api import expect

from tests.live import LiveServer
from tests.studio.browser.look import axe, fits, shoot
from tests.studio.browser.pages import Pages


async def test_external_knowledge_is_tested_connected_and_asked(pages: Pages, studio: LiveServer) -> None:
    with studio.client() as client:
        key = client.post("/api/v1/keys", json={"kind": "dataset", "name": "밖에서"}).raise_for_status().json()["token"]
    page = await pages.open("/external-knowledge", language="ko")
    await page.get_by_role("button", name="지식 연결").click()
    form = page.get_by_role("dialog", name="지식 연결")
    await form.get_by_label("주소").fill(studio.url)
    await form.get_by_label("키", exact=True).fill("dataset-wrong-key")
    await form.get_by_label("서버 이름").fill("본사 지식")
    await form.get_by_label("지식 ID").fill("demo")
    await form.get_by_label("이곳에서 쓸 이름").fill("본사 규정")
    await form.get_by_role("button", name="연결 시험").click()
    await expect(form.get_by_role("alert")).to_contain_text("서버가 키를 거부했습니다")
    await form.get_by_label("키", exact=True).fill(key)
    await form.get_by_role("button", name="연결 시험").click()
    await expect(form.get_by_role("status").filter(has_text=re.compile("단락 .*개를 찾아 답했습니다"))).to_be_visible()
    await axe(page)
    await shoot(page, "external-tested")
    await form.get_by_role("button", name="연결", exact=True).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("본사 규정")
    await page.get_by_label("사용자가 물을 법한 질문").fill("연차는 며칠인가요?")
    await page.get_by_role("button", name="검색").click()
    await expect(page.get_by_role("list", name="질문해 보기").get_by_role("listitem").first).to_be_visible()
    await axe(page)
    await fits(page)
    await shoot(page, "external-base")
    with studio.client() as client:
        client.delete("/api/v1/knowledge/본사 규정").raise_for_status()
        client.delete("/api/v1/external-knowledge/본사 지식").raise_for_status()

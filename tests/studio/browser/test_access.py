"""Who sees a knowledge base, in the browser: given to a group, looked at as somebody else, told in the list."""

from __future__ import annotations

import re

from playwright.async_api import expect

from tests.live import LiveServer
from tests.studio.browser.look import axe, fits, shoot
from tests.studio.browser.pages import Pages


async def test_a_base_is_given_to_a_group_and_looked_at_as_one(pages: Pages, studio: LiveServer) -> None:
    with studio.client() as client:
        base = client.post("/api/v1/knowledge", json={"name": "보수 자료"}).raise_for_status().json()["id"]
        for name, group in (("사내 검색", "인사팀"), ("감사 도구", "감사")):
            client.post("/api/v1/keys", json={"kind": "dataset", "name": name, "groups": [group]}).raise_for_status()
        studio.put(base, "pay.txt", "임원 보수 규정은 이사회가 정합니다.".encode())
        assert studio.wait_until_indexed(base) == {"ready": 1}
    page = await pages.open(f"/knowledge/{base}/access", language="ko")
    await page.get_by_role("radio", name=re.compile("지정한 그룹만")).check()
    await page.get_by_role("button", name="인사팀 추가").click()
    await page.get_by_role("button", name="저장").click()
    row = page.get_by_role("row").filter(has_text="인사팀")
    await expect(row).to_contain_text("이 지식")
    await expect(row).to_contain_text("사내 검색")
    await page.get_by_label("검색할 내용").fill("보수 규정")
    await page.get_by_role("button", name="보기", exact=True).click()
    await expect(page.get_by_role("region", name="찾는 단락")).to_contain_text("pay.txt")
    await page.get_by_role("radio", name="그룹 없음").check()
    await page.get_by_role("button", name="보기", exact=True).click()
    await expect(page.get_by_text("문서 1개 가운데 0개를 볼 수 있습니다")).to_be_visible()
    await expect(page.get_by_role("region", name="볼 수 없는 단락")).to_contain_text("pay.txt")
    await axe(page)
    await fits(page)
    await shoot(page, "access-look")
    await page.get_by_role("navigation").get_by_role("link", name="지식", exact=True).first.click()
    listed = page.get_by_role("row").filter(has_text="보수 자료")
    await expect(listed).to_contain_text("인사팀만")
    await listed.get_by_role("button", name=re.compile("작업$")).click()
    await page.get_by_role("menuitem", name="이름·설명·태그 바꾸기").click()
    await page.get_by_role("dialog").get_by_label("태그").fill("보수,")
    await page.get_by_role("dialog").get_by_role("button", name="저장").click()
    await expect(listed).to_contain_text("보수 자료")
    await page.get_by_role("group", name="태그로 거르기").get_by_role("button", name="보수", exact=True).click()
    await expect(page.locator("tbody tr")).to_have_count(1)
    await fits(page)
    with studio.client() as client:
        client.delete(f"/api/v1/knowledge/{base}").raise_for_status()

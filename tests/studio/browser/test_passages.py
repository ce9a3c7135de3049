"""A document's passages as people work on them: beside the page, edited, split, merged, switched off, added."""

from __future__ import annotations

import re
from urllib.parse import quote

from playwright.async_api import Locator, expect

from tests.live import LiveServer
from tests.studio.browser.look import axe, fits, settled, shoot
from tests.studio.browser.pages import Pages
from tests.studio.browser.words import say

TEXT = "연차는 열다섯 날입니다. 병가는 서른 날입니다.***출장비는 다음 달에 정산합니다."


def _document(server: LiveServer, base: str, name: str, content: bytes, **chunking: object) -> str:
    with server.client() as client:
        made = client.post("/api/v1/knowledge", json={"name": base}).json()["id"]
        client.put(f"/api/v1/knowledge/{made}/chunking", json={"chunking": chunking}).raise_for_status()
    document = server.put(made, quote(name), content)["document"]
    assert server.wait_until_indexed(made) == {"ready": 1}
    assert isinstance(document, dict)
    return f"/knowledge/{made}/documents/{document['id']}"


async def _do(card: Locator, key: str) -> None:
    await card.get_by_role("button", name=re.compile("작업$")).first.click()
    await card.page.get_by_role("menuitem", name=say(key, "ko"), exact=True).click()


async def test_passages_are_edited_split_merged_switched_off_added_and_deleted(
    pages: Pages, studio: LiveServer
) -> None:
    address = _document(studio, "단락 고치기", "규정.txt", TEXT.encode(), method="fixed", separator="***")
    page = await pages.open(address, language="ko")
    cards = page.get_by_role("region", name=say("knowledge.passages", "ko")).get_by_role("listitem")
    await expect(cards).to_have_count(2)

    await _do(cards.first, "passages.edit")
    field = cards.first.get_by_label(say("passages.text", "ko"))
    await field.fill("연차는 열여섯 날입니다. 병가는 서른 날입니다.")
    await cards.first.get_by_label(say("passages.keywords", "ko")).fill("휴가, 쉬는 날")
    await expect(cards.first).to_contain_text(say("passages.onlyThis", "ko"))
    await axe(page)
    await _do(cards.nth(1), "passages.edit")  # asks first, since something was written
    await page.get_by_role("alertdialog").get_by_role("button", name=say("unsaved.stay", "ko")).click()
    await field.press("Control+Enter")
    await expect(cards.first).to_contain_text("쉬는 날")
    await expect(cards.first).to_contain_text(say("passages.edited", "ko"))
    await expect(page.get_by_role("group", name=say("passages.side.document", "ko"))).to_contain_text("열여섯")

    await _do(cards.first, "passages.split")
    await cards.first.get_by_role("button", name=re.compile("병가")).press("Enter")
    await shoot(page, "knowledge-split")
    await cards.first.get_by_role("button", name=say("passages.split", "ko"), exact=True).click()
    await expect(cards).to_have_count(3)

    await _do(cards.first, "passages.mergeNext")
    await page.get_by_role("alertdialog").get_by_role("button", name=say("passages.merge", "ko")).click()
    await expect(cards).to_have_count(2)
    await expect(cards.first).to_have_attribute("aria-current", "true")

    await _do(cards.nth(1), "passages.switchOff")
    await expect(cards.nth(1)).to_contain_text(say("passages.off", "ko"))
    await page.get_by_role("button", name=say("common.undo", "ko")).click()
    await expect(cards.nth(1)).not_to_contain_text(say("passages.off", "ko"))

    await _do(cards.nth(1), "passages.addBelow")
    await page.get_by_label(say("passages.text", "ko")).fill("숙박비는 하루 십만 원까지입니다.")
    await page.get_by_role("button", name=say("common.save", "ko")).click()
    await expect(cards).to_have_count(3)
    await expect(cards.nth(2)).to_contain_text(say("passages.byHand", "ko"))

    await page.get_by_label(say("passages.find", "ko")).fill("숙박비")
    await expect(cards).to_have_count(1)
    await cards.first.get_by_role("checkbox").check()
    tools = page.get_by_role("toolbar", name=say("passages.chosen", "ko"))
    await tools.get_by_role("button", name=say("common.delete", "ko")).click()
    await page.get_by_role("alertdialog").get_by_role("button", name=say("common.delete", "ko")).click()
    await expect(page.get_by_text(say("passages.noneSuch", "ko"))).to_be_visible()
    await page.get_by_label(say("passages.find", "ko")).fill("")
    await expect(cards).to_have_count(2)


async def test_parts_are_nested_in_what_they_are_parts_of(pages: Pages, studio: LiveServer) -> None:
    text = "# 규정\n\n" + "\n\n".join(f"제{n}조. 연차 휴가는 해마다 {n}일을 더합니다." for n in range(1, 5))
    address = _document(
        studio, "하위 단락", "긴 규정.md", text.encode(), method="parent_child", child={"max_tokens": 30}
    )
    page = await pages.open(address, language="ko", theme="dark")
    await page.locator("summary").first.click()
    parts = page.get_by_role("list", name=say("passages.partsOf", "ko")).first.get_by_role("listitem")
    await parts.nth(1).get_by_role("button", name=say("document.passage", "ko", number="1.2"), exact=True).click()
    await expect(parts.nth(1)).to_have_attribute("aria-current", "true")
    await axe(page)
    await shoot(page, "knowledge-parts")


async def test_on_a_phone_the_page_and_its_passages_take_turns(pages: Pages, studio: LiveServer) -> None:
    with studio.client() as client:
        listed = client.get("/api/v1/knowledge/demo/documents", params={"search": "복리후생"}).json()["documents"]
    page = await pages.open(f"/knowledge/demo/documents/{listed[0]['id']}", language="ko", width=360)
    box = page.locator("[data-page='1'] button").first
    await box.click()  # from the page to its passage ...
    lit = page.locator("li[aria-current=true]")
    await expect(lit).to_be_in_viewport()
    await settled(page)
    await axe(page)
    await fits(page)
    await shoot(page, "knowledge-passages-360")
    await lit.get_by_role("button", name=say("passages.seeThere", "ko")).click()  # ... and back
    await expect(box).to_have_attribute("aria-pressed", "true")
    await expect(box).to_be_in_viewport()

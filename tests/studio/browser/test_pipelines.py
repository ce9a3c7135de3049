"""A knowledge base from a pipeline's file, and the form of its pipeline."""

from __future__ import annotations

import re

from playwright.async_api import expect

from tests.live import LiveServer
from tests.studio.browser.look import axe, fits
from tests.studio.browser.pages import Pages
from tests.workflow.dsl.files import FOLDER


async def test_a_pipelines_file_makes_a_base_whose_new_documents_are_read_as_its_form_says(
    pages: Pages, studio: LiveServer
) -> None:
    page = await pages.open("/knowledge", language="ko")
    await page.get_by_role("button", name="파이프라인 가져오기").first.click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_role("button", name="가져오기", exact=True)).to_be_disabled()
    async with page.expect_file_chooser() as chooser:
        await dialog.get_by_role("button", name="파일 선택").click()
    await (await chooser.value).set_files(FOLDER / "규정-파이프라인.yml")
    await dialog.get_by_role("button", name="가져오기", exact=True).click()
    different = dialog.get_by_role("list", name="여기서 달라지는 점").get_by_role("listitem")
    await expect(different.filter(has_text="노션")).to_contain_text("실행 안 됨")
    await axe(page)
    await dialog.get_by_role("button", name="열기", exact=True).click()
    await expect(page).to_have_url(re.compile(r"/knowledge/[0-9a-f-]{36}"))
    base = page.url.rstrip("/").rpartition("/")[2]
    await expect(page.get_by_role("link", name="규정 파이프라인")).to_be_visible()
    await page.get_by_text("새 문서에 쓸 설정").click()
    await expect(page.get_by_label("단락 최대 길이")).to_have_value("1024")
    await axe(page)
    await page.get_by_label("구분자").fill(";")
    await page.get_by_role("button", name="저장").click()
    await expect(page.get_by_text("파이프라인 설정을 저장했습니다")).to_be_visible()
    await page.set_viewport_size({"width": 360, "height": 740})
    await fits(page)
    studio.put(base, "항목.txt", "하나의 항목;둘째 항목".encode())
    assert studio.wait_until_indexed(base) == {"ready": 1}
    with studio.client() as client:
        assert client.get(f"/api/v1/knowledge/{base}/documents").json()["documents"][0]["chunk_count"] == 2
        client.delete(f"/api/v1/knowledge/{base}").raise_for_status()

"""The evaluation of a base as people use it: a file of questions, results side by side, the best one applied."""

from __future__ import annotations

from playwright.async_api import FilePayload, Page, expect

from tests.live import LiveServer
from tests.studio.browser.look import axe, fits, shoot
from tests.studio.browser.pages import Pages

DOCUMENTS = {
    "휴가 규정.txt": "연차 휴가는 해마다 열다섯 날이 주어진다. 휴가는 사흘 전에 신청한다.",
    "출장 안내.txt": "출장비는 하루 오만 원이며 다음 달에 정산한다. 숙박비는 영수증대로 준다.",
    "식대.txt": "야근 식대는 한 끼에 만 원이다. 주말에는 점심도 준다.",
}
QUESTIONS = """질문,정답 문서
연차는 며칠인가요?,휴가 규정.txt
출장비는 언제 정산하나요?,출장 안내
밤에 일하면 밥값을 얼마 받나요?,식대.txt
주차장은 어디인가요?,주차.txt
"""


def _base(server: LiveServer, name: str) -> str:
    with server.client() as client:
        made: str = client.post("/api/v1/knowledge", json={"name": name}).json()["id"]
        for document, text in DOCUMENTS.items():
            client.put(f"/api/v1/knowledge/{made}/documents/{document}", content=text.encode()).raise_for_status()
    server.wait_until_indexed(name)
    return made


async def test_questions_of_ones_own_say_how_to_search_and_it_is_applied(pages: Pages, studio: LiveServer) -> None:
    base = _base(studio, "평가할 지식")
    page = await pages.open(f"/knowledge/{base}/evaluation", language="ko")
    async with page.expect_file_chooser() as chooser:
        await page.get_by_role("button", name="질문 파일 올리기").click()
    file = FilePayload(name="질문.csv", mimeType="text/csv", buffer=QUESTIONS.encode("cp949"))
    await (await chooser.value).set_files(file)
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_text("질문 3개를 물을 수 있습니다.")).to_be_visible()
    await expect(dialog.get_by_text("“주차.txt” 문서가 없습니다.")).to_be_visible()
    await expect(dialog.get_by_text("5번째 줄")).to_be_visible()
    await shoot(page, "evaluation-file-ko")
    await dialog.get_by_role("button", name="나머지 3개로 평가").click()

    settings = page.get_by_role("list", name="검색 방식")
    await expect(settings.locator("[data-setting]")).to_have_count(4)
    await expect(settings.get_by_text("재순위 모델이 없어 재지 못했습니다.")).to_be_visible()
    await expect(settings.get_by_text("가장 좋음", exact=True)).to_be_visible()
    hard = page.get_by_role("table", name="어려운 질문부터")
    await expect(hard.locator("tbody tr")).to_have_count(3)
    await axe(page)
    await fits(page)
    await shoot(page, "evaluation-ko")

    await settings.locator("[data-setting=keyword]").get_by_role("button", name="적용").click()
    confirm = page.get_by_role("alertdialog")
    await expect(confirm.get_by_text("통합", exact=True)).to_be_visible()
    await shoot(page, "evaluation-apply-ko")
    await confirm.get_by_role("button", name="적용").click()
    await expect(settings.locator("[data-setting=keyword]").get_by_text("적용 중")).to_be_visible()
    with studio.client() as client:
        assert client.get(f"/api/v1/knowledge/{base}/retrieval").json()["mode"] == "keyword"

    await page.get_by_role("button", name="다시 평가").click()
    runs = page.get_by_role("table", name="평가 기록")
    await expect(runs.locator("tbody tr")).to_have_count(2)
    await expect(runs.get_by_text("+0.000")).to_be_visible()
    await hard.get_by_role("link", name="연차는 며칠인가요?").click()
    await expect(page.get_by_role("searchbox")).to_have_value("연차는 며칠인가요?")
    await _try_and_save(page)
    with studio.client() as client:
        assert client.get(f"/api/v1/knowledge/{base}/retrieval").json()["top_k"] == 1
        client.delete(f"/api/v1/knowledge/{base}")


async def _try_and_save(page: Page) -> None:
    """Settings beside what they cost are tried in the retrieval test, which says what they left out, and kept."""
    given = page.get_by_role("list", name="앱이 받는 결과")
    await expect(given.get_by_role("listitem").first.get_by_text("1위").first).to_be_visible()
    await page.get_by_text("검색 설정", exact=True).click()
    words = page.get_by_role("radiogroup", name="검색 방식").get_by_role("radio", name="단어")
    await expect(words).to_be_checked()
    await expect(page.get_by_text("nDCG@10 1.000").first).to_be_visible()
    await expect(page.get_by_role("checkbox", name="재순위")).to_be_disabled()
    await page.get_by_role("radio", name="의미").check()
    passages = page.get_by_role("spinbutton", name="단락 수")
    await passages.fill("1")
    await passages.press("Enter")
    await expect(page.get_by_text("상위에 들지 못함").first).to_be_visible()
    await expect(given.get_by_role("listitem")).to_have_count(1)
    await axe(page)
    await fits(page)
    await shoot(page, "retrieval-tried-ko")
    await page.get_by_role("button", name="이 지식의 설정으로 저장").click()
    confirm = page.get_by_role("alertdialog")
    await confirm.get_by_role("button", name="적용").click()
    await expect(page.get_by_text("저장된 설정 그대로")).to_be_visible()

"""The Knowledge room as people use it: folders dropped, progress watched, failures mended, pages looked at."""

from __future__ import annotations

import io
import re
from pathlib import Path
from urllib.parse import quote

from playwright.async_api import Page, expect
from reportlab.pdfgen.canvas import Canvas

from tests.live import LiveServer
from tests.studio.browser.look import axe, fits, settled, shoot
from tests.studio.browser.pages import Pages


def _base(server: LiveServer, name: str) -> str:
    with server.client() as client:
        made: str = client.post("/api/v1/knowledge", json={"name": name}).json()["id"]
    return made


def _pdf_of(pages: int) -> bytes:
    out = io.BytesIO()
    canvas = Canvas(out)
    for page in range(pages):
        for line in range(40):
            canvas.drawString(
                60, 780 - 18 * line, f"Page {page + 1} says on line {line + 1} that leave is fifteen days."
            )
        canvas.showPage()
    canvas.save()
    return out.getvalue()


async def _drop(page: Page, *paths: Path) -> None:
    """Drops files and folders on the middle of the page, as the desk does."""
    session = await page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        await session.send("Input.dispatchDragEvent", {"type": kind, "x": 640, "y": 400, "data": data})


async def test_a_dropped_folder_arrives_whole_with_its_folders_in_the_names(
    pages: Pages, studio: LiveServer, tmp_path: Path
) -> None:
    folder = tmp_path / "규정집"
    (folder / "인사").mkdir(parents=True)
    (folder / "총무").mkdir()
    (folder / "인사" / "휴가 규정.txt").write_text("연차 휴가는 열다섯 날입니다.", "utf-8")
    (folder / "총무" / "휴가 규정.txt").write_text("공장은 여름에 쉽니다.", "utf-8")
    (folder / ".숨김.txt").write_text("보이지 않는 파일", "utf-8")
    alone = tmp_path / "출장 안내.md"
    alone.write_text("# 출장\n\n출장비는 다음 달에 정산합니다.", "utf-8")
    base = _base(studio, "끌어다 놓기")
    page = await pages.open(f"/knowledge/{base}", language="ko")
    await expect(page.get_by_text("아직 문서가 없습니다")).to_be_visible()
    await _drop(page, folder, alone)
    table = page.get_by_role("table")
    await expect(table.locator("tbody tr[data-index]")).to_have_count(3)
    await expect(table.get_by_text("규정집 › 인사")).to_be_visible()
    await expect(table.get_by_text("규정집 › 총무")).to_be_visible()
    await expect(table.get_by_text("출장 안내.md")).to_be_visible()
    assert studio.wait_until_indexed(base) == {"ready": 3}
    await expect(table.get_by_text("준비됨")).to_have_count(3)


async def test_progress_is_there_again_after_a_reload_in_the_middle(pages: Pages, studio: LiveServer) -> None:
    base = _base(studio, "Reload")
    page = await pages.open(f"/knowledge/{base}")
    await page.locator("input[type=file]").first.set_input_files(
        {"name": "긴 문서.pdf", "mimeType": "application/pdf", "buffer": _pdf_of(60)}
    )
    progress = page.get_by_role("progressbar", name=re.compile("긴 문서"))
    await expect(progress).to_be_visible()
    pages.expect("progress|ERR_ABORTED", page)
    await page.reload()
    await expect(progress).to_be_visible()
    await expect(page.get_by_role("region", name="Reading documents")).to_contain_text("0 of 1 done")
    await shoot(page, "knowledge-reading")
    assert studio.wait_until_indexed(base) == {"ready": 1}
    await expect(page.get_by_role("table").get_by_text("Ready")).to_be_visible()
    await expect(page.get_by_role("region", name="Reading documents")).to_have_count(0)


async def test_a_document_that_failed_says_what_to_do_and_is_read_again(pages: Pages, studio: LiveServer) -> None:
    base = _base(studio, "Failures")
    for name in ("빈 파일.txt", "empty.txt"):
        studio.put(base, quote(name), b" " if name == "empty.txt" else b"")
    assert studio.wait_until_indexed(base) == {"failed": 2}
    page = await pages.open(f"/knowledge/{base}")
    row = page.get_by_role("row").filter(has_text="빈 파일.txt")
    await expect(row).to_contain_text("Upload one that has")
    await shoot(page, "knowledge-failed")
    await axe(page)
    await row.get_by_role("button", name=re.compile("again")).click()
    assert studio.wait_until_indexed(base) == {"failed": 2}
    await page.get_by_role("button", name="Retry 2 failed").click()
    await expect(page.get_by_text("2 documents are read again")).to_be_visible()
    assert studio.wait_until_indexed(base) == {"failed": 2}
    await page.get_by_role("checkbox", name=re.compile("all 2 documents")).check()
    await page.get_by_role("toolbar", name="Chosen documents").get_by_role("button", name="Delete").click()
    await page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    await expect(page.get_by_text("No documents yet")).to_be_visible()


async def test_passages_lie_over_their_page_and_a_quoted_sentence_is_lit(pages: Pages, studio: LiveServer) -> None:
    with studio.client() as client:
        listed = client.get("/api/v1/knowledge/demo/documents", params={"search": "복리후생"}).json()["documents"]
        document = listed[0]["id"]
        passages = client.get(f"/api/v1/documents/{document}/passages", params={"page": 1}).json()
    assert passages[0]["boxes"]
    words = passages[0]["text"].replace("|", " ").split()
    sentence = " ".join(words[:4])
    address = f"/knowledge/demo/documents/{document}?passage={passages[0]['id']}&quote={quote(sentence)}"
    for width in (1280, 360):
        page = await pages.open(address, language="ko", width=width)
        lit = page.locator("mark[data-lit]")
        await expect(lit.first).to_be_visible()
        image = page.get_by_role("img", name="1쪽")
        await expect(image).to_be_visible()
        assert await image.evaluate("one => one.decode().then(() => one.naturalWidth)") >= 300
        await settled(page)
        await fits(page)
        await shoot(page, f"knowledge-page-{width}")
    page = await pages.open(address, language="ko")
    await expect(page.locator("li[aria-current]")).to_have_count(1)
    await page.get_by_role("button", name="다음 쪽").click()
    await expect(page.get_by_role("img", name="2쪽")).to_be_visible()
    box = page.locator("[data-page='2'] button").first
    await box.focus()
    await page.keyboard.press("Enter")
    await expect(box).to_have_attribute("aria-pressed", "true")
    await expect(page.locator("li[aria-current]")).to_have_count(1)
    await axe(page)


async def test_a_document_without_pages_is_read_as_text_with_its_passage_lit(pages: Pages, studio: LiveServer) -> None:
    base = _base(studio, "Text")
    text = "\n\n".join(f"## 제{n}조\n\n" + f"제{n}조의 내용은 연차 휴가에 대한 것입니다. " * 30 for n in range(30))
    document = studio.put(base, quote("긴 규정.md"), f"# 규정\n\n{text}".encode())["document"]
    studio.wait_until_indexed(base)
    assert isinstance(document, dict)
    with studio.client() as client:
        passages = client.get(f"/api/v1/documents/{document['id']}/passages").json()
    page = await pages.open(f"/knowledge/{base}/documents/{document['id']}?passage={passages[20]['id']}")
    await expect(page.get_by_role("group", name="Document").locator("[aria-current=true]")).to_be_in_viewport()
    await expect(page.locator("li[aria-current=true]")).to_be_in_viewport()
    await expect(page.get_by_role("heading", name="제1조", exact=True)).to_be_attached()
    await axe(page)


async def test_the_searches_stand_beside_each_other_and_a_hit_opens_its_page(pages: Pages, studio: LiveServer) -> None:
    page = await pages.open("/knowledge/demo/retrieval", language="ko")
    await page.get_by_role("searchbox").fill("출장 숙박비")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile("query="))
    await page.get_by_role("radio", name="검색별로").check()
    for column in ("의미", "단어", "통합"):
        await expect(page.get_by_role("region", name=column).get_by_role("listitem").first).to_be_visible()
    words = page.get_by_role("region", name="단어")
    await expect(words.locator("mark").first).to_contain_text(re.compile("출장|숙박"))
    await settled(page)
    await shoot(page, "knowledge-retrieval-columns")
    await words.get_by_role("link").first.click()
    await expect(page).to_have_url(re.compile("passage="))


async def test_a_base_is_renamed_and_deleted_only_after_its_name_was_typed(pages: Pages, studio: LiveServer) -> None:
    base = _base(studio, "Old name")
    studio.put(base, "a.txt", "연차".encode())
    studio.wait_until_indexed(base)
    page = await pages.open(f"/knowledge/{base}")
    await page.get_by_role("button", name="More").click()
    await page.get_by_role("menuitem", name="Rename, describe, tag").click()
    await page.get_by_role("dialog").get_by_label("Name").fill("새 이름")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("heading", name="새 이름")).to_be_visible()
    await page.get_by_role("button", name="More").click()
    await page.get_by_role("menuitem", name="Delete this knowledge base").click()
    sure = page.get_by_role("alertdialog").get_by_role("button", name="Delete")
    await expect(sure).to_be_disabled()
    await page.get_by_role("alertdialog").get_by_role("textbox").fill("새 이름")
    await sure.click()
    await expect(page).to_have_url(re.compile("/knowledge$"))
    await expect(page.get_by_role("link", name="새 이름")).to_have_count(0)


async def test_a_base_that_is_missing_says_so_once_and_rests(pages: Pages) -> None:
    page = await pages.open("/knowledge")
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url) if one.url.endswith("/knowledge/nothing-here") else None)
    pages.expect("404")
    await page.goto("/knowledge/nothing-here")
    await settled(page)
    await expect(page.get_by_text("not_found")).to_have_count(1)
    await expect(page.get_by_role("button", name="Upload files")).to_have_count(0)
    assert len([url for url in asked if "/api/" in url]) == 1


async def test_a_document_is_renamed_described_switched_off_and_archived(pages: Pages, studio: LiveServer) -> None:
    base = _base(studio, "문서 정보")
    for name in ("휴가.txt", "출장.txt"):
        studio.put(base, quote(name), f"{name}의 내용".encode())
    assert studio.wait_until_indexed(base) == {"ready": 2}
    page = await pages.open(f"/knowledge/{base}", language="ko")
    row = page.get_by_role("row").filter(has_text="휴가")
    await row.get_by_role("button", name=re.compile("작업$")).click()
    await page.get_by_role("menuitem", name="이름·메타데이터·그룹").click()
    panel = page.get_by_role("dialog", name="문서 정보")
    await panel.get_by_label("새 필드").fill("부서")
    await panel.get_by_role("button", name="추가").click()
    await panel.get_by_label("부서").fill("인사")
    await panel.get_by_label("이름").fill("휴가 규정.txt")
    await panel.get_by_label("볼 수 있는 그룹").fill("인사팀")
    await axe(page)
    await shoot(page, "knowledge-about")
    await panel.get_by_role("button", name="저장").click()
    await expect(row).to_contain_text("휴가 규정.txt")
    await expect(row).to_contain_text("인사팀")
    await row.get_by_role("button", name=re.compile("작업$")).click()
    await page.get_by_role("menuitem", name="끄기").click()
    await expect(row).to_contain_text("꺼짐")
    await page.get_by_role("checkbox", name=re.compile("모두 선택$")).check()
    tools = page.get_by_role("toolbar", name="선택한 문서")
    await tools.get_by_role("button", name="더 보기").click()
    await page.get_by_role("menuitem", name="볼 수 있는 그룹").click()
    opening = page.get_by_role("dialog", name="문서 2개를 볼 수 있는 그룹")
    await opening.get_by_label("볼 수 있는 그룹").fill("감사,이사회,")
    await opening.get_by_role("button", name="감사 빼기").click()
    await axe(page)
    await opening.get_by_role("button", name="저장").click()
    for name in ("휴가 규정", "출장"):
        await expect(page.get_by_role("row").filter(has_text=name)).to_contain_text("이사회")
    await page.get_by_role("checkbox", name=re.compile("출장.txt")).check()
    await tools.get_by_role("button", name="더 보기").click()
    await page.get_by_role("menuitem", name="보관", exact=True).click()
    await expect(page.get_by_role("row").filter(has_text="출장")).to_contain_text("보관됨")
    await page.get_by_role("combobox", name=re.compile("상태")).click()
    await page.get_by_role("option", name="보관됨").click()
    await expect(page.locator("tbody tr[data-index]")).to_have_count(1)
    await shoot(page, "knowledge-archived")

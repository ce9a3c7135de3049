"""The chat: asking, stopping, branches, feedback, files, and the history of it all."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.live import LiveServer, start_server
from tests.studio.browser.look import axe, fits, shoot
from tests.studio.browser.pages import Pages
from tests.studio.browser.words import say

CONFIG = (
    "organs: {llm: {use: scripted, delay_ms: 40, vision: true}, embedding: {use: hashing}, "
    "vector_store: {use: memory}}\n"
)
LONG = " ".join(f"낱말{number}" for number in range(400))
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAoAAAAKCAYAAACNMs+9AAAAFUlEQVR42mNk+M9Qz0AEYBxVSF+FABJADveWkH6oAAAAAElFTkSuQmCC"
)


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server whose model repeats the question slowly and claims to see images, with an app without knowledge."""
    server = start_server(tmp_path_factory.mktemp("chat") / "home", "--no-demo", config=CONFIG)
    with server.client() as client:
        client.post("/api/v1/apps", json={"name": "말벗"}).raise_for_status()
    yield server
    server.stop()


async def _open(pages: Pages, slow: LiveServer, *, width: int = 1280, path: str = "/chat/말벗") -> Page:
    page = await pages.open(path, server=slow, width=width)
    await page.get_by_role("textbox", name="Your question").wait_for()
    return page


async def _send(page: Page, question: str) -> None:
    await page.get_by_role("textbox", name="Your question").last.fill(question)
    await page.get_by_role("button", name="Send").last.click()


async def _ask(page: Page, question: str) -> None:
    """Asks and waits for the end of the answer."""
    answers = await page.get_by_role("article").count()
    await _send(page, question)
    await expect(page.get_by_role("article").nth(answers).get_by_role("button", name="Copy the answer")).to_be_visible()


async def test_an_answer_survives_a_reload_in_its_middle_and_stops(pages: Pages, slow: LiveServer) -> None:
    page = await _open(pages, slow)
    await _send(page, LONG)
    await expect(page).to_have_url(re.compile(r"/chat/[^/]+/[0-9a-f-]{36}$"))
    answer = page.locator(".prose")
    await expect(answer).to_contain_text("낱말5")
    await page.reload()
    await expect(answer).to_contain_text("낱말10")
    await page.get_by_role("button", name="Stop").click()
    await expect(page.get_by_text("Stopped")).to_be_visible()
    said = await answer.inner_text()
    assert LONG.startswith(said)
    assert len(said) < len(LONG)
    await page.reload()
    await expect(page.get_by_text("Stopped")).to_be_visible()
    assert await answer.inner_text() == said


async def test_an_edited_question_and_one_asked_again_are_branches(pages: Pages, slow: LiveServer) -> None:
    page = await _open(pages, slow)
    await _ask(page, "첫 질문")
    await page.get_by_role("button", name="Edit the question").click()
    await page.get_by_role("textbox", name="Your question").first.fill("고친 질문")
    await page.get_by_role("button", name="Send").first.click()
    await expect(page.locator(".prose")).to_have_text("고친 질문")
    versions = page.get_by_role("group", name="Versions")
    await expect(versions).to_contain_text("2 / 2")
    await page.get_by_role("button", name="Ask again").click()
    await expect(versions).to_contain_text("3 / 3")
    await page.get_by_role("button", name="Earlier version").click()
    await page.get_by_role("button", name="Earlier version").click()
    await expect(page.locator(".prose")).to_have_text("첫 질문")
    await expect(page.get_by_role("button", name="Earlier version")).to_be_disabled()
    await page.reload()
    await expect(page.get_by_role("group", name="Versions")).to_contain_text("3 / 3")


async def test_a_bad_answer_is_corrected_and_the_correction_stays(pages: Pages, slow: LiveServer) -> None:
    page = await _open(pages, slow)
    await _ask(page, "연차는 며칠인가요?")
    await page.get_by_role("button", name="Bad answer").click()
    await page.get_by_label("What is wrong").fill("질문을 되풀이합니다")
    await page.get_by_label("The right answer").fill("연차는 15일입니다.")
    await shoot(page, "chat-correction")
    await page.get_by_role("dialog").get_by_role("button", name="Send").click()
    yours = page.get_by_role("complementary", name="Your feedback")
    await expect(yours).to_contain_text("연차는 15일입니다.")
    await page.reload()
    await expect(yours).to_contain_text("질문을 되풀이합니다")
    await expect(page.get_by_role("button", name="Bad answer")).to_have_attribute("aria-pressed", "true")
    await page.get_by_role("button", name="Good answer").click()
    await expect(yours).to_have_count(0)


async def test_files_go_with_the_question_and_what_cannot_be_read_says_why(
    pages: Pages, slow: LiveServer, tmp_path: Path
) -> None:
    page = await _open(pages, slow)
    (tmp_path / "사진.png").write_bytes(PNG)
    (tmp_path / "규정.txt").write_text("연차는 15일입니다.", "utf-8")
    (tmp_path / "빈 문서.txt").write_bytes(b"")
    pages.expect(r"422")
    picker = page.locator("input[type=file]")
    await picker.set_input_files([tmp_path / "사진.png", tmp_path / "규정.txt", tmp_path / "빈 문서.txt"])
    await expect(page.get_by_role("alert")).to_contain_text("empty")
    await page.get_by_role("textbox", name="Your question").fill("무엇이 있나요?")
    await expect(page.get_by_role("button", name="Send")).to_be_disabled()
    await page.get_by_role("button", name="Remove 빈 문서.txt").click()
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator(".prose")).to_contain_text("연차는 15일입니다.")
    picture = page.get_by_role("button", name="Show 사진.png large")
    assert await picture.locator("img").evaluate("async (image) => { await image.decode(); return image.naturalWidth }")
    await page.reload()
    await expect(page.get_by_role("link", name="규정.txt")).to_be_visible()
    await picture.click()
    await expect(page.get_by_role("dialog").get_by_role("img")).to_be_visible()


async def test_conversations_are_found_renamed_exported_and_deleted(pages: Pages, slow: LiveServer) -> None:
    page = await _open(pages, slow)
    await _ask(page, "출장비 한도를 알려 주세요")
    history = page.get_by_role("navigation", name="Conversations")
    await expect(history.get_by_text("Today")).to_be_visible()
    await page.get_by_role("textbox", name="Search conversations").fill("출장비")
    row = history.get_by_role("listitem")
    await expect(row).to_have_count(1)
    await expect(row.locator("mark").first).to_have_text("출장비")
    await row.hover()
    await row.get_by_role("button", name="Actions for").click()
    await page.get_by_role("menuitem", name="Rename").click()
    await history.get_by_label("Name").fill("출장 문의 🙂")
    await page.keyboard.press("Enter")
    await expect(row).to_contain_text("출장 문의 🙂")
    await row.hover()
    await row.get_by_role("button", name="Actions for").click()
    async with page.expect_download() as download:
        await page.get_by_role("menuitem", name="Markdown").click()
    found = await download.value
    assert found.suggested_filename == "출장 문의 🙂.md"
    assert "> 출장비 한도를 알려 주세요" in Path(await found.path()).read_text("utf-8")
    for undone in (True, False):
        await row.hover()
        await row.get_by_role("button", name="Actions for").click()
        await page.get_by_role("menuitem", name="Delete").click()
        await expect(row).to_have_count(0)
        if undone:
            await page.get_by_role("button", name="Undo").click()
            await expect(row).to_have_count(1)
    await page.reload()  # what was deleted is deleted, also when the page closes before the undo has passed
    await page.get_by_role("textbox", name="Search conversations").fill("출장비")
    await expect(page.get_by_text("Nobody said")).to_be_visible()


@pytest.mark.parametrize("width", [360, 1280])
async def test_the_chat_fits_and_can_be_used_by_everybody(pages: Pages, slow: LiveServer, width: int) -> None:
    page = await _open(pages, slow, width=width)
    table = "| 항목 | " + " | ".join(f"아주 긴 열 이름 {n}" for n in range(12)) + " |\n" + "|---" * 13 + "|\n"
    await _ask(page, f"{table}\n\n```python\nprint('{'가' * 200}')\n```")
    await fits(page)
    await axe(page)
    await shoot(page, f"chat-table-{width}")
    if width == 360:
        await page.get_by_role("button", name="Conversations").click()
        await expect(page.get_by_role("dialog").get_by_role("listitem").first).to_be_visible()
        await axe(page)
        await shoot(page, "chat-history-360")


async def test_a_finished_conversation_opens_at_its_last_question_and_a_new_answer_is_followed(
    pages: Pages, slow: LiveServer
) -> None:
    page = await _open(pages, slow)
    await _ask(page, "짧은 질문")
    await _ask(page, "\n\n".join(f"문단{number}" for number in range(60)))
    end = page.get_by_role("button", name="To the end")
    await expect(end).to_have_count(0)
    await page.reload()
    last = page.get_by_role("article").last
    await expect(last.get_by_role("button", name="Edit the question")).to_be_attached()
    await expect(last.get_by_text("문단0", exact=False).first).to_be_in_viewport()
    await expect(last.get_by_text("문단59").last).not_to_be_in_viewport()
    await expect(end).to_be_visible()
    await shoot(page, "chat-opened")
    await end.click()
    await expect(last.get_by_text("문단59").last).to_be_in_viewport()
    await _ask(page, "\n\n".join(f"단락{number}" for number in range(60)))
    await expect(last.get_by_text("단락59").last).to_be_in_viewport()


async def test_the_hidden_history_stays_hidden_in_this_browser(pages: Pages, slow: LiveServer) -> None:
    page = await _open(pages, slow)
    history = page.get_by_role("navigation", name=say("chat.history.title"))
    await expect(history).to_be_visible()
    await page.get_by_role("button", name=say("chat.history.hide")).click()
    await expect(history).to_have_count(0)
    await page.reload()
    await expect(page.get_by_role("button", name=say("chat.history.show"))).to_be_visible()
    await expect(history).to_have_count(0)
    await page.get_by_role("button", name=say("chat.history.show")).click()
    await page.reload()
    await expect(history).to_be_visible()


#: Gives the element what a hand or the clipboard brings: a file among the data of an event.
BRING = """(element, [kind, name, text]) => {
  const data = new DataTransfer();
  data.items.add(new File([text], name, { type: "text/plain" }));
  const how = { bubbles: true, cancelable: true };
  const pasted = () => new ClipboardEvent("paste", { ...how, clipboardData: data });
  const dropped = () => new DragEvent("drop", { ...how, dataTransfer: data });
  element.dispatchEvent(kind === "paste" ? pasted() : dropped());
}"""


async def test_files_are_dropped_and_pasted_into_the_question(pages: Pages, slow: LiveServer) -> None:
    page = await _open(pages, slow)
    field = page.get_by_role("textbox", name="Your question")
    await field.evaluate(BRING, ["drop", "놓은 글.txt", "연차는 15일입니다."])
    await field.evaluate(BRING, ["paste", "붙인 글.txt", "반차는 4시간입니다."])
    await expect(page.get_by_role("button", name="Remove 놓은 글.txt")).to_be_visible()
    await expect(page.get_by_role("button", name="Remove 붙인 글.txt")).to_be_visible()
    await _ask(page, "무엇이 있나요?")
    answer = page.locator(".prose")
    await expect(answer).to_contain_text("연차는 15일입니다.")
    await expect(answer).to_contain_text("반차는 4시간입니다.")

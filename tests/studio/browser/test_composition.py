"""Writing Korean: the Enter that ends a syllable belongs to the input method, wherever Enter would send or choose."""

from __future__ import annotations

from dataclasses import dataclass

from playwright.async_api import CDPSession, Locator, Page, expect

from tests.studio.browser.pages import Pages
from tests.studio.browser.words import say


@dataclass
class InputMethod:
    """An input method as the browser meets one: it composes, gets the presses meanwhile, and commits."""

    page: Page
    session: CDPSession

    @classmethod
    async def of(cls, page: Page) -> InputMethod:
        await page.evaluate(
            "() => { window.presses = []; addEventListener('keydown', (event) =>"
            " window.presses.push([event.key, event.isComposing]), true); }"
        )
        return cls(page, await page.context.new_cdp_session(page))

    async def compose(self, *steps: str) -> None:
        for text in steps:
            at = len(text)
            await self.session.send("Input.imeSetComposition", {"text": text, "selectionStart": at, "selectionEnd": at})

    async def enter(self) -> None:
        """Enter while it composes, as browsers send it: the key, with the code of an input method."""
        press = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 229}
        await self.session.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", **press})
        await self.session.send("Input.dispatchKeyEvent", {"type": "keyUp", **press})
        assert await self.page.evaluate("window.presses.at(-1)") == ["Enter", True]

    async def commit(self, text: str) -> None:
        await self.session.send("Input.insertText", {"text": text})


async def _write(page: Page, field: Locator, before: str, steps: tuple[str, ...]) -> None:
    """Writes `before`, then composes the last syllable, presses Enter in it, and commits it."""
    await field.click()
    method = await InputMethod.of(page)
    if before:
        await method.commit(before)
    await method.compose(*steps)
    await method.enter()
    await expect(field).to_have_value(before + steps[-1])
    await method.commit(steps[-1])
    await expect(field).to_have_value(before + steps[-1])


def _posts(page: Page) -> list[str]:
    """Addresses the page posts to from now on."""
    found: list[str] = []
    page.on("request", lambda request: found.append(request.url) if request.method == "POST" else None)
    return found


async def test_a_question_is_sent_by_the_enter_after_the_last_syllable_only(pages: Pages) -> None:
    page = await pages.open("/chat/demo", language="ko")
    posts = _posts(page)
    field = page.get_by_role("textbox", name=say("chat.question", "ko"))
    await _write(page, field, "연차는 며칠인가", ("ㅇ", "요", "욧"))
    assert posts == []
    await page.keyboard.press("Enter")
    await expect(field).to_have_value("")
    await expect(page.get_by_text("연차는 며칠인가욧").first).to_be_visible()
    assert len([url for url in posts if "/chat" in url or "/ask" in url or "/conversations" in url]) == 1


async def test_the_palette_waits_for_the_syllable(pages: Pages) -> None:
    page = await pages.open("/", language="ko")
    await page.get_by_role("heading", level=1).wait_for()
    await page.keyboard.press("Control+k")
    field = page.get_by_role("combobox", name=say("palette.title", "ko"))
    await _write(page, field, say("nav.knowledge", "ko")[:-1], (say("nav.knowledge", "ko")[-1],))
    await expect(field).to_be_visible()
    assert page.url.endswith("/")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/knowledge")


async def test_a_dialog_is_not_submitted_by_a_syllable(pages: Pages) -> None:
    page = await pages.open("/knowledge", language="ko")
    posts = _posts(page)
    await page.get_by_role("button", name=say("knowledge.new", "ko")).click()
    dialog = page.get_by_role("dialog")
    await _write(page, dialog.get_by_role("textbox").first, "인사 규", ("ㅈ", "저", "정"))
    await expect(dialog).to_be_visible()
    assert posts == []


async def test_a_search_waits_for_the_syllable(pages: Pages) -> None:
    page = await pages.open("/knowledge/demo/retrieval", language="ko")
    field = page.get_by_role("searchbox", name=say("retrieval.query", "ko"))
    await _write(page, field, "연", ("ㅊ", "차"))
    assert "query" not in page.url
    await page.keyboard.press("Enter")
    await page.wait_for_url("**query=*")


async def test_a_filter_keeps_a_syllable_whole_while_it_narrows_the_list(pages: Pages) -> None:
    page = await pages.open("/knowledge/demo", language="ko")
    field = page.get_by_role("searchbox", name=say("knowledge.find", "ko"))
    await _write(page, field, "복리후", ("ㅅ", "새", "생"))
    await expect(page.get_by_role("row")).to_have_count(2)
    await expect(page.get_by_role("link", name="복리후생 및 출장 안내.pdf")).to_be_visible()

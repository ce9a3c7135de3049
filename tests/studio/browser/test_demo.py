"""The demo as everybody meets it: the packaged models, a question in Korean, its answer and the passage it rests on."""

from __future__ import annotations

from playwright.async_api import expect

from tests.live import LiveServer
from tests.studio.browser.look import axe, settled, shoot
from tests.studio.browser.pages import Pages
from tests.studio.browser.words import say


async def test_the_demo_answers_in_korean_and_opens_the_passage_it_rests_on(
    pages: Pages, live_server: LiveServer
) -> None:
    page = await pages.open("/chat/demo", server=live_server, language="ko")
    await page.get_by_role("textbox", name=say("chat.question", "ko")).fill("입사 3년 차면 연차가 며칠인가요?")
    await page.keyboard.press("Enter")
    sources = page.get_by_role("list", name=say("chat.sources", "ko")).last
    await expect(sources).to_be_visible(timeout=90_000)
    await settled(page)
    await shoot(page, "demo-answer-ko-light-1280")
    await axe(page)
    await sources.get_by_role("button").first.click()
    await expect(page.get_by_role("dialog")).to_contain_text("연차")
    await settled(page)
    await shoot(page, "demo-passage-ko-light-1280")
    await axe(page)


async def test_home_shows_the_answered_question_once_and_loads_no_renderer_for_it(pages: Pages) -> None:
    page = await pages.open("/")
    await settled(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.reload()
    shown = page.get_by_role("article", name=say("home.answered"))
    await expect(shown).to_be_visible()
    await settled(page)
    question = await shown.locator("p").first.inner_text()
    await expect(page.get_by_role("button", name=question)).to_have_count(0)
    assert asked and not [url for url in asked if "RichText" in url]

"""The public page as strangers see it, and the widget on pages of other origins."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.async_api import Page, expect

from tests.live import LiveServer
from tests.studio.browser.look import axe, fits, settled, shoot
from tests.studio.browser.pages import LANGUAGES, THEMES, WIDTHS, Language, Pages, Theme

QUESTION = "연차는 며칠인가요?"
ATTACK = '<img src=x onerror="document.title=1"><script>document.title=1</script>'


class Site(ThreadingHTTPServer):
    """A website of somebody else, with a policy of its own; `body` stands on its one page."""

    body = ""
    policy = ""

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Page(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Security-Policy", self.server.policy)
        self.end_headers()
        self.wfile.write(f"<!doctype html><html lang=ko><title>포털</title><h1>포털</h1>{self.server.body}".encode())

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def site(studio: LiveServer) -> Iterator[Site]:
    server = Site(("127.0.0.1", 0), _Page)
    server.policy = f"default-src 'none'; script-src {studio.url}; frame-src {studio.url}; connect-src {studio.url}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def app(studio: LiveServer) -> Iterator[str]:
    """An app over the demo's handbooks, of one test alone."""
    name = f"안내 {secrets.token_hex(3)}"
    with studio.client() as client:
        client.post("/api/v1/apps", json={"name": name, "knowledge": ["demo"]}).raise_for_status()
        change = {"suggested_questions": [QUESTION], "description": "규정에 답합니다"}
        client.patch(f"/api/v1/apps/{name}", json=change).raise_for_status()
        yield name
        client.delete(f"/api/v1/apps/{name}").raise_for_status()


def publish(studio: LiveServer, app: str, **settings: object) -> str:
    with studio.client() as client:
        code: str = client.put(f"/api/v1/apps/{app}/site", json={"is_on": True, **settings}).json()["code"]
        return code


def tag(studio: LiveServer, code: str, attributes: str = "") -> str:
    return f'<script src="{studio.url}/embed.js" data-app="{code}" {attributes} async></script>'


async def ask(page: Page, question: str = QUESTION) -> None:
    await page.get_by_role("textbox").fill(question)
    await page.get_by_role("textbox").press("Enter")
    await expect(page.get_by_role("button", name="답변 복사")).to_be_visible()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("theme", THEMES)
async def test_the_page_is_fit_to_be_looked_at(
    pages: Pages, studio: LiveServer, app: str, width: int, language: Language, theme: Theme
) -> None:
    code = publish(studio, app, title="사내 규정 안내", welcome="**무엇이든** 물어보세요.")
    page = await pages.open(f"/p/{code}", language=language, theme=theme, width=width, signed_in=False)
    await expect(page.get_by_role("heading", level=1, name="사내 규정 안내")).to_be_visible()
    await settled(page)
    await shoot(page, f"public/start-{language}-{theme}-{width}")
    await fits(page)
    await axe(page)


async def test_a_stranger_asks_in_korean_and_a_reload_keeps_the_conversation(pages: Pages, app: str) -> None:
    studio = await pages.open(f"/apps/{app}/publish")
    await studio.get_by_role("button", name="Publish").click()
    address = await studio.get_by_label("Address", exact=True).inner_text()
    page = await pages.open(address, language="ko", width=360, signed_in=False)
    await page.get_by_role("button", name=QUESTION).click()
    await expect(page.get_by_role("button", name="답변 복사")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("heading", level=2, name=QUESTION)).to_be_visible()
    await page.get_by_role("button", name="지난 대화").click()
    await expect(page.get_by_role("dialog").get_by_role("button", name=QUESTION).first).to_be_visible()
    other = await pages.open(address, language="ko", width=360, signed_in=False)
    await expect(other.get_by_role("button", name=QUESTION)).to_be_visible()
    await expect(other.get_by_role("heading", level=2, name=QUESTION)).to_have_count(0)
    await studio.get_by_role("button", name="Take it down").click()
    await studio.get_by_role("alertdialog").get_by_role("button", name="Take it down").click()
    await expect(studio.get_by_text("Off", exact=True)).to_be_visible()
    pages.expect(r"404.*/(p|api/public)/", other)
    await other.reload()
    await expect(other.get_by_text("지금은 열 수 없는 페이지입니다")).to_be_visible()


async def test_words_of_the_publisher_are_inert(pages: Pages, studio: LiveServer, app: str) -> None:
    code = publish(studio, app, title=ATTACK, welcome=f"{ATTACK} [링크](javascript:alert(1))")
    page = await pages.open(f"/p/{code}", signed_in=False)
    await expect(page.get_by_role("heading", level=1)).to_have_text(ATTACK)
    await expect(page).to_have_title(ATTACK)
    await expect(page.locator("img[src=x], a[href^=javascript]")).to_have_count(0)


async def test_the_widget_works_where_it_is_allowed(pages: Pages, studio: LiveServer, app: str, site: Site) -> None:
    site.body = tag(studio, publish(studio, app, origins=[site.origin]), 'data-language="ko"')
    page = await pages.open(site.origin, signed_in=False)
    pages.expect(f"foreign request: {site.origin}/", page)
    button = page.get_by_role("button", name="대화 열기")
    await button.click()
    frame = page.frame_locator("iframe")
    await frame.get_by_role("textbox").fill(QUESTION)
    await frame.get_by_role("textbox").press("Enter")
    await expect(frame.get_by_role("button", name="답변 복사")).to_be_visible()
    await shoot(page, "public/widget-ko-light-1280")
    await frame.get_by_role("textbox").press("Escape")
    await expect(button).to_be_focused()
    await page.reload()
    await page.get_by_role("button", name="대화 열기").click()
    await expect(frame.get_by_role("heading", level=2, name=QUESTION)).to_be_visible()
    await page.set_viewport_size({"width": 360, "height": 740})
    await shoot(page, "public/widget-ko-light-360")
    await frame.get_by_role("button", name="닫기").click()
    await expect(button).to_be_focused()
    await page.evaluate("LLMFlow.destroy()")
    await expect(button).to_have_count(0)


async def test_the_widget_is_refused_elsewhere_and_says_why(
    pages: Pages, studio: LiveServer, app: str, site: Site
) -> None:
    site.body = tag(studio, publish(studio, app, origins=["https://intranet.example.com"]))
    page = await pages.open(site.origin, signed_in=False)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    pages.expect(rf"may not embed|frame-ancestors|Framing|ERR_BLOCKED|foreign request: {site.origin}/", page)
    await page.get_by_role("button", name="Open the chat").click()
    await expect(page.get_by_text("The chat cannot be shown on this page.")).to_be_visible()
    await expect(page.locator("iframe")).to_have_count(0)
    assert any(f"Add exactly {site.origin}" in text for text in said), said

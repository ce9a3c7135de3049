"""A server that goes away under an open page: the page says so, shows what is true, and goes on when it is back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from tests.live import LiveServer, free_port, start_server
from tests.studio.browser.look import axe, shoot
from tests.studio.browser.pages import Pages
from tests.studio.browser.words import say

SLOW = "organs: {llm: {use: scripted, delay_ms: 400}, embedding: {use: hashing}}\n"
LONG = " ".join(f"낱말{number}" for number in range(1, 200))

#: What a browser reports of a server that is away.
AWAY = r"ERR_CONNECTION_|ERR_INCOMPLETE_CHUNKED|ERR_EMPTY_RESPONSE|ERR_INTERNET_DISCONNECTED|ERR_SOCKET|network error"


@dataclass
class Fragile:
    """A server that can be killed and started again, at the same address over the same home."""

    home: Path
    port: int
    server: LiveServer
    app: str = ""

    def start(self) -> None:
        self.server = start_server(self.home, "--no-demo", "--port", str(self.port))


@pytest.fixture(scope="module")
def fragile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fragile]:
    """A server of its own with one app, whose model answers with the question, a word each 0.4 s."""
    home, port = tmp_path_factory.mktemp("fragile") / "home", free_port()
    found = Fragile(home, port, start_server(home, "--no-demo", "--port", str(port), config=SLOW))
    with found.server.client() as client:
        found.app = client.post("/api/v1/apps", json={"name": "되풀이"}).raise_for_status().json()["id"]
    yield found
    found.server.kill()


async def _ask(page: Page, question: str) -> None:
    await page.get_by_role("textbox", name=say("chat.question")).fill(question)
    await page.keyboard.press("Enter")


async def _under_way(page: Page) -> None:
    """Until the first words of an answer stand, and more are to come."""
    writing = page.get_by_role("article").last.locator("[aria-busy=true]")
    await expect(writing).to_contain_text("낱말1 낱말2")


async def _words(answer: Locator) -> int:
    """How many words of the answer there are."""
    return len(re.findall(r"낱말\d+", await answer.locator("[aria-busy=true]").inner_text()))


async def test_a_killed_server_is_told_of_and_the_answer_goes_on_when_it_is_back(
    pages: Pages, fragile: Fragile
) -> None:
    page = await pages.open(f"/chat/{fragile.app}", server=fragile.server)
    pages.expect(AWAY)
    await _ask(page, LONG)
    await _under_way(page)

    fragile.server.kill()
    banner = page.get_by_text(say("connection.lost"))
    await expect(banner).to_be_visible()
    answer = page.get_by_role("article").last
    await expect(answer.get_by_text(say("chat.lost"))).to_be_visible()
    await expect(answer).not_to_contain_text(say("chat.kind.generated"))  # it does not pass for a whole answer
    await shoot(page, "connection-lost")
    await axe(page)

    seen = await _words(answer)
    fragile.start()
    await expect(banner).to_be_hidden()
    await expect(page.get_by_text(say("connection.back"))).to_be_visible()
    await expect(answer.locator("[aria-busy=true]")).to_contain_text(f"낱말{seen + 1}")  # it is being gone on with
    await expect(answer.get_by_text(say("chat.lost"))).to_have_count(0)

    await page.reload()  # and whoever comes later sees it grow as well
    await expect(answer.locator("[aria-busy=true]")).to_contain_text(f"낱말{await _words(answer) + 1}")
    await expect(page.get_by_role("article")).to_have_count(1)
    await shoot(page, "connection-back")

    await page.get_by_role("button", name=say("chat.stop")).click()
    await expect(answer.get_by_text(say("chat.stopped"))).to_be_visible()
    await _ask(page, "다시 묻습니다")
    await expect(page.get_by_text(say("chat.kind.generated")).last).to_be_visible()


async def test_a_page_that_is_opened_while_offline_comes_back_by_itself(pages: Pages) -> None:
    page = await pages.open("/knowledge")
    await expect(page.get_by_role("link", name="demo")).to_be_visible()
    pages.expect(AWAY)
    await page.context.set_offline(True)
    banner = page.get_by_text(say("connection.lost"))
    await expect(banner).to_be_visible()
    await page.get_by_role("link", name="demo").click()  # a room that is not loaded yet
    await page.context.set_offline(False)
    await expect(banner).to_be_hidden()
    await expect(page.get_by_role("link", name="복리후생 및 출장 안내.pdf")).to_be_visible()

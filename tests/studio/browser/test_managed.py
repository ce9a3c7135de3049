"""Settings, Organs: a managed server is installed, started, read, stopped and removed, as people do it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.async_api import Page, expect

from tests.live import LiveServer, start_server
from tests.reliability.servers import LIGHT, environ
from tests.studio.browser.look import axe, fits, shoot
from tests.studio.browser.pages import Pages

RECIPES = "managed: {recipes: ['tests.managed.fake_recipe:RECIPE']}\n"


@pytest.fixture(scope="module")
def managing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server that knows a small managed server beside the real ones."""
    home = tmp_path_factory.mktemp("managing") / "home"
    server = start_server(home, "--no-demo", config=LIGHT + RECIPES, environ=environ())
    yield server
    server.stop()


async def test_a_server_is_installed_started_read_stopped_and_removed(pages: Pages, managing: LiveServer) -> None:
    page = await pages.open("/settings", server=managing, language="ko")
    fake = page.get_by_role("listitem").filter(has_text="Fake")
    await expect(fake.get_by_text("설치 안 됨")).to_be_visible()
    await shoot(page, "managed/absent")
    await fake.get_by_role("button", name="설치").click()
    await expect(fake.get_by_text("중지됨")).to_be_visible()
    await fake.get_by_role("button", name="시작").click()
    await expect(fake.get_by_text("실행 중")).to_be_visible()
    await expect(fake.get_by_text("fake-1")).to_be_visible()
    await expect(fake.get_by_text("127.0.0.1:")).to_be_visible()
    await axe(page)
    await shoot(page, "managed/running")
    await _act(page, "로그")
    log = page.get_by_role("dialog", name="Fake 로그")
    await expect(log.get_by_text("fake server on")).to_be_visible()
    await axe(page)
    await shoot(page, "managed/log")
    await page.keyboard.press("Escape")
    await expect(log).to_have_count(0)
    await fake.get_by_role("button", name="중지", exact=True).click()
    await expect(fake.get_by_text("중지됨")).to_be_visible()
    await _act(page, "제거")
    await page.get_by_role("alertdialog").get_by_role("button", name="제거").click()
    await expect(fake.get_by_text("설치 안 됨")).to_be_visible()


@pytest.mark.parametrize("width", [360, 1280])
async def test_a_server_that_fails_says_why_and_starts_with_other_values(
    pages: Pages, managing: LiveServer, width: int
) -> None:
    page = await pages.open("/settings", server=managing, theme="dark", width=width)
    fake = page.get_by_role("listitem").filter(has_text="Fake")
    await fake.get_by_role("button", name="Install").click()
    await expect(fake.get_by_text("stopped", exact=True)).to_be_visible()
    await _act(page, "Start with other values …", more="More for Fake")
    dialog = page.get_by_role("dialog", name="Start Fake with")
    await dialog.get_by_label("Further options").fill("crash")
    await axe(page)
    await fits(page)
    await shoot(page, f"managed/start-{width}")
    await dialog.get_by_role("button", name="Start").click()
    await expect(dialog).to_have_count(0)
    await expect(fake.get_by_text("RuntimeError: no model today")).to_be_visible()
    await fits(page)
    await shoot(page, f"managed/restarting-{width}")
    await fake.get_by_role("button", name="Stop", exact=True).click()
    await expect(fake.get_by_text("stopped", exact=True)).to_be_visible()
    await _act(page, "Remove", more="More for Fake")
    await page.get_by_role("alertdialog").get_by_role("button", name="Remove").click()
    await expect(fake.get_by_text("not installed")).to_be_visible()


async def _act(page: Page, action: str, *, more: str = "Fake 더 보기") -> None:
    await page.get_by_role("button", name=more).click()
    await page.get_by_role("menuitem", name=action).click()

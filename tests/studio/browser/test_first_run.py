"""The first run, whole: the printed password, one's own, the tour, the checklist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.live import LiveServer, start_server
from tests.studio.browser.look import axe, fits, settled, shoot
from tests.studio.browser.pages import PASSWORD, SIGNED_OUT, Pages

CONFIG = "organs: {llm: {use: scripted}, embedding: {use: hashing}, vector_store: {use: memory}}\n"


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[LiveServer]:
    """A server nobody has signed in to."""
    server = start_server(tmp_path / "home", config=CONFIG)
    yield server
    server.stop()


def printed(server: LiveServer) -> tuple[str, str]:
    found = re.search(r"Sign in as (\S+) with the password (\S+)", server.printed)
    assert found
    return found[1], found[2]


async def test_from_the_printed_password_to_the_checklist(fresh: LiveServer, pages: Pages) -> None:
    email, password = printed(fresh)
    page = await pages.open("/knowledge", server=fresh, language="ko", signed_in=False)
    pages.expect(SIGNED_OUT)
    await _refused_in_korean(page, email)
    await page.get_by_label("비밀번호").fill(password)
    await page.get_by_role("button", name="로그인").click()
    await expect(page.get_by_label("현재 비밀번호")).to_have_value(password)  # nobody types it twice
    new = page.get_by_label("새 비밀번호", exact=True)
    await new.fill("짧음")
    await page.get_by_role("button", name="비밀번호 변경").click()
    await expect(page.get_by_text("아직 아래 조건에 맞지 않습니다.")).to_be_visible()
    await new.fill(PASSWORD)
    await page.get_by_label("새 비밀번호 확인").fill(PASSWORD)
    await axe(page)
    await page.get_by_role("button", name="비밀번호 변경").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("안녕하세요")
    await _tour(page)
    await _checklist(page)


async def _refused_in_korean(page: Page, email: str) -> None:
    """Nothing typed, no address, a wrong password: each is told in the reader's words, not in the browser's."""
    await page.get_by_role("button", name="로그인").click()
    await expect(page.get_by_text("꼭 입력해야 합니다.").first).to_be_visible()
    await expect(page.get_by_label("이메일")).to_be_focused()
    await page.get_by_label("이메일").fill("kim")
    await page.get_by_label("비밀번호").fill("틀린 비밀번호")
    await page.get_by_role("button", name="로그인").click()
    await expect(page.get_by_text("이메일 주소가 아닙니다.")).to_be_visible()
    await page.get_by_label("이메일").fill(email)
    await page.get_by_role("button", name="로그인").click()
    alert = page.get_by_role("alert")
    await expect(alert).to_contain_text("이메일 또는 비밀번호가 맞지 않습니다.")
    await expect(alert).to_contain_text("wrong_credentials")
    await axe(page)


async def _tour(page: Page) -> None:
    """Five steps by the keyboard, left at the second, gone on with after a reload, ended."""
    await page.get_by_role("button", name="둘러보기 시작").click()
    step = page.get_by_role("dialog")
    await expect(step).to_contain_text("5단계 중 1단계")
    await axe(page)
    await page.keyboard.press("Enter")
    await expect(step).to_contain_text("5단계 중 2단계")
    await shoot(page, "first-run/tour")
    await page.keyboard.press("Escape")
    await expect(step).to_have_count(0)
    await page.reload()
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    await expect(page.get_by_role("button", name="둘러보기 시작")).to_have_count(0)
    await page.get_by_role("button", name="계정").click()
    await page.get_by_role("menuitem", name="둘러보기").click()
    await expect(step).to_contain_text("5단계 중 2단계")
    for number in (3, 4, 5):
        await page.keyboard.press("ArrowRight")
        await expect(step).to_contain_text(f"5단계 중 {number}단계")
    await step.get_by_role("button", name="마치기").click()
    await expect(step).to_have_count(0)


async def _checklist(page: Page) -> None:
    """Worked out from what is there; put away, and back."""
    first = page.get_by_role("link", name="모델 연결")
    await expect(first).to_be_visible()
    await expect(page.get_by_text("4개 중 1개 완료")).to_be_visible()  # its model is no included one
    await settled(page)
    await axe(page)
    await fits(page)
    await shoot(page, "first-run/home")
    await page.get_by_role("button", name="목록 치우기").click()
    await expect(first).to_have_count(0)
    await page.get_by_role("button", name="되돌리기").click()
    await page.get_by_role("link", name="동료 초대").click()
    await expect(page.get_by_role("dialog", name="동료 초대")).to_be_visible()


async def test_the_tour_fits_a_phone(fresh: LiveServer, pages: Pages) -> None:
    page = await pages.open("/", server=fresh, width=360)
    await page.get_by_role("button", name="Begin the tour").click()
    step = page.get_by_role("dialog")
    for number in range(1, 6):
        await expect(step).to_contain_text(f"Step {number} of 5")
        box = await step.bounding_box()
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 360
        await fits(page)
        await page.keyboard.press("Enter")
    await expect(step).to_have_count(0)


async def test_language_and_theme_follow_the_account_to_another_browser(fresh: LiveServer, pages: Pages) -> None:
    page = await pages.open("/", server=fresh)
    await page.get_by_role("button", name="Language").click()
    async with page.expect_response(lambda answer: answer.url.endswith("/preferences") and answer.ok):
        await page.get_by_role("menuitem", name="한국어").click()
    elsewhere = await pages.open("/sign-in", server=fresh, signed_in=False)
    pages.expect(SIGNED_OUT)
    await elsewhere.get_by_label("E-mail").fill(printed(fresh)[0])
    await elsewhere.get_by_label("Password").fill(PASSWORD)
    await elsewhere.get_by_role("button", name="Sign in").click()
    await expect(elsewhere.get_by_role("heading", level=1)).to_contain_text("안녕하세요")

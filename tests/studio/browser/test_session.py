"""Addresses and the session: links that outlive a sign-in, a session that ends elsewhere, addresses of nothing."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, expect

from tests.live import LiveServer
from tests.studio.browser.look import axe, settled, shoot
from tests.studio.browser.pages import PASSWORD, SIGNED_OUT, Pages, sign_in
from tests.studio.browser.words import say

EMAIL = "admin@llmflow.local"


async def _own_session(pages: Pages, path: str) -> Page:
    """A window with a session of its own, which the test may end."""
    await (await pages.open("/settings/keys")).close()  # the administrator has chosen a password
    page = await pages.open(path, signed_in=False)
    pages.expect(SIGNED_OUT)
    await sign_in(page, EMAIL)
    return page


@pytest.mark.parametrize(
    "path", ["/knowledge/demo/retrieval?query=연차&mode=dense", "/settings/values?search=server", "/chat/demo"]
)
async def test_a_deep_link_opens_after_the_sign_in(pages: Pages, path: str) -> None:
    page = await _own_session(pages, path)
    await page.wait_for_url(lambda url: "/sign-in" not in url)
    place, _, query = path.partition("?")
    await page.get_by_role("main").wait_for()
    assert await page.evaluate("location.pathname") == place
    assert set(query.split("&")) <= set((await page.evaluate("decodeURIComponent(location.search)"))[1:].split("&"))


@pytest.mark.parametrize("next_", ["https://example.invalid/", "//example.invalid/", "/\\example.invalid"])
async def test_a_sign_in_never_leads_elsewhere(pages: Pages, next_: str) -> None:
    page = await _own_session(pages, f"/sign-in?next={next_}")
    await expect(page.get_by_role("main")).to_be_visible()
    await page.wait_for_url(lambda url: "/sign-in" not in url)
    assert await page.evaluate("location.pathname") == "/"


async def test_a_wrong_password_says_so_and_keeps_the_address(pages: Pages) -> None:
    page = await pages.open("/sign-in", signed_in=False)
    pages.expect("401")
    await sign_in(page, EMAIL, "틀린 비밀번호 열 글자")
    await expect(page.get_by_role("alert")).to_be_visible()
    await expect(page.get_by_label(say("session.email"))).to_have_value(EMAIL)
    await axe(page)
    await shoot(page, "sign-in-refused")


async def test_too_many_wrong_passwords_are_counted_down_and_then_one_may_go_on(
    pages: Pages, studio: LiveServer
) -> None:
    email = "forgetful@example.com"
    with studio.client() as client:
        invited = client.post("/api/v1/invitations", json={"email": email, "role": "member"}).raise_for_status().json()
        accepted = {"token": invited["token"], "name": "깜박이", "password": PASSWORD}
        client.post("/api/v1/invitations/accept", json=accepted).raise_for_status()
    page = await pages.open("/sign-in", signed_in=False)
    pages.expect("401")
    pages.expect("429")
    status = 401
    while status == 401:  # each wrong one makes the pause longer, until the next meets it
        async with page.expect_response("**/api/v1/session") as answered:
            await sign_in(page, email, "틀린 비밀번호 열 글자")
        status = (await answered.value).status
    assert status == 429
    waiting = page.get_by_role("button", name=_seconds())
    await expect(waiting).to_be_disabled()
    await expect(page.get_by_role("alert")).to_contain_text(say("errors.sign_in_paused.message"))
    first = int(re.sub(r"[^0-9]", "", await waiting.inner_text()))
    await shoot(page, "sign-in-paused")
    await expect(page.get_by_role("button", name=f"{first}")).to_have_count(0)  # it counts
    await expect(page.get_by_role("button", name=say("session.signIn"))).to_be_enabled()
    await sign_in(page, email)
    await expect(page.get_by_role("heading", level=1)).to_contain_text("깜박이")


def _seconds() -> re.Pattern[str]:
    before, after = re.split(r"[{][{].*[}][}]", say("session.wait_other"))
    return re.compile(f"^{re.escape(before)}[0-9]+{re.escape(after)}$")


async def test_a_session_that_ended_in_another_tab_asks_to_sign_in_and_comes_back(pages: Pages) -> None:
    page = await _own_session(pages, "/knowledge")
    await page.get_by_role("link", name="demo").wait_for()
    other = await page.context.new_page()
    await other.goto("/settings")
    await other.get_by_role("button", name=say("session.account")).click()
    await other.get_by_role("menuitem", name=say("session.signOut")).click()
    await other.wait_for_url("**/sign-in**")

    await page.get_by_role("link", name="demo").click()
    await page.wait_for_url("**/sign-in?next=**")
    await sign_in(page, EMAIL)
    await expect(page.get_by_role("link", name="복리후생 및 출장 안내.pdf")).to_be_visible()


@pytest.mark.parametrize(
    "path", ["/없는/곳", "/chat/없는-앱", "/knowledge/없는-지식", "/knowledge/demo/documents/없음"]
)
async def test_an_address_of_nothing_says_so_and_leads_on(pages: Pages, path: str) -> None:
    page = await pages.open(path, language="ko")
    pages.expect("404")
    missing = page.get_by_text(say("frame.missing", "ko")).or_(page.get_by_text(say("chat.missing", "ko")))
    await expect(missing.or_(page.get_by_role("alert")).first).to_be_visible()
    await axe(page)
    await shoot(page, f"missing-{path.strip('/').replace('/', '-')}")


async def test_language_and_theme_are_remembered_here_and_by_the_account(pages: Pages) -> None:
    page = await pages.open("/settings")
    await settled(page)
    try:
        await page.keyboard.press("Control+k")
        await expect(page.get_by_role("combobox")).to_be_focused()
        await page.keyboard.type(say("palette.language", language=say("language.ko")))
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", level=1)).to_have_text(say("nav.settings", "ko"))
        await page.keyboard.press("Control+k")
        await expect(page.get_by_role("combobox")).to_be_focused()
        await page.keyboard.type(say("theme.dark", "ko"))
        await page.keyboard.press("Enter")
        await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        await page.reload()
        await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        await expect(page.locator("html")).to_have_attribute("lang", "ko")
        other = await _own_session(pages, "/settings")  # in another browser, in English until then
        await expect(other.locator("html")).to_have_attribute("lang", "ko")
        await expect(other.locator("html")).to_have_attribute("data-theme", "dark")
    finally:
        chosen = {"language": "en", "theme": "system"}
        assert (await page.request.patch("/api/v1/session/preferences", data=chosen)).ok

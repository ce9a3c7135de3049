"""Studio as a member sees it: every room opens, nothing is offered that the server would refuse."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, expect

from tests.live import LiveServer
from tests.studio.browser.look import axe, fits, settled, shoot
from tests.studio.browser.pages import PASSWORD, SIGNED_OUT, Pages, sign_in
from tests.studio.browser.rooms import ROOMS
from tests.studio.browser.words import say

#: Keys of the words on controls that need another role than a member's.
FORBIDDEN = (
    "apps.new",
    "apps.deleteThis",
    "apps.delete",
    "publish.turnOn",
    "keys.new",
    "knowledge.new",
    "knowledge.delete",
    "knowledge.more",
    "knowledge.retry",
    "tags.manage",
    "fields.rename",
    "select.all_other",
    "select.one",
    "uploads.add",
    "uploads.folder",
)
#: A conversation is its owner's, a form theirs who were asked; the settings are not in a member's navigation.
OPEN = [one for one in ROOMS if one.signed_in and one.rests and not one.route.startswith(("/settings", "/inbox/", "$"))]


async def _as_member(pages: Pages, studio: LiveServer, *, width: int = 1280) -> Page:
    email = f"member-{width}@example.com"
    with studio.client() as client:
        invited = client.post("/api/v1/invitations", json={"email": email, "role": "member"}).raise_for_status().json()
        accepted = {"token": invited["token"], "name": "김하늘", "password": PASSWORD}
        client.post("/api/v1/invitations/accept", json=accepted).raise_for_status()
    page = await pages.open("/sign-in", signed_in=False, width=width)
    pages.expect(SIGNED_OUT)
    await sign_in(page, email)
    await expect(page.get_by_role("heading", level=1)).to_contain_text("김하늘")
    return page


def _pattern(key: str) -> re.Pattern[str]:
    """The words of a key, whatever stands in their places."""
    parts = re.split(r"[{][{][^}]*[}][}]", say(key))
    return re.compile(f"^{'.*'.join(map(re.escape, parts))}$")


@pytest.mark.parametrize("width", [360, 1280])
async def test_a_member_is_offered_nothing_that_is_refused(pages: Pages, studio: LiveServer, width: int) -> None:
    page = await _as_member(pages, studio, width=width)
    for room in OPEN:
        await page.goto(await room.address(studio, page))
        await settled(page)
        for key in FORBIDDEN:
            for found in (
                page.get_by_role("button", name=_pattern(key)),
                page.get_by_role("checkbox", name=_pattern(key)),
            ):
                assert await found.count() == 0, (room.route, key)
        await fits(page)
        if width == 1280:  # what is on the page is the same at both
            await axe(page)
        await shoot(page, f"member/{room.name}-{width}")


async def test_a_tab_that_is_not_a_members_says_whose_it_is(pages: Pages, studio: LiveServer) -> None:
    page = await _as_member(pages, studio, width=1000)
    await page.goto("/apps/demo/publish")
    await expect(page.get_by_text(say("role.editorChanges"))).to_be_visible()
    await page.goto("/apps/demo/api")
    await expect(page.get_by_text(say("role.adminKeys"))).to_be_visible()
    await page.get_by_role("link", name=say("apps.tab.settings")).click()
    await expect(page.get_by_role("heading", name=say("role.readOnly"))).to_be_visible()


async def test_settings_at_a_typed_address_say_whose_they_are(pages: Pages, studio: LiveServer) -> None:
    page = await _as_member(pages, studio, width=900)
    for path in ("", "/models", "/keys", "/members", "/values?search=server"):
        await page.goto(f"/settings{path}")
        await expect(page.get_by_role("heading", name=say("role.adminSettings"))).to_be_visible()
        await settled(page)
        await expect(page.get_by_role("alert")).to_have_count(0)
    await axe(page)
    await shoot(page, "member/settings")

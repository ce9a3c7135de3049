"""Studio without a mouse: every stop of the Tab key can be seen, dialogs keep the focus and give it back."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.live import LiveServer
from tests.studio.browser.look import settled
from tests.studio.browser.pages import Pages
from tests.studio.browser.rooms import ROOMS, Room
from tests.studio.browser.words import say

STOPS = 40

#: The element with the focus: what it is, whether it is in the window, whether it looks other than without the focus.
_STOP = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return null;
  const marks = () => {
    const found = [];
    for (let box = one; box && found.length < 4; box = box.parentElement) {
      const { outlineStyle, outlineWidth, boxShadow, borderColor, backgroundColor } = getComputedStyle(box);
      found.push([outlineStyle === 'none' ? '' : outlineWidth, boxShadow, borderColor, backgroundColor]);
    }
    return JSON.stringify(found);
  };
  const { left, top, right, bottom, width, height } = one.getBoundingClientRect();
  const isSeen = width > 0 && height > 0 && right > 0 && bottom > 0 && left < innerWidth && top < innerHeight;
  const focused = marks();
  one.blur();
  const isMarked = focused !== marks();
  one.focus({ preventScroll: true, focusVisible: true });
  const name = one.getAttribute('aria-label') ?? one.textContent?.trim().slice(0, 40);
  return { what: `${one.tagName.toLowerCase()} "${name}"`, isSeen, isMarked, dialog: !!one.closest('[role=dialog]') };
}"""


#: Puts the next Tab at the beginning of the page, wherever the page itself has put the focus.
_BEGIN = """() => {
  const start = document.createElement('span');
  start.tabIndex = -1;
  document.body.prepend(start);
  start.focus();
  start.remove();
}"""

_IN_DIALOG = "() => !!document.activeElement.closest('[role=dialog]')"


async def _walk(page: Page, key: str = "Tab") -> list[dict[str, Any]]:
    """Stops of the key until it leaves the page or `STOPS` are reached."""
    found: list[dict[str, Any]] = []
    for _ in range(STOPS):
        await page.keyboard.press(key)
        stop = await page.evaluate(_STOP)
        if stop is None:
            break
        found.append(stop)
    return found


@pytest.mark.parametrize("room", [room for room in ROOMS if room.name != "gallery"], ids=lambda room: room.name)
async def test_every_stop_of_the_tab_key_can_be_seen(pages: Pages, studio: LiveServer, room: Room) -> None:
    page = await pages.open("about:blank", signed_in=room.signed_in)
    await page.goto(await room.address(studio, page))
    await page.emulate_media(reduced_motion="reduce")
    if not room.signed_in:
        pages.expect("401")
    await settled(page)
    await page.evaluate(_BEGIN)
    stops = await _walk(page)
    assert len(stops) >= 4
    assert [stop["what"] for stop in stops if not (stop["isSeen"] and stop["isMarked"])] == []


async def test_the_first_stop_leads_past_the_navigation(pages: Pages) -> None:
    page = await pages.open("/knowledge")
    await settled(page)
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name=say("frame.skip"))).to_be_focused()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.closest('main') !== null")


@pytest.mark.parametrize("opener", ["palette.open", "knowledge.new"])
async def test_a_dialog_keeps_the_focus_and_gives_it_back(pages: Pages, opener: str) -> None:
    page = await pages.open("/knowledge")
    await settled(page)
    button = page.get_by_role("button", name=say(opener)).first
    await button.focus()
    await page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    await page.wait_for_function(_IN_DIALOG)
    for key in ("Tab", "Shift+Tab"):
        for _ in range(12):
            await page.keyboard.press(key)
            await page.wait_for_function(_IN_DIALOG)  # at its ends the focus goes round
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await expect(button).to_be_focused()


async def test_rooms_open_by_two_keys_and_by_the_palette_in_korean(pages: Pages) -> None:
    page = await pages.open("/", language="ko")
    await settled(page)
    for key, path in {"k": "/knowledge", "c": "/chat", "s": "/settings", "h": "/"}.items():
        await page.keyboard.press("g")
        await page.keyboard.press(key)
        await page.wait_for_url(path)
    await page.keyboard.press("Control+k")
    await expect(page.get_by_role("combobox")).to_be_focused()
    await page.keyboard.type("설정")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/settings**")


async def test_letters_that_are_typed_are_not_shortcuts(pages: Pages) -> None:
    page = await pages.open("/knowledge")
    field = page.get_by_role("searchbox", name=say("knowledge.filter"))
    await field.click()
    await page.keyboard.type("gh gc c u ?")
    await expect(field).to_have_value("gh gc c u ?")
    assert page.url.endswith("/knowledge")


async def test_less_motion_is_no_motion(pages: Pages) -> None:
    page = await pages.open("/gallery")
    await page.get_by_role("heading", level=1).first.wait_for()
    moving = "document.getAnimations().filter((one) => one.effect.getComputedTiming().activeDuration > 100).length"
    assert await page.evaluate(moving) > 0  # skeletons
    await page.emulate_media(reduced_motion="reduce")
    await page.reload()
    await page.get_by_role("heading", level=1).first.wait_for()
    assert await page.evaluate(moving) == 0

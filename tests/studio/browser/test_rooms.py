"""Every room, in both languages and themes, on a phone and on a desk: it loads, fits, is accessible, and is kept as a
picture."""

from __future__ import annotations

import pytest

from tests.live import LiveServer
from tests.studio.browser.look import axe, fits, settled, shoot
from tests.studio.browser.pages import LANGUAGES, SIGNED_OUT, THEMES, WIDTHS, Language, Pages
from tests.studio.browser.rooms import ROOMS, Room, routes


def test_every_address_of_the_router_is_looked_at() -> None:
    assert {room.route for room in ROOMS} == routes(), "list the new room in rooms.py"


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
async def test_a_room_is_fit_to_be_seen(
    pages: Pages, studio: LiveServer, room: Room, language: Language, width: int
) -> None:
    page = await pages.open(room.address(studio), language=language, width=width, signed_in=room.signed_in)
    if not room.signed_in:
        pages.expect(SIGNED_OUT)
    await (settled(page) if room.rests else settled(page, pending=""))
    assert await page.get_attribute("html", "lang") == language
    assert (await page.title()).endswith("LLMFlow")
    for theme in THEMES:
        await page.emulate_media(color_scheme=theme)
        await shoot(page, f"{room.name}-{language}-{theme}-{width}")
        await fits(page)
        await axe(page)

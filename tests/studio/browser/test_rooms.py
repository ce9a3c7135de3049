"""Every room, in both languages and themes, on a phone and on a desk: its first load keeps the script budget, it fits,
is accessible, and is kept as a picture."""

from __future__ import annotations

import pytest
from playwright.async_api import Request

from tests.live import LiveServer
from tests.studio.browser.look import axe, fits, settled, shoot
from tests.studio.browser.pages import LANGUAGES, SIGNED_OUT, THEMES, WIDTHS, Language, Pages
from tests.studio.browser.rooms import ROOMS, Room, routes

SCRIPT_BYTES = 350_000  # of a first load, over the wire


def test_every_address_of_the_router_is_looked_at() -> None:
    assert {room.route for room in ROOMS} == routes(), "list the new room in rooms.py"


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
async def test_a_room_is_fit_to_be_seen(
    pages: Pages, studio: LiveServer, room: Room, language: Language, width: int
) -> None:
    page = await pages.open("about:blank", language=language, width=width, signed_in=room.signed_in)
    loaded: list[Request] = []
    page.on("requestfinished", lambda one: loaded.append(one))
    await page.goto(await room.address(studio, page))
    if not room.signed_in:
        pages.expect(SIGNED_OUT)
    await (settled(page) if room.rests else settled(page, pending=""))
    assert await page.get_attribute("html", "lang") == language
    assert (await page.title()).endswith("LLMFlow")
    await _keeps_the_budget([one for one in loaded if one.resource_type == "script"])
    for theme in THEMES:
        await page.emulate_media(color_scheme=theme)
        await shoot(page, f"{room.name}-{language}-{theme}-{width}")
        await fits(page)
        await axe(page)


async def _keeps_the_budget(scripts: list[Request]) -> None:
    sizes = {one.url.rpartition("/")[2]: (await one.sizes())["responseBodySize"] for one in scripts}
    assert 100_000 < sum(sizes.values()) <= SCRIPT_BYTES, sizes
    for script in scripts:
        answer = await script.response()
        assert answer is not None
        assert answer.headers.get("content-encoding") == "br" or len(await answer.body()) < 1024
        assert "immutable" in answer.headers["cache-control"]

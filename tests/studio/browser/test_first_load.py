"""What the first load of a room brings over the wire."""

from __future__ import annotations

import pytest
from playwright.async_api import Request

from tests.live import LiveServer
from tests.studio.browser.look import settled
from tests.studio.browser.pages import SIGNED_OUT, Pages
from tests.studio.browser.rooms import ROOMS, Room

SCRIPT_BYTES = 350_000


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
async def test_the_first_load_of_a_room_keeps_the_script_budget(pages: Pages, studio: LiveServer, room: Room) -> None:
    page = await pages.open("about:blank", signed_in=room.signed_in)
    scripts: list[Request] = []
    page.on("requestfinished", lambda one: scripts.append(one) if one.resource_type == "script" else None)
    await page.goto(room.address(studio))
    await (settled(page) if room.rests else settled(page, pending=""))
    if not room.signed_in:
        pages.expect(SIGNED_OUT)
    sizes = {one.url.rpartition("/")[2]: (await one.sizes())["responseBodySize"] for one in scripts}
    assert 100_000 < sum(sizes.values()) <= SCRIPT_BYTES, sizes
    for script in scripts:
        answer = await script.response()
        assert answer is not None
        assert answer.headers.get("content-encoding") == "br" or len(await answer.body()) < 1024
        assert "immutable" in answer.headers["cache-control"]

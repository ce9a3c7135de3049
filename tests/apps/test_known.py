from __future__ import annotations

import asyncio

import pytest

from llmflow.apps.known import Known
from llmflow.errors import NotFound


async def test_what_changes_while_it_is_read_is_not_remembered_as_it_was() -> None:
    known: Known[str, int] = Known(2)
    now, gate = 1, asyncio.Event()

    async def look() -> int:
        seen = now
        await gate.wait()
        return seen

    reading = asyncio.create_task(known.get("a", look))
    await asyncio.sleep(0)
    now = 2
    known.forget("a")
    gate.set()
    assert await reading == 1
    assert await known.get("a", look) == 2
    now = 3
    assert await known.get("a", look) == 2
    known.forget("a")
    assert await known.get("a", look) == 3


async def test_only_so_many_are_kept_and_no_failure() -> None:
    known: Known[int, int] = Known(2)
    looked: list[int] = []

    async def look_for(key: int) -> int:
        looked.append(key)
        if key == 0:
            raise NotFound("There is none.")
        return key

    for key in (1, 2, 1, 3, 1, 2):
        await known.get(key, lambda key=key: look_for(key))  # type: ignore[misc]
    assert looked == [1, 2, 3, 2]
    for _ in range(2):
        with pytest.raises(NotFound):
            await known.get(0, lambda: look_for(0))
    assert looked[4:] == [0, 0]

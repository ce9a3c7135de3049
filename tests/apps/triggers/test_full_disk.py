"""A webhook's call on a disk that takes nothing: refused, and free to come again."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmflow.apps.triggers.types import Parts, Sent
from llmflow.errors import OrganError
from llmflow.organs.llm.scripted import ScriptedLlm
from tests.apps.fakes import world_of
from tests.apps.runs.test_runs import FullDisk, made
from tests.flow_apps import dsl, end, template, webhook


async def _no_parts(kind: str) -> Parts:
    return Parts({})


async def test_a_call_that_was_refused_for_a_full_disk_is_not_answered_as_done(
    sqlite_database_url: str, tmp_path: Path
) -> None:
    disk = FullDisk(sqlite_database_url)
    await disk.open()
    world = await world_of(disk, tmp_path, ScriptedLlm())
    room = world.room
    app, compiled = await made(world, dsl("주문", (webhook(), template("t", "주문"), end(out="t.output"))))
    [trigger] = await room.triggers.all(app, compiled.document)
    trigger = await room.triggers.change(app, trigger.id, compiled.document, is_on=None, needs_secret=False)
    assert trigger.code is not None
    sent = Sent("POST", {"webhook-id": "주문-1"}, {}, "application/json", b"", _no_parts)
    hook = await room.webhooks.find(trigger.code)
    disk.is_full = True
    with pytest.raises(OrganError) as caught:
        await room.webhooks.take(hook, sent)
    assert caught.value.code == "disk_full"
    disk.is_full = False
    await room.runs._journal.close()  # writes what it owes
    [noted] = await room.deliveries.newest(trigger, 10)
    assert (noted.status, noted.error_code) == (caught.value.status, "disk_full")
    answered = await room.webhooks.take(hook, sent)
    assert answered.status == 200
    assert await room.webhooks.take(hook, sent) == answered
    assert sorted(one.status for one in await room.deliveries.newest(trigger, 10)) == [200, caught.value.status]
    await room.close()
    await disk.close()

"""Progress that is written while documents come and go."""

from __future__ import annotations

import asyncio

from tests.knowledge.conftest import Room


async def test_a_document_that_ends_while_progress_is_written_disturbs_nobody(room: Room) -> None:
    """Two jobs report; one ends, and is forgotten, while the other is writing for both."""
    ids = [f"document-{n:03}" for n in range(200)]
    for document_id in ids:
        room.progress.report(document_id, "embed", 1, 2)
    writing = asyncio.create_task(room.progress.flush(force=True))
    while not writing.done():
        await asyncio.sleep(0)
        if ids:
            room.progress.forget([ids.pop()])
    await writing

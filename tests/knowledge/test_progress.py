"""Progress that is written while documents come and go."""

from __future__ import annotations

import asyncio
import dataclasses

from tests.knowledge.conftest import Room


async def test_a_document_that_ends_while_progress_is_written_disturbs_nobody(room: Room) -> None:
    """Two jobs report; one ends, and is forgotten, while the other is writing for both."""
    template = (await room.add("휴가.txt", "연차")).document
    documents = [dataclasses.replace(template, id=f"document-{n:03}") for n in range(200)]
    for document in documents:
        room.progress.report(document, "embed", 1, 2)
    ids = [document.id for document in documents]
    writing = asyncio.create_task(room.progress.flush(force=True))
    while not writing.done():
        await asyncio.sleep(0)
        if ids:
            room.progress.forget([ids.pop()])
    await writing

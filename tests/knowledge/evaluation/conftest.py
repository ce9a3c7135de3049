"""Evaluations in a knowledge room on fakes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from llmflow.access.rights import Right, Rights
from llmflow.knowledge.evaluation.evaluations import Evaluations
from llmflow.knowledge.evaluation.jobs import EvaluationJobs
from llmflow.knowledge.evaluation.types import Asked, Evaluation
from llmflow.knowledge.types import KnowledgeBase
from tests.knowledge.conftest import Room

TEXTS = {
    "휴가.txt": "연차 휴가는 해마다 열다섯 날이 주어진다.",
    "여비.txt": "출장비는 하루 오만 원이다.\n\n숙박비는 영수증대로 준다.",
    "식대.txt": "야근 식대는 한 끼에 만 원이다.",
}
QUESTIONS = [
    Asked("연차 휴가는 해마다 열다섯 날", ("휴가.txt",), "", 1),
    Asked("출장비는 하루 오만 원", ("여비.txt",), "숙박비는 영수증대로 준다.", 2),
    Asked("야근 식대는 한 끼에", ("식대.txt", "휴가.txt"), "", 3),
]


class Known(Rights):
    """What a person may see, by the account's name; everybody else what everybody may."""

    def __init__(self, room: Room, **groups: tuple[str, ...]) -> None:
        super().__init__(room.database)
        self._groups = groups

    async def of(self, workspace_id: str, *, key_id: str | None, account_id: str | None) -> Right:
        return Right(self._groups.get(account_id or "", ()))


@dataclass
class Bench:
    room: Room
    evaluations: Evaluations
    jobs: EvaluationJobs

    async def base(self) -> KnowledgeBase:
        return await self.room.refreshed()

    async def over(self, evaluation: Evaluation) -> Evaluation:
        """The run once it has ended."""
        while True:
            found = await self.evaluations.get(await self.base(), evaluation.id)
            if found.state not in ("queued", "running"):
                return found
            await asyncio.sleep(0.01)


@pytest.fixture
async def bench(room: Room) -> Bench:
    for name, text in TEXTS.items():
        await room.settled((await room.add(name, text)).document.id)
    jobs = EvaluationJobs(
        room.database, room.jobs, room.bases, room.retriever, room.changes, Known(room, insider=("임원",))
    )
    return Bench(room, Evaluations(room.database, room.jobs, room.changes), jobs)

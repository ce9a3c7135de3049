"""SQL of evaluation."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from llmflow.knowledge.evaluation.types import Evaluation, Expected, Judged, Place, Setting
from llmflow.store.content import Content
from llmflow.store.tables import documents, retrieval_evaluations, retrieval_questions

UNDER_WAY = ("queued", "running")

_EVALUATION = [retrieval_evaluations.c[field.name] for field in dataclasses.fields(Evaluation)]


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """What a run does: `rules` to search by, and what was noted so far."""

    evaluation: Evaluation
    rules: dict[str, dict[str, Any]]
    notes: dict[str, dict[str, int]]


async def insert(
    connection: AsyncConnection,
    evaluation: Evaluation,
    questions: Sequence[Judged],
    texts: Sequence[Content],
    passages: Sequence[Content],
    *,
    rules: Mapping[str, Mapping[str, Any]],
) -> None:
    """`texts`, `passages`: of the questions, as they may be kept."""
    values = {column.name: getattr(evaluation, column.name) for column in _EVALUATION}
    values |= {"settings": _plain(evaluation.settings), "rules": dict(rules), "notes": {}}
    await connection.execute(retrieval_evaluations.insert().values(**values))
    rows = [
        {
            "evaluation_id": evaluation.id,
            "ordinal": question.ordinal,
            "workspace_id": evaluation.workspace_id,
            "question": text,
            "expected": [dataclasses.asdict(document) for document in question.expected],
            "passage": passage,
            "places": {},
        }
        for question, text, passage in zip(questions, texts, passages, strict=True)
    ]
    await connection.execute(retrieval_questions.insert(), rows)


async def find(connection: AsyncConnection, evaluation_id: str) -> Evaluation | None:
    row = (await connection.execute(_selected(retrieval_evaluations.c.id == evaluation_id))).one_or_none()
    return _evaluation(row._mapping) if row else None


async def of_base(connection: AsyncConnection, knowledge_id: str) -> list[Evaluation]:
    """The newest first."""
    chosen = _selected(retrieval_evaluations.c.knowledge_id == knowledge_id)
    rows = await connection.execute(chosen.order_by(retrieval_evaluations.c.id.desc()))
    return [_evaluation(row._mapping) for row in rows]


async def under_way(connection: AsyncConnection) -> list[Evaluation]:
    rows = await connection.execute(_selected(retrieval_evaluations.c.state.in_(UNDER_WAY)))
    return [_evaluation(row._mapping) for row in rows]


async def plan(connection: AsyncConnection, evaluation_id: str) -> Plan | None:
    more = [retrieval_evaluations.c[name] for name in ("rules", "notes")]
    chosen = _selected(retrieval_evaluations.c.id == evaluation_id).add_columns(*more)
    row = (await connection.execute(chosen)).one_or_none()
    return Plan(_evaluation(row._mapping), row.rules, row.notes) if row else None


async def questions(connection: AsyncConnection, evaluation_id: str) -> list[Judged]:
    """In their order."""
    names = ("ordinal", "question", "expected", "passage", "places")
    rows = await connection.execute(
        sa.select(*(retrieval_questions.c[name] for name in names))
        .where(retrieval_questions.c.evaluation_id == evaluation_id)
        .order_by(retrieval_questions.c.ordinal)
    )
    return [
        Judged(
            row.ordinal,
            row.question,
            [Expected(**one) for one in row.expected],
            row.passage,
            {name: Place(**place) for name, place in row.places.items()},
        )
        for row in rows
    ]


async def change(connection: AsyncConnection, evaluation_id: str, **values: Any) -> bool:
    """Of a run that is not over; False when it is, or gone."""
    which = (retrieval_evaluations.c.id == evaluation_id, retrieval_evaluations.c.state.in_(UNDER_WAY))
    if "settings" in values:
        values["settings"] = _plain(values["settings"])
    result = await connection.execute(sa.update(retrieval_evaluations).where(*which).values(**values))
    return bool(result.rowcount)


_PLACES = (
    sa.update(retrieval_questions)
    .where(
        retrieval_questions.c.evaluation_id == sa.bindparam("of_id"),
        retrieval_questions.c.ordinal == sa.bindparam("of_ordinal"),
    )
    .values(places=sa.bindparam("given", type_=sa.JSON))
)


async def put_places(connection: AsyncConnection, evaluation_id: str, asked: Mapping[int, Mapping[str, Place]]) -> None:
    """`asked`: what was found, by the question's ordinal and the setting."""
    rows = [
        {
            "of_id": evaluation_id,
            "of_ordinal": ordinal,
            "given": {name: dataclasses.asdict(place) for name, place in places.items()},
        }
        for ordinal, places in asked.items()
    ]
    if rows:
        await connection.execute(_PLACES, rows)


async def delete(connection: AsyncConnection, *, ids: Sequence[str] = (), knowledge_id: str = "") -> None:
    """Runs with their questions: these, or all of a base."""
    which = (
        retrieval_evaluations.c.knowledge_id == knowledge_id if knowledge_id else retrieval_evaluations.c.id.in_(ids)
    )
    chosen = sa.select(retrieval_evaluations.c.id).where(which)
    await connection.execute(sa.delete(retrieval_questions).where(retrieval_questions.c.evaluation_id.in_(chosen)))
    await connection.execute(sa.delete(retrieval_evaluations).where(which))


async def size_of_base(connection: AsyncConnection, knowledge_id: str) -> tuple[int, int]:
    """Its documents that are searched and their passages."""
    is_searched = (documents.c.knowledge_id == knowledge_id, documents.c.enabled, sa.not_(documents.c.archived))
    row = (
        await connection.execute(
            sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(documents.c.chunk_count), 0)).where(
                *is_searched, documents.c.chunk_count > 0
            )
        )
    ).one()
    return int(row[0]), int(row[1])


def _selected(*where: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return sa.select(*_EVALUATION).where(*where)


def _evaluation(row: Mapping[Any, Any]) -> Evaluation:
    values = {column.name: row[column.name] for column in _EVALUATION}
    return Evaluation(**values | {"settings": msgspec.convert(values["settings"], list[Setting])})


def _plain(settings: Sequence[Setting]) -> list[dict[str, Any]]:
    return [dataclasses.asdict(setting) for setting in settings]

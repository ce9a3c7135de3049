"""Conditions on what documents say of themselves, as the database decides them."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

import pytest
import sqlalchemy as sa

from llmflow.errors import OrganError, UsageError
from llmflow.gateway.asker import Asker, speak_for
from llmflow.gateway.gateway import Gateway
from llmflow.knowledge import queries
from llmflow.knowledge.conditions import Conditions, Guess, read_conditions
from llmflow.knowledge.models import EmbeddingModels
from llmflow.knowledge.reach import reach
from llmflow.knowledge.retrieve import Retriever
from llmflow.knowledge.types import Choice
from llmflow.organs.llm.scripted import ScriptedLlm
from llmflow.ports.vector_store import Filter
from llmflow.store.ids import new_id, now_ms
from llmflow.store.tables import accounts, chunks, documents, knowledge_fields
from tests.knowledge.conftest import Room

MAY_2026 = 1_777_593_600  # 2026-05-01, in seconds


async def filled(room: Room) -> None:
    """Three documents about leave: of the board 2024, of sales 2026, and one that says nothing of itself."""
    fields = {name: new_id() for name in ("부서", "year", "signed")}
    async with room.database.write() as connection:
        for (name, id), kind in zip(fields.items(), ("string", "number", "time"), strict=True):
            of_base = {"workspace_id": "w", "knowledge_id": room.base.id, "created_at": 0}
            await connection.execute(knowledge_fields.insert().values(id=id, name=name, type=kind, **of_base))
    said: dict[str, dict[str, Any]] = {
        "board.txt": {"부서": "이사회 Board", "year": 2024, "signed": MAY_2026 - 86_400},
        "sales_1.txt": {"부서": "영업부", "year": 2026.5, "signed": MAY_2026 + 86_400},
        "plain.md": {},
    }
    for name, values in said.items():
        accepted = await room.add(name, f"연차 휴가 규정: {name}")
        document = await room.settled(accepted.document.id)
        await room.documents.set_metadata(document, {fields[key]: value for key, value in values.items()})


def said(name: str, operator: str, value: Any = None, *more: tuple[str, str, Any], joined: str = "and") -> Conditions:
    listed = [
        {"name": name, "comparison_operator": operator, "value": value}
        for name, operator, value in ((name, operator, value), *more)
    ]
    found = read_conditions({"logical_operator": joined, "conditions": listed})
    assert found is not None
    return found


async def found(room: Room, conditions: Conditions | Guess | None) -> list[str]:
    searched = await room.retriever.search([await room.refreshed()], "연차 휴가", conditions=conditions)
    return sorted(hit.document for hit in searched.found)


BOARD, SALES, PLAIN = "board.txt", "sales_1.txt", "plain.md"


@pytest.mark.parametrize(
    ("name", "operator", "value", "meant"),
    [
        ("부서", "contains", "board", [BOARD]),
        ("부서", "contains", "%", []),
        ("부서", "not contains", "board", [SALES]),
        ("부서", "start with", "영업", [SALES]),
        ("부서", "end with", "BOARD", [BOARD]),
        ("부서", "is", "영업부", [SALES]),
        ("부서", "is", "이사회 board", []),
        ("부서", "is not", "영업부", [BOARD]),
        ("부서", "in", "영업부, 인사부", [SALES]),
        ("부서", "in", ["영업부", "이사회 Board"], [BOARD, SALES]),
        ("부서", "not in", ["영업부"], [BOARD]),
        ("부서", "empty", None, [PLAIN]),
        ("부서", "not empty", None, [BOARD, SALES]),
        ("year", "=", 2024, [BOARD]),
        ("year", "=", "2024", [BOARD]),
        ("year", "≠", 2024, [SALES]),
        ("year", ">", 2024, [SALES]),
        ("year", "<", "2026.5", [BOARD]),
        ("year", "≥", 2026.5, [SALES]),
        ("year", "≤", 2026.5, [BOARD, SALES]),
        ("year", "in", [2024, 1999], [BOARD]),
        ("year", "empty", None, [PLAIN]),
        ("signed", "before", MAY_2026, [BOARD]),
        ("signed", "before", "2026-05-01", [BOARD]),
        ("signed", "after", "2026-05-01T00:00:00+00:00", [SALES]),
        ("signed", "after", MAY_2026 * 1000, [SALES]),
        ("document_name", "contains", "_1", [SALES]),
        ("document_name", "end with", ".md", [PLAIN]),
        ("upload_date", "after", "2020-01-01", [BOARD, PLAIN, SALES]),
        ("last_update_date", "before", "2020-01-01", []),
        ("source", "is", "file_upload", [BOARD, PLAIN, SALES]),
        ("uploader", "empty", None, [BOARD, PLAIN, SALES]),
        ("nobody knows", "is", "x", []),
        ("부서", "is", None, [BOARD, PLAIN, SALES]),
    ],
)
async def test_each_operator_finds_what_it_says(
    room: Room, name: str, operator: str, value: Any, meant: list[str]
) -> None:
    await filled(room)
    assert await found(room, said(name, operator, value)) == meant


async def test_conditions_are_joined_by_and_or_by_or(room: Room) -> None:
    await filled(room)
    parts = ("부서", "is", "영업부", ("year", "=", 2024))
    assert await found(room, said(*parts)) == []
    assert await found(room, said(*parts, joined="or")) == [BOARD, SALES]


async def test_an_uploader_is_found_by_name(room: Room) -> None:
    await filled(room)
    async with room.database.write() as connection:
        kim = {"id": "a1", "workspace_id": "w", "email": "kim@example.com", "name": "김하나", "role": "editor"}
        await connection.execute(accounts.insert().values(**kim, password_hash="", created_at=now_ms()))
        ids = await queries.document_ids(connection, documents.c.name == SALES)
        await queries.update_documents(connection, ids, created_by="a1")
    assert await found(room, said("uploader", "contains", "하나")) == [SALES]


async def test_of_two_lists_that_say_the_same_the_shorter_goes_into_the_search(room: Room) -> None:
    await filled(room)
    base = await room.refreshed()
    async with room.database.read() as connection:
        few = await reach(connection, [base], said("부서", "is", "영업부"))
        most = await reach(connection, [base], said("부서", "not empty"))
        every = await reach(connection, [base])
    assert (len(few.document_ids or ()), few.without_documents) == (1, None)
    assert (most.document_ids, len(most.without_documents or ())) == (None, 1)
    assert every == Filter()


async def test_a_search_reads_only_the_rows_that_are_off_or_closed(room: Room) -> None:
    asked: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        asked.append((statement, parameters))

    speak_for(Asker("w", groups=("sales",)))
    async with room.database.read() as connection:
        sa.event.listen(connection.sync_connection, "before_cursor_execute", note)
        await reach(connection, [room.base])
        sa.event.remove(connection.sync_connection, "before_cursor_execute", note)
        if not room.database.is_sqlite:  # it reads a small table whole unless told otherwise
            await connection.execute(sa.text("SET LOCAL enable_seqscan = off"))
        explain = "EXPLAIN QUERY PLAN" if room.database.is_sqlite else "EXPLAIN"
        plans = [
            str((await connection.exec_driver_sql(f"{explain} {statement}", parameters)).all())
            for statement, parameters in asked
            if statement.startswith("SELECT")
        ]
    used = [re.findall("ix_[a-z_]+", plan) for plan in plans]
    assert used == [["ix_chunks_off"], ["ix_documents_closed"], ["ix_documents_off"]]


@pytest.mark.parametrize(
    "given",
    [
        {"conditions": [{"name": "year", "comparison_operator": "like", "value": 1}]},
        {"conditions": [{"comparison_operator": "is", "value": 1}]},
        {"conditions": [{"name": "year", "comparison_operator": "is", "value": {"a": 1}}]},
        {"conditions": ["year"]},
        {"conditions": {"year": 1}},
        {"logical_operator": "xor", "conditions": [{"name": "year", "comparison_operator": "is", "value": 1}]},
    ],
)
def test_what_are_no_conditions_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        read_conditions(given)


@pytest.mark.parametrize("given", [None, {}, {"conditions": []}, {"logical_operator": "or", "conditions": None}])
def test_no_conditions_are_none(given: dict[str, Any] | None) -> None:
    assert read_conditions(given) is None


@pytest.mark.parametrize(("name", "value"), [("year", "many"), ("signed", "soon"), ("year", [1, 2])])
async def test_a_value_that_does_not_fit_its_field_is_refused_by_name(room: Room, name: str, value: Any) -> None:
    await filled(room)
    with pytest.raises(UsageError) as raised:
        await found(room, said(name, ">", value))
    assert raised.value.param == name


def guessing(room: Room, answer: Any) -> Retriever:
    reply = answer if isinstance(answer, str | OrganError) else json.dumps(answer)
    return Retriever(
        room.database,
        EmbeddingModels(room.embedding),
        room.vectors,
        Gateway({"default": ScriptedLlm(replies=[reply])}, room.embedding),
    )


async def test_a_model_makes_conditions_of_the_question(room: Room) -> None:
    await filled(room)
    listed = [{"name": "부서", "comparison_operator": "is", "value": "영업부"}]
    retriever = guessing(room, {"logical_operator": "and", "conditions": listed})
    searched = await retriever.search([await room.refreshed()], "영업부의 연차 휴가는?", conditions=Guess())
    assert [hit.document for hit in searched.found] == [SALES]
    assert searched.conditions == said("부서", "is", "영업부")
    assert searched.notes == []


@pytest.mark.parametrize(
    "answer",
    [
        "I cannot",
        {"conditions": [{"name": "secret", "comparison_operator": "is", "value": "x"}]},
        {"conditions": [{"name": "year", "comparison_operator": ">", "value": "many"}]},
        {"conditions": "all"},
        OrganError("The model is away."),
    ],
)
async def test_a_model_that_makes_nothing_of_it_filters_nothing_and_the_search_says_so(room: Room, answer: Any) -> None:
    await filled(room)
    searched = await guessing(room, answer).search([await room.refreshed()], "연차 휴가", conditions=Guess())
    assert len(searched.found) == 3
    assert [note.code for note in searched.notes] == ["filter_failed"]
    assert searched.conditions is None


async def test_documents_and_passages_that_are_off_are_not_found(room: Room) -> None:
    await filled(room)
    base = await room.refreshed()
    every = await room.found("연차 휴가")
    by_name = {hit.document: hit for hit in every}
    await room.documents.disable(base, Choice(ids=(by_name[BOARD].document_id,)))
    await room.documents.archive(base, Choice(ids=(by_name[SALES].document_id,)))
    for mode in ("dense", "keyword", "hybrid"):
        assert [hit.document for hit in await room.found("연차 휴가", mode=mode)] == [PLAIN]
    assert await found(room, said("부서", "not empty")) == []
    assert [hit.document for hit in (await room.retriever.compare(base, "연차 휴가")).fused] == [PLAIN]
    async with room.database.write() as connection:
        is_plain = chunks.c.id == by_name[PLAIN].chunk_id
        await connection.execute(chunks.update().where(is_plain).values(enabled=False))
    assert await room.found("연차 휴가") == []
    await room.documents.enable(base, Choice())
    assert [hit.document for hit in await room.found("연차 휴가")] == [BOARD]


async def test_a_number_too_large_is_refused_by_name(room: Room) -> None:
    await filled(room)
    for name in ("year", "signed"):
        with pytest.raises(UsageError) as raised:
            await found(room, said(name, ">", 10**400))
        assert raised.value.param == name


@pytest.mark.parametrize("operator", ["is", "in", "contains", "start with", "end with"])
async def test_letters_that_came_apart_and_nul_are_read_as_they_are_kept(room: Room, operator: str) -> None:
    await filled(room)
    name, value = (unicodedata.normalize("NFD", text) for text in ("부서", "영업부"))
    assert await found(room, said(name, operator, f"{value}\x00")) == [SALES]

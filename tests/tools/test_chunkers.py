"""Dify's chunkers and its extractor, as pipelines of knowledge call them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from llmflow.errors import NodeFailed
from llmflow.ports.chunker import ChunkRule
from llmflow.ports.parser import Element
from llmflow.tools.kit import Kit
from llmflow.tools.types import Scope, ToolAnswer, ToolRef
from tests.apps.fakes import by_characters

TEXT = "첫째 문단입니다. 둘째 문장입니다.\n\n다음 문단은 조금 더 깁니다. 여기서 끝나지 않습니다. 이제 끝납니다."


@pytest.fixture
async def scope() -> AsyncIterator[Scope]:
    chunker = by_characters()

    async def cut(text: str, rule: ChunkRule) -> list[str]:
        return [chunk.text for chunk in await chunker.chunk([Element("NarrativeText", text)], rule)]

    async def read_file(file: Any) -> bytes:
        content: bytes = file["content"]
        return content

    async def read_text(file: Any) -> str:
        return f"{file['filename']}:\n{file['content'].decode()}"

    yield Scope(cut=cut, read_file=read_file, read_text=read_text)
    await chunker.close()


async def called(scope: Scope, name: str, **arguments: Any) -> ToolAnswer:
    ref = ToolRef("builtin", f"langgenius/{name}/{name}", name)
    return await (await Kit(scope=scope).find(ref)).call(arguments)


async def test_a_text_is_cut_at_its_delimiter_and_where_a_passage_is_too_long(scope: Scope) -> None:
    answer = await called(scope, "general_chunker", input_variable=TEXT, delimiter="\\n\\n", max_chunk_length="1024")
    assert answer.variables["result"] == TEXT.split("\n\n")
    answer = await called(scope, "general_chunker", input_variable=TEXT, delimiter="\\n\\n", max_chunk_length=20)
    assert all(len(piece) <= 20 for piece in answer.variables["result"])
    assert "".join("".join(answer.variables["result"]).split()) == "".join(TEXT.split())
    dirty = "연락   kim@example.com   https://example.com/a 로"
    answer = await called(
        scope,
        "general_chunker",
        input_variable=dirty,
        replace_consecutive_spaces_newlines_tabs="true",
        delete_all_urls_and_email_addresses=True,
    )
    assert answer.variables["result"] == ["연락 로"]
    assert (await called(scope, "general_chunker", input_variable=" ")).variables["result"] == []
    marks = await called(scope, "general_chunker", input_variable="[\n\n첫째 문단\n\n. —")
    assert marks.variables["result"] == ["첫째 문단"]


async def test_parents_have_the_parts_that_are_searched(scope: Scope) -> None:
    answer = await called(scope, "parentchild_chunker", input_text=TEXT, subchunk_separator=". ", separator="\\n\\n")
    result = answer.variables["result"]
    assert result["parent_mode"] == "paragraph"
    assert [one["parent_content"] for one in result["parent_child_chunks"]] == TEXT.split("\n\n")
    assert result["parent_child_chunks"][0]["child_contents"] == ["첫째 문단입니다", "둘째 문장입니다."]
    answer = await called(scope, "parentchild_chunker", input_text=TEXT, parent_mode="full_doc")
    (whole,) = answer.variables["result"]["parent_child_chunks"]
    assert whole["parent_content"] == TEXT
    assert len(whole["child_contents"]) == 2


async def test_questions_come_from_the_columns_of_a_table(scope: Scope) -> None:
    table = '번호,질문,답변\n1,며칠인가요?,15일입니다.\n2,,빈 질문\n3,언제인가요?,"25일, 매월"\n'.encode("cp949")
    file = {"filename": "문답.csv", "content": table}
    for named in ({"question_column": 1, "answer_column": "2"}, {"question_column": "질문", "answer_column": "답변"}):
        answer = await called(scope, "qa_chunk", input_file=file, **named)
        assert answer.variables["result"]["qa_chunks"] == [
            {"question": "며칠인가요?", "answer": "15일입니다."},
            {"question": "언제인가요?", "answer": "25일, 매월"},
        ]
    sheet = {"filename": "문답.xlsx", "content": "| q | a |\n| --- | --- |\n| 며칠? | 15일 |".encode()}
    answer = await called(scope, "qa_chunker", input_file=sheet)
    assert answer.variables["result"]["qa_chunks"] == [{"question": "며칠?", "answer": "15일"}]
    with pytest.raises(NodeFailed, match="no column `7`"):
        await called(scope, "qa_chunk", input_file=file, answer_column=7)
    with pytest.raises(NodeFailed, match="no table"):
        await called(scope, "qa_chunk", input_file={"filename": "글.txt", "content": b"x"})


async def test_the_text_of_a_file_is_read(scope: Scope) -> None:
    answer = await called(scope, "dify_extractor", file={"filename": "글.txt", "content": "안녕".encode()})
    assert answer.text == "글.txt:\n안녕"
    assert answer.variables["documents"] == [{"text": "글.txt:\n안녕", "metadata": {"source": "글.txt"}}]

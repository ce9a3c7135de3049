"""document-extractor: texts of files, and whose fault it was when there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from llmflow.errors import DocumentError, NodeFailed
from llmflow.workflow.files import make_file
from tests.workflow.graphs import node, outputs_of
from tests.workflow.outside import FAKES


async def read(file: Mapping[str, Any]) -> str:
    if "잠긴" in file["filename"]:
        raise DocumentError("It has a password.", code="document_locked", hint="Upload it without one.")
    return f"{file['filename']}의 글"


async def of(files: Any) -> Any:
    tested = node(
        "d", "document-extractor", variable_selector=["start", "files"], is_array_file=isinstance(files, list)
    )
    return (await outputs_of(tested, outside=replace(FAKES, read_text=read), inputs={"files": files}))["text"]


async def test_a_file_gives_a_text_and_a_list_gives_one_for_each() -> None:
    one, other = make_file(name="가.pdf", id="1"), make_file(name="나.docx", id="2")
    assert await of(one) == "가.pdf의 글"
    assert await of([one, None, other]) == ["가.pdf의 글", "나.docx의 글"]
    assert await of([]) == []
    assert await of(None) == []


async def test_a_file_that_cannot_be_read_fails_with_its_own_reason() -> None:
    with pytest.raises(NodeFailed) as failed:
        await of([make_file(name="가.pdf", id="1"), make_file(name="잠긴.pdf", id="2")])
    assert failed.value.code == "document_locked"
    assert "잠긴.pdf" in failed.value.message


@pytest.mark.parametrize("files", ["글", ["글"], 3])
async def test_what_is_no_file_fails(files: Any) -> None:
    with pytest.raises(NodeFailed) as failed:
        await of(files)
    assert failed.value.code == "node_input_invalid"


async def test_a_variable_that_is_not_there_fails() -> None:
    with pytest.raises(NodeFailed) as failed:
        await outputs_of(node("d", "document-extractor", variable_selector=["start", "gone"]))
    assert failed.value.code == "node_input_invalid"

"""Dify's chunkers for pipelines of knowledge, by our own ways of cutting; lengths are in characters, as theirs are."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

from llmflow.errors import NodeFailed
from llmflow.ports.chunker import ChunkRule, Cleaning
from llmflow.tools.builtin.make import made
from llmflow.tools.types import Scope, ToolAnswer, Words

#: Those that read a file of their own accord.
READERS = ("dify_extractor", "qa_chunk")
_ENCODINGS = ("utf-8-sig", "cp949", "gb18030")


async def _general(arguments: Mapping[str, Any], scope: Scope) -> ToolAnswer:
    clean = _cleanings(arguments, "replace_consecutive_spaces_newlines_tabs", "delete_all_urls_and_email_addresses")
    pieces = await _cut(
        scope,
        arguments["input_variable"],
        arguments["delimiter"],
        arguments["max_chunk_length"],
        arguments["chunk_overlap_length"],
        clean,
    )
    return ToolAnswer("\n\n".join(pieces), [{"general_chunks": pieces}], variables={"result": pieces})


async def _parent_child(arguments: Mapping[str, Any], scope: Scope) -> ToolAnswer:
    clean = _cleanings(arguments, "remove_extra_spaces", "remove_urls_emails")
    text, mode = arguments["input_text"], arguments["parent_mode"].replace("-", "_")
    if mode == "full_doc":
        parents = [text.strip()]
    else:
        parents = await _cut(scope, text, arguments["separator"], arguments["max_length"], 0, clean)
    size, separator = arguments["subchunk_max_length"], arguments["subchunk_separator"]
    chunks = [
        {"parent_content": parent, "child_contents": await _cut(scope, parent, separator, size, 0, clean)}
        for parent in parents
        if parent
    ]
    result = {"parent_mode": mode, "parent_child_chunks": chunks}
    return ToolAnswer("\n\n".join(parents), [result], variables={"result": result})


async def _questions(arguments: Mapping[str, Any], scope: Scope) -> ToolAnswer:
    file = arguments["input_file"]
    name = str(file.get("filename") or "table.csv")
    is_plain = name.lower().endswith((".csv", ".tsv"))
    rows = _rows(await scope.read_file(file)) if is_plain else _pipes(await scope.read_text(file))
    if not rows:
        raise NodeFailed(f"{name} has no table of questions and answers.", code="tool_failed")
    header, *body = rows
    question, answer = (_column(header, arguments[name]) for name in ("question_column", "answer_column"))
    pairs = [
        {"question": row[question].strip(), "answer": row[answer].strip()}
        for row in body
        if max(question, answer) < len(row) and row[question].strip() and row[answer].strip()
    ]
    result = {"qa_chunks": pairs}
    return ToolAnswer(
        "\n\n".join(f"{p['question']}\n{p['answer']}" for p in pairs), [result], variables={"result": result}
    )


async def _extract(arguments: Mapping[str, Any], scope: Scope) -> ToolAnswer:
    file = arguments["file"]
    name = str(file.get("filename") or file.get("url") or "document")
    text = await scope.read_text(file)
    document = {"text": text, "metadata": {"source": name}}
    return ToolAnswer(text, [document], variables={"documents": [document], "images": []})


async def _cut(
    scope: Scope, text: str, separator: str, most: int, overlap: int, clean: tuple[Cleaning, ...]
) -> list[str]:
    rule = ChunkRule(
        method="fixed",
        max_tokens=max(int(most), 1),
        overlap_tokens=max(int(overlap), 0),
        separator=separator.replace("\\n", "\n").replace("\\t", "\t"),
        clean=clean,
    )
    pieces = await scope.cut(text, rule) if text.strip() else []
    return [piece for piece in pieces if any(map(str.isalnum, piece))]  # marks alone say nothing


def _cleanings(arguments: Mapping[str, Any], spaces: str, addresses: str) -> tuple[Cleaning, ...]:
    found: list[Cleaning] = []
    if arguments.get(addresses):
        found.append("remove_urls_emails")
    if arguments.get(spaces):
        found.append("remove_extra_spaces")
    return tuple(found)


def _rows(content: bytes) -> list[list[str]]:
    for encoding in _ENCODINGS:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        delimiter = "\t" if "\t" in text.partition("\n")[0] else ","
        return [row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if any(cell.strip() for cell in row)]
    raise NodeFailed("The table is in no encoding that is known here.", code="tool_failed", hint="Save it as UTF-8.")


def _pipes(text: str) -> list[list[str]]:
    """The rows of the tables of a document's Markdown."""
    lines = [line.strip() for line in text.split("\n") if line.lstrip().startswith("|")]
    rows = [line for line in lines if not set(line) <= set("|-: ")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def _column(header: list[str], named: Any) -> int:
    """By its number from 0, or by its name. Raises NodeFailed (tool_input_invalid)."""
    wanted = str(named).strip()
    names = [name.strip().lower() for name in header]
    if wanted.lower() in names:
        return names.index(wanted.lower())
    if wanted.removesuffix(".0").isdecimal() and int(wanted.removesuffix(".0")) < len(header):
        return int(wanted.removesuffix(".0"))
    raise NodeFailed(f"The table has no column `{wanted[:40]}`; columns count from 0.", code="tool_input_invalid")


_TEXT = {"type": "string", "description": "The text to cut"}
_LENGTH = {"type": "integer", "description": "Characters of a passage at most"}
_FLAG = {"type": "boolean", "default": False}

TOOLS = (
    made(
        "general_chunker",
        "general_chunker",
        _general,
        description="Cuts a text into passages at a delimiter, and where they are too long.",
        words=Words("General chunker", "일반 청크", "Passages of a text.", "글을 단락으로 나눕니다."),
        parameters={
            "input_variable": _TEXT,
            "delimiter": {"type": "string", "default": "\\n\\n", "description": "Where it is cut first"},
            "max_chunk_length": {**_LENGTH, "default": 1024},
            "chunk_overlap_length": {"type": "integer", "default": 0, "description": "Characters that two share"},
            "replace_consecutive_spaces_newlines_tabs": _FLAG,
            "delete_all_urls_and_email_addresses": _FLAG,
        },
        fields={
            "input_variable": Words("Text", "글"),
            "delimiter": Words("Delimiter", "구분자"),
            "max_chunk_length": Words("Longest passage", "최대 길이", "In characters.", "글자 수입니다."),
            "chunk_overlap_length": Words("Overlap", "겹침", "In characters.", "글자 수입니다."),
            "replace_consecutive_spaces_newlines_tabs": Words("Remove extra spaces", "불필요한 공백 제거"),
            "delete_all_urls_and_email_addresses": Words("Remove addresses", "URL과 이메일 주소 제거"),
        },
        required=("input_variable",),
    ),
    made(
        "parentchild_chunker",
        "parentchild_chunker",
        _parent_child,
        description="Cuts a text into parents, each with the parts that are searched in its stead.",
        words=Words(
            "Parent-child chunker", "부모-자식 청크", "Parents with parts.", "부모 단락과 자식 단락으로 나눕니다."
        ),
        parameters={
            "input_text": _TEXT,
            "parent_mode": {"type": "string", "enum": ["paragraph", "full_doc", "full-doc"], "default": "paragraph"},
            "separator": {"type": "string", "default": "\\n\\n", "description": "Where parents are cut first"},
            "max_length": {**_LENGTH, "default": 1024},
            "subchunk_separator": {"type": "string", "default": "\\n", "description": "Where parts are cut first"},
            "subchunk_max_length": {**_LENGTH, "default": 512},
            "remove_extra_spaces": _FLAG,
            "remove_urls_emails": _FLAG,
        },
        fields={
            "input_text": Words("Text", "글"),
            "parent_mode": Words("Parent", "부모", "A paragraph, or all of it.", "문단 또는 문서 전체입니다."),
            "separator": Words("Delimiter", "구분자"),
            "max_length": Words("Longest parent", "부모 최대 길이", "In characters.", "글자 수입니다."),
            "subchunk_separator": Words("Delimiter of parts", "자식 구분자"),
            "subchunk_max_length": Words("Longest part", "자식 최대 길이", "In characters.", "글자 수입니다."),
            "remove_extra_spaces": Words("Remove extra spaces", "불필요한 공백 제거"),
            "remove_urls_emails": Words("Remove addresses", "URL과 이메일 주소 제거"),
        },
        required=("input_text",),
    ),
    made(
        "qa_chunk",
        "qa_chunk",
        _questions,
        description="Takes questions and their answers from two columns of a table in a file.",
        words=Words("Q&A chunker", "질문-답변 청크", "Questions of a table.", "표에서 질문과 답변을 가져옵니다."),
        parameters={
            "input_file": {"type": "object", "description": "A file with a table, best CSV"},
            "question_column": {"type": ["string", "number"], "default": 0, "description": "Number from 0, or name"},
            "answer_column": {"type": ["string", "number"], "default": 1, "description": "Number from 0, or name"},
        },
        fields={
            "input_file": Words("File", "파일"),
            "question_column": Words(
                "Column of questions", "질문 열", "From 0, or its name.", "0부터 세거나 열 이름입니다."
            ),
            "answer_column": Words(
                "Column of answers", "답변 열", "From 0, or its name.", "0부터 세거나 열 이름입니다."
            ),
        },
        required=("input_file",),
    ),
    made(
        "dify_extractor",
        "dify_extractor",
        _extract,
        description="Reads the text of a file, as Markdown.",
        words=Words("Text of a file", "파일 글 추출", "As Markdown.", "마크다운으로 읽습니다."),
        parameters={"file": {"type": "object", "description": "The file to read"}},
        fields={"file": Words("File", "파일")},
        required=("file",),
    ),
)

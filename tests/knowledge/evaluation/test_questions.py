"""Files of questions, as people and their spreadsheets write them, and what is said of lines that are none."""

from __future__ import annotations

import pytest

from llmflow.knowledge.evaluation.questions import MOST, read
from llmflow.knowledge.evaluation.types import Asked, Read


def lines(found: Read) -> list[tuple[int, str]]:
    return [(problem.line, problem.fault) for problem in found.problems]


def test_a_spreadsheet_names_its_columns_in_any_order_and_gives_several_documents_in_a_cell() -> None:
    found = read("passage,question,document\n,연차는 며칠인가?,규정.txt | 부칙.txt\n,출장비는?,여비.pdf\n".encode())
    assert found.problems == []
    assert found.questions == [
        Asked("연차는 며칠인가?", ("규정.txt", "부칙.txt"), "", 2),
        Asked("출장비는?", ("여비.pdf",), "", 3),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_korean_spreadsheets_of_any_encoding_and_separator_are_read(encoding: str, separator: str) -> None:
    rows = [["질문", "정답 문서", "정답 구절"], ["연차는?", "규정.txt", "연차 휴가는 15일이다."]]
    content = "\r\n".join(separator.join(row) for row in rows).encode(encoding)
    assert read(content) == Read([Asked("연차는?", ("규정.txt",), "연차 휴가는 15일이다.", 2)], [])


def test_lines_of_json_take_documents_as_text_or_as_a_list() -> None:
    content = (
        '{"question": "a?", "documents": ["x", "y"]}\n\n{"query": "b?", "expected": "z", "passage": "what it says"}'
    )
    assert read(content.encode()).questions == [Asked("a?", ("x", "y"), "", 1), Asked("b?", ("z",), "what it says", 3)]


def test_every_line_at_fault_is_named_and_the_others_are_kept() -> None:
    content = '{"question": "a?", "documents": "x"}\n{"question": \n[1]\n{"documents": "x"}\n{"question": "b?"}\n'
    content += '{"question": "c?", "documents": [3]}\n{"question": "d?", "documents": "x", "passage": "짧다"}'
    found = read(content.encode())
    assert [one.question for one in found.questions] == ["a?"]
    assert lines(found) == [
        (2, "unreadable"),
        (3, "unreadable"),
        (4, "no_question"),
        (5, "no_document"),
        (6, "unreadable"),
        (7, "passage_short"),
    ]


def test_a_cell_with_line_breaks_counts_the_lines_that_an_editor_shows() -> None:
    content = 'question,document\n"한 질문이\n두 줄이다",a.txt\n,b.txt\n'.encode()
    found = read(content)
    assert found.questions == [Asked("한 질문이\n두 줄이다", ("a.txt",), "", 2)]
    assert lines(found) == [(4, "no_question")]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "unreadable"),
        (b"\xff\xfe\x00\x01\x80", "unreadable"),
        (b"What is this?,a.txt\n", "unreadable"),
        (b"question,document\n", "no_question"),
        (b'question,document\n"open,a.txt\n', "no_document"),
    ],
)
def test_what_is_no_list_of_questions_is_said_plainly(content: bytes, fault: str) -> None:
    found = read(content)
    assert found.questions == []
    assert [problem.fault for problem in found.problems] == [fault]


def test_more_questions_than_are_asked_at_once_are_told_once() -> None:
    content = "question,document\n" + "".join(f"q{number},a\n" for number in range(MOST + 7))
    found = read(content.encode())
    assert len(found.questions) == MOST
    assert lines(found) == [(MOST + 2, "too_long")]

"""Questions and answers from the rows of tables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from llmflow.ports.chunker import ChunkRule
from llmflow.ports.parser import Element

_CELL = re.compile(r"(?<!\\)\|")
_QUESTIONS = ("question", "questions", "q", "질문", "문의")
_ANSWERS = ("answer", "answers", "a", "답변", "답", "응답")


def pairs(elements: Sequence[Element], rule: ChunkRule) -> Iterator[tuple[str, str, Element]]:
    """(question, answer, the table they stand in), in reading order. A row without either is passed over."""
    for element in elements:
        if element.kind != "Table":
            continue
        lines = [line for line in element.text.split("\n") if line.strip()]
        if len(lines) < 3 or not set(lines[1]) <= set("|-: "):
            continue
        header = [name.lower() for name in _cells(lines[0])]
        question = _column(header, rule.question, _QUESTIONS, 0)
        answer = _column(header, rule.answer, _ANSWERS, 1)
        for line in lines[2:]:
            cells = _cells(line)
            if max(question, answer) < len(cells) and cells[question] and cells[answer]:
                yield cells[question], cells[answer], element


def _cells(line: str) -> list[str]:
    cells = [cell.strip().replace("\\|", "|") for cell in _CELL.split(line.strip())]
    return cells[1:-1] if line.strip().startswith("|") else cells


def _column(header: Sequence[str], name: str, usual: Sequence[str], place: int) -> int:
    names = (name.lower(),) if name else usual
    return next((number for number, one in enumerate(header) if one in names), place)

"""Questions and answers from the rows of tables."""

from __future__ import annotations

import re
from collections.abc import Sequence

from llmflow.ports.chunker import ChunkRule
from llmflow.ports.parser import Element

_BESIDE = ("Title", "Header", "Footer", "PageBreak")
_CELL = re.compile(r"(?<!\\)\|")
_QUESTIONS = ("question", "questions", "q", "질문", "문의")
_ANSWERS = ("answer", "answers", "a", "답변", "답", "응답")


def are_tables(elements: Sequence[Element]) -> bool:
    """Whether there is nothing else: a sheet, whose columns need no names."""
    return all(element.kind in ("Table", *_BESIDE) or not element.text.strip() for element in elements)


def pairs(table: Element, rule: ChunkRule, *, named: bool) -> list[tuple[str, str]]:
    """(question, answer) of each row that has both; none where it has no such columns. `named`: only by their names,
    otherwise the first two will do."""
    lines = [line for line in table.text.split("\n") if line.strip()]
    if table.kind != "Table" or len(lines) < 3 or not set(lines[1]) <= set("|-: "):
        return []
    header = [name.lower() for name in _cells(lines[0])]
    question = _column(header, rule.question, _QUESTIONS, None if named else 0)
    answer = _column(header, rule.answer, _ANSWERS, None if named else 1)
    if question is None or answer is None:
        return []
    rows = [_cells(line) for line in lines[2:]]
    wide = [cells for cells in rows if max(question, answer) < len(cells)]
    return [(cells[question], cells[answer]) for cells in wide if cells[question] and cells[answer]]


def _cells(line: str) -> list[str]:
    cells = [cell.strip().replace("\\|", "|") for cell in _CELL.split(line.strip())]
    return cells[1:-1] if line.strip().startswith("|") else cells


def _column(header: Sequence[str], name: str, usual: Sequence[str], place: int | None) -> int | None:
    names = (name.lower(),) if name else usual
    return next((number for number, one in enumerate(header) if one in names), place)

"""Questions of a CSV or JSON Lines file, and what is wrong with each line that is none."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from llmflow.knowledge.evaluation.types import Asked, Fault, Problem, Read

MOST = 5_000  # questions of one run
_MOST_QUESTION = 2_000  # characters
_MOST_PASSAGE = 20_000
_LEAST_PASSAGE = 8  # characters without spaces: fewer stand in any passage
_MOST_DOCUMENTS = 100  # of one question
_QUESTION = ("question", "query", "질문", "질의", "문의")
_DOCUMENTS = (
    *("documents", "document", "expected", "expected_documents", "expected_document", "document_ids", "document_id"),
    *("문서", "정답문서", "기대문서", "근거문서", "파일", "file"),
)
_PASSAGE = ("passage", "passage_text", "expected_passage", "text", "구절", "정답구절", "본문", "근거")
_SEPARATORS = (",", "\t", ";")


class _Wrong(Exception):
    """A line that cannot be asked."""

    def __init__(self, fault: Fault, text: str, what: str = "") -> None:
        super().__init__(text)
        self.fault, self.text, self.what = fault, text, what


def read(content: bytes) -> Read:
    """The file's lines in order; the kind of file is seen from its content. CSV: the first line names the columns
    (question, document, passage, or the same in Korean; comma, semicolon or tab), several documents in one cell are
    parted by `|` or a line break. JSON Lines: an object a line with the same names, documents as a text or a list.
    UTF-8, or what Korean Windows writes (CP949)."""
    text = _decoded(content)
    if text is None:
        return Read([], [Problem(1, "unreadable", "The file is neither UTF-8 nor CP949 text.")])
    if not text.strip():
        return Read([], [Problem(1, "unreadable", "The file is empty.")])
    rows = _json_rows(text) if text.lstrip()[0] in "{[" else _csv_rows(text)
    questions: list[Asked] = []
    problems: list[Problem] = []
    for line, row in rows:
        try:
            if isinstance(row, _Wrong):
                raise row
            asked = _asked(line, row)
            if len(questions) == MOST:
                raise _Wrong("too_long", f"At most {MOST:,} questions are asked at once.", str(MOST))
            questions.append(asked)
        except _Wrong as wrong:
            problems.append(Problem(line, wrong.fault, wrong.text, wrong.what))
            if len(questions) == MOST:
                break
    if not questions and not problems:
        problems.append(Problem(1, "no_question", "There is no question after the first line."))
    return Read(questions, problems)


def check(asked: Asked) -> Problem | None:
    """What is wrong with a question that came in another way than by a file; None: nothing."""
    row = {"question": asked.question, "documents": list(asked.documents), "passage": asked.passage}
    try:
        _asked(asked.line, row)
    except _Wrong as wrong:
        return Problem(asked.line, wrong.fault, wrong.text, wrong.what)
    return None


def _decoded(content: bytes) -> str | None:
    for encoding in ("utf-8-sig", "cp949"):
        try:
            return unicodedata.normalize("NFC", content.decode(encoding))
        except UnicodeDecodeError:
            continue
    return None


def _json_rows(text: str) -> Iterator[tuple[int, Mapping[str, Any] | _Wrong]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            yield number, _Wrong("unreadable", f"This line is no JSON: {error}.")
            continue
        if isinstance(row, dict):
            yield number, {_plain(name): value for name, value in row.items()}
        else:
            yield number, _Wrong("unreadable", "Each line must be one JSON object.")


def _csv_rows(text: str) -> Iterator[tuple[int, Mapping[str, Any] | _Wrong]]:
    text = text.lstrip("\n\r")
    head = text.splitlines()[0]
    separator = max(_SEPARATORS, key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        names = [_plain(name) for name in next(reader)]
        if not set(names) & set(_QUESTION) or not set(names) & set(_DOCUMENTS):
            yield 1, _Wrong("unreadable", "The first line must name the columns `question` and `document`.", head[:80])
            return
        begin = reader.line_num + 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield begin, dict(zip(names, cells, strict=False))
            begin = reader.line_num + 1
    except csv.Error as error:
        yield reader.line_num, _Wrong("unreadable", f"This line is no CSV: {error}.")


def _plain(name: object) -> str:
    return str(name).strip().lower().replace(" ", "" if _is_korean(str(name)) else "_")


def _is_korean(name: str) -> bool:
    return any("가" <= letter <= "힣" for letter in name)


def _asked(line: int, row: Mapping[str, Any]) -> Asked:
    question = _text(row, _QUESTION)
    if not question:
        raise _Wrong("no_question", "There is no question.")
    if len(question) > _MOST_QUESTION:
        raise _Wrong("too_long", f"A question has at most {_MOST_QUESTION:,} characters.", str(_MOST_QUESTION))
    documents = tuple(dict.fromkeys(_names(row)))
    if not documents:
        raise _Wrong("no_document", "No document is named that answers it.")
    if len(documents) > _MOST_DOCUMENTS:
        raise _Wrong("too_long", f"A question names at most {_MOST_DOCUMENTS} documents.", str(_MOST_DOCUMENTS))
    passage = _text(row, _PASSAGE)
    if len(passage) > _MOST_PASSAGE:
        raise _Wrong("too_long", f"A passage has at most {_MOST_PASSAGE:,} characters.", str(_MOST_PASSAGE))
    if passage and len("".join(passage.split())) < _LEAST_PASSAGE:
        text = f"A passage needs at least {_LEAST_PASSAGE} characters to be told from others."
        raise _Wrong("passage_short", text, passage)
    return Asked(question, documents, passage, line)


def _value(row: Mapping[str, Any], names: Sequence[str]) -> Any:
    return next((row[name] for name in names if row.get(name)), None)


def _text(row: Mapping[str, Any], names: Sequence[str]) -> str:
    value = _value(row, names)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _Wrong("unreadable", f"`{names[0]}` must be a text.", names[0])
    return unicodedata.normalize("NFC", value.replace("\x00", "")).strip()


def _names(row: Mapping[str, Any]) -> list[str]:
    value = _value(row, _DOCUMENTS)
    if isinstance(value, str):
        value = value.replace("\n", "|").split("|")
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise _Wrong("unreadable", "`documents` must be a text or a list of texts.", "documents")
    return [name for one in value if (name := unicodedata.normalize("NFC", one).strip())]

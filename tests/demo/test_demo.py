"""The demo handbooks are whole, small, unambiguous and what their sources give."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import docx
import pdfplumber
import pypdfium2
import pytest

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "src" / "llmflow" / "demo"
LANGUAGES = ("ko", "en")
HANDBOOKS = sorted(path for language in LANGUAGES for path in (DEMO / language).iterdir())
QUESTIONS: list[dict[str, Any]] = [
    json.loads(line) for line in (DEMO / "questions.jsonl").read_text(encoding="utf-8").splitlines()
]
ANSWERABLE = [question for question in QUESTIONS if question["answerable"]]


def by_id(question: dict[str, Any]) -> str:
    return str(question["id"])


@cache
def pages(path: Path) -> tuple[str, ...]:
    """The text of each page; of formats without pages, one text with a tab between the cells of a row."""
    match path.suffix:
        case ".pdf":
            with pypdfium2.PdfDocument(path) as pdf:
                return tuple(page.get_textpage().get_text_range() for page in pdf)
        case ".docx":
            document = docx.Document(str(path))
            rows = [[cell.text for cell in row.cells] for table in document.tables for row in table.rows]
            return ("\n".join([*(p.text for p in document.paragraphs), *("\t".join(row) for row in rows)]),)
        case ".html":
            return (re.sub(r"<[^>]+>", "\t", path.read_text(encoding="utf-8")),)
        case _:
            return (path.read_text(encoding="utf-8"),)


def text(path: Path) -> str:
    return "\n".join(pages(path))


def accepted(question: dict[str, Any]) -> list[str]:
    answer = question["answer"]
    return [answer] if isinstance(answer, str) else list(answer)


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_has_one_handbook_of_each_format(language: str) -> None:
    suffixes = sorted(path.suffix for path in HANDBOOKS if path.parent.name == language)
    assert suffixes == [".docx", ".html", ".md", ".pdf"]
    assert all(" " in path.stem for path in HANDBOOKS), "names with spaces are part of what the demo shows"


@pytest.mark.parametrize("path", HANDBOOKS, ids=lambda path: path.name)
def test_a_handbook_is_as_long_as_a_real_one_and_in_its_language(path: Path) -> None:
    words = text(path).split()
    assert 850 <= len(words) <= 1900
    korean = sum("가" <= letter <= "힣" for letter in text(path)) / len(text(path))
    assert korean > 0.4 if path.parent.name == "ko" else korean == 0


@pytest.mark.parametrize("path", [path for path in HANDBOOKS if path.suffix == ".pdf"], ids=lambda path: path.name)
def test_a_pdf_has_numbered_pages_ruled_tables_and_bookmarks(path: Path) -> None:
    with pypdfium2.PdfDocument(path) as pdf:
        count = len(pdf)
        headings = [bookmark.get_title() for bookmark in pdf.get_toc()]
    assert count >= 3
    assert all(f"{number} / {count}" in page for number, page in enumerate(pages(path), 1))
    with pdfplumber.open(path) as plumber:
        tables = [[table for table in page.extract_tables() if len(table) >= 4] for page in plumber.pages]
    assert sum(bool(found) for found in tables) >= 3
    assert all(cell for found in tables for table in found for row in table for cell in row)
    assert len(headings) >= 20


@pytest.mark.parametrize("path", [path for path in HANDBOOKS if path.suffix == ".docx"], ids=lambda path: path.name)
def test_a_docx_has_headings_tables_and_a_page_field(path: Path) -> None:
    document = docx.Document(str(path))
    styles = [paragraph.style.name for paragraph in document.paragraphs]
    assert styles.count("Heading 1") >= 6
    assert styles.count("Heading 2") >= 8
    assert len(document.tables) >= 3
    assert "PAGE" in document.sections[0].footer._element.xml
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None


def test_the_demo_is_small_and_has_no_leftovers() -> None:
    assert sum(path.stat().st_size for path in DEMO.rglob("*") if path.is_file()) < 1_500_000
    assert {path.name for path in DEMO.iterdir()} - {"__pycache__"} == {
        *LANGUAGES,
        "README.md",
        "questions.jsonl",
        "suggested.json",
    }
    for path in HANDBOOKS:
        assert not re.search(r"lorem|TODO|TBD|XXX|\\newpage|\ufffd|\u25a1", text(path)), path.name


def test_every_address_in_the_handbooks_is_one_nobody_can_own() -> None:
    for path in HANDBOOKS:
        assert all(host.endswith(".example") for host in re.findall(r"@([\w.-]+\w)", text(path).split("</style>")[-1]))


def test_there_are_ten_questions_per_language_and_three_without_an_answer() -> None:
    assert len({question["id"] for question in QUESTIONS}) == len(QUESTIONS) == 26
    for language in LANGUAGES:
        mine = [question for question in QUESTIONS if question["language"] == language]
        assert [question["answerable"] for question in mine] == [True] * 10 + [False] * 3
    assert {question["document"] for question in ANSWERABLE} == {path.name for path in HANDBOOKS}
    for question in QUESTIONS:
        if not question["answerable"]:
            assert question["document"] is question["page"] is question["answer"] is None


@pytest.mark.parametrize("question", ANSWERABLE, ids=by_id)
def test_an_answer_stands_in_its_document_and_on_its_page_and_nowhere_else(question: dict[str, Any]) -> None:
    path = DEMO / question["language"] / question["document"]
    found = pages(path)
    assert accepted(question)[0] in " ".join(text(path).split())
    if path.suffix == ".pdf":
        holding = [number for number, page in enumerate(found, 1) if accepted(question)[0] in page]
        assert holding == [question["page"]]
    else:
        assert question["page"] is None
    for other in HANDBOOKS:
        if other != path:
            assert not any(answer in " ".join(text(other).split()) for answer in accepted(question)), other.name


def test_at_least_five_questions_are_answered_only_by_a_row_of_a_table() -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "scripts" / "demo_sources").iterdir())
    lines = sources.splitlines()
    only_rows = [
        question["id"]
        for question in ANSWERABLE
        if all(line.startswith("|") for line in lines if accepted(question)[0] in line)
    ]
    assert len(only_rows) >= 5
    assert {name[:2] for name in only_rows} == set(LANGUAGES)


@pytest.mark.parametrize("topic", ["어린이집", "HR-500", "401(k)", "dress code", "world cup", "날씨"])
def test_what_the_unanswerable_questions_ask_is_in_no_handbook(topic: str) -> None:
    assert not [path.name for path in HANDBOOKS if topic.lower() in text(path).lower()]


def test_a_question_is_no_copy_of_a_sentence_of_its_document() -> None:
    for question in ANSWERABLE:
        words = re.findall(r"\w{2,}", question["question"].lower())
        document = text(DEMO / question["language"] / question["document"]).lower()
        runs = [" ".join(words[start : start + 4]) for start in range(len(words) - 3)]
        assert not [run for run in runs if run in " ".join(re.findall(r"\w{2,}", document))], question["id"]


def test_suggested_questions_are_three_for_each_language() -> None:
    suggested = json.loads((DEMO / "suggested.json").read_text(encoding="utf-8"))
    assert set(suggested) == set(LANGUAGES)
    assert all(len(set(questions)) == 3 for questions in suggested.values())
    assert not {question["question"] for question in QUESTIONS} & {q for qs in suggested.values() for q in qs}


def test_the_handbooks_are_byte_for_byte_what_their_sources_give() -> None:
    ran = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "make_demo.py"), "--check"], capture_output=True, text=True, check=False
    )
    if ran.returncode == 3:
        pytest.skip(f"skipped: {ran.stderr.strip()}")
    assert ran.returncode == 0, ran.stderr

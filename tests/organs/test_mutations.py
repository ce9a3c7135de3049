"""Damaged files of every kind: read, or refused with words, each within its time and memory; no reader crashes.

A few of each kind here. All of them, some hours: LLMFLOW_MUTATIONS=1000 python -m pytest tests/organs/test_mutations.py
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from llmflow.errors import DocumentError, Unsupported
from llmflow.organs.parser.local import LocalParser
from llmflow.ports.parser import KINDS
from tests.organs import hwp_documents, mutations
from tests.organs import parser_documents as make

_EACH = int(os.environ.get("LLMFLOW_MUTATIONS", "6"))
_TIMEOUT_S = 60.0
_MEMORY_MB = 1024
#: What a damaged file may be told: its reader neither crashed nor ran out of time or memory.
_WORDS = {
    "document_empty",
    "document_locked",
    "document_mislabelled",
    "document_too_large",
    "document_unreadable",
    "unsupported_type",
}
_OCR = {"scan.pdf", "picture.png"}  # a second each
_FILES: dict[str, Callable[[], bytes]] = {
    "a.md": make.markdown,
    "a.txt": make.plain,
    "a.csv": make.csv,
    "a.html": make.html,
    "a.docx": make.word,
    "a.pptx": make.slides,
    "a.xlsx": make.workbook,
    "a.odt": make.odt,
    "a.rtf": make.rtf,
    "a.eml": make.mail,
    "a.epub": make.epub,
    "a.rst": make.rst,
    "a.org": make.org,
    "a.json": make.json,
    "a.pdf": make.pdf,
    "columns.pdf": make.two_columns,
    "aligned.pdf": make.aligned_pdf,
    "locked.pdf": make.locked_pdf,
    "scan.pdf": make.scanned_pdf,
    "picture.png": make.png,
    "a.hwpx": lambda: hwp_documents.hwpx(
        hwp_documents.paragraph(0, "휴가 규정") + hwp_documents.table([[("가", 1), ("나", 1)]]),
    ),
    "a.hwp": lambda: hwp_documents.hwp([(0, "휴가 규정")]),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def parser() -> AsyncIterator[LocalParser]:
    opened = LocalParser(timeout_s=_TIMEOUT_S, memory_mb=_MEMORY_MB, max_pages=50)
    yield opened
    await opened.close()


@pytest.mark.slow
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.timeout(_EACH * 90)
@pytest.mark.parametrize("name", _FILES)
async def test_a_damaged_file_is_read_or_refused_with_words(parser: LocalParser, tmp_path: Path, name: str) -> None:
    whole = _FILES[name]()
    told: Counter[str] = Counter()
    path = tmp_path / "blob"
    for seed in range(2 if _EACH < 10 and name in _OCR else _EACH):
        path.write_bytes(mutations.mutated(whole, seed))
        try:
            document = await parser.parse(path, name=name)
        except (DocumentError, Unsupported) as error:
            assert error.code in _WORDS, f"seed {seed}: {error}"
            assert error.message
            told[error.code] += 1
        else:
            assert {element.kind for element in document.elements} <= set(KINDS), f"seed {seed}"
            assert any(element.text.strip() for element in document.elements), f"seed {seed}"
            told["read"] += 1
    assert told.total() > 0
    print(f"{name}: {dict(told)}")


def test_the_same_damage_is_done_every_time() -> None:
    data = make.plain()
    assert [mutations.mutated(data, seed) for seed in range(20)] == [mutations.mutated(data, s) for s in range(20)]
    assert len({mutations.mutated(data, seed) for seed in range(20)}) > 15

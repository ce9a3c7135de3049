"""How well documents are read: tables of digital PDFs, and Hangul documents.

`python -m benchmarks.reading_quality [--quick] [--each]` reads ../shared/data/documents. Tables: the government PDFs of
the ICDAR 2013 competition with people's annotation, cell adjacency F1 over all pairs, pdfplumber's default beside it.
Hangul: each document as HWP and as HWPX against the word processor's own HTML export. `--quick`: every third file.
`--each`: a line for each file.
"""

from __future__ import annotations

import argparse
import asyncio
import difflib
import re
from collections.abc import Sequence
from html import unescape
from pathlib import Path

import pdfplumber

from benchmarks import adjacency
from benchmarks.adjacency import Score
from benchmarks.report import Line, show
from llmflow.organs.parser.local import LocalParser

DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "documents"
_TAG = re.compile(r"<[^>]*>")
_HIDDEN = re.compile(r"<(style|script|title)\b.*?</\1>|<!--.*?-->", re.S | re.I)


async def _tables(parser: LocalParser, files: Sequence[Path], *, each: bool) -> tuple[Score, float, Score]:
    """Ours over all pairs, the mean of the files' F1, and pdfplumber's."""
    ours, theirs, means = Score(), Score(), []
    for file in files:
        there = adjacency.annotated(file.with_name(f"{file.stem}-str.xml"))
        document = await parser.parse(file, name=file.name)
        read = [adjacency.of_html(element.html) for element in document.elements if element.html]
        score = adjacency.compare(read, there)
        ours, theirs = ours + score, theirs + adjacency.compare(_by_pdfplumber(file), there)
        means.append(score.f1)
        if each:
            print(f"  {file.stem}: F1 {score.f1:.3f}, precision {score.precision:.3f}, recall {score.recall:.3f}")
    return ours, sum(means) / len(means), theirs


def _by_pdfplumber(file: Path) -> list[list[adjacency.Placed]]:
    with pdfplumber.open(file) as pdf:
        return [adjacency.of_grid(table) for page in pdf.pages for table in page.extract_tables()]


async def _hangul(parser: LocalParser, files: Sequence[Path], *, each: bool) -> tuple[float, float, int]:
    """The mean similarity to the export, the least, and how many read otherwise as HWP than as HWPX."""
    found, different = [], 0
    for export in files:
        there = _plain(export.read_text("utf-8-sig", "replace"))
        if not there:
            continue  # drawings alone
        texts = []
        for suffix in (".hwp", ".hwpx"):
            file = export.with_suffix(suffix)
            document = await parser.parse(file, name=file.name)
            texts.append(_plain("".join(element.html or element.text for element in document.elements)))
        similar = [difflib.SequenceMatcher(None, text, there, autojunk=False).ratio() for text in texts]
        found += similar
        different += texts[0] != texts[1]
        if each:
            print(f"  {export.stem}: HWP {similar[0]:.3f}, HWPX {similar[1]:.3f}")
    return sum(found) / len(found), min(found), different


def _plain(text: str) -> str:
    """Letters without tags and spaces."""
    return "".join(unescape(_TAG.sub("", _HIDDEN.sub("", text))).split())


async def _measure(*, quick: bool, each: bool) -> dict[str, float]:
    parser = LocalParser(timeout_s=120)
    step = 3 if quick else 1
    exports = sorted(p for p in (DATA / "hwp").iterdir() if p.suffix.lower() == ".html")
    exports = [p for p in exports if p.with_suffix(".hwp").exists() and p.with_suffix(".hwpx").exists()]
    try:
        ours, mean, theirs = await _tables(parser, sorted((DATA / "tables_us").glob("*.pdf"))[::step], each=each)
        similar, least, different = await _hangul(parser, exports[::step], each=each)
    finally:
        await parser.close()
    return {
        **{"tables_f1": ours.f1, "tables_precision": ours.precision, "tables_recall": ours.recall},
        **{"tables_mean_f1": mean, "tables_pdfplumber_f1": theirs.f1},
        **{"hangul_similarity": similar, "hangul_least": least, "hangul_different": float(different)},
    }


def main(quick: bool = False, *, each: bool = False) -> dict[str, float]:
    if not DATA.is_dir():
        print("skipped: no shared data")
        return {}
    found = asyncio.run(_measure(quick=quick, each=each))
    both = f"{found['tables_precision']:.3f} / {found['tables_recall']:.3f}"
    peer = f"pdfplumber {found['tables_pdfplumber_f1']:.3f}"
    f1, similar, different = found["tables_f1"], found["hangul_similarity"], found["hangul_different"]
    lines = [
        Line("tables: cell adjacency F1", f"{f1:.3f}", ">= .90", peer, f1 >= 0.9),
        Line("tables: precision / recall", both),
        Line("tables: mean of the files' F1", f"{found['tables_mean_f1']:.3f}"),
        Line("Hangul: similarity to its export", f"{similar:.3f}", ">= .95", "-", similar >= 0.95),
        Line("Hangul: the least similar", f"{found['hangul_least']:.3f}"),
        Line("Hangul: other text as HWP than as HWPX", f"{different:.0f}", "0", "-", different == 0),
    ]
    show("Reading quality", lines)
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reading_quality", description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--each", action="store_true")
    given = parser.parse_args()
    main(given.quick, each=given.each)

"""How every benchmark reports: claim, measured, target, and the peer or floor beside it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """`met` None: nothing was promised, the line is for comparison."""

    what: str
    measured: str
    target: str = ""
    beside: str = ""
    met: bool | None = None


def show(title: str, lines: list[Line]) -> None:
    """A table on standard output."""
    print(f"\n{title}")
    rows = [("", "measured", "target", "others"), *((r.what, r.measured, r.target, r.beside) for r in lines)]
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    for number, row in enumerate(rows):
        mark = "  " if number == 0 or lines[number - 1].met is None else "ok" if lines[number - 1].met else "NO"
        print(f"  {mark} " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())

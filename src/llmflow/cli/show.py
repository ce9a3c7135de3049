"""What people see: aligned tables (Korean letters are two columns wide), colours on a terminal, progress, errors."""

from __future__ import annotations

import os
import re
import sys
import time
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, TextIO

import msgspec

from llmflow.errors import LLMFlowError

_COLOURS = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33"}
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_QUIET_S = 5.0  # between progress lines where nothing can be overwritten


def print_json(document: Any) -> None:
    """One document on stdout."""
    print(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())


def print_error(error: LLMFlowError, *, as_json: bool) -> None:
    """The error on stderr: for people, or as the one JSON shape."""
    if as_json:
        print(msgspec.json.encode(error.body()).decode(), file=sys.stderr)
        return
    print(f"{coloured(f'error[{error.code}]', 'red', sys.stderr)}: {error.message}", file=sys.stderr)
    if error.hint:
        print(f"  {error.hint}", file=sys.stderr)


def note(text: str) -> None:
    """A remark beside the result, on stderr."""
    sys.stdout.flush()
    print(text, file=sys.stderr)


def coloured(text: str, colour: str, stream: TextIO | None = None) -> str:
    """`text` in a colour where `stream` (stdout) is a terminal and NO_COLOR is not set."""
    stream = stream or sys.stdout
    if not stream.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return text
    return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m"


def plain(text: str) -> str:
    """Words of a document or a model without control characters, which a terminal would obey; tabs and line breaks
    stay."""
    return _CONTROLS.sub("", text)


def width(text: str) -> int:
    """Columns of a terminal that `text` takes: wide letters two, combining marks none, and none the vowels and finals
    of Korean written in parts, which stand in their syllable."""
    return sum(0 if _is_joined(c) else 2 if _is_wide(c) else 1 for c in text)


def _is_joined(letter: str) -> bool:
    is_jamo = "\u1160" <= letter <= "\u11ff" or "\ud7b0" <= letter <= "\ud7ff"
    return is_jamo or unicodedata.category(letter) in ("Mn", "Me", "Cf")


def _is_wide(letter: str) -> bool:
    return unicodedata.east_asian_width(letter) in "WF"


def cut(text: str, columns: int) -> str:
    """`text` on one line, at most `columns` wide, with an ellipsis where it was cut."""
    text = plain(" ".join(text.split()))
    if width(text) <= columns:
        return text
    kept, used = [], 1
    for letter in text:
        used += width(letter)
        if used > columns:
            break
        kept.append(letter)
    return "".join(kept).rstrip() + "…"


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Aligned columns under dim headings; the last column is not padded."""
    columns = [max(width(row[i]) for row in [headings, *rows]) for i in range(len(headings))]
    lines = [_line(headings, columns), *(_line(row, columns) for row in rows)]
    lines[0] = coloured(lines[0], "dim")
    return "\n".join(lines)


def _line(row: Sequence[str], columns: Sequence[int]) -> str:
    cells = [cell + " " * (columns[i] - width(cell)) for i, cell in enumerate(row[:-1])]
    return "  ".join([*cells, row[-1]]).rstrip()


def size(count: int) -> str:
    """Bytes as people read them."""
    amount = float(count)
    for unit in ("B", "KB", "MB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 10 else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} GB"


def when(milliseconds: int | None) -> str:
    """A Unix time in milliseconds, in the zone of this machine."""
    if milliseconds is None:
        return ""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).astimezone().strftime("%Y-%m-%d %H:%M")


class ProgressLine:
    """One line on stderr that is written over on a terminal; elsewhere a line every few seconds."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._shown = 0
        self._last = 0.0

    def say(self, text: str) -> None:
        if self._terminal:
            text = cut(text, os.get_terminal_size(sys.stderr.fileno()).columns - 1)
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
            self._shown = 1
        elif time.monotonic() - self._last >= _QUIET_S:
            self._last = time.monotonic()
            print(text, file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Takes the line away, so that other words may follow."""
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
            self._shown = 0

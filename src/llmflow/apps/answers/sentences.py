"""Text to sentences and table rows: the units that answers quote and checks compare."""

from __future__ import annotations

import re
from dataclasses import dataclass

_MAX_CHARACTERS = 500  # a longer "sentence" is a list or a broken text; it is quoted in part
# An end mark, closing quotes or brackets, then white space; not after an initial, a number of a list or "e.g.". White
# space may be missing behind a wide mark, and behind "다." and "요." before more Korean.
_END = re.compile(
    r"""(?<=[.!?。！？…])["'”’)\]」』]*\s+(?=[^\s])"""
    r"""|(?<=[。！？])(?![。！？…"'”’)\]」』\s]|$)"""
    r"|(?<=[가-힣][다요]\.)(?=[가-힣])"
)
_LETTERS = "가나다라마바사아자차카타파하"  # that number the items of Korean lists
_NOT_AN_END = re.compile(
    r"(?:^|[\s(])(?:[A-Z]|\d{1,3}|[a-z]\.[a-z]|Mr|Ms|Mrs|Dr|St|No|vs|etc|Inc|Co|Fig|approx)\.$"
    rf"|(?:^|[\s(.])[{_LETTERS}]\.$"
)
_RULE = re.compile(r"^\|?\s*:?-{2,}:?\s*(\|\s*:?-{2,}:?\s*)*\|?$")
# Marked as one, or numbered like one: short, and not ending as a sentence does.
_HEADING = re.compile(
    r"^#{1,6}\s|^(?:\d{1,2}(?:\.\d{1,2}){1,3}\.?|제\s?\d+\s?[조항장절])\s+\S.{0,60}(?<![.!?。,:;다요])$"
)
_BULLET = re.compile(rf"^\s*(?:(?:[-*•·‣▪○]|\d{{1,3}}[.)]|[{_LETTERS}][.)])\s+|[①-⒇㉠-㉻ⓐ-ⓩ])")


@dataclass(frozen=True, slots=True)
class Unit:
    """A sentence, or a row of a table with its `header` (both as Markdown rows). `text` is what the passage has;
    `heading` is the line above it that names its subject, if the passage has one. `table` counts a passage's tables
    from 1; 0 is prose."""

    text: str
    heading: str = ""
    header: str = ""
    table: int = 0

    @property
    def plain(self) -> str:
        """For comparing: a row's cells with their column names, a sentence as it is."""
        if not self.header:
            return self.text
        pairs = zip(_cells(self.header), _cells(self.text), strict=False)
        return ", ".join(f"{name}: {value}" if name else value for name, value in pairs if value)


def units(text: str, *, heading: str = "") -> list[Unit]:
    """In reading order; headings and the header rows of tables are no units of their own. `heading`: of the text."""
    found: list[Unit] = []
    prose: list[str] = []
    lines = text.splitlines()
    tables = 0
    at = 0
    while at < len(lines):
        if at + 1 < len(lines) and "|" in lines[at] and _RULE.match(lines[at + 1].strip()):
            more, heading = _sentences(prose, heading)
            found += more
            prose = []
            tables += 1
            header = lines[at].strip()
            at += 2
            while at < len(lines) and lines[at].strip().startswith("|"):
                found.append(Unit(lines[at].strip(), heading, header, tables))
                at += 1
        else:
            prose.append(lines[at])
            at += 1
    return found + _sentences(prose, heading)[0]


def _sentences(lines: list[str], heading: str) -> tuple[list[Unit], str]:
    """Sentences of prose, and the last heading. Lines that belong together are joined; a blank line, a list item and
    a heading begin anew."""
    blocks: list[tuple[str, str]] = []
    is_open = False
    for line in lines:
        stripped = line.strip()
        if not stripped:
            is_open = False
        elif _HEADING.match(stripped):
            heading, is_open = stripped.lstrip("# "), False
        elif is_open and not _BULLET.match(line):
            blocks[-1] = (f"{blocks[-1][0]} {stripped}", blocks[-1][1])
        else:
            blocks.append((stripped, heading))
            is_open = True
    return [Unit(sentence, above) for block, above in blocks for sentence in _split(block)], heading


def _split(block: str) -> list[str]:
    parts: list[str] = []
    start = 0
    for end in _END.finditer(block):
        head = block[start : end.start()]
        if not _NOT_AN_END.search(head):
            parts.append(block[start : end.end()].strip())
            start = end.end()
    parts.append(block[start:].strip())
    return [part[:_MAX_CHARACTERS] for part in parts if part]


def _cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip().strip("|").split("|")]

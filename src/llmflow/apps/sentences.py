"""Text to sentences and table rows: the units that answers quote and checks compare."""

from __future__ import annotations

import re
from dataclasses import dataclass

_MAX_CHARACTERS = 500  # a longer "sentence" is a list or a broken text; it is quoted in part
# An end mark, closing quotes or brackets, then white space; not after an initial, a number of a list or "e.g.".
_END = re.compile(r"(?<=[.!?。！？…])[\"'”’)\]]*\s+(?=[^\s])")
_NOT_AN_END = re.compile(r"(?:^|[\s(])(?:[A-Z]|\d{1,3}|[a-z]\.[a-z]|Mr|Ms|Mrs|Dr|St|No|vs|etc|Inc|Co|Fig|approx)\.$")
_RULE = re.compile(r"^\|?\s*:?-{2,}:?\s*(\|\s*:?-{2,}:?\s*)*\|?$")
_BULLET = re.compile(r"^\s*(?:[-*•·‣▪○]|\d{1,3}[.)]|[가-하][.)])\s+")


@dataclass(frozen=True, slots=True)
class Unit:
    """A sentence, or a row of a table with its `header` (both as Markdown rows). `text` is what the passage has."""

    text: str
    header: str = ""

    @property
    def plain(self) -> str:
        """For comparing: a row's cells with their column names, a sentence as it is."""
        if not self.header:
            return self.text
        pairs = zip(_cells(self.header), _cells(self.text), strict=False)
        return ", ".join(f"{name}: {value}" if name else value for name, value in pairs if value)


def units(text: str) -> list[Unit]:
    """In reading order; the header row of a table is not a unit of its own."""
    found: list[Unit] = []
    prose: list[str] = []
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        if at + 1 < len(lines) and "|" in lines[at] and _RULE.match(lines[at + 1].strip()):
            found += _sentences(prose)
            prose = []
            header = lines[at].strip()
            at += 2
            while at < len(lines) and lines[at].strip().startswith("|"):
                found.append(Unit(lines[at].strip(), header))
                at += 1
        else:
            prose.append(lines[at])
            at += 1
    return found + _sentences(prose)


def _sentences(lines: list[str]) -> list[Unit]:
    """Sentences of prose. Lines that belong together are joined; a blank line and a list item begin anew."""
    blocks: list[str] = []
    open_block = False
    for line in lines:
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            open_block = False
            if stripped:
                blocks.append(stripped.lstrip("# "))
        elif open_block and not _BULLET.match(line):
            blocks[-1] += f" {stripped}"
        else:
            blocks.append(stripped)
            open_block = True
    return [Unit(sentence) for block in blocks for sentence in _split(block)]


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

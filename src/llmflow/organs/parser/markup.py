"""reStructuredText and Org: their marks are put as Markdown's, whose reader does the rest."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from llmflow.organs.parser import markdown
from llmflow.organs.parser.source import Source


def read_rst(source: Source) -> None:
    lines = source.text.expandtabs(4).replace("\r\n", "\n").split("\n")
    markdown.read("\n".join(_Restructured(lines).run()), source.draft)


_ADORNMENT = re.compile(r"([!-/:-@\[-`{-~])\1{2,}[ ]*$")
_DIRECTIVE = re.compile(r"( *)\.\. +([\w-]+)::[ ]*(.*)")
_TARGET = re.compile(r" *\.\. +_([^:]+): *(\S+)")
_COMMENT = re.compile(r"( *)\.\.(?: |$)")
_OPTION = re.compile(r" *:[\w-]+:(?: |$)")
_COLUMNS = re.compile(r" *=+(?: +=+)+ *$")
_GRID = re.compile(r" *\+(?:[-=]+\+)+ *$")
_ROLE = re.compile(r":[\w:-]+:`([^`<]+?)(?: *<[^`>]*>)?`")
_WITH_ADDRESS = re.compile(r"`([^`<]+?) *<(https?://[^`>]+)>`__?")
_NAMED = re.compile(r"`([^`]+)`__?|\b(\w+)_(?=[\s.,;:!?)]|$)")
_LITERAL = re.compile(r"``(.+?)``")
_AS_THEY_STAND = ("code", "code-block", "sourcecode", "literalinclude", "math", "parsed-literal")
#: What speaks of the page and not in it, or takes in what stands elsewhere.
_LEFT_OUT = ("include", "raw", "contents", "toctree", "image", "figure", "index", "meta", "highlight", "default-role")


class _Restructured:
    """Levels of headings go by the order in which their adornments come up, as the format has it."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines
        self._levels: list[str] = []

    def run(self) -> Iterator[str]:
        at = 0
        while at < len(self._lines):
            line = self._lines[at]
            if heading := self._heading(at):
                words, adornment, at = heading
                if adornment not in self._levels:
                    self._levels.append(adornment)
                yield f"\n{'#' * min(self._levels.index(adornment) + 1, 6)} {_plain(words)}\n"
            elif _COLUMNS.match(line) or _GRID.match(line):
                end = self._table_end(at)
                yield from _table(self._lines[at:end])
                at = end
            elif found := _DIRECTIVE.match(line):
                inner, at = self._indented(at + 1, len(found[1]))
                yield from self._directive(found[2].lower(), found[3], inner)
            elif _TARGET.match(line):
                at += 1
            elif found := _COMMENT.match(line):
                _, at = self._indented(at + 1, len(found[1]))
            elif line.rstrip().endswith("::"):
                yield _plain(line.rstrip()[:-1].removesuffix(" :"))
                inner, at = self._indented(at + 1, len(line) - len(line.lstrip()))
                yield from _code(inner)
            elif _ADORNMENT.match(line):
                yield ""
                at += 1
            else:
                yield _plain(line)
                at += 1

    def _heading(self, at: int) -> tuple[str, str, int] | None:
        """Its words, its adornment, and where it ends."""
        here = self._lines[at]
        below = self._lines[at + 1] if at + 1 < len(self._lines) else ""
        if _ADORNMENT.match(here) and at + 2 < len(self._lines) and below.strip():
            under = self._lines[at + 2]
            if under.rstrip() == here.rstrip():
                return below.strip(), f"over {here[0]}", at + 3
        if here.strip() and not here.startswith(" ") and not _ADORNMENT.match(here) and _ADORNMENT.match(below):
            is_under = at == 0 or not self._lines[at - 1].strip() or self._lines[at - 1].startswith(".. ")
            return (here.strip(), below[0], at + 2) if is_under else None
        return None

    def _indented(self, at: int, indent: int) -> tuple[list[str], int]:
        """The block that stands deeper than `indent`, without its indentation; where it ends."""
        end = at
        while end < len(self._lines):
            line = self._lines[end]
            if line.strip() and len(line) - len(line.lstrip()) <= indent:
                break
            end += 1
        block = self._lines[at:end]
        least = min((len(line) - len(line.lstrip()) for line in block if line.strip()), default=0)
        return [line[least:] for line in block], end

    def _directive(self, name: str, argument: str, inner: list[str]) -> Iterator[str]:
        while inner and _OPTION.match(inner[0]):
            inner = inner[1:]
        if name in _AS_THEY_STAND:
            yield from _code(inner if name != "math" or not argument else [argument, *inner])
        elif name not in _LEFT_OUT:
            yield from ("", _plain(argument), "")
            yield from _Restructured(inner).run()

    def _table_end(self, at: int) -> int:
        end = at + 1
        if _GRID.match(self._lines[at]):
            while end < len(self._lines) and self._lines[end].lstrip()[:1] in ("+", "|"):
                end += 1
            return end
        while end < len(self._lines):
            is_last = _COLUMNS.match(self._lines[end]) and not "".join(self._lines[end + 1 : end + 2]).strip()
            end += 1
            if is_last:
                break
        return end


def _code(lines: list[str]) -> list[str]:
    return ["", "````", *"\n".join(lines).strip("\n").split("\n"), "````", ""]


def _plain(line: str) -> str:
    line = _LITERAL.sub(r"`\1`", _WITH_ADDRESS.sub(r"[\1](\2)", _ROLE.sub(r"\1", line)))
    return _NAMED.sub(lambda m: m[1] or m[2], line) if "_" in line else line


def _table(lines: list[str]) -> Iterator[str]:
    """A simple or a grid table; cells over several lines are joined."""
    is_grid = bool(_GRID.match(lines[0]))
    edges = [m.span() for m in re.finditer(r"[-=]+" if is_grid else r"=+", lines[0])]
    if not is_grid:
        edges[-1] = (edges[-1][0], 10_000)
    rows: list[list[str]] = []
    begins = True
    for line in lines[1:]:
        if _GRID.match(line) or _COLUMNS.match(line):
            begins = True
            continue
        cells = [_cut(line, *edge) for edge in edges]
        if begins or (not is_grid and cells[0]):
            rows.append(cells)
        else:
            rows[-1] = [" ".join(filter(None, pair)) for pair in zip(rows[-1], cells, strict=True)]
        begins = False
    yield ""
    for number, row in enumerate(rows):
        yield f"| {' | '.join(_plain(cell) for cell in row)} |"
        if number == 0:
            yield "|" + "---|" * len(row)
    yield ""


def _cut(line: str, start: int, end: int) -> str:
    """The columns from `start` to `end` of a screen, where a Hangul syllable or a Han character takes two."""
    width, kept = 0, []
    for char in line:
        if start <= width < end:
            kept.append(char)
        width += 2 if unicodedata.east_asian_width(char) in "WF" else 1
    return "".join(kept).strip()


_STARS = re.compile(r"(\*+)[ \t]+(?:(?:TODO|DONE)[ \t]+)?(?:\[#\w\][ \t]+)?(.*?)(?:[ \t]+:[\w@#%:]+:)?[ \t]*$")
_BLOCK = re.compile(r"[ \t]*#\+(begin|end)_(\w+)", re.I)
_KEYWORD = re.compile(r"[ \t]*#\+(\w+):[ \t]*(.*)", re.I)
_DRAWER = re.compile(r"[ \t]*:[\w-]+:[ \t]*$")
_RULE = re.compile(r"[ \t]*\|[-+]+\|?[ \t]*$")
_LINK = re.compile(r"\[\[([^\]]+)\](?:\[([^\]]+)\])?\]")
_MARK = re.compile(r"(?<![\w*/=~+])([*/=~+])(\S(?:[^\n]*?\S)?)\1(?![*/=~+\w])")
_CODE = ("src", "example")


def read_org(source: Source) -> None:
    lines = source.text.replace("\r\n", "\n").split("\n")
    title = next(
        (found[2].strip() for line in lines if (found := _KEYWORD.match(line)) and found[1].lower() == "title"), ""
    )
    source.draft.title = title or None
    markdown.read("\n".join(_org(lines)), source.draft)


def _org(lines: list[str]) -> Iterator[str]:
    block, in_drawer, in_table = "", False, False
    for line in lines:
        is_row = not block and line.lstrip().startswith("|")
        if found := _BLOCK.match(line):
            kind = found[2].lower()
            block = kind if found[1].lower() == "begin" else ""
            if kind in _CODE:
                yield "```"
        elif block in _CODE:
            yield line
        elif in_drawer:
            in_drawer = line.strip().upper() != ":END:"
        elif _DRAWER.match(line):
            in_drawer = True
        elif found := _STARS.match(line):
            yield f"\n{'#' * min(len(found[1]), 6)} {_unmarked(found[2])}\n"
        elif is_row:
            row = line.strip().rstrip("|") + "|"
            if not _RULE.match(line):
                yield _unmarked(row)
                if not in_table:
                    yield "|" + "---|" * (row.count("|") - 1)
        elif block != "comment" and not line.startswith("# ") and not _KEYWORD.match(line):
            yield _unmarked(line)
        in_table = is_row


def _unmarked(line: str) -> str:
    line = _LINK.sub(lambda m: f"{m[2]} ({m[1]})" if m[2] and m[1].startswith("http") else m[2] or m[1], line)
    return _MARK.sub(lambda m: m[2], line)

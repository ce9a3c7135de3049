"""Markdown, line by line.

A full CommonMark tree takes 0.6 to 0.8 ms for a page of 4 KB (markdown-it-py); the blocks are all that is needed here
and a pass over the lines finds them in a tenth of that.
"""

from __future__ import annotations

import html
import re

from llmflow.organs.parser import tables
from llmflow.organs.parser.draft import Draft
from llmflow.organs.parser.source import Source

_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_RULE = re.compile(r" {0,3}([-*_])[ \t]*(?:\1[ \t]*){2,}$")
_SETEXT = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_ITEM = re.compile(r"([ \t]*)(?:[-*+]|(\d{1,9})[.)])[ \t]+(?=\S)(?:\[[ xX]\][ \t]+)?")
_QUOTE = re.compile(r" {0,3}> ?")
_DELIMITERS = re.compile(r" {0,3}\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$")
_REFERENCE = re.compile(r" {0,3}\[([^\]^][^\]]*)\]:[ \t]*<?(\S+?)>?(?:[ \t]+[\"'(].*)?$")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_FRONT_TITLE = re.compile(r"^title:[ \t]*(.+?)[ \t]*$", re.MULTILINE)
_PIPE = re.compile(r"(?<!\\)\|")

_MARKED = re.compile(r"[*_`\[\]<&\\~]")
_CODE_SPAN = re.compile(r"(`+)(.+?)(?<!`)\1(?!`)", re.DOTALL)
_IMAGE = re.compile(r"!\[([^\]]*)\]\([^()\s]*(?:\([^()]*\)[^()\s]*)?(?:\s+[\"'][^)]*)?\)")
_LINK = re.compile(r"\[((?:[^\[\]]|\[[^\]]*\])*)\]\(<?([^()\s>]*(?:\([^()]*\)[^()\s>]*)?)>?(?:\s+[\"'][^)]*)?\)")
_LINK_BY_NAME = re.compile(r"\[([^\[\]]+)\]\[([^\[\]]*)\]")
_AUTOLINK = re.compile(r"<((?:https?|mailto):[^<>\s]+)>")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_STRONG = re.compile(r"(\*\*|__|~~)(?=\S)(.+?)(?<=\S)\1", re.DOTALL)
_EMPHASIS = re.compile(r"(?<![\w*])([*_])(?=[^\s*_])(.+?)(?<=[^\s*_])\1(?![\w*])", re.DOTALL)
_STAR = re.compile(r"\*(?=\S)([^*\n]+?)(?<=\S)\*")
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_HELD = re.compile("\ue000(\\d+)\ue001")


def read(text: str, draft: Draft) -> None:
    _Reader(text, draft).run()


def read_markdown(source: Source) -> None:
    read(source.text, source.draft)


def inline(text: str, references: dict[str, str] | None = None) -> str:
    """Without marks: link and image texts, code and emphasis as plain words; an address follows its link's text."""
    if not _MARKED.search(text):
        return text
    held: list[str] = []

    def hold(piece: str) -> str:
        held.append(piece)
        return f"\ue000{len(held) - 1}\ue001"

    def link(words: str, address: str) -> str:
        words = words.strip() or address
        return f"{words} ({address})" if address.startswith(("http", "mailto:")) and address not in words else words

    text = _CODE_SPAN.sub(lambda m: hold(m[2].strip()), text)
    text = _ESCAPE.sub(lambda m: hold(m[1]), text)
    if "[" in text:
        text = _IMAGE.sub(lambda m: m[1], text)
        text = _LINK.sub(lambda m: link(m[1], m[2]), text)
        if references:
            named = references
            text = _LINK_BY_NAME.sub(lambda m: link(m[1], named.get((m[2] or m[1]).lower(), "")), text)
    if "<" in text:
        text = _AUTOLINK.sub(lambda m: hold(m[1]), text)
        text = _TAG.sub(" " if "<br" in text else "", text)
    text = _STRONG.sub(lambda m: m[2], text)
    text = _EMPHASIS.sub(lambda m: m[2], text)
    if "*" in text:  # particles stand right after the mark in Korean: *강조*는
        text = _STAR.sub(lambda m: m[1], text)
    if "&" in text:
        text = html.unescape(text)
    return _HELD.sub(lambda m: held[int(m[1])], text) if held else text


class _Reader:
    def __init__(self, text: str, draft: Draft) -> None:
        text = text.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
        if "<!--" in text:
            text = _COMMENT.sub("", text)
        self._lines = text.expandtabs(4).split("\n") if "\t" in text else text.split("\n")
        self._draft = draft
        self._paragraph: list[str] = []
        self._item = False  # the open paragraph is a list item
        self._references = self._find_references() if "]:" in text else {}

    def _find_references(self) -> dict[str, str]:
        return {m[1].lower(): m[2] for line in self._lines if (m := _REFERENCE.match(line))}

    def run(self) -> None:
        at = self._skip_front_matter()
        while at < len(self._lines):
            at = self._block(at)
        self._flush()

    def _skip_front_matter(self) -> int:
        """YAML between two lines of --- at the very top; its title becomes the document's."""
        if self._lines[0].rstrip() != "---":
            return 0
        for end in range(1, min(len(self._lines), 200)):
            if self._lines[end].rstrip() in ("---", "..."):
                if match := _FRONT_TITLE.search("\n".join(self._lines[1:end])):
                    self._draft.title = match[1].strip("'\"")
                return end + 1
        return 0

    def _flush(self) -> None:
        if self._paragraph:
            text = inline("\n".join(self._paragraph), self._references)
            kind = "ListItem" if self._item else "NarrativeText"
            self._draft.add(kind, text)
            self._paragraph.clear()
        self._item = False

    def _block(self, at: int) -> int:
        """Takes up the line at `at`; the number of the next one."""
        line = self._lines[at]
        stripped = line.strip()
        if not stripped:
            if self._item and at + 1 < len(self._lines) and self._lines[at + 1].startswith("  "):
                return at + 1  # a list item goes on after an empty line when it is indented
            self._flush()
            return at + 1
        if line.startswith("    ") and not self._paragraph:
            return self._indented_code(at)
        first = stripped[0]
        if first == "#" and (match := _HEADING.match(line)):
            return self._heading(at, len(match[1]), match[2] or "")
        if first in "`~" and (match := _FENCE.match(line)):
            return self._code(at, match[1])
        if first in "=-" and self._paragraph and not self._item and (match := _SETEXT.match(line)):
            heading = "\n".join(self._paragraph)
            self._paragraph.clear()
            return self._heading(at, 1 if match[1][0] == "=" else 2, heading)
        if first in "-*_" and _RULE.match(line):
            self._flush()
            return at + 1
        if "|" in line and at + 1 < len(self._lines) and self._is_table(at):
            return self._table(at)
        if (first in "-*+" or first.isdigit()) and (match := _ITEM.match(line)):
            self._start_item(match, line)
            return at + 1
        if first == "[" and _REFERENCE.match(line):
            return at + 1
        self._paragraph.append(_QUOTE.sub("", line).strip() if first == ">" else stripped)
        return at + 1

    def _heading(self, at: int, level: int, text: str) -> int:
        self._flush()
        self._draft.add("Title", inline(text, self._references), level=level)
        return at + 1

    def _start_item(self, match: re.Match[str], line: str) -> None:
        if self._paragraph and not self._item and match[2] not in (None, "1"):
            self._paragraph.append(line.strip())  # a line of a paragraph that happens to begin with a number
            return
        self._flush()
        self._item = True
        number = f"{match[2]}. " if match[2] else ""
        self._paragraph.append(number + line[match.end() :].rstrip())

    def _code(self, at: int, fence: str) -> int:
        self._flush()
        end = at + 1
        while end < len(self._lines) and not self._lines[end].strip().startswith(fence):
            end += 1
        self._draft.add("CodeSnippet", "\n".join(self._lines[at + 1 : end]))
        return end + 1

    def _indented_code(self, at: int) -> int:
        end = at
        while end < len(self._lines) and (self._lines[end].startswith("    ") or not self._lines[end].strip()):
            end += 1
        self._draft.add("CodeSnippet", "\n".join(line[4:].rstrip() for line in self._lines[at:end]).strip("\n"))
        return end

    def _is_table(self, at: int) -> bool:
        below = self._lines[at + 1]
        return "-" in below and bool(_DELIMITERS.match(below)) and len(_cells(below)) == len(_cells(self._lines[at]))

    def _table(self, at: int) -> int:
        self._flush()
        end = at + 2
        while end < len(self._lines) and "|" in self._lines[end] and self._lines[end].strip():
            end += 1
        width = len(_cells(self._lines[at]))
        rows = []
        for line in (self._lines[at], *self._lines[at + 2 : end]):
            cells = [inline(cell, self._references) for cell in _cells(line)][:width]
            rows.append(cells + [""] * (width - len(cells)))
        grid = tables.simple(rows)
        self._draft.add("Table", tables.markdown(grid), html=tables.html(grid))
        return end


def _cells(line: str) -> list[str]:
    line = line.strip()
    line = line[1:] if line.startswith("|") else line
    line = line[:-1] if line.endswith("|") and not line.endswith("\\|") else line
    return [cell.strip().replace("\\|", "|") for cell in _PIPE.split(line)]

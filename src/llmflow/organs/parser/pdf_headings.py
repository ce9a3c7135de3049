"""Which paragraphs of a PDF are headings, told by their type."""

from __future__ import annotations

import re
from collections import Counter

from llmflow.organs.parser.pdf_layout import Paragraph

_NUMBERED = re.compile(r"(?:\d+(?:\.\d+)*\.?|제\s?\d+\s?[장절조편관]|[IVX]+\.|[A-Z]\.)[\s\u00a0]*(?=\S)")
_LETTER = re.compile(r"[^\W\d_]")


class Headings:
    """Which paragraphs are headings, and of which level: by size above the body, then by weight."""

    def __init__(self, body: float) -> None:
        self._body = body
        self._styles: Counter[tuple[float, bool]] = Counter()
        self._letters: Counter[bool] = Counter()

    def learn(self, paragraph: Paragraph) -> None:
        self._letters[paragraph.bold] += sum(len(line.text) for line in paragraph.lines)
        if self._looks(paragraph):
            self._styles[self._style(paragraph)] += 1

    def level(self, paragraph: Paragraph) -> int | None:
        """From 1; None: no heading."""
        if not self._looks(paragraph) or (not self._is_larger(paragraph) and self._mostly_bold):
            return None
        ranks: list[float] = []
        style = self._style(paragraph)
        for size, bold in sorted(self._styles, reverse=True):
            rank = size + (0.25 if bold else 0.0)
            if not ranks or ranks[-1] - rank > 0.06 * size:
                ranks.append(rank)
            if (size, bold) == style:
                break
        return min(len(ranks), 6)

    @property
    def _mostly_bold(self) -> bool:
        return self._letters[True] > self._letters[False]

    def _style(self, paragraph: Paragraph) -> tuple[float, bool]:
        return (round(paragraph.size * 2) / 2, paragraph.bold)

    def _is_larger(self, paragraph: Paragraph) -> bool:
        return paragraph.size >= 1.12 * self._body

    def _looks(self, paragraph: Paragraph) -> bool:
        if paragraph.lines[0].role != "body" or len(paragraph.lines) > 3:
            return False
        text = " ".join(line.text for line in paragraph.lines).strip()
        if not 2 <= len(text) <= 180 or len(_LETTER.findall(text)) < 2 or text.count(",") > 3:
            return False
        larger = paragraph.size >= (1.06 if paragraph.bold or _NUMBERED.match(text) else 1.12) * self._body
        if larger:
            return not text.endswith((",", ";")) and not (text.endswith(".") and len(text) > 60)
        if not paragraph.bold or paragraph.size < 0.95 * self._body or len(paragraph.lines) > 2 or len(text) > 120:
            return False
        return not text.endswith((".", ",", ":", ";", "다")) or bool(_NUMBERED.match(text))

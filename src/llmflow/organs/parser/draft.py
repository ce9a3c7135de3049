"""A document in the making: collects elements in reading order and keeps track of the headings above them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from llmflow.ports.parser import Element, ParsedDocument

Box = tuple[float, float, float, float]


def union(boxes: Sequence[Box]) -> Box:
    return (
        min(box[0] for box in boxes),
        min(box[1] for box in boxes),
        max(box[2] for box in boxes),
        max(box[3] for box in boxes),
    )


_HANGUL = re.compile(r"[\uac00-\ud7a3]")
_KANA_OR_HAN = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
_LATIN = re.compile(r"[A-Za-z]")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")
_SAMPLE = 400  # characters that decide an element's language


def language_of(text: str) -> str | None:
    """ "ko" where Hangul leads, "en" where only Latin letters stand, else None."""
    sample = text[:_SAMPLE]
    latin = len(_LATIN.findall(sample))
    if sample.isascii():
        return "en" if latin >= 2 else None
    hangul = len(_HANGUL.findall(sample))
    if hangul * 3 >= latin and hangul >= 1:
        return "ko" if hangul >= len(_KANA_OR_HAN.findall(sample)) else None
    return "en" if latin >= 2 and latin * 2 >= len(sample.replace(" ", "")) else None


def clean(text: str) -> str:
    """Without control characters and lone surrogates, which no store or JSON takes."""
    return _UNPRINTABLE.sub("", text).strip() if _UNPRINTABLE.search(text) else text.strip()


class Draft:
    """Elements so far. A Title closes every heading of its level or deeper."""

    def __init__(self) -> None:
        self.elements: list[Element] = []
        self.warnings: list[str] = []
        self.title: str | None = None
        self._path: list[tuple[int, str]] = []
        self._texts: tuple[str, ...] = ()

    def add(
        self,
        kind: str,
        text: str,
        *,
        level: int | None = None,
        page: int | None = None,
        html: str | None = None,
        bbox: Box | None = None,
        ocr: bool = False,
    ) -> None:
        """Empty text adds nothing. `level` counts for a Title only."""
        text = clean(text)
        if not text:
            return
        if kind == "Title":
            level = level or 1
            self.close_headings(level)
        self.elements.append(
            Element(
                kind,
                text,
                page=page,
                heading_path=self._texts if kind not in ("Header", "Footer") else (),
                level=level if kind == "Title" else None,
                html=html,
                bbox=bbox,
                language=language_of(text),
                ocr=ocr,
            )
        )
        if kind == "Title":
            assert level is not None
            self._path.append((level, " ".join(text.split())))
            self._texts = tuple(heading for _, heading in self._path)

    def close_headings(self, level: int = 1) -> None:
        """What follows stands under no heading of this level or deeper seen so far (the next sheet, an attachment)."""
        while self._path and self._path[-1][0] >= level:
            self._path.pop()
        self._texts = tuple(heading for _, heading in self._path)

    def warn(self, sentence: str) -> None:
        if sentence not in self.warnings:
            self.warnings.append(sentence)

    def has_text(self) -> bool:
        return any(element.kind != "PageBreak" for element in self.elements)

    def document(self, media_type: str, *, pages: int | None = None) -> ParsedDocument:
        title = self.title or next(self._first_titles(), None)
        return ParsedDocument(
            tuple(self.elements),
            media_type,
            pages=pages,
            title=clean(title)[:300] if title else None,
            warnings=tuple(self.warnings),
        )

    def _first_titles(self) -> Iterator[str]:
        return (element.text for element in self.elements if element.kind == "Title")

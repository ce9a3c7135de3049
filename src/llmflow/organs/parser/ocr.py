"""Text in pictures, read by the Tesseract program."""

from __future__ import annotations

import io
import shutil
import subprocess
from dataclasses import dataclass, field

from PIL import Image

from llmflow.errors import DocumentError
from llmflow.organs.parser.draft import Box, union
from llmflow.processes.child import die_with_parent

_TIMEOUT_S = 180.0  # for one page
_MIN_CONFIDENCE = 30.0  # of a paragraph, 0..100; what is below is specks and pictures
_MAX_SIDE = 10_000  # pixels


@dataclass(slots=True)
class Paragraph:
    """`lines`: their words joined. `box`: in pixels of the picture."""

    lines: list[str]
    box: Box
    block: int


@dataclass(slots=True)
class _Gathered:
    words: list[tuple[int, str, float]] = field(default_factory=list)  # line number, word, confidence
    boxes: list[Box] = field(default_factory=list)


class Ocr:
    """`languages`: Tesseract's codes with + between; those that are not installed are left out."""

    def __init__(self, languages: str) -> None:
        self._program = shutil.which("tesseract")
        self._wanted = languages
        self._languages: str | None = None

    @property
    def there(self) -> bool:
        return self._program is not None

    def read(self, image: Image.Image, *, dpi: int) -> list[Paragraph]:
        """Paragraphs in reading order, whichever way up the page lies. Raises DocumentError (ocr_missing,
        document_timeout)."""
        if self._program is None:
            raise missing()
        if max(image.size) > _MAX_SIDE:
            image.thumbnail((_MAX_SIDE, _MAX_SIDE))
        picture = io.BytesIO()
        image.convert("L").save(picture, "PNG", compress_level=1, dpi=(dpi, dpi))
        languages = self._languages or self._installed(self._program)
        # psm 1: find out how the page is turned, then its columns.
        table = self._run(self._program, picture.getvalue(), languages, dpi, psm=1)
        return _paragraphs(table)

    def _run(self, program: str, picture: bytes, languages: str, dpi: int, *, psm: int) -> str:
        command = [program, "stdin", "stdout", "-l", languages, "--psm", str(psm), "--dpi", str(dpi)]
        command += ["-c", "tessedit_create_tsv=1"]
        try:
            done = subprocess.run(
                command,
                input=picture,
                capture_output=True,
                timeout=_TIMEOUT_S,
                check=False,
                preexec_fn=die_with_parent,
            )
        except subprocess.TimeoutExpired as error:
            raise DocumentError("Reading a scanned page took too long.", code="document_timeout") from error
        return done.stdout.decode("utf-8", "replace")

    def _installed(self, program: str) -> str:
        done = subprocess.run([program, "--list-langs"], capture_output=True, text=True, timeout=30, check=False)
        there = set(done.stdout.split())
        languages = [language for language in self._wanted.split("+") if language in there]
        if not languages:
            raise missing(f"Tesseract has none of the languages {self._wanted}.")
        self._languages = "+".join(languages)
        return self._languages


def missing(what: str = "The file has only pictures of text, and Tesseract is not installed.") -> DocumentError:
    return DocumentError(what, code="ocr_missing")


def _paragraphs(table: str) -> list[Paragraph]:
    """Tesseract's TSV: level, page, block, paragraph, line, word, left, top, width, height, confidence, text."""
    found: dict[tuple[int, int], _Gathered] = {}
    for row in table.splitlines()[1:]:
        cells = row.split("\t")
        if len(cells) < 12 or cells[0] != "5" or not cells[11].strip():
            continue
        left, top, width, height = (float(cell) for cell in cells[6:10])
        gathered = found.setdefault((int(cells[2]), int(cells[3])), _Gathered())
        gathered.words.append((int(cells[4]), cells[11].strip(), float(cells[10])))
        gathered.boxes.append((left, top, left + width, top + height))
    paragraphs = []
    for (block, _), gathered in found.items():
        sure = sum(confidence for _, _, confidence in gathered.words) / len(gathered.words)
        if sure < _MIN_CONFIDENCE:
            continue
        lines: dict[int, list[str]] = {}
        for line, word, _ in gathered.words:
            lines.setdefault(line, []).append(word)
        paragraphs.append(Paragraph([" ".join(words) for words in lines.values()], union(gathered.boxes), block))
    return paragraphs

"""Text in pictures, read by the Tesseract program."""

from __future__ import annotations

import io
import itertools
import re
import shutil
import subprocess
from dataclasses import dataclass

from PIL import Image

from llmflow.errors import DocumentError
from llmflow.organs.parser import straighten
from llmflow.organs.parser.draft import Box, union
from llmflow.processes.child import die_with_parent

_TIMEOUT_S = 180.0  # for one page
_MIN_CONFIDENCE = 40.0  # of a paragraph, 0..100; what is below is specks and pictures
_MAX_SIDE = 10_000  # pixels
_SMALL_SIDE = 1500  # pixels; a page's width under it is enlarged
_TSV_ROW = re.compile(r"\d(?:\t-?[\d.]+){10}\t|level\tpage_num\t")


@dataclass(slots=True)
class Paragraph:
    """`lines`: text and box of each. `box`: of the whole. Boxes are in pixels of the picture."""

    lines: list[tuple[str, Box]]
    box: Box


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
        """Paragraphs in reading order, whichever way up the page lies and however skewed.

        Raises DocumentError (ocr_missing, document_timeout)."""
        if self._program is None:
            raise missing()
        scale = 2 if image.width < _SMALL_SIDE else min(1.0, _MAX_SIDE / max(image.size))
        if scale != 1:  # small print is read far better when it is enlarged
            image = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.LANCZOS)
        skew = straighten.skew_of(image)
        if skew:
            image = straighten.level(image, skew)
        picture = io.BytesIO()
        image.convert("L").save(picture, "PNG", compress_level=1)
        languages = self._languages or self._installed(self._program)
        found = _paragraphs(self._run(self._program, picture.getvalue(), languages, round(dpi * scale)), scale)
        return [_turned_back(one, skew, image.width / scale, image.height / scale) for one in found] if skew else found

    def _run(self, program: str, picture: bytes, languages: str, dpi: int) -> str:
        # psm 1: find out how the page is turned, then its columns.
        command = [program, "stdin", "stdout", "-l", languages, "--psm", "1", "--dpi", str(dpi)]
        command += ["-c", "tessedit_create_tsv=1", "-c", "tessedit_create_txt=1"]
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


def _paragraphs(output: str, scale: float) -> list[Paragraph]:
    """From Tesseract's TSV (level, page, block, paragraph, line, word, left, top, width, height, confidence, text) and
    its plain text: the first has the boxes, only the second knows where Hangul has spaces."""
    found: dict[tuple[int, int], dict[int, list[tuple[str, float, Box]]]] = {}
    plain: set[str] = set()
    for row in output.splitlines():
        if not _TSV_ROW.match(row):
            plain.add(" ".join(row.split()))
            continue
        cells = row.split("\t")
        if cells[0] != "5" or not cells[11].strip():
            continue
        left, top, width, height = (float(cell) / scale for cell in cells[6:10])
        lines = found.setdefault((int(cells[2]), int(cells[3])), {})
        word = (cells[11].strip(), float(cells[10]), (left, top, left + width, top + height))
        lines.setdefault(int(cells[4]), []).append(word)
    spaced = {line.replace(" ", ""): line for line in plain}
    paragraphs = []
    for gathered in found.values():
        words = [word for line in gathered.values() for word in line]
        if sum(confidence for _, confidence, _ in words) / len(words) < _MIN_CONFIDENCE:
            continue
        lines_out = [
            (
                spaced.get("".join(word for word, _, _ in line), " ".join(word for word, _, _ in line)),
                union([box for _, _, box in line]),
            )
            for line in gathered.values()
        ]
        paragraphs.append(Paragraph(lines_out, union([box for _, box in lines_out])))
    return paragraphs


def _turned_back(paragraph: Paragraph, skew: float, width: float, height: float) -> Paragraph:
    lines = [(text, straighten.as_it_lay(box, skew, width, height)) for text, box in paragraph.lines]
    return Paragraph(lines, straighten.as_it_lay(paragraph.box, skew, width, height))


def text_of(paragraph: Paragraph) -> str:
    """Full lines run on; a line that ends early keeps its line break (lists, addresses, rows of tables)."""
    width = paragraph.box[2] - paragraph.box[0]
    text = paragraph.lines[0][0]
    for (before, box), (line, _) in itertools.pairwise(paragraph.lines):
        if box[2] < paragraph.box[0] + 0.8 * width:
            text += "\n" + line
        elif re.search(r"[A-Za-z]-$", before) and line[:1].islower():
            text = text[:-1] + line
        else:
            text += " " + line
    return text

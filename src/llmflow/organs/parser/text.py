"""Plain text and delimited tables, in whatever encoding they come."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator
from pathlib import PurePath

import charset_normalizer
from striprtf.striprtf import rtf_to_text

from llmflow.errors import DocumentError
from llmflow.organs.parser import tables
from llmflow.organs.parser.draft import Draft
from llmflow.organs.parser.source import Source

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_PARAGRAPHS = re.compile(r"\n[ \t\u3000]*\n\s*")
_HANGUL = re.compile(r"[\uac00-\ud7a3]")
_KANA = re.compile(r"[\u3040-\u30ff]")
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_GUESSED_FROM = 64 << 10  # bytes
_LONG_TEXT = 20_000  # characters without an empty line


def by_mark(data: bytes) -> str | None:
    """Text that a byte order mark or valid UTF-8 identifies beyond doubt, else None."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            try:
                return data.decode(encoding)
            except UnicodeDecodeError:
                return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def decode(data: bytes, *, declared: str | None = None) -> tuple[str, str | None]:
    """The text and, where the encoding had to be guessed, a warning.

    Tries marks and UTF-8, then UTF-16/32 without a mark, what the file itself declares, Korean, Japanese and
    Western encodings by how likely their text looks. Raises DocumentError when the bytes are no text.
    """
    if (text := by_mark(data)) is not None and not looks_binary(text):
        return text, None
    if (text := _wide(data)) is not None:
        return text, None
    for encoding in (declared, _korean(data), _guess(data)):
        if encoding is None:
            continue
        try:
            text = data.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
        if not looks_binary(text):
            if encoding == declared:
                return text, None
            return text, f"The encoding was not marked; {encoding} was assumed. Save the file as UTF-8 to be sure."
    text = data.decode("cp1252", "replace")
    if looks_binary(text):
        raise DocumentError("The file is not text.", code="document_unreadable")
    return text, "The encoding could not be told; Windows-1252 was assumed. Save the file as UTF-8 to be sure."


def looks_binary(text: str) -> bool:
    sample = text[:4096]
    return len(_CONTROLS.findall(sample)) * 50 > len(sample)


def _wide(data: bytes) -> str | None:
    """UTF-32 or UTF-16 without a byte order mark: zero bytes stand in every second or three of four places."""
    sample = data[:4096]
    if len(sample) < 4 or b"\x00" not in sample:
        return None
    best: tuple[float, str] | None = None
    for encoding in ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be"):
        try:
            text = sample[: len(sample) // 4 * 4].decode(encoding)
        except UnicodeDecodeError:
            continue
        likely = sum(c.isascii() and (c.isprintable() or c in "\r\n\t") for c in text) + len(_HANGUL.findall(text))
        if not looks_binary(text) and likely > 0.7 * len(text) and (best is None or likely / len(text) > best[0]):
            best = (likely / len(text), encoding)
    return data.decode(best[1], "replace") if best else None


def _korean(data: bytes) -> str | None:
    """cp949 (EUC-KR and its extension) when the bytes decode and common syllables lead."""
    try:
        text = data[:_GUESSED_FROM].decode("cp949", "strict")
    except UnicodeDecodeError as error:
        if error.start < min(len(data), _GUESSED_FROM) - 2:
            return None
        text = data[: error.start].decode("cp949")
    foreign = sum(not c.isascii() for c in text)
    if not foreign:
        return None
    common = len(re.findall(r"[\uac00-\ud7a3]", "".join(c for c in text if _in_ksx1001(c))))
    return "cp949" if common >= 0.8 * foreign and not _KANA.search(text) else None


def _in_ksx1001(char: str) -> bool:
    """One of the 2,350 syllables real text is made of; the other 8,822 come up when other encodings are misread."""
    if char.isascii():
        return False
    try:
        encoded = char.encode("euc_kr")
    except UnicodeEncodeError:
        return False
    return len(encoded) == 2


def _guess(data: bytes) -> str | None:
    best = charset_normalizer.from_bytes(data[:_GUESSED_FROM], cp_exclusion=["utf_7", "johab"]).best()
    guess = best.encoding if best else None
    # Short Western text is taken for any of the Central European tables; Windows-1252 is by far the commonest.
    return "cp1252" if guess in ("cp1250", "cp1257", "cp1254", "latin_1", "iso8859_15", "cp1258") else guess


def read_plain(text: str, draft: Draft) -> None:
    """Paragraphs stand apart by empty lines; their own line breaks stay."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x0c", "\n\n")
    for paragraph in _PARAGRAPHS.split(text.strip("\ufeff \n")):
        for piece in _pieces(paragraph):
            draft.add("NarrativeText" if len(piece) > 60 else "UncategorizedText", piece)


def _pieces(paragraph: str) -> Iterator[str]:
    """Endless paragraphs in pieces that end at a line's or a word's end."""
    start = 0
    while len(paragraph) - start > 2 * _LONG_TEXT:
        limit = start + _LONG_TEXT
        end = max(paragraph.rfind("\n", start, limit), paragraph.rfind(" ", start, limit)) + 1
        end = end if end > start else limit
        yield paragraph[start:end]
        start = end
    yield paragraph[start:] if start else paragraph


def read_delimited(text: str, draft: Draft, *, name: str) -> bool:
    """One Table; False when the lines are no table (no delimiter they share)."""
    csv.field_size_limit(1 << 24)
    delimiter = "\t" if PurePath(name).suffix.lower() == ".tsv" else _delimiter(text)
    if delimiter is None:
        return False
    rows = []
    cells = 0
    try:
        for row in csv.reader(io.StringIO(text.lstrip("\ufeff"), newline=""), delimiter=delimiter):
            rows.append(row)
            cells += len(row)
            if cells > tables.MAX_CELLS:
                draft.warn(f"Only the first {len(rows)} rows were read; split the file to have the rest.")
                break
    except csv.Error:
        return False
    grid = tables.without_empty(tables.simple(rows))
    if not grid:
        return False
    draft.add("Table", tables.markdown(grid), html=tables.html(grid) if cells <= 5000 else None)
    return True


def _delimiter(text: str) -> str | None:
    lines = [line for line in text[: 64 << 10].splitlines() if line.strip()][:50]
    if len(lines) > 1 and len(text) > 64 << 10:
        lines.pop()
    found = {d: [line.count(d) for line in lines] for d in (",", ";", "\t", "|")}
    shared = {d: min(counts) for d, counts in found.items() if counts and min(counts) > 0}
    if shared:
        return max(shared, key=lambda d: (shared[d], -len(set(found[d]))))
    most = max(found, key=lambda d: sum(1 for n in found[d] if n))
    return most if sum(1 for n in found[most] if n) * 2 > len(lines) else ("," if len(lines) else None)


def read_text(source: Source) -> None:
    read_plain(source.text, source.draft)


def read_csv(source: Source) -> None:
    if not read_delimited(source.text, source.draft, name=source.name):
        read_plain(source.text, source.draft)


def read_rtf(source: Source) -> None:
    read_plain(rtf_to_text(source.path.read_bytes().decode("cp1252", "replace"), errors="ignore"), source.draft)

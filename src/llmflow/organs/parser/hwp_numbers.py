"""Numbers and bullets of Hangul documents, which the file states as rules and only the word processor writes out.

Source: Hancom's published description of HWP 5.0 (revision 1.3), tables 38 to 43; OWPML's `numbering`, `bullet`."""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import olefile
from lxml import etree

Heading = Literal["outline", "number", "bullet"]

_HEADINGS: Final[Mapping[int, Heading]] = {1: "outline", 2: "number", 3: "bullet"}
_NUMBERING, _BULLET, _SHAPE, _CONTROL = 23, 24, 25, 71  # tags of records
_MAX_STREAM = 256 << 20  # bytes of one unpacked stream
#: As Hangul itself writes them where there is no such font.
_WINGDINGS: Final = dict(zip("l\x9fn§uw¡o¤þü«vqØF", "●●■■◆◆◯□⊙☑✓★❖❑➢☞", strict=True))
_CHOSEONG = "ㄱㄴㄷㄹㅁㅂㅅㅇㅈㅊㅋㅌㅍㅎ"
_SYLLABLES = "가나다라마바사아자차카타파하거너더러머버서어저처커터퍼허"
_STEMS, _STEMS_HAN = "갑을병정무기경신임계", "甲乙丙丁戊己庚辛壬癸"
_DIGITS, _DIGITS_HAN = "일이삼사오육칠팔구", "一二三四五六七八九"
_ROMAN = ((1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"))
_ROMAN_SMALL = ((9, "IX"), (5, "V"), (4, "IV"), (1, "I"))
#: OWPML's names in the order of HWP's numbers.
_FORMATS = (
    "DIGIT CIRCLED_DIGIT ROMAN_CAPITAL ROMAN_SMALL LATIN_CAPITAL LATIN_SMALL CIRCLED_LATIN_CAPITAL "
    "CIRCLED_LATIN_SMALL HANGUL_SYLLABLE CIRCLED_HANGUL_SYLLABLE HANGUL_JAMO CIRCLED_HANGUL_JAMO HANGUL_PHONETIC "
    "IDEOGRAPH CIRCLED_IDEOGRAPH DECAGON_CIRCLE DECAGON_CIRCLE_HANJA"
).split()


@dataclass(frozen=True, slots=True)
class Level:
    """`pattern`: "제^1장"; ^n stands for the number of level n. `format`: a name of OWPML's."""

    pattern: str
    format: str = "DIGIT"
    start: int = 1


@dataclass(frozen=True, slots=True)
class Shape:
    """What a paragraph's shape says of its mark. `level` from 0. `rule`: which numbering or bullet, from 1."""

    heading: Heading
    level: int
    rule: int


@dataclass(slots=True)
class Numbers:
    """`outlines`: for each section, the numbering of its outline. Marks are asked for in the order of the document."""

    shapes: Mapping[int, Shape] = field(default_factory=dict)
    numberings: Mapping[int, Sequence[Level]] = field(default_factory=dict)
    bullets: Mapping[int, str] = field(default_factory=dict)
    outlines: Sequence[int] = ()
    _counts: dict[int, list[int]] = field(default_factory=dict)

    def mark(self, shape_id: int, section: int) -> str:
        """What stands before the paragraph: "제1장", "가.", "●"; "" where nothing does."""
        shape = self.shapes.get(shape_id)
        if shape is None:
            return ""
        if shape.heading == "bullet":
            return self.bullets.get(shape.rule, "●")
        rule = shape.rule
        if shape.heading == "outline" and not rule:
            rule = self.outlines[section] if section < len(self.outlines) else 0
        levels = self.numberings.get(rule, ())
        if shape.level >= len(levels):
            return ""
        counts = self._counts.setdefault(rule, [level.start - 1 for level in levels])
        counts[shape.level] += 1
        for deeper in range(shape.level + 1, len(levels)):
            counts[deeper] = levels[deeper].start - 1

        def number(match: re.Match[str]) -> str:
            at = int(match[1]) - 1
            return written(max(counts[at], levels[at].start), levels[at].format) if at < len(levels) else ""

        return re.sub(r"\^(\d{1,2})", number, levels[shape.level].pattern).strip()


def written(number: int, format: str) -> str:
    """A number as a format of OWPML's writes it; as digits where its letters run out."""
    if format.startswith("CIRCLED_"):
        circled = _circled(number, format)
        return circled or f"({written(number, format.removeprefix('CIRCLED_'))})"
    if format in ("ROMAN_CAPITAL", "ROMAN_SMALL"):
        roman = _roman(number)
        return roman if format == "ROMAN_CAPITAL" else roman.lower()
    if format in ("LATIN_CAPITAL", "LATIN_SMALL"):
        letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
        return _of(letters if format == "LATIN_CAPITAL" else letters.lower(), number)
    if format == "HANGUL_PHONETIC":
        return _counted(number, _DIGITS, "십", "백")
    if format == "IDEOGRAPH":
        return _counted(number, _DIGITS_HAN, "十", "百")
    letters = {"HANGUL_SYLLABLE": _SYLLABLES, "HANGUL_JAMO": _CHOSEONG}.get(format, "")
    letters = letters or {"DECAGON_CIRCLE": _STEMS, "DECAGON_CIRCLE_HANJA": _STEMS_HAN}.get(format, "")
    return _of(letters, number)


def _of(letters: str, number: int) -> str:
    return letters[number - 1] if 1 <= number <= len(letters) else str(number)


def _circled(number: int, format: str) -> str:
    first, count = {
        "CIRCLED_DIGIT": ("①", 20),
        "CIRCLED_LATIN_CAPITAL": ("Ⓐ", 26),
        "CIRCLED_LATIN_SMALL": ("ⓐ", 26),
        "CIRCLED_HANGUL_SYLLABLE": ("㉮", 14),
        "CIRCLED_HANGUL_JAMO": ("㉠", 14),
        "CIRCLED_IDEOGRAPH": ("㊀", 10),
    }.get(format, ("", 0))
    return chr(ord(first) + number - 1) if 1 <= number <= count else ""


def _roman(number: int) -> str:
    if not 1 <= number < 4000:
        return str(number)
    parts = []
    for value, letters in (*_ROMAN, *_ROMAN_SMALL):
        parts.append(letters * (number // value))
        number %= value
    return "".join(parts)


def _counted(number: int, digits: str, ten: str, hundred: str) -> str:
    if not 1 <= number < 1000:
        return str(number)
    parts = [(number // 100, hundred), (number // 10 % 10, ten), (number % 10, "")]
    return "".join(("" if count == 1 and unit else digits[count - 1]) + unit for count, unit in parts if count)


def bullet(character: str) -> str:
    """A bullet that every font has: symbol fonts' own characters stand in a private area."""
    plain = chr(ord(character) - 0xF000) if 0xF000 <= ord(character) <= 0xF0FF else character
    return _WINGDINGS.get(plain, "•" if plain != character or not plain.isprintable() else plain)


# HWP 5


def of_hwp(path: Path) -> Numbers:
    """The rules of a binary document; none where they cannot be read, since the text stands without them."""
    try:
        with olefile.OleFileIO(path) as ole:
            packed = bool(ole.openstream("FileHeader").read(40)[36] & 1)
            shapes, numberings, bullets = _doc_info(_unpacked(ole.openstream("DocInfo").read(), packed))
            names = sorted(
                (entry for entry in ole.listdir() if entry[0] == "BodyText" and len(entry) == 2),
                key=lambda entry: int(re.sub(r"\D", "", entry[1]) or 0),
            )
            outlines = [_outline(_unpacked(ole.openstream(name).read(), packed)) for name in names]
    except (OSError, olefile.olefile.OleFileError, struct.error, zlib.error, IndexError, ValueError):
        return Numbers()
    return Numbers(shapes, numberings, bullets, outlines)


def _unpacked(data: bytes, packed: bool) -> bytes:
    return zlib.decompressobj(-15).decompress(data, _MAX_STREAM) if packed else data


def _records(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(data):
        head = struct.unpack_from("<I", data, at)[0]
        at, size = at + 4, head >> 20
        if size == 0xFFF:
            size = struct.unpack_from("<I", data, at)[0]
            at += 4
        yield head & 0x3FF, data[at : at + size]
        at += size


def _doc_info(data: bytes) -> tuple[dict[int, Shape], dict[int, list[Level]], dict[int, str]]:
    shapes: dict[int, Shape] = {}
    numberings: dict[int, list[Level]] = {}
    bullets: dict[int, str] = {}
    seen = 0
    for tag, record in _records(data):
        if tag == _NUMBERING:
            numberings[len(numberings) + 1] = _numbering(record)
        elif tag == _BULLET:
            bullets[len(bullets) + 1] = bullet(record[12:14].decode("utf-16-le")) if len(record) >= 14 else "●"
        elif tag == _SHAPE:
            said = struct.unpack_from("<I", record)[0]
            if len(record) >= 32 and (heading := _HEADINGS.get(said >> 23 & 3)):
                level = struct.unpack_from("<I", record, 54)[0] if len(record) >= 58 else said >> 25 & 7
                shapes[seen] = Shape(heading, level, struct.unpack_from("<H", record, 30)[0])
            seen += 1
    return shapes, numberings, bullets


def _numbering(record: bytes) -> list[Level]:
    """Seven levels and their first numbers, then three more in newer files."""
    first, at = _levels(record, 0, 7, behind=2)
    return first + (_levels(record, at, 3)[0] if len(record) >= at + 3 * 14 else [])


def _levels(record: bytes, at: int, count: int, *, behind: int = 0) -> tuple[list[Level], int]:
    """Attributes and measures in 12 bytes and the pattern for each; the first numbers after `behind` bytes."""
    found = []
    for _ in range(count):
        attributes, length = struct.unpack_from("<I", record, at)[0], struct.unpack_from("<H", record, at + 12)[0]
        at += 14
        pattern = record[at : at + 2 * length].decode("utf-16-le", "replace")
        at += 2 * length
        kind = attributes >> 5 & 31
        found.append((pattern, _FORMATS[kind] if kind < len(_FORMATS) else "DIGIT"))
    at += behind
    is_there = len(record) >= at + 4 * count
    starts = struct.unpack_from(f"<{count}I", record, at) if is_there else (1,) * count
    return [Level(pattern, kind, start) for (pattern, kind), start in zip(found, starts, strict=True)], at + 4 * count


def _outline(data: bytes) -> int:
    """Which numbering the section's definition names for its outline."""
    for tag, record in _records(data):
        if tag == _CONTROL and record[:4] == b"dces" and len(record) >= 20:
            return int(struct.unpack_from("<H", record, 18)[0])
    return 0


# HWPX


def of_hwpx(path: Path) -> Numbers:
    """As `of_hwp`, of the XML form."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            head = etree.fromstring(_member(archive, "Contents/header.xml"), _safe())
            sections = sorted(
                (name for name in names if re.fullmatch(r"Contents/section\d+\.xml", name)),
                key=lambda name: int(re.sub(r"\D", "", name)),
            )
            outlines = [_outline_of(_member(archive, name)) for name in sections]
    except (OSError, KeyError, RuntimeError, ValueError, zipfile.BadZipFile, zlib.error, etree.XMLSyntaxError):
        return Numbers()
    return Numbers(*_header(head), outlines)


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as file:
        return file.read(_MAX_STREAM)


def _safe() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)


def _outline_of(section: bytes) -> int:
    found = re.search(rb'outlineShapeIDRef="(\d+)"', section)
    return int(found[1]) if found else 0


def _header(head: etree._Element) -> tuple[dict[int, Shape], dict[int, list[Level]], dict[int, str]]:
    number = _attribute
    numberings: dict[int, list[Level]] = {
        number(each, "id"): [
            Level(level.text or "", level.get("numFormat", "DIGIT"), number(level, "start", 1))
            for level in sorted(each.iterfind("{*}paraHead"), key=lambda level: number(level, "level"))
        ]
        for each in head.iterfind(".//{*}numbering")
    }
    bullets = {number(each, "id"): bullet((each.get("char") or "●")[0]) for each in head.iterfind(".//{*}bullet")}
    headings: Mapping[str, Heading] = {"OUTLINE": "outline", "NUMBER": "number", "BULLET": "bullet"}
    shapes = {}
    for each in head.iterfind(".//{*}paraPr"):
        said = each.find("{*}heading")
        heading = headings.get(said.get("type", "")) if said is not None else None
        if said is not None and heading:
            shapes[number(each, "id")] = Shape(heading, number(said, "level"), number(said, "idRef"))
    return shapes, numberings, bullets


def _attribute(element: etree._Element, name: str, default: int = 0) -> int:
    text = element.get(name, "")
    return int(text) if text.isascii() and text.isdigit() else default

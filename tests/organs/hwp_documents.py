"""Hangul documents made by hand: HWPX as XML in an archive, HWP 5 as records in a compound file."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from tests.organs.parser_documents import archive

PASSWORD, DISTRIBUTION = 1 << 1, 1 << 2
#: (format's number in HWP, its name in OWPML, the pattern) of each level.
LEVELS = [(0, "DIGIT", "제^1장"), (8, "HANGUL_SYLLABLE", "^2."), (1, "CIRCLED_DIGIT", "^1-^3")] + [(0, "DIGIT", "")] * 4
#: (heading: 0 none, 1 outline, 2 number, 3 bullet; level) of each paragraph shape, in both forms.
SHAPES = [(0, 0), (1, 0), (1, 1), (2, 0), (2, 1), (3, 0), (2, 2)]
_NONE, _END = 0xFFFFFFFF, 0xFFFFFFFE
_NAMES = ("NONE", "OUTLINE", "NUMBER", "BULLET")

Paragraph = tuple[int, str]  # its shape, its text


def hwpx(body: str, *, manifest: str = "") -> bytes:
    """`body`: paragraphs as `paragraph` and `table` make them."""
    levels = "".join(
        f'<hh:paraHead start="1" level="{at}" numFormat="{name}">{pattern}</hh:paraHead>'
        for at, (_, name, pattern) in enumerate(LEVELS, 1)
    )
    numberings = "".join(f'<hh:numbering id="{id}" start="0">{levels}</hh:numbering>' for id in (1, 2))
    shapes = "".join(
        f'<hh:paraPr id="{id}"><hh:heading type="{_NAMES[kind]}" idRef="{1 if kind > 1 else 0}" level="{level}"/>'
        "</hh:paraPr>"
        for id, (kind, level) in enumerate(SHAPES)
    )
    head = (
        '<hh:head xmlns:hh="http://www.hancom.co.kr/hwpml/2011/head"><hh:refList>'
        f'<hh:numberings>{numberings}</hh:numberings><hh:bullets><hh:bullet id="1" char="&#xF06C;"/></hh:bullets>'
        f"<hh:paraProperties>{shapes}</hh:paraProperties></hh:refList></hh:head>"
    )
    section = (
        '<hs:sec xmlns:hs="http://www.hancom.co.kr/hwpml/2011/section" '
        'xmlns:hp="http://www.hancom.co.kr/hwpml/2011/paragraph">'
        '<hp:p paraPrIDRef="0" styleIDRef="0"><hp:run><hp:secPr outlineShapeIDRef="2"/></hp:run></hp:p>'
        f"{body}</hs:sec>"
    )
    package = (
        '<opf:package xmlns:opf="http://www.idpf.org/2007/opf/"><opf:manifest>'
        '<opf:item id="header" href="Contents/header.xml" media-type="application/xml"/>'
        '<opf:item id="section0" href="Contents/section0.xml" media-type="application/xml"/></opf:manifest>'
        '<opf:spine><opf:itemref idref="header"/><opf:itemref idref="section0"/></opf:spine></opf:package>'
    )
    members = {"mimetype": b"application/hwp+zip", "Contents/content.hpf": package.encode()}
    members |= {"Contents/header.xml": head.encode(), "Contents/section0.xml": section.encode()}
    return archive(members | ({"META-INF/manifest.xml": manifest.encode()} if manifest else {}))


def paragraph(shape: int, text: str) -> str:
    return f'<hp:p paraPrIDRef="{shape}" styleIDRef="0"><hp:run><hp:t>{text}</hp:t></hp:run></hp:p>'


def table(rows: Sequence[Sequence[tuple[str, int]]]) -> str:
    """Cells: their text, and how many columns they span."""
    parts = []
    for at, row in enumerate(rows):
        column, cells = 0, []
        for text, span in row:
            cells.append(
                f"<hp:tc><hp:subList>{paragraph(0, text)}</hp:subList>"
                f'<hp:cellAddr colAddr="{column}" rowAddr="{at}"/><hp:cellSpan colSpan="{span}" rowSpan="1"/></hp:tc>'
            )
            column += span
        parts.append(f"<hp:tr>{''.join(cells)}</hp:tr>")
    width = sum(span for _, span in rows[0])
    grid = f'<hp:tbl rowCnt="{len(rows)}" colCnt="{width}">{"".join(parts)}</hp:tbl>'
    return f'<hp:p paraPrIDRef="0" styleIDRef="0"><hp:run>{grid}</hp:run></hp:p>'


def footnote(text: str, note: str) -> str:
    inside = f'<hp:ctrl><hp:footNote number="1"><hp:subList>{paragraph(0, note)}</hp:subList></hp:footNote></hp:ctrl>'
    return f'<hp:p paraPrIDRef="0" styleIDRef="0"><hp:run><hp:t>{text}</hp:t>{inside}</hp:run></hp:p>'


def hwp(paragraphs: Sequence[Paragraph], *, flags: int = 0) -> bytes:
    """An HWP 5 document, its streams not packed. `flags`: of its header."""
    header = b"HWP Document File".ljust(32, b"\0") + bytes((0, 0, 1, 5)) + struct.pack("<I", flags).ljust(220, b"\0")
    info = [_numbering(), _numbering(), struct.pack("<IhhIH", 0, 0, 50, 0, 0xF06C)]
    info = [_record(23, info[0]), _record(23, info[1]), _record(24, info[2])]
    info += [_record(25, _shape(kind, level)) for kind, level in SHAPES]
    body = [_section_definition()]
    for shape, text in paragraphs:
        letters = (text + "\r").encode("utf-16-le")
        body.append(_record(66, struct.pack("<IIHBBHHHI", len(text) + 1, 0, shape, 0, 0, 1, 0, 0, 0)))
        body.append(_record(67, letters, level=1))
    streams = {"FileHeader": header, "DocInfo": b"".join(info), "BodyText/Section0": b"".join(body)}
    return compound(streams)


def _section_definition() -> bytes:
    """The first paragraph, which holds nothing but the section's definition: its outline is numbering 2."""
    control = struct.pack("<4sIhhhIHH", b"dces", 0, 0, 0, 0, 8000, 2, 0)
    text = struct.pack("<H4sIIHH", 2, b"dces", 0, 0, 2, 13)
    head = _record(66, struct.pack("<IIHBBHHHI", 9, 1 << 2, 0, 0, 0, 1, 0, 0, 0))
    return head + _record(67, text, level=1) + _record(71, control, level=1)


def _numbering() -> bytes:
    parts = []
    for kind, _, pattern in LEVELS:
        parts.append(struct.pack("<IhhIH", kind << 5, 0, 50, 0, len(pattern)) + pattern.encode("utf-16-le"))
    return b"".join(parts) + struct.pack("<H7I", 0, *(1,) * 7)


def _shape(kind: int, level: int) -> bytes:
    rule = 1 if kind > 1 else 0
    return struct.pack("<I6iHHH", kind << 23 | level << 25, 0, 0, 0, 0, 0, 160, 0, rule, 0).ljust(54, b"\0")


def _record(tag: int, data: bytes, *, level: int = 0) -> bytes:
    return struct.pack("<I", tag | level << 10 | len(data) << 20) + data


def compound(streams: dict[str, bytes]) -> bytes:
    """A compound file (version 3) of a root, folders one deep, and small streams, which lie in its mini stream."""
    folders = sorted({name.split("/")[0] for name in streams if "/" in name})
    index = {name: at for at, name in enumerate(["Root Entry", *folders, *streams])}
    mini, starts = b"", {}
    mini_chain: list[int] = []
    for name, data in streams.items():
        assert len(data) < 4096
        starts[name], count = len(mini_chain), -(-len(data) // 64)
        mini_chain += [*range(len(mini_chain) + 1, len(mini_chain) + count), _END]
        mini += data.ljust(count * 64, b"\0")
    directory_sectors, mini_sectors = -(-len(index) * 128 // 512), -(-len(mini) // 512)
    chain = [_END]  # the mini stream's chain, then the directory's, the mini stream's own sectors, and this
    chain += [*range(2, 1 + directory_sectors), _END]
    root_at = len(chain)
    chain += [*range(root_at + 1, root_at + mini_sectors), _END, 0xFFFFFFFD]
    directory = b""
    for name in index:
        inside = [other for other in index if other.startswith(name + "/")]
        kind, start, data = (2, starts.get(name, 0), streams.get(name, b"")) if name in streams else (1, 0, b"")
        if name == "Root Entry":
            kind, start, data = 5, root_at, mini
            inside = [other for other in index if "/" not in other and other != name]
        child = index[_ordered(inside)[0]] if inside else _NONE
        directory += _entry(name, kind, child, _next(name, index), start, len(data))
    numbers = (0x3E, 3, 0xFFFE, 9, 6, 0, 1, 1, 0, 4096, 0, 1, _END, 0)
    head = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16) + struct.pack("<HHHHH6xIIIIIIIII", *numbers)
    head += struct.pack("<109I", len(chain) - 1, *(_NONE,) * 108)
    body = _table(mini_chain) + directory.ljust(directory_sectors * 512, b"\0") + mini.ljust(mini_sectors * 512, b"\0")
    return head + body + _table(chain)


def _table(chain: Sequence[int]) -> bytes:
    return struct.pack("<128I", *chain, *(_NONE,) * (128 - len(chain)))


def _ordered(names: Sequence[str]) -> list[str]:
    return sorted(names, key=lambda name: (len(name.split("/")[-1]), name.upper()))


def _next(name: str, index: dict[str, int]) -> int:
    """The sibling behind it: a tree that only leans to the right."""
    if name == "Root Entry":
        return _NONE
    folder = name.rpartition("/")[0]
    siblings = _ordered([other for other in index if other.rpartition("/")[0] == folder and other != "Root Entry"])
    at = siblings.index(name) + 1
    return index[siblings[at]] if at < len(siblings) else _NONE


def _entry(name: str, kind: int, child: int, right: int, start: int, size: int) -> bytes:
    letters = (name.split("/")[-1] + "\0").encode("utf-16-le")
    links = struct.pack("<III", _NONE, right, child)
    return (
        letters.ljust(64, b"\0")
        + struct.pack("<HBB", len(letters), kind, 1)
        + links
        + bytes(36)
        + struct.pack("<IQ", start, size)
    )

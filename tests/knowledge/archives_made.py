"""Archives for tests: made of names and bytes, also such as no honest program makes."""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
from collections.abc import Mapping
from typing import Any

Files = Mapping[str, bytes]


def zipped(files: Files, *, encoding: str = "utf-8", says_utf8: bool = True) -> bytes:
    """`encoding` and `says_utf8`: how the names are written, and whether they say that they are UTF-8."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(_Named(name, encoding, says_utf8=says_utf8), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


class _Named(zipfile.ZipInfo):
    """An entry whose name is written in an encoding of choice."""

    def __init__(self, name: str, encoding: str, *, says_utf8: bool) -> None:
        super().__init__(name)
        self._written = name.encode(encoding), 0x800 if says_utf8 else 0

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:
        return self._written[0], self.flag_bits & ~0x800 | self._written[1]


def link(name: str, target: str) -> bytes:
    """A zip with one symbolic link."""
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = 0o120777 << 16
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(info, target)
    return out.getvalue()


def locked(files: Files) -> bytes:
    """A zip whose entries say that they are encrypted."""
    data = bytearray(zipped(files))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = 0
        while (found := data.find(mark, start)) >= 0:
            flags = struct.unpack_from("<H", data, found + at)[0]
            struct.pack_into("<H", data, found + at, flags | 1)
            start = found + 4
    return bytes(data)


def tarred(files: Files, *, way: str = "", links: Mapping[str, str] | None = None) -> bytes:
    """`way`: "", "gz", "bz2" or "xz"; `links`: symbolic ones with their targets."""
    out = io.BytesIO()
    mode: Any = f"w:{way}"
    with tarfile.open(fileobj=out, mode=mode) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for name, target in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type = tarfile.SYMTYPE
            info.linkname = target
            archive.addfile(info)
    return out.getvalue()

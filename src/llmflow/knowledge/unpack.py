"""What runs in the child process that opens archives: .zip, .tar (gzip, bzip2, xz) and single packed files, to files
with numbers for names in one folder. Nothing that an archive says is a path here, and nothing it says of its size is
believed: what comes out is counted as it comes."""

from __future__ import annotations

import bz2
import errno
import gzip
import lzma
import re
import stat
import struct
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import IO, Final, cast

import msgspec

from llmflow.errors import DocumentError, OrganError

ZIP: Final = "application/zip"
TAR: Final = "application/x-tar"
GZIP: Final = "application/gzip"
MEDIA_TYPES: Final = (ZIP, TAR, GZIP)
JOIN: Final = " › "  # between the folders in a document's name, which has no slashes
MOST_LEVELS: Final = 3  # of archives in archives

_FREE = 20 << 20  # bytes that come out of any archive, however well it is packed
_RATIO = 200  # of unpacked to packed; text reaches 30, a bomb a thousand
_PIECE = 1 << 18
_ZIPS = (b"PK\x03\x04", b"PK\x05\x06")
_PACKED = {b"\x1f\x8b": "gz", b"BZh": "bz2", b"\xfd7zXZ\x00": "xz"}
_MAGIC = 512  # bytes that tell what a file is
_TAR_AT, _TAR_WORD = 257, b"ustar"
_OFFICE = re.compile(r"\[Content_Types\]\.xml$|mimetype$|Contents/header\.xml$")
_JUNK = re.compile(r"(?:^|/)(?:__MACOSX|\.(?!\.?(?:/|$))[^/]*|Thumbs\.db|desktop\.ini|~\$[^/]*)(?:/|$)", re.I)
_UNICODE_PATH = 0x7075  # a zip's extra field with the name in UTF-8
_DAMAGED: Final = (  # what readers of archives raise on bytes that are none
    *(zipfile.BadZipFile, tarfile.TarError, lzma.LZMAError, zlib.error, struct.error),
    *(EOFError, OSError, ValueError, RuntimeError, LookupError, OverflowError),
)


class Opening(msgspec.Struct, frozen=True):
    """`folder`: where the files go, empty. `files`, `size`: at most so many files and so many bytes of them."""

    path: str
    name: str
    folder: str
    files: int
    size: int
    suffixes: tuple[str, ...]


class Member(msgspec.Struct, frozen=True):
    """A file that came out. `path`: in the archive, its folders joined by JOIN; `file`: its name in the folder."""

    path: str
    file: str


class Opened(msgspec.Struct, frozen=True):
    """`media_type` "": it is no archive. `refused`: sentences for people, each on a file that did not come out."""

    media_type: str
    members: tuple[Member, ...] = ()
    refused: tuple[str, ...] = ()


def may_be(head: bytes) -> bool:
    """Whether a file that begins so may be an archive."""
    return head.startswith((*_ZIPS, *_PACKED)) or head[_TAR_AT:].startswith(_TAR_WORD)


def unpack(payload: bytes, progress: Callable[[int, int], None]) -> bytes:
    """A msgpack Opening in, a msgpack Opened out. Raises DocumentError (document_too_large, document_locked,
    document_empty, document_unreadable)."""
    asked = msgspec.msgpack.decode(payload, type=Opening)
    return msgspec.msgpack.encode(_Unpacking(asked).whole())


class _Unpacking:
    def __init__(self, asked: Opening) -> None:
        path = Path(asked.path)
        self._asked = asked
        self._path = path
        self._folder = Path(asked.folder)
        self._most = min(asked.size, max(_FREE, _RATIO * path.stat().st_size))
        self._size = 0
        self._seen = 0
        self._number = 0
        self._locked = 0
        self._members: list[Member] = []
        self._names: set[str] = set()
        self._refused: list[str] = []

    def whole(self) -> Opened:
        try:
            media_type = self._open(self._path, self._asked.name, (), 1)
        except _DAMAGED as error:
            raise DocumentError(f"The archive {_fault(error)}", code="document_unreadable") from error
        if not media_type:
            return Opened("")
        if not self._members:
            if self._locked:
                raise DocumentError("The archive is locked with a password.", code="document_locked")
            said = f" {self._refused[0]}" if self._refused else ""
            raise DocumentError(f"No file came out of the archive.{said}", code="document_empty")
        return Opened(media_type, tuple(self._members), tuple(self._refused))

    def _open(self, path: Path, name: str, within: tuple[str, ...], level: int) -> str:
        """What kind of archive it is, its files taken out; "": it is none, or a document that is one inside."""
        with path.open("rb") as file:
            head = file.read(_MAGIC)
            file.seek(0)
            if head.startswith(_ZIPS):
                return ZIP if self._zip(file, within, level) else ""
            if head[_TAR_AT:].startswith(_TAR_WORD):
                self._tar(file, within, level)
                return TAR
            packed = next((way for magic, way in _PACKED.items() if head.startswith(magic)), None)
            if packed is None:
                return ""
            with _opened(file, packed) as inner:
                begin = inner.read(_MAGIC)
            file.seek(0)
            with _opened(file, packed) as inner:
                if begin[_TAR_AT:].startswith(_TAR_WORD):
                    self._tar(inner, within, level)
                    return TAR
                self._take(inner, (*within, _unpacked_name(name)), level)
                return GZIP

    def _zip(self, file: IO[bytes], within: tuple[str, ...], level: int) -> bool:
        with zipfile.ZipFile(file) as archive:
            infos = archive.infolist()
            if any(_OFFICE.match(info.filename) for info in infos):
                return False
            for info, name in zip(infos, _names(infos), strict=True):
                self._count()
                if info.is_dir() or _JUNK.search(name):
                    continue
                kind = stat.S_IFMT(info.external_attr >> 16)
                if (parts := self._parts(name, is_file=kind in (0, stat.S_IFREG))) is None:
                    continue
                if info.flag_bits & 1:
                    self._locked += 1
                    self._refuse(name, "It is locked with a password.")
                    continue
                self._foresee(info.file_size)
                try:
                    with archive.open(info) as inner:
                        self._take(inner, (*within, *parts), level)
                except NotImplementedError:
                    self._refuse(name, "It is packed in a way that is not read.")
                except _DAMAGED as error:
                    self._refuse(name, f"It {_fault(error)}")
        return True

    def _tar(self, file: IO[bytes], within: tuple[str, ...], level: int) -> None:
        with tarfile.open(fileobj=file, mode="r|", errors="surrogateescape") as archive:
            for info in archive:
                self._count()
                name = _decoded([info.name.encode("utf-8", "surrogateescape")])[0]
                if info.isdir() or _JUNK.search(name):
                    continue
                if (parts := self._parts(name, is_file=info.isreg())) is None:
                    continue
                self._foresee(info.size)
                inner = archive.extractfile(info)
                if inner is not None:
                    self._take(inner, (*within, *parts), level)

    def _count(self) -> None:
        """Folders and links count too: a million of them is no less of a bomb."""
        self._seen += 1
        if self._seen > 4 * self._asked.files + 100 or len(self._members) > self._asked.files:
            raise self._too_many()

    def _too_many(self) -> DocumentError:
        return DocumentError(
            f"The archive has more than {self._asked.files} files.",
            code="document_too_large",
            hint="Split it, or raise knowledge.archive_files in llmflow.yaml.",
        )

    def _foresee(self, size: int) -> None:
        """Refuses at once what says itself that it is too large."""
        if self._size + size > self._most:
            raise DocumentError(
                f"The archive unpacks to more than {self._most >> 20} MB, which is more than is read of one its size.",
                code="document_too_large",
                hint="Split it, or raise knowledge.archive_mb in llmflow.yaml.",
            )

    def _parts(self, name: str, *, is_file: bool) -> tuple[str, ...] | None:
        """The name's folders and the name; None: it is refused, and that is noted."""
        plain = name.replace("\\", "/")
        parts = [part for part in plain.split("/") if part not in ("", ".")]
        if not is_file:
            self._refuse(name, "It is a link or a device and no file.")
        elif plain.startswith("/") or re.match(r"[A-Za-z]:", plain) or ".." in parts or not parts:
            self._refuse(name, "Its path leads out of the archive.")
        else:
            return tuple(parts)
        return None

    def _refuse(self, name: str, why: str) -> None:
        self._refused.append(f"{name[:200]}: {why}".encode("utf-8", "replace").decode())

    def _take(self, inner: IO[bytes], parts: tuple[str, ...], level: int) -> None:
        """One file into the folder, opened in its turn where it is an archive."""
        self._number += 1
        target = self._folder / str(self._number)
        with target.open("wb") as out:
            while piece := inner.read(_PIECE):
                self._foresee(len(piece))
                self._size += len(piece)
                out.write(piece)
        if self._went_on(target, parts, level):
            target.unlink()
            return
        path = JOIN.join(unicodedata.normalize("NFC", part) for part in parts)
        if path in self._names:
            target.unlink()
            self._refuse(path, "Another file of the archive has this name.")
            return
        if len(self._members) == self._asked.files:
            raise self._too_many()
        self._names.add(path)
        self._members.append(Member(path, target.name))

    def _went_on(self, path: Path, parts: tuple[str, ...], level: int) -> bool:
        """Whether the file was an archive itself and its files were taken, or refused, in its place."""
        with path.open("rb") as file:
            head = file.read(_MAGIC)
        if not may_be(head) or PurePosixPath(parts[-1]).suffix.lower() in self._asked.suffixes:
            return False
        if level == MOST_LEVELS:
            self._refuse(JOIN.join(parts), f"Archives are opened {MOST_LEVELS} deep, and this is one more.")
            return True
        try:
            return bool(self._open(path, parts[-1], parts, level + 1))
        except _DAMAGED as error:
            self._refuse(JOIN.join(parts), f"The archive {_fault(error)}")
            return True


def _opened(file: IO[bytes], way: str) -> IO[bytes]:
    """What is packed in a stream. Closing it leaves the stream open."""
    match way:
        case "gz":
            return cast(IO[bytes], gzip.GzipFile(fileobj=file))
        case "bz2":
            return cast(IO[bytes], bz2.open(file, "rb"))
        case _:
            return cast(IO[bytes], lzma.open(file, "rb"))


def _fault(error: Exception) -> str:
    """What a fault says of what was read. Raises OrganError (disk_full): that is none of the file's."""
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        raise OrganError("The disk is full.", code="disk_full") from error
    return f"is damaged ({error})."


def _unpacked_name(name: str) -> str:
    stem, dot, suffix = name.rpartition(".")
    return stem if dot and stem and suffix.lower() in ("gz", "bz2", "xz") else f"{name} (unpacked)"


def _names(infos: Sequence[zipfile.ZipInfo]) -> list[str]:
    """The names as people wrote them. A zip says which are UTF-8; those of Korean Windows are in its code page, those
    of macOS in UTF-8 that is not said. One program wrote them all, so all are read alike."""
    old = [info for info in infos if not info.flag_bits & 0x800]
    decoded = dict(zip(map(id, old), _decoded([_raw(info) for info in old]), strict=True))
    return [_said(info) or decoded.get(id(info), info.orig_filename) for info in infos]


def _raw(info: zipfile.ZipInfo) -> bytes:
    return info.orig_filename.encode("cp437", "replace")


def _decoded(names: Sequence[bytes]) -> list[str]:
    for encoding in ("utf-8", "cp949"):
        try:
            return [name.decode(encoding) for name in names]
        except UnicodeDecodeError:
            continue
    return [name.decode("cp437") for name in names]


def _said(info: zipfile.ZipInfo) -> str:
    """The name in the extra field that some packers add for it."""
    for kind, data in _extra(info.extra):
        is_of_it = kind == _UNICODE_PATH and len(data) > 5 and data[0] == 1
        if is_of_it and struct.unpack_from("<L", data, 1)[0] == zlib.crc32(_raw(info)):
            return data[5:].decode("utf-8", "replace")
    return ""


def _extra(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) >= 4:
        kind, size = struct.unpack_from("<HH", data)
        yield kind, data[4 : 4 + size]
        data = data[4 + size :]

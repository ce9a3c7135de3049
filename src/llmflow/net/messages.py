"""A request to an address that a user gives, and its answer, read as whoever sent it meant it."""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from pathlib import PurePosixPath
from urllib.parse import urlsplit

import charset_normalizer


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """`private`: headers that no other host may be sent. `text_bytes`, `file_bytes`: the largest answers of a kind."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    private: tuple[str, ...] = ()
    body: bytes | None = None
    connect_s: float = 10.0
    read_s: float = 60.0
    verify: bool = True
    text_bytes: int = 1 << 20
    file_bytes: int = 10 << 20


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """`url`: where the answer came from, after redirects."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str

    @property
    def media_type(self) -> str:
        """Without its parameters, in small letters."""
        return self.headers.get("content-type", "").split(";", 1)[0].strip().lower() or "application/octet-stream"

    @property
    def is_file(self) -> bool:
        """To be kept, not to be read: it says so, or its bytes are no text."""
        if not self.body:
            return False
        disposition = self.headers.get("content-disposition", "").lower()
        if disposition.startswith("attachment") or "filename" in disposition:
            return True
        main, _, sub = self.media_type.partition("/") if "content-type" in self.headers else ("", "", "")
        if main in ("image", "audio", "video"):
            return True
        if main != "application" or any(word in sub for word in ("json", "xml", "javascript", "urlencoded", "yaml")):
            return False
        head = self.body[:1024]
        return b"\0" in head or not _reads_as_text(head)

    @property
    def file_name(self) -> str:
        """As it says, else the end of its address; with an ending."""
        message = Message()
        message["Content-Disposition"] = self.headers.get("content-disposition", "")
        name = message.get_filename() or PurePosixPath(urlsplit(self.url).path).name or "file"
        return name if PurePosixPath(name).suffix else name + (mimetypes.guess_extension(self.media_type) or "")

    def text(self) -> str:
        """In the charset it names, else the likeliest one."""
        message = Message()
        message["Content-Type"] = self.headers.get("content-type", "")
        for charset in (message.get_content_charset(), "utf-8"):
            try:
                if charset:
                    return self.body.decode(charset)
            except (LookupError, UnicodeDecodeError):
                continue
        found = charset_normalizer.from_bytes(self.body).best()
        return str(found) if found else self.body.decode("utf-8", "replace")


def _reads_as_text(head: bytes) -> bool:
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return error.start > len(head) - 4 and len(head) == 1024  # a character cut in two
    return True

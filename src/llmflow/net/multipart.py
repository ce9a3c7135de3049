"""Writes forms with files, as browsers send them."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """A field of a form; a file where `file_name` is given."""

    name: str
    content: bytes
    file_name: str = ""
    media_type: str = ""


def form(parts: Iterable[Part]) -> tuple[bytes, str]:
    """(body, media type with its boundary). A name or type cannot begin another header."""
    boundary = secrets.token_hex(16)
    content = bytearray()
    for part in parts:
        content += f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(part.name)}"'.encode()
        if part.file_name:
            content += f'; filename="{_quoted(part.file_name)}"'.encode()
        if part.media_type:
            content += f"\r\nContent-Type: {part.media_type.replace(chr(13), '').replace(chr(10), '')}".encode()
        content += b"\r\n\r\n" + part.content + b"\r\n"
    content += f"--{boundary}--\r\n".encode()
    return bytes(content), f"multipart/form-data; boundary={boundary}"


def _quoted(name: str) -> str:
    """As browsers write a name in a form's header."""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")

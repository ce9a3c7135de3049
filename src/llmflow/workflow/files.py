"""Files as values: plain JSON objects marked as Dify marks them, so that events carry them as they are."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, TypeGuard

MARK = "dify_model_identity"
_MARKED = "__dify__file__"
_TYPES = {"image": "image", "audio": "audio", "video": "video"}
_DOCUMENTS = frozenset(
    "txt md markdown mdx pdf html htm xlsx xls docx doc csv eml msg pptx ppt xml epub hwp hwpx".split()
)


def is_file(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict) and value.get(MARK) == _MARKED


def make_file(
    *,
    name: str = "",
    media_type: str = "",
    size: int = -1,
    transfer_method: str = "local_file",
    url: str | None = None,
    id: str | None = None,
    type: str = "",
) -> dict[str, Any]:
    """`id`: of a kept file; `url`: of a remote one. `type` "": told by the media type and the name."""
    extension = PurePosixPath(name).suffix.lower()
    media_type = media_type or mimetypes.guess_type(name)[0] or "application/octet-stream"
    return {
        MARK: _MARKED,
        "id": None,
        "type": type or file_type(media_type, extension),
        "transfer_method": transfer_method,
        "remote_url": url if transfer_method == "remote_url" else None,
        "related_id": id,
        "filename": name or None,
        "extension": extension or None,
        "mime_type": media_type,
        "size": size,
        "url": url,
    }


def file_type(media_type: str, extension: str) -> str:
    """Dify's: image, audio, video, document or custom."""
    found = _TYPES.get(media_type.split("/", 1)[0])
    return found or ("document" if extension.lstrip(".") in _DOCUMENTS else "custom")


def attribute(file: Mapping[str, Any], name: str) -> Any:
    """A file's property by Dify's names of sub-selectors; None for what it has not."""
    if name == "name":
        return file.get("filename")
    if name == "url":
        return file.get("url") or file.get("remote_url")
    return file.get(name)


def dotted(extension: Any) -> Any:
    """An extension, or a list of them, as files have it: ".pdf" for "pdf"; anything else as it is."""
    if isinstance(extension, list):
        return [dotted(item) for item in extension]
    is_bare = isinstance(extension, str) and extension and not extension.startswith(".")
    return f".{extension}" if is_bare else extension


def files_in(value: Any) -> Iterator[dict[str, Any]]:
    """The file, or the files of a list."""
    if is_file(value):
        yield value
    elif isinstance(value, list):
        for item in value:
            if is_file(item):
                yield item


def markdown(file: Mapping[str, Any]) -> str:
    """As an answer shows it."""
    name, url = file.get("filename") or "", file.get("url") or file.get("remote_url") or ""
    return f"![{name}]({url})" if file.get("type") == "image" else f"[{name or url}]({url})"

"""Names of documents: what they may be, and one that nobody has yet."""

from __future__ import annotations

import unicodedata

from sqlalchemy.ext.asyncio import AsyncConnection

from llmflow.errors import UsageError
from llmflow.knowledge import counting

_BREAKS = "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\u2028\u2029"
_JOINER = "\u200d"  # makes one emoji of several


def clean_name(name: str) -> str:
    """The file's own name: no folders, no control characters or direction marks, at most 255 characters; spaces,
    Korean and emoji stay. Names that look the same are the same: composed letters (macOS sends them apart), one kind
    of space."""
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    kept = "".join(" " if c.isspace() and c not in _BREAKS else c for c in last)
    kept = "".join(c for c in kept if c.isprintable() or c == _JOINER).strip(" " + _JOINER)
    if kept in ("", ".", ".."):
        raise UsageError(f"`{name}` is not a file name.", param="name")
    if len(kept) > 255:
        stem, dot, suffix = kept.rpartition(".")
        kept = f"{stem[: 254 - len(suffix)]}.{suffix}" if dot and len(suffix) < 20 else kept[:255]
    return kept


async def free_name(connection: AsyncConnection, base_id: str, name: str) -> str:
    """The name, or the first numbered one that nobody has. The base is locked."""
    stem, dot, suffix = name.rpartition(".")
    if not dot or len(suffix) > 10:
        stem, dot, suffix = name, "", ""
    number = await counting.count_names(connection, base_id, stem, f"{dot}{suffix}")
    candidate = name if number == 0 else f"{stem} ({number + 1}){dot}{suffix}"
    while await counting.has_name(connection, base_id, candidate):
        number += 1
        candidate = f"{stem} ({number + 1}){dot}{suffix}"
    return candidate

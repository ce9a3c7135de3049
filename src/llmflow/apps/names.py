"""Names of apps."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection

from llmflow.errors import UsageError

_MOST = 200
_UNNAMED = "Imported app"


def checked(name: str) -> str:
    """Raises UsageError for an empty or overlong name or one with `/`, which is part of paths."""
    name = unicodedata.normalize("NFC", name.strip())
    if not 1 <= len(name) <= _MOST or "/" in name:
        raise UsageError("An app needs a name of 1 to 200 characters without `/`.", param="name")
    return name


def fitting(name: str) -> str:
    """Any name, as one that `checked` takes."""
    name = unicodedata.normalize("NFC", " ".join(name.replace("/", "-").replace("\x00", "").split()))
    return name[:_MOST].strip() or _UNNAMED


def free(name: str, taken: Collection[str]) -> str:
    """The name, or "name (2)" and so on where others have it."""
    number, found = 1, name
    while found in taken:
        number += 1
        end = f" ({number})"
        found = name[: _MOST - len(end)] + end
    return found

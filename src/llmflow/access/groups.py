"""Names of groups: whom a document is open to, and who is in them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from llmflow.errors import UsageError

_MOST = 200
_LONGEST = 100


def clean_groups(names: Iterable[str]) -> list[str]:
    """Each once, in order, composed as the same name is elsewhere. Raises UsageError for an empty or overlong name and
    for too many."""
    found = list(dict.fromkeys(unicodedata.normalize("NFC", name.strip()) for name in names))
    if len(found) > _MOST:
        raise UsageError(f"There are more than {_MOST} groups.", param="groups")
    for name in found:
        if not 1 <= len(name) <= _LONGEST or not name.isprintable():
            raise UsageError(f"A group's name has 1 to {_LONGEST} visible characters.", param="groups")
    return found

"""Names as a model may call a tool by: letters, digits, - and _, 64 at most."""

from __future__ import annotations

import re

LONGEST_NAME = 64
UNSAFE = re.compile(r"[^A-Za-z0-9_-]")


def named(text: str) -> str:
    """ "" where nothing of the text may stay."""
    return UNSAFE.sub("_", text).strip("_")[:LONGEST_NAME]


def told_apart(prefix: str, text: str, id: str) -> str:
    """Of something that has an id and a name in any script: what of the name may stay, and the id's end."""
    middle = re.sub(r"_+", "_", named(text))[: LONGEST_NAME - len(prefix) - 8]
    return "_".join(filter(None, (prefix, middle, id[-6:])))

"""Which installed packages code may import: those that are named, with all that they need."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from llmflow.errors import OrganError

#: What one name of a requirement is, and whether it is for an extra nobody asked for.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class Found:
    """`names`: the distributions, sorted. `entries`: name in the folder of packages, and where it is."""

    names: tuple[str, ...]
    entries: tuple[tuple[str, Path], ...]


def find(names: Iterable[str]) -> Found:
    """Raises OrganError (sandbox_unavailable) for a name that is not installed."""
    found: dict[str, Distribution] = {}
    for name in names:
        _add(name, found, named=True)
    entries: dict[str, Path] = {}
    for each in found.values():
        for file in each.files or ():
            top = file.parts[0]
            if top not in ("..", "__pycache__") and not top.endswith(".pth"):
                entries[top] = Path(str(each.locate_file(top)))
    there = ((name, path) for name, path in sorted(entries.items()) if path.exists())
    return Found(tuple(sorted(found)), tuple(there))


def _add(name: str, found: dict[str, Distribution], *, named: bool) -> None:
    key = re.sub(r"[-_.]+", "-", name).lower()
    if key in found:
        return
    try:
        found[key] = distribution(name)
    except PackageNotFoundError:
        if not named:
            return  # needed on other systems or versions
        message = f"organs.sandbox.packages names {name}, which is not installed."
        raise OrganError(message, code="sandbox_unavailable", hint=f"Install it: pip install {name}") from None
    for requirement in found[key].requires or ():
        needed = _NAME.match(requirement)
        if needed and not re.search(r"\bextra\s*==", requirement):
            _add(needed.group(), found, named=False)

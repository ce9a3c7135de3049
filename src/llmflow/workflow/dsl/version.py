"""The version of a DSL file, and what Dify's import says to it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from llmflow.errors import UsageError

CURRENT = "0.6.0"  # what is read with certainty, and what we write
_UNNAMED = "0.1.0"  # files of before versions
_VERSION = re.compile(r"v?(\d{1,6})(?:\.(\d{1,6}))?(?:\.(\d{1,6}))?(?:[.+-]?[0-9A-Za-z.+-]{0,40})?")

ImportStatus = Literal["completed", "completed-with-warnings", "pending"]


@dataclass(frozen=True, slots=True)
class VersionReport:
    """`status`: Dify's word; `why` "": nothing is to be said."""

    version: str
    status: ImportStatus
    why: str = ""


def check(version: str) -> VersionReport:
    """What Dify would say to a file of this version ("": it names none). `pending` is where Dify asks whether to go
    on; here the import goes on, with this in its report. Raises UsageError (dsl_invalid) for no version."""
    given = parsed(version)
    shown = version or _UNNAMED
    newest = parsed(CURRENT)
    if given > newest:
        why = f"The file is of DSL {shown}, newer than {CURRENT}: what came with it is kept, but may not be run."
        return VersionReport(shown, "pending", why)
    if given[0] < newest[0]:
        return VersionReport(shown, "pending", f"The file is of DSL {shown}, of an older generation than {CURRENT}.")
    if given[1] < newest[1]:
        why = f"The file is of DSL {shown}; its older forms are read as {CURRENT} means them."
        return VersionReport(shown, "completed-with-warnings", why)
    return VersionReport(shown, "completed")


def parsed(version: str) -> tuple[int, int, int]:
    """Major, minor and patch; of "" those of 0.1.0. Raises UsageError (dsl_invalid)."""
    found = _VERSION.fullmatch(version or _UNNAMED)
    if found is None:
        raise UsageError(f"The file's version `{version[:40]}` is no version, such as {CURRENT}.", code="dsl_invalid")
    return int(found[1]), int(found[2] or 0), int(found[3] or 0)

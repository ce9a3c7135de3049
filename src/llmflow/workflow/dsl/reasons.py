"""Why something does not do here exactly what it did there."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """`text`: a sentence for people; `stops`: a run that comes there fails."""

    code: str
    text: str
    stops: bool = False

"""Why something does not do here exactly what it did there."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """`text`: a sentence for people; `stops`: a run that comes there fails. `name`, `of`: what the sentence is about,
    for those who say it in other words."""

    code: str
    text: str
    stops: bool = False
    name: str = ""
    of: str = ""


@dataclass(frozen=True, slots=True)
class About:
    """What the sentence of a reason names; "" where it names nothing."""

    name: str
    of: str

"""What every organ says about itself; `llmflow doctor` and `/readyz` show it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Health:
    """`ok` False needs `hint`: one sentence that says what to do. `where`: a path or URL, without secrets."""

    ok: bool
    where: str
    version: str = ""
    detail: str = ""
    hint: str = ""

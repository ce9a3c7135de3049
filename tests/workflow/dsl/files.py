"""The DSL files of these tests: small ones of ours, and, where the shared data is, every file of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from llmflow.workflow.dsl.document import Document, document
from llmflow.workflow.dsl.read import read

FOLDER = Path(__file__).parent / "files"
OURS = sorted(FOLDER.glob("*.yml"))
SHARED = Path(__file__).resolve().parents[4] / "shared" / "data" / "dify"
#: Ours alone in a clean clone.
ALL = [*OURS, *sorted([*SHARED.glob("dsl_*/*.yml"), *SHARED.glob("golden/apps/*.yml")])]
MAX_BYTES = 10_000_000


def tree_of(content: str | bytes) -> dict[str, Any]:
    return read(content, max_bytes=MAX_BYTES)


def load(name: str) -> Document:
    """One of ours."""
    return document(tree_of((FOLDER / name).read_bytes()))

"""What may be there only once, such as a name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import IntegrityError

from llmflow.errors import Conflict


@contextmanager
def unique(taken: Conflict) -> Iterator[None]:
    """Around a write: raises `taken` when a constraint of the database refuses it."""
    try:
        yield
    except IntegrityError as error:
        raise taken from error

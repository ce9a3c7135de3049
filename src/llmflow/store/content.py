"""The one write boundary for people's words: questions, answers, passages.

A column of type `ContentText` takes only `Content`, and only `Boundary.admit` makes one. Masking will sit in `admit`:
whatever writes content cannot get around it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator


class Content(str):
    """Text that passed the boundary."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose words these are: placeholders will be kept per knowledge base, conversation and run."""

    kind: Literal["knowledge", "conversation", "file", "run", "annotation"]
    id: str


class Boundary:
    """Admits text to the database. Nothing is masked yet; NUL bytes, which PostgreSQL cannot hold, are dropped."""

    async def admit(self, scope: Scope, texts: Sequence[str]) -> list[Content]:
        """texts[i] as it may be kept, in order."""
        return [Content(text.replace("\x00", "")) for text in texts]

    async def admit_one(self, scope: Scope, text: str) -> Content:
        return (await self.admit(scope, [text]))[0]


class ContentText(TypeDecorator[str]):
    """A text column for content; binding a plain str is a programming error."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> str | None:
        if value is None:
            return None
        if not isinstance(value, Content):
            raise TypeError("content must pass Boundary.admit before it is written")
        return str.__str__(value)

"""Identity: who is it. What they may do is the access room's."""

from __future__ import annotations

from typing import Protocol

import msgspec

from llmflow.ports.health import Health


class Person(msgspec.Struct, frozen=True):
    """A proven identity. `subject` is stable at its provider; `groups` come from the provider."""

    subject: str
    email: str
    name: str
    groups: tuple[str, ...] = ()
    must_change_password: bool = False


class Identity(Protocol):
    async def sign_in(self, email: str, password: str) -> Person:
        """Raises Unauthorized (wrong_credentials), in the same time for an unknown address and a wrong password."""

    async def create(self, email: str, name: str, password: str, *, must_change_password: bool = False) -> Person:
        """Raises Conflict for a known address, UsageError for a weak password."""

    async def change_password(self, email: str, old: str, new: str) -> None:
        """Raises Unauthorized (wrong_credentials) and UsageError (a weak password)."""

    async def set_password(self, email: str, new: str, *, must_change_password: bool) -> None:
        """For an administrator: no old password is asked. Raises NotFound for an unknown address, UsageError for a
        weak password."""

    async def health(self) -> Health: ...

    async def close(self) -> None: ...

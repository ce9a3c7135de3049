"""A server that LLMFlow runs itself, as the adapters that talk to it see it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from llmflow.ports.health import Health


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """`url` without a path; `model`: the name it serves its model under."""

    url: str
    api_key: str = field(repr=False)
    model: str


class ManagedServer(Protocol):
    def address(self) -> ServerAddress:
        """Where it serves now; another place after a new start.

        Raises OrganError (organ_not_installed, organ_stopped, organ_starting, organ_failed)."""

    def health(self) -> Health:
        """What its supervisor knows; nothing is asked."""

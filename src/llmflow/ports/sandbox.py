"""Sandbox: code that people wrote, run apart from everything else."""

from __future__ import annotations

from typing import Any, Literal, Protocol

import msgspec

from llmflow.ports.health import Health

Language = Literal["python3", "javascript"]


class Code(msgspec.Struct, frozen=True):
    """A program with a function `main`. Python's gets the inputs by name, JavaScript's as one object."""

    language: Language
    source: str
    inputs: dict[str, Any] = msgspec.field(default_factory=dict)  # JSON


class Ran(msgspec.Struct, frozen=True):
    """`result`: what `main` returned, as JSON values. `printed`: what the code printed, cut where it is long."""

    result: Any
    printed: str = ""


class Sandbox(Protocol):
    """Runs each call apart: it sees no file, process, network or environment of the machine, and no other call, be it
    earlier or at the same time. Nothing of a call is left when it has ended."""

    async def run(self, code: Code) -> Ran:
        """Calls `main` with the inputs, within limits of time, memory and output.

        Raises NodeFailed: code_failed (the code's own error, with the lines of the code where it happened),
        code_timeout, code_memory, code_output (too much, or no JSON); and OrganError (sandbox_unavailable), with
        what stands in the way. Cancelling the call ends the code."""

    async def health(self) -> Health:
        """Runs a small program in earnest; `ok` False says why code cannot run here and what to do."""

    async def close(self) -> None:
        """Ends what runs; nothing is left of it."""

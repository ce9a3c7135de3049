"""Tracing: finished spans to where people look at them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from llmflow.ports.health import Health


class Span(msgspec.Struct, frozen=True):
    """OpenTelemetry's span, flattened. Attributes follow the GenAI semantic conventions; no content by default."""

    trace_id: str  # 32 hex digits
    span_id: str  # 16 hex digits
    parent_id: str | None
    name: str
    start_ns: int  # Unix time
    end_ns: int
    ok: bool
    attributes: dict[str, Any]


class Tracing(Protocol):
    async def export(self, spans: Sequence[Span]) -> None:
        """Keeps them, in one write. Called in batches off the request's path; a repeat of a span changes nothing."""

    async def health(self) -> Health: ...

    async def close(self) -> None: ...

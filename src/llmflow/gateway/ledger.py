"""What is noted of a call: usage for the limits, a span for the traces, numbers for Prometheus. No content.

Spans are made without OpenTelemetry's SDK, which would cost more than the whole call; names and attributes are its
semantic conventions for generative AI, and a span that is open around the call is its parent.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

from opentelemetry import trace
from prometheus_client import Counter, Histogram

from llmflow.gateway.types import Call, Leg, Tell, UsageRecord
from llmflow.ports.llm import TokenUsage
from llmflow.ports.tracing import Span

OnSpan = Callable[[Span], None]
CALLS = Counter("llmflow_gateway_calls_total", "Calls of models", ["operation", "model", "outcome"])
TOKENS = Counter("llmflow_gateway_tokens_total", "Tokens of models", ["model", "kind"])
FIRST = Histogram("llmflow_gateway_first_seconds", "Time to the first piece of an answer", ["model"])


def no_spans(_: Span) -> None:
    """Where nobody keeps traces."""


class Entry:
    """One call under way; `end` notes it, once."""

    __slots__ = (
        "_call",
        "_first_s",
        "_on_span",
        "_started",
        "_started_ns",
        "_tell",
        "attributes",
        "leg",
        "organ",
        "outcome",
        "pieces",
        "reason",
        "tries",
        "usage",
    )

    def __init__(self, call: Call, tell: Tell, on_span: OnSpan) -> None:
        self._call = call
        self._tell = tell
        self._on_span = on_span
        self._started = time.monotonic()
        self._started_ns = time.time_ns()
        self._first_s: float | None = None
        self.leg: Leg | None = None
        self.organ = ""  # where no deployment answers but an organ
        self.tries = 1
        self.outcome = "cancelled"
        self.pieces = 0
        self.usage: TokenUsage | None = None
        self.reason: str | None = None
        self.attributes: dict[str, Any] = {}

    @property
    def has_begun(self) -> bool:
        """Whether a first piece of the answer went out."""
        return self._first_s is not None

    def first(self) -> None:
        """The first piece of the answer is here."""
        if self._first_s is None:
            self._first_s = time.monotonic() - self._started

    def end(self) -> None:
        """A piece counts as a token where the server did not say: that is what servers send."""
        call, leg = self._call, self.leg
        usage = self.usage or TokenUsage(call.prompt_tokens, self.pieces)
        model = leg.deployment.info.id if leg else call.model
        taken = time.monotonic() - self._started
        record = UsageRecord(
            operation=call.operation,
            deployment=leg.deployment.name if leg else self.organ,
            model=model,
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
            is_estimated=self.usage is None,
            outcome=self.outcome,
            duration_s=taken,
            first_s=self._first_s,
        )
        _count(record)
        self._on_span(self._span(record))
        self._tell(record)

    def _span(self, record: UsageRecord) -> Span:
        call, leg = self._call, self.leg
        attributes: dict[str, Any] = {
            "gen_ai.operation.name": call.operation,
            "gen_ai.request.model": record.model,
            "gen_ai.usage.input_tokens": record.prompt_tokens,
            "gen_ai.usage.output_tokens": record.completion_tokens,
            **self.attributes,
        }
        if leg:
            attributes["gen_ai.provider.name"] = leg.deployment.info.owned_by
            attributes["llmflow.deployment"] = record.deployment
        if call.model != record.model:
            attributes["llmflow.route"] = call.model
        if call.max_tokens is not None:
            attributes["gen_ai.request.max_tokens"] = call.max_tokens
        if self.tries > 1:
            attributes["llmflow.tries"] = self.tries
        if self.reason:
            attributes["gen_ai.response.finish_reasons"] = [self.reason]
        if record.first_s is not None:
            attributes["gen_ai.response.time_to_first_chunk"] = record.first_s
        for name in ("workspace_id", "app_id", "conversation_id", "key_id"):
            if known := getattr(call.asker, name):
                attributes[f"llmflow.{name}"] = known
        if self.outcome != "ok":
            attributes["error.type"] = self.outcome
        around = trace.get_current_span().get_span_context()
        return Span(
            trace_id=f"{around.trace_id if around.is_valid else random.getrandbits(128):032x}",
            span_id=f"{random.getrandbits(64) or 1:016x}",
            parent_id=f"{around.span_id:016x}" if around.is_valid else None,
            name=f"{call.operation} {record.model}",
            start_ns=self._started_ns,
            end_ns=self._started_ns + int(record.duration_s * 1e9),
            ok=self.outcome in ("ok", "cancelled"),
            attributes=attributes,
        )


_counters: dict[tuple[str, str, str], Counter] = {}
_tokens: dict[tuple[str, str], Counter] = {}
_firsts: dict[str, Histogram] = {}


def _count(record: UsageRecord) -> None:
    """`labels` builds strings under a lock at each call: what it found is kept."""
    key = (record.operation, record.model, record.outcome)
    counter = _counters.get(key)
    if counter is None:
        counter = _counters[key] = CALLS.labels(*key)
    counter.inc()
    for kind, count in (("input", record.prompt_tokens), ("output", record.completion_tokens)):
        if count:
            tokens = _tokens.get((record.model, kind))
            if tokens is None:
                tokens = _tokens[record.model, kind] = TOKENS.labels(record.model, kind)
            tokens.inc(count)
    if record.first_s is not None:
        first = _firsts.get(record.model)
        if first is None:
            first = _firsts[record.model] = FIRST.labels(record.model)
        first.observe(record.first_s)

"""OpenTelemetry's finished spans to a Tracing organ, in batches off the request's path."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from llmflow.errors import LLMFlowError
from llmflow.ports.tracing import Span, Tracing

_log = logging.getLogger(__name__)
_TIMEOUT_S = 20.0
_EVERY_MS = 2000


def attach(organ: Tracing) -> BatchSpanProcessor:
    """From now on this process's finished spans go to `organ`, until the processor returned is shut down. Call on the
    event loop; shut down from another thread, since the last batch is written on the loop."""
    provider = trace.get_tracer_provider()
    if not isinstance(provider, TracerProvider):
        provider = TracerProvider(resource=Resource.create({"service.name": "llmflow"}), shutdown_on_exit=False)
        trace.set_tracer_provider(provider)
    processor = BatchSpanProcessor(Bridge(organ, asyncio.get_running_loop()), schedule_delay_millis=_EVERY_MS)
    provider.add_span_processor(processor)
    return processor


class Bridge(SpanExporter):
    """Called by the SDK's batch thread; hands over to the organ on the event loop."""

    def __init__(self, organ: Tracing, loop: asyncio.AbstractEventLoop) -> None:
        self._organ = organ
        self._loop = loop

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if self._loop.is_closed():
            return SpanExportResult.FAILURE
        future = asyncio.run_coroutine_threadsafe(self._organ.export([_flat(span) for span in spans]), self._loop)
        try:
            future.result(_TIMEOUT_S)
        except (LLMFlowError, TimeoutError) as error:
            _log.warning("%d spans were not kept: %s", len(spans), error)
            return SpanExportResult.FAILURE
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """Nothing of its own to close."""


def _flat(span: ReadableSpan) -> Span:
    return Span(
        trace_id=f"{span.context.trace_id:032x}",
        span_id=f"{span.context.span_id:016x}",
        parent_id=f"{span.parent.span_id:016x}" if span.parent else None,
        name=span.name,
        start_ns=span.start_time or 0,
        end_ns=span.end_time or 0,
        ok=span.status.is_ok or span.status.status_code.name == "UNSET",
        attributes={key: list(v) if isinstance(v, tuple) else v for key, v in (span.attributes or {}).items()},
    )

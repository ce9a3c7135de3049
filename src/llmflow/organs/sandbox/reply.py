"""What came back from a call: the result, or the error that it stands for. Written by code nobody trusts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from llmflow.errors import LLMFlowError, NodeFailed, OrganError
from llmflow.organs.sandbox.inside.wire import NOT_STARTED, TOO_LATE, TRAILER
from llmflow.ports.sandbox import Ran

_MOST_WORDS = 4000  # characters of an error


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a call may use, for the words of its errors."""

    seconds: float
    memory_mb: int
    output_bytes: int


def read(stream: bytes, bounds: Bounds) -> Ran:
    """Of all that came until the end of the call. Raises what `Sandbox.run` raises."""
    if len(stream) < TRAILER.size:
        raise OrganError("The sandbox ended while the code ran.", code="sandbox_unavailable", hint="Run it again.")
    body = stream[: -TRAILER.size]
    exit_code, why = TRAILER.unpack(stream[-TRAILER.size :])
    if why == TOO_LATE:
        raise late(bounds)
    if why == NOT_STARTED:
        raise OrganError("The machine has no room for another process.", code="sandbox_unavailable")
    if exit_code < 0 or not body:
        raise _ended(exit_code, bounds)
    try:
        told = json.loads(body)
        return _told(told, bounds)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise NodeFailed("The code wrote an answer of its own that is none.", code="code_failed") from error


def late(bounds: Bounds) -> NodeFailed:
    return NodeFailed(f"The code took longer than {bounds.seconds:g} s.", code="code_timeout")


def too_much(bounds: Bounds) -> NodeFailed:
    return NodeFailed(f"The code gave back more than {bounds.output_bytes >> 20} MB.", code="code_output")


def no_memory(bounds: Bounds) -> NodeFailed:
    return NodeFailed(f"The code needed more than {bounds.memory_mb} MB of memory.", code="code_memory")


def _ended(exit_code: int, bounds: Bounds) -> LLMFlowError:
    """The process ended without an answer: killed for want of memory, crashed in a library, or left of itself."""
    if exit_code == -9:
        return no_memory(bounds)
    how = f"was ended by signal {-exit_code}" if exit_code < 0 else f"left with status {exit_code}"
    return NodeFailed(f"The code {how} before main returned.", code="code_failed")


def _told(told: Any, bounds: Bounds) -> Ran:
    if "broken" in told:
        raise OrganError(f"Code cannot be run apart here: {told['broken']}.", code="sandbox_unavailable")
    printed = str(told["printed"])
    if "failed" not in told:
        return Ran(told["result"], printed)
    failed = told["failed"]
    kind, message, lines = failed["kind"], str(failed["message"]), str(failed["lines"])
    if kind == "memory":
        raise no_memory(bounds)
    indented = "".join(f"\n  {line}" for line in lines.splitlines())
    text = (message[:_MOST_WORDS] + indented)[:_MOST_WORDS]
    raise NodeFailed(
        text,
        code="code_output" if kind == "output" else "code_failed",
        process_data={"printed": printed} if printed else {},
    )

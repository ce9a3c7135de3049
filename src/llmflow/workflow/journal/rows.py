"""A run's row and its events as the database has them. Half characters become question marks: it takes none."""

from __future__ import annotations

from typing import Any

import msgspec

from llmflow.store.content import Content
from llmflow.workflow.events import Event, Last, WorkflowFinished, encode
from llmflow.workflow.journal.stored import NewRun

_json = msgspec.json.Encoder()


def columns(run: NewRun) -> dict[str, Any]:
    return {name: getattr(run, name) for name in NewRun.__dataclass_fields__}


def state_of(last: Last | None, outputs: Content, error: Content) -> dict[str, Any]:
    """The columns of UPDATE_RUN, as the run stands."""
    state: dict[str, Any] = {
        "status": "running",
        "outputs": outputs,
        "error": error,
        "error_code": "",
        "elapsed_ms": 0,
        "total_tokens": 0,
        "total_steps": 0,
        "exceptions_count": 0,
        "finished_at": None,
    }
    if last is None:
        return state
    state["status"] = "paused"
    state["elapsed_ms"] = round(last.elapsed_time * 1000)
    state["total_tokens"], state["total_steps"] = last.total_tokens, last.total_steps
    if isinstance(last, WorkflowFinished):
        state["status"] = last.status
        state["error_code"] = last.error_code or ""
        state["exceptions_count"] = last.exceptions_count
        state["finished_at"] = round(last.finished_at * 1000)
    return state


def outputs_of(last: Last | None) -> bytes:
    return encoded(last.outputs) if last is not None else b"{}"


def error_of(last: Last | None) -> bytes:
    return _utf8((last.error or "") if isinstance(last, WorkflowFinished) else "")


def line_of(event: Event) -> bytes:
    try:
        return encode(event)
    except UnicodeEncodeError:  # half a character from somebody's API; a database takes none
        return encode(msgspec.convert(_whole(msgspec.to_builtins(event)), type(event)))


def encoded(value: dict[str, Any]) -> bytes:
    try:
        return _json.encode(value)
    except UnicodeEncodeError:
        return _json.encode(_whole(value))


def _whole(value: Any) -> Any:
    """The value with a question mark for each half character."""
    if isinstance(value, str):
        return _utf8(value).decode()
    if isinstance(value, dict):
        return {_whole(key): _whole(item) for key, item in value.items()}
    return [_whole(item) for item in value] if isinstance(value, list | tuple) else value


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "replace")

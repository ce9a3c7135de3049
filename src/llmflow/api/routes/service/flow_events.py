"""What a workflow's run tells, as Dify's events. Times are Unix seconds here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from llmflow.api.sse import event as line
from llmflow.apps.chat.turns import Turn
from llmflow.workflow.events import (
    Event,
    HumanInputReceived,
    HumanInputRequired,
    HumanInputTimedOut,
    NodeFinished,
    NodeLog,
    NodeRetry,
    NodeStarted,
    RoundsFinished,
    RoundsStarted,
    RoundStarted,
    TextChunk,
    TextReplace,
    WorkflowFinished,
    WorkflowPaused,
    WorkflowStarted,
)
from llmflow.workflow.journal.stored import NewRun

_encode = msgspec.json.Encoder().encode
_CONTAINERS = frozenset({"iteration", "loop"})  # Dify tells of them by events of their own
_UNSHOWN = frozenset({"sys.timestamp", "sys.conversation_id", "sys.history", "sys.waits", "sys.given"})


class Shapes:
    """Of one run. `user`: the name its caller gave; `turn`: the chat's answer it writes; `token_of`: of a form by its
    id."""

    def __init__(self, run: NewRun, user: str, turn: Turn | None = None, *, token_of: Callable[[str], str]) -> None:
        self._run = run
        self._token_of = token_of
        self._by = {"id": run.end_user_id or run.account_id or "", "user": user}
        self._turn = turn
        ids = {"task_id": run.task_id, "workflow_run_id": run.id}
        if turn is None:
            self._head = _open(ids)
            self._text = self._head
            return
        chat = {
            "conversation_id": turn.conversation_id,
            "message_id": turn.message_id,
            "created_at": turn.created_at // 1000,
        }
        self._head = _open(chat | ids)
        self._text = _open(chat | {"task_id": run.task_id, "id": turn.message_id})

    def of(self, event: Event) -> bytes:
        """The event as one of a stream; b"" for one that is not Dify's."""
        match event:
            case NodeStarted():
                return b"" if event.node_type in _CONTAINERS else self._told("node_started", _started(event))
            case NodeFinished():
                return b"" if event.node_type in _CONTAINERS else self._told("node_finished", _finished(event))
            case TextChunk():
                return self._said(event)
            case TextReplace():
                return self._replaced(event)
            case WorkflowStarted():
                return self._told("workflow_started", self._begun(event))
            case WorkflowFinished():
                return self._told("workflow_finished", self.ended(event))
            case WorkflowPaused():
                return self._told("workflow_paused", self.paused(event))
            case NodeRetry():
                return self._told("node_retry", _retry(event))
            case RoundsStarted():
                return self._told(f"{event.node_type}_started", _rounds_started(event))
            case RoundStarted():
                return self._told(f"{event.node_type}_next", _round_started(event))
            case RoundsFinished():
                return self._told(f"{event.node_type}_completed", _rounds_finished(event))
            case NodeLog():
                return self._told("agent_log", _step(event))
            case HumanInputRequired():
                return self._told("human_input_required", self._asked(event))
            case HumanInputReceived():
                return self._told("human_input_form_filled", _answered(event))
            case HumanInputTimedOut():
                return self._told("human_input_form_timeout", _timed_out(event))
        return b""

    def ended(self, event: WorkflowFinished) -> dict[str, Any]:
        return {
            "id": self._run.id,
            "workflow_id": self._run.version_id,
            "status": event.status,
            "outputs": event.outputs,
            "error": event.error,
            "elapsed_time": round(event.elapsed_time, 6),
            "total_tokens": event.total_tokens,
            "total_steps": event.total_steps,
            "created_by": self._by,
            "created_at": int(event.created_at),
            "finished_at": int(event.finished_at),
            "exceptions_count": event.exceptions_count,
            "files": event.files,
        }

    def _told(self, name: str, data: dict[str, Any]) -> bytes:
        return b'data: {"event":"%s",%s"data":%s}\n\n' % (name.encode(), self._head, _encode(data))

    def _said(self, event: TextChunk) -> bytes:
        selector = _encode(event.from_variable_selector)
        text = _encode(event.text)
        if self._turn is None:
            return b'data: {"event":"text_chunk",%s"data":{"text":%s,"from_variable_selector":%s}}\n\n' % (
                self._text,
                text,
                selector,
            )
        return b'data: {"event":"message",%s"answer":%s,"from_variable_selector":%s}\n\n' % (self._text, text, selector)

    def _replaced(self, event: TextReplace) -> bytes:
        if self._turn is None:
            return self._told("text_replace", {"text": event.text})
        fields = _encode({"answer": event.text, "reason": "replaced"})
        return b'data: {"event":"message_replace",%s%s\n\n' % (self._head, fields[1:])

    def _begun(self, event: WorkflowStarted) -> dict[str, Any]:
        return {
            "id": self._run.id,
            "workflow_id": self._run.version_id,
            "inputs": {name: value for name, value in event.inputs.items() if name not in _UNSHOWN},
            "created_at": int(event.created_at),
            "reason": event.reason,
        }

    def paused(self, event: WorkflowPaused) -> dict[str, Any]:
        """A node that asks people is a reason in Dify's words; one of which nobody knows whether it ran is ours."""
        forms = {(asked.node_id, asked.at): self._asked(asked) for asked in event.asked}
        return {
            "workflow_run_id": self._run.id,
            "paused_nodes": list(dict.fromkeys(node_id for node_id, _ in event.reasons)),
            "outputs": event.outputs,
            "reasons": [
                {"TYPE": "human_input_required", **forms[key]}
                if key in forms
                else {"TYPE": "repeat_required", "node_id": key[0]}
                for key in event.reasons
            ],
            "status": "paused",
            "created_at": int(event.created_at),
            "elapsed_time": round(event.elapsed_time, 6),
            "total_tokens": event.total_tokens,
            "total_steps": event.total_steps,
        }

    def _asked(self, event: HumanInputRequired) -> dict[str, Any]:
        """With the token where those who use the app may answer; others have their link."""
        token = self._token_of(str(event.form["form_id"])) if event.form.get("display_in_ui") else None
        return {**event.form, "node_id": event.node_id, "node_title": event.title, "form_token": token}


def lines(shapes: Shapes, events: Iterable[Event]) -> bytes:
    """Several events of a stream at once."""
    return b"".join(map(shapes.of, events))


def numbered(shapes: Shapes, number: int, event: Event) -> bytes:
    """With the number by which a reader may go on: Last-Event-ID."""
    told = shapes.of(event)
    return b"id: %d\n%s" % (number, told) if told else b""


def error_line(turn: Turn, body: dict[str, Any]) -> bytes:
    base = {"conversation_id": turn.conversation_id, "message_id": turn.message_id}
    return line(_encode({"event": "error", **base, "task_id": turn.id, **body}))


def _open(fields: dict[str, Any]) -> bytes:
    """The fields with a comma behind, to be put into an object."""
    return _encode(fields)[1:-1] + b","


def _started(event: NodeStarted) -> dict[str, Any]:
    return {
        "id": event.id,
        "node_id": event.node_id,
        "node_type": event.node_type,
        "title": event.title,
        "index": event.index,
        "predecessor_node_id": event.predecessor,
        "inputs": None,
        "inputs_truncated": False,
        "created_at": int(event.created_at),
        "extras": {},
        "iteration_id": event.iteration_id,
        "loop_id": event.loop_id,
        "agent_strategy": None,
    }


def _finished(event: NodeFinished) -> dict[str, Any]:
    return {
        "id": event.id,
        "node_id": event.node_id,
        "node_type": event.node_type,
        "title": event.title,
        "index": event.index,
        "predecessor_node_id": event.predecessor,
        "inputs": event.inputs,
        "inputs_truncated": False,
        "process_data": event.process_data,
        "process_data_truncated": False,
        "outputs": event.outputs,
        "outputs_truncated": False,
        "status": event.status,
        "error": event.error,
        "elapsed_time": round(event.elapsed_time, 6),
        "execution_metadata": event.execution_metadata,
        "created_at": int(event.created_at),
        "finished_at": int(event.finished_at),
        "files": [],
        "iteration_id": event.iteration_id,
        "loop_id": event.loop_id,
    }


def _retry(event: NodeRetry) -> dict[str, Any]:
    return {
        "id": event.id,
        "node_id": event.node_id,
        "node_type": event.node_type,
        "title": event.title,
        "index": event.index,
        "predecessor_node_id": event.predecessor,
        "inputs": None,
        "inputs_truncated": False,
        "process_data": None,
        "process_data_truncated": False,
        "outputs": None,
        "outputs_truncated": False,
        "status": "retry",
        "error": event.error,
        "elapsed_time": round(event.elapsed_time, 6),
        "execution_metadata": None,
        "created_at": int(event.created_at),
        "finished_at": int(event.finished_at),
        "files": [],
        "iteration_id": event.iteration_id,
        "loop_id": event.loop_id,
        "retry_index": event.retry_index,
    }


def _step(event: NodeLog) -> dict[str, Any]:
    return {
        "node_execution_id": event.id,
        "id": event.log_id,
        "label": event.label,
        "parent_id": event.parent_id,
        "error": event.error,
        "status": event.status,
        "data": event.data,
        "metadata": event.metadata,
        "node_id": event.node_id,
    }


def _rounds_started(event: RoundsStarted) -> dict[str, Any]:
    counted = "iterator_length" if event.node_type == "iteration" else "loop_length"
    return {
        "id": event.id,
        "node_id": event.node_id,
        "node_type": event.node_type,
        "title": event.title,
        "created_at": int(event.created_at),
        "extras": {},
        "metadata": {counted: event.length},
        "inputs": event.inputs,
        "inputs_truncated": False,
    }


def _round_started(event: RoundStarted) -> dict[str, Any]:
    found = {
        "id": event.id,
        "node_id": event.node_id,
        "node_type": event.node_type,
        "title": event.title,
        "index": event.index,
        "created_at": int(event.created_at),
        "extras": {},
    }
    return found if event.node_type == "iteration" else {**found, "pre_loop_output": event.variables}


def _rounds_finished(event: RoundsFinished) -> dict[str, Any]:
    return {
        "id": event.id,
        "node_id": event.node_id,
        "node_type": event.node_type,
        "title": event.title,
        "outputs": event.outputs,
        "outputs_truncated": False,
        "created_at": int(event.created_at),
        "extras": {},
        "inputs": event.inputs,
        "inputs_truncated": False,
        "status": event.status,
        "error": event.error,
        "elapsed_time": round(event.elapsed_time, 6),
        "total_tokens": int(event.execution_metadata.get("total_tokens") or 0),
        "execution_metadata": event.execution_metadata,
        "finished_at": int(event.finished_at),
        "steps": event.steps,
    }


def _answered(event: HumanInputReceived) -> dict[str, Any]:
    told = ("rendered_content", "action_id", "action_text", "submitted_data")
    said = {name: event.reply.get(name) for name in told}
    return {"node_id": event.node_id, "node_title": event.title, **said}


def _timed_out(event: HumanInputTimedOut) -> dict[str, Any]:
    return {"node_id": event.node_id, "node_title": event.title, "expiration_time": int(event.expired_at)}

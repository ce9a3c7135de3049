"""Workflows: run (blocking or streaming, by version), look at a run, follow it again, stop it, the log of runs."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from llmflow.access.types import Account
from llmflow.api.routes.service import shapes
from llmflow.api.routes.service.chat import message_end
from llmflow.api.routes.service.dify import GRAPHS, HEADERS, PING, WORKFLOWS, Call, answer, checked, operation
from llmflow.api.routes.service.flow_events import Shapes, lines, numbered
from llmflow.api.sse import EventStream, event
from llmflow.apps.chat.turns import turn_of
from llmflow.apps.runs.live import LiveRun
from llmflow.apps.runs.runs import Begin
from llmflow.apps.types import EndUser
from llmflow.errors import NotFound, OrganError, UsageError
from llmflow.store.ids import is_uuid
from llmflow.wiring import Platform
from llmflow.workflow.events import WorkflowFinished, WorkflowPaused
from llmflow.workflow.journal.queries import Wanted
from llmflow.workflow.journal.stored import StoredRun

_TRIGGERS = {"webhook": "webhook", "schedule": "schedule"}  # by a run's source
_STATUSES = ("succeeded", "failed", "stopped", "partial-succeeded")
_encode = msgspec.json.Encoder().encode


class WorkflowRunPayload(msgspec.Struct, frozen=True):
    """Dify's WorkflowExecutionRequest."""

    inputs: dict[str, Any]
    response_mode: Literal["blocking", "streaming"] | None = None
    files: list[dict[str, Any]] | None = None


def routes(platform: Platform) -> list[Route]:
    return [
        operation(platform, "/workflows/run", "POST", _run, only=WORKFLOWS),
        operation(platform, "/workflows/{workflow_id}/run", "POST", _run_version, only=WORKFLOWS),
        operation(platform, "/workflows/run/{run_id}", "GET", _detail, only=GRAPHS),
        operation(platform, "/workflows/tasks/{task_id}/stop", "POST", _stop, only=WORKFLOWS),
        operation(platform, "/workflows/{task_id}/stop", "POST", _stop, only=WORKFLOWS),  # as older clients call it
        operation(platform, "/workflows/logs", "GET", _logs),
        operation(platform, "/workflow/{run_id:uuid}/events", "GET", _events, only=GRAPHS),
    ]


async def _run(call: Call) -> Response:
    return await _started(call, None)


async def _run_version(call: Call) -> Response:
    version_id = str(call.request.path_params["workflow_id"])
    if not is_uuid(version_id):
        raise UsageError(f"Invalid workflow_id format: '{version_id}'.", code="bad_request", param="workflow_id")
    return await _started(call, version_id.lower())


async def _started(call: Call, version_id: str | None) -> Response:
    body = await call.body()
    user = await call.user(body.get("user"), required=True)
    wanted = checked(body, WorkflowRunPayload)
    apps = call.platform.apps
    compiled = await apps.plans.wanted(call.app, version_id)
    begin = Begin(
        inputs=await apps.files.in_inputs(user, compiled.form, wanted.inputs),
        files=await apps.files.values(user, wanted.files or ()),
        source="service-api",
        user=user.external_id,
        end_user_id=user.id,
    )
    live = apps.runs.start(call.app, compiled, begin)
    if wanted.response_mode == "streaming":
        return EventStream(streamed(call.platform, live), headers=HEADERS, ping=PING)
    return await whole(call.platform, live)


async def streamed(platform: Platform, live: LiveRun) -> AsyncGenerator[bytes]:
    """The reader may go at any time, the run goes on."""
    told = Shapes(live.run, live.user, token_of=platform.apps.forms.token)
    yield PING
    async for batch in live.follow():
        yield lines(told, batch)


async def whole(platform: Platform, live: LiveRun) -> Response:
    """The run's end, waited for. Raises OrganError (interrupted)."""
    last = await live.ended()
    if last is None:
        raise OrganError("LLMFlow is stopping; it goes on with the run when it starts.", code="interrupted")
    assert isinstance(last, WorkflowFinished | WorkflowPaused)
    waits: dict[str, Any] = {}
    if isinstance(last, WorkflowPaused):
        told = Shapes(live.run, live.user, token_of=platform.apps.forms.token).paused(last)
        waits = {name: told[name] for name in ("paused_nodes", "reasons")}
    return answer(
        {
            "task_id": live.run.task_id,
            "workflow_run_id": live.run.id,
            "data": {
                "id": live.run.id,
                "workflow_id": live.run.version_id,
                "status": last.status if isinstance(last, WorkflowFinished) else "paused",
                "outputs": last.outputs,
                "error": last.error if isinstance(last, WorkflowFinished) else None,
                "elapsed_time": round(last.elapsed_time, 6),
                "total_tokens": last.total_tokens,
                "total_steps": last.total_steps,
                "created_at": live.run.created_at // 1000,
                "finished_at": int(last.finished_at) if isinstance(last, WorkflowFinished) else None,
                **waits,
            },
        }
    )


async def _detail(call: Call) -> Response:
    run = await call.platform.apps.runs.get(call.app.id, str(call.request.path_params["run_id"]))
    return answer(
        {
            "id": run.id,
            "workflow_id": run.version_id,
            "status": run.status,
            "inputs": json.dumps(run.inputs, ensure_ascii=False),
            "outputs": run.outputs,
            "error": run.error or None,
            "total_steps": run.total_steps,
            "total_tokens": run.total_tokens,
            "created_at": shapes.seconds(run.created_at),
            "finished_at": _seconds_or_none(run.finished_at),
            "elapsed_time": run.elapsed_ms / 1000,
        }
    )


def _seconds_or_none(ms: int | None) -> int | None:
    return None if ms is None else shapes.seconds(ms)


async def _stop(call: Call) -> Response:
    user = await call.user((await call.body()).get("user"), required=True)
    call.platform.apps.runs.stop(str(call.request.path_params["task_id"]), call.app.id, user=user)
    return answer({"result": "success"})


# following again


async def _events(call: Call) -> Response:
    """A run that goes on: every event from the first, or from behind Last-Event-ID, and what comes; one that is over:
    its end alone, as Dify sends it, unless Last-Event-ID or include_state_snapshot ask for what was before."""
    user = await call.user(call.query("user"), required=True)
    run = await call.platform.apps.runs.get(call.app.id, str(call.request.path_params["run_id"]))
    if run.end_user_id != user.id:
        raise NotFound("Workflow run not found.", code="run_not_found")
    seen = _seen(call)
    wants_all = call.query("include_state_snapshot") in ("true", "1", "True")
    if run.is_over and seen is None and not wants_all:
        return EventStream(_end_alone(run, user), headers=HEADERS, ping=PING)
    through = call.query("continue_on_pause") in ("true", "1", "True")
    return EventStream(_again(call, run, user, seen or 0, through), headers=HEADERS, ping=PING)


def _seen(call: Call) -> int | None:
    given = call.request.headers.get("last-event-id", "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 10 else None


async def _end_alone(run: StoredRun, user: EndUser) -> AsyncGenerator[bytes]:
    yield event(
        _encode({"event": "workflow_finished", "task_id": run.id, "workflow_run_id": run.id, "data": _ended(run, user)})
    )


def _ended(run: StoredRun, user: EndUser) -> dict[str, Any]:
    by = {"id": user.id, "user": user.external_id}
    return {**ended(run), "created_by": by, "exceptions_count": run.exceptions_count, "files": []}


def ended(run: StoredRun) -> dict[str, Any]:
    """What is told of a run that is over, by whomever."""
    return {
        "id": run.id,
        "workflow_id": run.version_id,
        "status": run.status,
        "outputs": run.outputs,
        "error": run.error or None,
        "elapsed_time": run.elapsed_ms / 1000,
        "total_tokens": run.total_tokens,
        "total_steps": run.total_steps,
        "created_at": shapes.seconds(run.created_at),
        "finished_at": _seconds_or_none(run.finished_at),
    }


async def _again(call: Call, run: StoredRun, user: EndUser, seen: int, through_pauses: bool) -> AsyncGenerator[bytes]:
    """As the run was told first: of a chat with its message, whose end comes before the end of the run."""
    turn = turn_of(run)
    told = Shapes(run, user.external_id, turn, token_of=call.platform.apps.forms.token)
    yield PING
    async for batch in call.platform.apps.runs.follow(run.id, after=seen, through_pauses=through_pauses):
        last = batch[-1][1]
        ends = isinstance(last, WorkflowFinished) and last.status != "failed" and turn is not None
        yield b"".join(numbered(told, number, item) for number, item in (batch[:-1] if ends else batch))
        if ends and turn is not None:
            message = await call.platform.apps.conversations.message(user, turn.message_id)
            yield message_end(turn, message, with_sources=call.app.config.retriever_resource)
            yield numbered(told, *batch[-1])


# the log


async def _logs(call: Call) -> Response:
    page, limit = call.count("page", 1, most=99_999), call.count("limit", 20)
    status = call.query("status")
    if status is not None and status not in _STATUSES:
        raise UsageError(f"status must be one of {', '.join(_STATUSES)}.", param="status")
    session = call.query("created_by_end_user_session_id")
    people = call.platform.apps.conversations
    accounts = await call.platform.members.all(call.app.workspace_id)
    wanted = Wanted(
        status=status,
        keyword=call.query("keyword"),
        before=_time(call, "created_at__before"),
        after=_time(call, "created_at__after"),
        end_user_ids=await people.ids_of(call.app.id, session) if session else None,
        account_id=_account_id(accounts, call.query("created_by_account")),
    )
    found, total = await call.platform.apps.runs.page(call.app.id, wanted, offset=(page - 1) * limit, limit=limit)
    users = await people.users_by_id([run.end_user_id for run in found if run.end_user_id])
    numbers = {version.id: version.number for version in await call.platform.apps.designs.versions(call.app)}
    known = {account.id: account for account in accounts}
    data = [
        _logged(run, users.get(run.end_user_id or ""), known.get(run.account_id or ""), numbers.get(run.version_id))
        for run in found
    ]
    return answer({"page": page, "limit": limit, "total": total, "has_more": page * limit < total, "data": data})


def _time(call: Call, name: str) -> int | None:
    """Unix milliseconds; a time without a zone is UTC."""
    given = call.query(name)
    if given is None:
        return None
    try:
        found = datetime.fromisoformat(given.replace("Z", "+00:00"))
    except ValueError as error:
        raise UsageError(f"{name} must be a time in ISO 8601.", param=name) from error
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)


def _account_id(accounts: Sequence[Account], email: str | None) -> str | None:
    if email is None:
        return None
    for account in accounts:
        if account.email == email.lower():
            return account.id
    raise UsageError(f"Account not found: {email}", param="created_by_account")


def _logged(run: StoredRun, user: EndUser | None, account: Account | None, number: int | None) -> dict[str, Any]:
    by_account = account and {"id": account.id, "name": account.name, "email": account.email}
    return {
        "id": run.id,
        "workflow_run": {
            "id": run.id,
            "version": "draft" if number is None else str(number),
            "status": run.status,
            "triggered_from": _TRIGGERS.get(run.source, "app-run"),
            "error": run.error or None,
            "elapsed_time": run.elapsed_ms / 1000,
            "total_tokens": run.total_tokens,
            "total_steps": run.total_steps,
            "created_at": shapes.seconds(run.created_at),
            "finished_at": _seconds_or_none(run.finished_at),
            "exceptions_count": run.exceptions_count,
        },
        "details": None,
        "created_from": run.source,
        "created_by_role": "end_user" if run.end_user_id else "account",
        "created_by_account": by_account,
        "created_by_end_user": user and shapes.end_user(user),
        "created_at": shapes.seconds(run.created_at),
    }

"""Runs of workflows: start, list, look at, follow; stop, resume, fork, answer one that waits.

A run is followed as server-sent events, one JSON object each: what the run tells, with `event` its kind, in order; the
`id` of an event is its number, from 1, and `after` (or Last-Event-ID) goes on behind one. The last is
`workflow_finished`, or `workflow_paused` for a run that waits for a person.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any, Literal

import msgspec
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from llmflow.access.types import Caller, Role, reaches
from llmflow.api import auth, sse
from llmflow.api.routes.console.asking import CONSOLE
from llmflow.apps.runs.decided import Answer
from llmflow.apps.runs.runs import Begin, Runs
from llmflow.apps.runs.view import RunDetail, view
from llmflow.apps.types import App, EndUser
from llmflow.errors import UsageError
from llmflow.wiring import Platform
from llmflow.workflow.events import (
    Event,
    NodeFinished,
    NodeStarted,
    TextChunk,
    TextReplace,
    WorkflowFinished,
    WorkflowPaused,
    WorkflowStarted,
    encode,
)
from llmflow.workflow.journal.queries import Wanted
from llmflow.workflow.journal.stored import StoredRun

router = APIRouter(tags=["runs"])

Status = Literal["running", "paused", "succeeded", "partial-succeeded", "failed", "stopped"]


class NewRunBody(BaseModel):
    """`version`: a published version's number, 0 for the draft; left out: the version in force."""

    inputs: dict[str, Any] = Field(default_factory=dict)
    version: int | None = Field(None, ge=0)
    user: str = Field(CONSOLE, max_length=255, description="sys.user_id, of a caller with a key")


class ForkBody(BaseModel):
    """`at`: which rounds of the containers around the node, outermost first. `inputs`: changed inputs of the run;
    `outputs`: by node, changed outputs of nodes that stay finished."""

    node_id: str
    at: list[int] = Field(default_factory=list, max_length=20)
    inputs: dict[str, Any] = Field(default_factory=dict)
    outputs: dict[str, dict[str, Any]] = Field(default_factory=dict)


class AnswerBody(BaseModel):
    """About a node of which nobody knows whether it ran. `repeat`: run it again; `skip`: take `values` as its outputs
    and go on by `handle`; `fail`: end the run, also where a form waits."""

    node_id: str
    action: Literal["repeat", "skip", "fail"]
    values: dict[str, Any] = Field(default_factory=dict)
    at: list[int] = Field(default_factory=list, max_length=20)
    handle: str = "source"


class RunPage(BaseModel):
    runs: list[StoredRun]
    total: int
    page: int
    limit: int


class RunRef(BaseModel):
    """`task_id`: stops it, like its id."""

    run_id: str
    task_id: str


class ForkedRun(RunRef):
    """What the fork did not have to do again: `saved_ms` of nodes' time, `saved_tokens` of models."""

    saved_nodes: int
    saved_tokens: int
    saved_ms: int


class RunStopped(BaseModel):
    stopped: bool = Field(description="false: it was over")


@router.post("/apps/{app}/runs")
async def start_run(app: str, body: NewRunBody, request: Request) -> sse.EventStream:
    """Runs a workflow and follows it; a reader that leaves changes nothing. The first event is `run` {run_id,
    task_id}, then come those of /events; for a member without what nodes were given and made, as the design is not
    theirs to read."""
    platform, found, caller = await _app(request, app, needs="editor" if body.version is not None else "member")
    if found.mode != "workflow":
        raise UsageError(
            f"`{found.name}` is a {found.mode} app; ask it a question.", code="not_workflow_app", param="app"
        )
    plans = platform.apps.plans
    if body.version is None:
        compiled = await plans.in_force(found)
    elif body.version == 0:
        compiled = await plans.draft(found)
    else:
        version, _ = await platform.apps.designs.get(found, body.version)
        compiled = await plans.version(found, version.id)
    user = EndUser("", found.workspace_id, found.id, "", 0)
    begin = Begin(
        inputs=await platform.apps.files.in_inputs(user, compiled.form, body.inputs),
        source="console",
        user=caller.account_id or body.user,
        account_id=caller.account_id,
    )
    live = platform.apps.runs.start(found, compiled, begin)
    is_whole = reaches(caller.role, "editor")
    return sse.EventStream(_begun(platform.apps.runs, live.run.id, live.run.task_id, is_whole), ping=sse.PING)


@router.get("/apps/{app}/runs")
async def list_runs(
    app: str,
    request: Request,
    status: Status | None = None,
    keyword: str | None = Query(None, max_length=200, description="Part of the inputs or outputs"),
    page: int = Query(1, ge=1, le=100_000),
    limit: int = Query(20, ge=1, le=100),
) -> RunPage:
    """The newest first."""
    platform, found, _ = await _app(request, app)
    wanted = Wanted(status=status, keyword=keyword or None)
    runs, total = await platform.apps.runs.page(found.id, wanted, offset=(page - 1) * limit, limit=limit)
    shown = [replace(run, graph=None) for run in runs]  # sealed, and nobody's to read
    return RunPage(runs=shown, total=total, page=page, limit=limit)


@router.get("/apps/{app}/runs/{run_id}")
async def get_run(app: str, run_id: str, request: Request) -> RunDetail:
    """The run, its nodes in the order they began, and those that wait for a person."""
    platform, found, _ = await _app(request, app)
    run = await platform.apps.runs.get(found.id, run_id)
    return view(run, [event async for batch in _so_far(platform, run) for event in batch])


@router.get("/apps/{app}/runs/{run_id}/events")
async def follow_run(
    app: str,
    run_id: str,
    request: Request,
    after: int = Query(0, ge=0, description="The number of the last event that was seen"),
    through_pauses: bool = Query(False, description="Stay while the run waits for a person"),
) -> sse.EventStream:
    """Every event from the first, or from behind `after`, and those that come, to the end of the run."""
    platform, found, _ = await _app(request, app)
    run = await platform.apps.runs.get(found.id, run_id)
    given = request.headers.get("last-event-id", "")
    seen = int(given) if given.isascii() and given.isdigit() and len(given) < 10 else after
    return sse.EventStream(_told(platform.apps.runs, run.id, seen, through_pauses), ping=sse.PING)


@router.post("/apps/{app}/runs/{run_id}/stop")
async def stop_run(app: str, run_id: str, request: Request) -> RunStopped:
    """Ends a run that is under way or paused."""
    platform, found, _ = await _app(request, app, needs="editor")
    return RunStopped(stopped=await platform.apps.reruns.stop(found, run_id))


@router.post("/apps/{app}/runs/{run_id}/resume")
async def resume_run(app: str, run_id: str, request: Request) -> RunRef:
    """Goes on with a failed or stopped run where it ended; what is finished is not run again."""
    platform, found, _ = await _app(request, app, needs="editor")
    live = await platform.apps.reruns.resume(found, run_id)
    return RunRef(run_id=live.run.id, task_id=live.run.task_id)


@router.post("/apps/{app}/runs/{run_id}/fork", status_code=201)
async def fork_run(app: str, run_id: str, body: ForkBody, request: Request) -> ForkedRun:
    """A new run that begins at a node of this one, with all that was finished before it."""
    platform, found, caller = await _app(request, app, needs="editor")
    live, saved = await platform.apps.reruns.fork(
        found,
        run_id,
        body.node_id,
        at=tuple(body.at),
        inputs=body.inputs,
        outputs=body.outputs,
        source="console",
        account_id=caller.account_id,
    )
    return ForkedRun(
        run_id=live.run.id,
        task_id=live.run.task_id,
        saved_nodes=saved.nodes,
        saved_tokens=saved.tokens,
        saved_ms=saved.elapsed_ms,
    )


@router.post("/apps/{app}/runs/{run_id}/answer")
async def answer_run(app: str, run_id: str, body: AnswerBody, request: Request) -> RunRef:
    """Answers a node that waits; the run goes on, or ends by `fail`."""
    platform, found, _ = await _app(request, app, needs="editor")
    answer = Answer(body.node_id, body.action, body.values, tuple(body.at), body.handle)
    live = await platform.apps.reruns.answer(found, run_id, answer)
    return RunRef(run_id=run_id, task_id=live.run.task_id if live else "")


async def _app(request: Request, id_or_name: str, *, needs: Role = "editor") -> tuple[Platform, App, Caller]:
    """Runs carry what people said to the app: they are for those who look after it."""
    caller = await auth.console_caller(request, needs=needs)
    platform = auth.platform_of(request)
    return platform, await platform.apps.catalogue.get(caller.workspace_id, id_or_name), caller


async def _so_far(platform: Platform, run: StoredRun) -> AsyncGenerator[list[Any]]:
    """What the run told until now, without waiting for more."""
    live = platform.apps.runs.live(run.id)
    known = await platform.apps.runs.events(run.id)
    yield known if live is None else [*known[: live.before], *live.told]


async def _begun(runs: Runs, run_id: str, task_id: str, is_whole: bool) -> AsyncGenerator[bytes]:
    yield b'data: {"event":"run","run_id":"%s","task_id":"%s"}\n\n' % (run_id.encode(), task_id.encode())
    async for piece in _told(runs, run_id, 0, False, is_whole):
        yield piece


async def _told(
    runs: Runs, run_id: str, after: int, through_pauses: bool, is_whole: bool = True
) -> AsyncGenerator[bytes]:
    async for batch in runs.follow(run_id, after=after, through_pauses=through_pauses):
        told = batch if is_whole else [(number, less) for number, event in batch if (less := _outside_of(event))]
        yield b"".join(b"id: %d\ndata: %s\n\n" % (number, encode(event)) for number, event in told)


def _outside_of(event: Event) -> Event | None:
    """What a run tells those who may use an app and not look into it: how far it is, and what it says."""
    match event:
        case NodeFinished():
            return msgspec.structs.replace(
                event, inputs={}, process_data={}, outputs={}, error=None, execution_metadata=None, writes=()
            )
        case WorkflowStarted() | NodeStarted() | TextChunk() | TextReplace() | WorkflowFinished() | WorkflowPaused():
            return event
    return None

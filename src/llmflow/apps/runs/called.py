"""Published workflows and apps as tools: a workflow takes what its start asks for and gives its outputs, an app that is
asked takes a question beside it and gives its answer.

A call is a run of its own, listed with the app's others; of an app that keeps conversations it begins none. No app is
called from inside of its own run, and calls lie in each other no deeper than `workflow.depth`. A person cannot be
waited for: such a run ends.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any

from llmflow.apps.annotations.types import Near
from llmflow.apps.apps import Apps
from llmflow.apps.designs.plans import Compiled, Plans
from llmflow.apps.runs.runs import Begin, Runs
from llmflow.apps.types import App
from llmflow.errors import LLMFlowError, NodeFailed, NotFound, UsageError
from llmflow.tools.names import told_apart
from llmflow.tools.types import Scope, Tool, ToolAnswer, ToolRef, ToolSpec, Words
from llmflow.workflow.dsl.document import PIPELINE
from llmflow.workflow.events import WorkflowFinished
from llmflow.workflow.files import files_in
from llmflow.workflow.nodes.start import InputVariable

_TYPES = {"number": "number", "checkbox": "boolean", "json_object": "object", "file": "object", "file-list": "array"}
_CALLABLE = ("workflow", "app")

Nearest = Callable[[str, str], Awaitable[Near | None]]
Stop = Callable[[App, str], Awaitable[bool]]

_log = logging.getLogger(__name__)


class CalledApps:
    """A source: the workspace's published workflows and its apps, by id or name. `nearest`: an app's annotation that
    answers a question; `stop`: ends a run, one that is paused too."""

    def __init__(self, apps: Apps, plans: Plans, runs: Runs, *, nearest: Nearest, stop: Stop) -> None:
        self._apps = apps
        self._plans = plans
        self._runs = runs
        self._nearest = nearest
        self._stop = stop

    async def find(self, ref: ToolRef, workspace_id: str) -> Tool | None:
        if ref.provider_type not in _CALLABLE:
            return None
        for name in dict.fromkeys((ref.provider_id, ref.provider_name, ref.tool_name)):
            try:
                app = await self._apps.get(workspace_id, name)
            except NotFound:
                continue
            if (found := await self._tool(app)) is not None:
                return found
        return None

    async def all(self, workspace_id: str) -> Sequence[Tool]:
        return [tool async for tool in self._published(workspace_id)]

    async def _published(self, workspace_id: str) -> AsyncIterator[Tool]:
        for app in await self._apps.all(workspace_id):
            if (tool := await self._tool(app)) is not None:
                yield tool

    async def _tool(self, app: App) -> Tool | None:
        """None for what is not published, and for a pipeline of knowledge, which is run for documents."""
        if app.mode == PIPELINE:
            return None
        try:
            compiled = await self._plans.in_force(app)
        except NotFound:
            return None
        return Tool(_spec(app, compiled), partial(self._run, app))

    async def _run(self, app: App, arguments: Mapping[str, Any], scope: Scope) -> ToolAnswer:
        """Raises NodeFailed (tool_failed, tool_input_invalid, workflow_limit) and TooMany."""
        if app.id in scope.around:
            raise NodeFailed(f"`{app.name}` would call itself.", code="workflow_limit", hint="Let no app call itself.")
        if len(scope.around) >= scope.limits.depth:
            text = f"{len(scope.around)} apps call each other already; `{app.name}` would be one more."
            raise NodeFailed(text, code="workflow_limit", hint="Nest fewer, or raise workflow.depth in llmflow.yaml.")
        compiled = await self._plans.in_force(app)
        if app.mode == "workflow":
            return _told(await self._outputs(app, compiled, arguments, {}, scope))
        return await self._asked(app, compiled, arguments, scope)

    async def _asked(self, app: App, compiled: Compiled, arguments: Mapping[str, Any], scope: Scope) -> ToolAnswer:
        """The answer of an app that is asked."""
        named = _question(compiled)
        query = str(arguments.get(named) or "")
        inputs = {name: value for name, value in arguments.items() if name != named}
        if not query.strip() and app.mode != "completion":
            raise NodeFailed(f"`{app.name}` was asked nothing.", code="tool_input_invalid", param=named)
        moderation = compiled.moderation
        given = moderation.instead_of_question(query, inputs) if moderation else None
        if given is None and query.strip() and (recited := await self._recited(app, query)) is not None:
            return _said(recited, {})
        system: dict[str, Any] = {"query": query, "conversation_id": "", "dialogue_count": 1}
        if given is not None:
            system["given"] = given
        outputs = await self._outputs(app, compiled, inputs, system, scope)
        text = str(outputs.get("answer") or "")
        withheld = moderation.instead_of_answer(text) if moderation and given is None else None
        return _said(text, outputs) if withheld is None else _said(withheld, {})

    async def _recited(self, app: App, query: str) -> str | None:
        try:
            near = await self._nearest(app.id, query)
        except LLMFlowError as error:  # the question is answered all the same
            _log.warning("Annotations of %s were not looked at: %s", app.id, error)
            return None
        return near.annotation.answer if near is not None else None

    async def _outputs(
        self, app: App, compiled: Compiled, inputs: Mapping[str, Any], system: Mapping[str, Any], scope: Scope
    ) -> dict[str, Any]:
        """What a run of the app comes to."""
        begin = Begin(
            inputs=inputs,
            source="tool",
            user=scope.user,
            account_id=scope.account_id,
            system=system,
            around=scope.around,
        )
        try:
            live = self._runs.start(app, compiled, begin)
        except UsageError as error:
            raise NodeFailed(error.message, code="tool_input_invalid", param=error.param) from error
        try:
            last = await live.ended()
        except asyncio.CancelledError:
            live.stop()  # who called it is stopped
            raise
        if not isinstance(last, WorkflowFinished):
            await self._stop(app, live.run.id)
            raise NodeFailed(f"`{app.name}` waits for a person, which a tool cannot.", code="tool_failed")
        if last.status not in ("succeeded", "partial-succeeded"):
            raise NodeFailed(f"`{app.name}` {last.status}: {last.error or 'no reason was given'}", code="tool_failed")
        return last.outputs


def _told(outputs: Mapping[str, Any]) -> ToolAnswer:
    return ToolAnswer(json.dumps(outputs, ensure_ascii=False), [outputs], _files(outputs), outputs)


def _said(text: str, outputs: Mapping[str, Any]) -> ToolAnswer:
    return ToolAnswer(text, [{"answer": text}], _files(outputs), {"answer": text})


def _files(outputs: Mapping[str, Any]) -> list[Any]:
    return [file for value in outputs.values() for file in files_in(value)]


def _question(compiled: Compiled) -> str:
    """The question's name among the parameters, which no field of the form has."""
    taken = {field.variable for field in compiled.form}
    return next(name for name in ("query", "question", "sys.query") if name not in taken)


def _spec(app: App, compiled: Compiled) -> ToolSpec:
    form = [field for field in compiled.form if not field.hide]
    properties = {field.variable: _schema(field) for field in form}
    required = [field.variable for field in form if field.required]
    is_asked = app.mode != "workflow"
    if is_asked:
        name = _question(compiled)
        asked = {"type": "string", "description": "The question, whole: nothing that was said before is known."}
        properties = {name: asked, **properties}
        required = required if app.mode == "completion" else [name, *required]
    does = f"Asks the app {app.name}." if is_asked else f"Runs the workflow {app.name}."
    return ToolSpec(
        ref=ToolRef("app" if is_asked else "workflow", app.id, app.name, app.name),
        name=told_apart("ask" if is_asked else "run", app.name, app.id),
        description=f"{does} {app.description}".strip(),
        parameters={"type": "object", "properties": properties, "required": required},
        words=Words(app.name, app.name, app.description, app.description),
        outputs={"answer": {"type": "string"}} if is_asked else {},
    )


def _schema(field: InputVariable) -> dict[str, Any]:
    found: dict[str, Any] = {"type": _TYPES.get(field.type, "string")}
    told = " - ".join(part for part in (field.label, field.description) if part)
    if told and told != field.variable:
        found["description"] = told
    if field.type == "select" and field.options:
        found["enum"] = list(field.options)
    if field.max_length and found["type"] == "string":
        found["maxLength"] = field.max_length
    if field.default not in (None, ""):
        found["default"] = field.default
    return found

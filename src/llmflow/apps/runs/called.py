"""Published workflows as tools: each takes what its start asks for and gives its outputs.

A call is a run of its own, listed with the app's others. No app is called from inside of its own run, and calls lie in
each other no deeper than `workflow.depth`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from typing import Any

from llmflow.apps.apps import Apps
from llmflow.apps.designs.plans import Compiled, Plans
from llmflow.apps.runs.runs import Begin, Runs
from llmflow.apps.types import App
from llmflow.errors import NodeFailed, NotFound, UsageError
from llmflow.tools.names import told_apart
from llmflow.tools.types import Scope, Tool, ToolAnswer, ToolRef, ToolSpec, Words
from llmflow.workflow.events import WorkflowFinished
from llmflow.workflow.files import files_in
from llmflow.workflow.nodes.start import InputVariable

_TYPES = {"number": "number", "checkbox": "boolean", "json_object": "object", "file": "object", "file-list": "array"}
_CALLABLE = ("workflow", "app")


class CalledApps:
    """A source: the workspace's published workflows, by id or name."""

    def __init__(self, apps: Apps, plans: Plans, runs: Runs) -> None:
        self._apps = apps
        self._plans = plans
        self._runs = runs

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
        """None for what is no workflow, or not published."""
        if app.mode != "workflow":
            return None
        try:
            compiled = await self._plans.in_force(app)
        except NotFound:
            return None
        return Tool(_spec(app, compiled), partial(self._run, app))

    async def _run(self, app: App, arguments: Mapping[str, Any], scope: Scope) -> ToolAnswer:
        """Raises NodeFailed (tool_failed, workflow_limit) and TooMany."""
        if app.id in scope.around:
            raise NodeFailed(
                f"`{app.name}` would call itself.", code="workflow_limit", hint="Let no workflow call itself."
            )
        if len(scope.around) >= scope.limits.depth:
            text = f"{len(scope.around)} workflows call each other already; `{app.name}` would be one more."
            raise NodeFailed(text, code="workflow_limit", hint="Nest fewer, or raise workflow.depth in llmflow.yaml.")
        begin = Begin(
            inputs=arguments, source="tool", user=scope.user, account_id=scope.account_id, around=scope.around
        )
        try:
            live = self._runs.start(app, await self._plans.in_force(app), begin)
        except UsageError as error:
            raise NodeFailed(error.message, code="tool_input_invalid", param=error.param) from error
        try:
            last = await live.ended()
        except asyncio.CancelledError:
            live.stop()  # who called it is stopped
            raise
        if not isinstance(last, WorkflowFinished):
            raise NodeFailed(f"`{app.name}` waits for a person, which a tool cannot.", code="tool_failed")
        if last.status not in ("succeeded", "partial-succeeded"):
            raise NodeFailed(f"`{app.name}` {last.status}: {last.error or 'no reason was given'}", code="tool_failed")
        files = [file for value in last.outputs.values() for file in files_in(value)]
        return ToolAnswer(json.dumps(last.outputs, ensure_ascii=False), [last.outputs], files, last.outputs)


def _spec(app: App, compiled: Compiled) -> ToolSpec:
    properties = {field.variable: _schema(field) for field in compiled.form if not field.hide}
    return ToolSpec(
        ref=ToolRef("workflow", app.id, app.name, app.name),
        name=told_apart("run", app.name, app.id),
        description=f"Runs the workflow {app.name}. {app.description}".strip(),
        parameters={
            "type": "object",
            "properties": properties,
            "required": [field.variable for field in compiled.form if field.required and not field.hide],
        },
        words=Words(app.name, app.name, app.description, app.description),
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

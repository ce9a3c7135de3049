"""The pipelines of knowledge bases: what each is given, and the runs that read and cut documents.

A document of a base that has a pipeline is read by a run of it, whichever way the document came. The run is a part of
the document's own reading, which is a durable job: what a crash interrupts is taken up by both, and the passages are
what the run's journal says. So the run's id follows from the document and its job.
"""

from __future__ import annotations

import asyncio
import logging
import mimetypes
import uuid
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from llmflow.apps.apps import Apps
from llmflow.apps.designs.plans import Compiled, Plans
from llmflow.apps.pipelines.readings import Readings
from llmflow.apps.runs.reruns import Reruns
from llmflow.apps.runs.runs import Begin, Runs
from llmflow.apps.types import App
from llmflow.errors import DocumentError, NodeFailed, NotFound, OrganError, TooMany, Unsupported, UsageError
from llmflow.knowledge.bases import Bases
from llmflow.knowledge.given import Cut, Given
from llmflow.knowledge.types import Document, KnowledgeBase
from llmflow.ports.parser import ParsedDocument
from llmflow.tools.builtin.chunkers import READERS
from llmflow.workflow.cuts import cuts_of
from llmflow.workflow.dsl.pipeline import Start, starts_of
from llmflow.workflow.events import Last, NodeFinished, WorkflowFinished, WorkflowPaused
from llmflow.workflow.graph import Plan
from llmflow.workflow.nodes.datasource import FILES
from llmflow.workflow.nodes.knowledge_index import KnowledgeIndexData
from llmflow.workflow.nodes.start import InputVariable, checked
from llmflow.workflow.nodes.tool import ToolData
from llmflow.workflow.variables import MISSING, Pool

SOURCE = "pipeline"
_NAMESPACE = uuid.UUID("4a1f3f0e-6d0c-7c52-9a3e-7a2d4b6f9c31")
_AGAIN_S = 1.0
_FAILED = "pipeline_run_error"
_OF_A_FILE = ("document_", "unsupported_type")  # codes of faults that no pipeline mends

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Of a base. `starts`: of the version in force, or of the draft where there is none."""

    app: App
    is_published: bool
    starts: tuple[Start, ...]


class Pipelines:
    """`variable_kb`: the largest input."""

    def __init__(
        self,
        apps: Apps,
        plans: Plans,
        runs: Runs,
        reruns: Reruns,
        readings: Readings,
        bases: Bases,
        *,
        variable_kb: int,
    ) -> None:
        self._apps = apps
        self._plans = plans
        self._runs = runs
        self._reruns = reruns
        self._readings = readings
        self._bases = bases
        self._max_bytes = variable_kb * 1024

    async def of(self, base: KnowledgeBase) -> Pipeline | None:
        """None for a base without one."""
        if base.pipeline_id is None:
            return None
        app = await self.app(base)
        try:
            compiled, is_published = await self._plans.in_force(app), True
        except NotFound:
            compiled, is_published = await self._plans.draft(app), False
        return Pipeline(app, is_published, starts_of(compiled.document))

    async def app(self, base: KnowledgeBase) -> App:
        """Raises NotFound for a base without a pipeline."""
        if base.pipeline_id is None:
            raise NotFound(f"`{base.name}` has no pipeline.", param="knowledge")
        return await self._apps.by_id(base.workspace_id, base.pipeline_id)

    async def compiled(self, base: KnowledgeBase, *, draft: bool = False) -> tuple[App, Compiled]:
        """Raises NotFound (not_published, no_design), also for a base without one."""
        app = await self.app(base)
        return app, await (self._plans.draft(app) if draft else self._plans.in_force(app))

    async def set_inputs(self, base: KnowledgeBase, inputs: Mapping[str, Any]) -> KnowledgeBase:
        """What the pipeline is given with documents that come from now on and say nothing else. Raises UsageError for
        what its form does not take."""
        found = await self.of(base)
        fields = {field.variable: field for start in (found.starts if found else ()) for field in start.form}
        kept: dict[str, Any] = {}
        for name, value in inputs.items():
            if name not in fields:
                there = ", ".join(f"`{field}`" for field in fields) or "none"
                raise UsageError(f"The pipeline has no input `{name}`. It has: {there}.", param="inputs")
            kept[name] = self._value(fields[name], value)
        return await self._bases.set_pipeline_inputs(base, kept)

    def checked(self, start: Start, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """The inputs of a start, with the defaults of its form. What only says where to fetch from need not be given:
        a document is there already. Raises UsageError (workflow_input_invalid)."""
        found: dict[str, Any] = {}
        for field in start.form:
            if field.variable in start.own and inputs.get(field.variable) in (None, ""):
                continue
            found[field.variable] = self._value(field, inputs.get(field.variable))
        return found

    def _value(self, field: InputVariable, value: Any) -> Any:
        try:
            return checked(field, value, self._max_bytes)
        except NodeFailed as error:
            raise UsageError(error.message, code=error.code, param="inputs") from error

    async def delete(self, workspace_id: str, id_or_name: str) -> None:
        """A base with its pipeline, where it has one."""
        base = await self._bases.get(workspace_id, id_or_name)
        await self._bases.delete(workspace_id, base.id)
        if base.pipeline_id is not None:
            try:
                await self._apps.delete(workspace_id, base.pipeline_id)
            except NotFound:
                _log.info("The pipeline of %s was deleted already", base.name)

    # documents

    async def cut(self, base: KnowledgeBase, document: Document) -> Given:
        """The document's passages, by a run of the base's pipeline. Raises DocumentError with the run's own error,
        under the reader's code where the file is at fault, and OrganError where LLMFlow is stopping."""
        try:
            app, compiled = await self.compiled(base)
        except NotFound as error:
            raise DocumentError(error.message, code=error.code, hint=error.hint) from error
        run_id = str(uuid.uuid5(_NAMESPACE, f"{document.id}/{document.job_id}"))
        await self._begin(app, compiled, base, document, run_id)
        last = await self._last(run_id)
        if isinstance(last, WorkflowPaused):
            await self._reruns.stop(app, run_id)
            raise DocumentError(
                "The pipeline waits for a person, who is not asked while documents are read.",
                code=_FAILED,
                hint="Take the node that asks out of the pipeline.",
            )
        if last is None:
            raise OrganError("LLMFlow is stopping; it goes on when it starts.", code="interrupted")
        if last.status not in ("succeeded", "partial-succeeded"):
            is_of_file = (last.error_code or "").startswith(_OF_A_FILE)
            code = str(last.error_code) if is_of_file else _FAILED
            raise DocumentError(last.error or f"The pipeline {last.status}.", code=code, hint=last.error_hint)
        cuts, is_read = await self._cuts(app, run_id)
        return Given(cuts, await self._parsed(document) if is_read else None)

    async def _parsed(self, document: Document) -> ParsedDocument | None:
        """As the run's node read it; None where it is not read again."""
        try:
            return await self._readings.take(document)
        except (DocumentError, Unsupported) as error:
            _log.info("The passages of %s have no places: %s", document.name, error)
            return None

    async def _begin(self, app: App, compiled: Compiled, base: KnowledgeBase, document: Document, run_id: str) -> None:
        """Starts the run, unless it was begun before a crash and is on its way already."""
        try:
            run = await self._runs.get(app.id, run_id)
        except NotFound:
            begin = self._beginning(compiled, base, document, run_id)
            while True:
                try:
                    self._runs.start(app, compiled, begin)
                    return
                except TooMany:  # other workflows have the places; the document waits
                    await asyncio.sleep(_AGAIN_S)
        if run.status == "running" and self._runs.live(run_id) is None and not self._reruns.may_take_up(run_id):
            raise DocumentError("The pipeline's run broke off and cannot be taken up again.", code="interrupted")

    async def _last(self, run_id: str) -> Last | None:
        """None: it broke off."""
        last: Last | None = None
        async with aclosing(self._runs.follow(run_id)) as batches:
            async for batch in batches:
                event = batch[-1][1]
                if isinstance(event, WorkflowFinished | WorkflowPaused):
                    last = event
        return last

    async def _cuts(self, app: App, run_id: str) -> tuple[list[Cut], bool]:
        """From what the run's nodes gave; and whether one of them read the document here."""
        run = await self._runs.get(app.id, run_id)
        plan = (await self._plans.version(app, run.version_id)).plan
        pool = Pool()
        reached: list[KnowledgeIndexData] = []
        is_read = False
        for event in await self._runs.events(run_id):
            if not isinstance(event, NodeFinished) or event.status not in ("succeeded", "exception"):
                continue
            is_read |= _reads(event, plan)
            if event.at:
                continue
            pool.put(event.node_id, event.outputs)
            node = plan.nodes.get(event.node_id)
            if node is not None and isinstance(node.data, KnowledgeIndexData):
                reached.append(node.data)
        if not reached:
            raise DocumentError("The pipeline ended without passages for its knowledge base.", code=_FAILED)
        found: list[Cut] = []
        for data in reached:
            value = pool.get(data.index_chunk_variable_selector, MISSING)
            try:
                found += cuts_of(data.chunk_structure, value)
            except NodeFailed as error:
                raise DocumentError(error.message, code=_FAILED) from error
        return found, is_read

    def _beginning(self, compiled: Compiled, base: KnowledgeBase, document: Document, run_id: str) -> Begin:
        said = document.pipeline
        start = _start(starts_of(compiled.document), document)
        try:
            inputs = self.checked(start, {**base.pipeline_inputs, **(said.get("inputs") or {})})
        except UsageError as error:
            raise DocumentError(error.message, code=error.code, hint="Fill in the pipeline's form.") from error
        info = {
            **(said.get("info") or {}),
            "name": document.name,
            "size": document.size,
            "extension": PurePath(document.name).suffix.lower(),
            "mime_type": media_type(document.name),
        }
        return Begin(
            inputs=inputs,
            source=SOURCE,
            user=document.created_by or "",
            start=start.node_id,
            system=system_of(base, start, info, batch=batch_of(document), document_id=document.id),
            run_id=run_id,
        )


def _reads(event: NodeFinished, plan: Plan) -> bool:
    """Whether the node gave the document's text as our reader reads it."""
    node = plan.nodes.get(event.node_id)
    if node is not None and isinstance(node.data, ToolData):
        return node.data.tool_name in READERS
    return event.node_type == "document-extractor" or (event.node_type == "datasource" and "content" in event.outputs)


def system_of(
    base: KnowledgeBase, start: Start, info: Mapping[str, Any], *, batch: str, document_id: str | None
) -> dict[str, Any]:
    """Variables `sys.*` of a run; without a document it is a trial of the draft."""
    return {
        "dataset_id": base.id,
        "dataset_name": base.name,
        "document_id": document_id,
        "original_document_id": None,
        "batch": batch,
        "datasource_type": start.type,
        "datasource_info": dict(info),
        "invoke_from": "published" if document_id else "debugger",
    }


def batch_of(document: Document) -> str:
    """What came together has one; a document that came alone has its own id."""
    return str(document.pipeline.get("batch") or document.id)


def media_type(name: str) -> str:
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def _start(starts: tuple[Start, ...], document: Document) -> Start:
    """The start that the document names, else the one that is most like it."""
    named = [start for start in starts if start.node_id == document.pipeline.get("start")]
    is_page = document.source in ("url", "urls")
    like = [start for start in starts if (start.type == "website_crawl" if is_page else start.type in FILES)]
    found = next(iter((*named, *like, *starts)), None)
    if found is None:
        raise DocumentError("The pipeline has no data source.", code="workflow_invalid")
    return found

"""What the nodes of an app's workflow reach: models, knowledge, the network, files, the conversation so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from llmflow.apps.chat import queries
from llmflow.apps.chat.answering import Answering
from llmflow.apps.chat.attachments import Attachments, text_in
from llmflow.apps.chat.files import AppFiles, kept_value
from llmflow.apps.forms.forms import Forms
from llmflow.apps.pipelines.readings import Readings
from llmflow.apps.runs.live import LiveRun
from llmflow.apps.types import App, AppFile, EndUser
from llmflow.config.settings import Workflow
from llmflow.errors import NodeFailed, NotFound
from llmflow.gateway.gateway import Gateway
from llmflow.knowledge import queries as document_queries
from llmflow.knowledge.bases import Bases
from llmflow.knowledge.retrieve import Retriever
from llmflow.knowledge.types import Document, KnowledgeBase
from llmflow.net.exchange import Exchange
from llmflow.net.messages import HttpRequest
from llmflow.ports.chunker import Chunker, ChunkRule
from llmflow.ports.llm import Message
from llmflow.ports.parser import Element
from llmflow.ports.sandbox import Sandbox
from llmflow.store.database import Database
from llmflow.tools.kit import Kit
from llmflow.tools.toolbox import Toolbox
from llmflow.tools.types import Scope
from llmflow.workflow.context import Outside, Search
from llmflow.workflow.dsl.document import PIPELINE
from llmflow.workflow.files import make_file
from llmflow.workflow.journal.stored import NewRun
from llmflow.workflow.passages import Passages

_MOST_HISTORY = 100  # messages; models forget sooner


class Surroundings:
    """Makes each run its Outside. `exchange`: HTTP under the guard for addresses that users give. `chunker`: one that
    counts characters."""

    def __init__(
        self,
        database: Database,
        gateway: Gateway,
        retriever: Retriever,
        bases: Bases,
        files: AppFiles,
        attachments: Attachments,
        readings: Readings,
        answering: Answering,
        exchange: Exchange,
        toolbox: Toolbox,
        forms: Forms,
        sandbox: Sandbox,
        chunker: Chunker,
        *,
        limits: Workflow,
        file_bytes: int,
    ) -> None:
        self._database = database
        self._gateway = gateway
        self._retriever = retriever
        self._bases = bases
        self._files = files
        self._attachments = attachments
        self._readings = readings
        self._answering = answering
        self._exchange = exchange
        self._toolbox = toolbox
        self._sandbox = sandbox
        self._chunker = chunker
        self._limits = limits
        self._forms = forms
        self._file_bytes = file_bytes

    def of(self, app: App, live: LiveRun, parent_id: str | None) -> Outside:
        """`parent_id`: the message that the run's question follows; None: none, or look."""
        run = live.run
        text_of = partial(self._attachments.text_of, is_whole=app.mode == PIPELINE)
        read_file = partial(self._read, app, run)
        read_text = partial(self._text, app, run)
        keep_file = partial(self._keep, app, run)
        search = Passages(self._retriever, partial(self._bases_of, app.workspace_id))
        scope = Scope(
            http=self._exchange,
            read_file=read_file,
            read_text=read_text,
            text_of=text_of,
            keep_file=keep_file,
            code=self._sandbox.run,
            search=partial(_search_one, search),
            cut=self._cut,
            around=(*live.around, app.id),
            user=live.user,
            account_id=run.account_id,
            limits=self._limits,
        )
        return Outside(
            chat=self._gateway.stream,
            model=self._gateway.info,
            search=search,
            count_tokens=self._gateway.count_tokens,
            http=self._exchange,
            read_file=read_file,
            read_text=read_text,
            keep_file=keep_file,
            code=self._sandbox.run,
            history=partial(self._history, run, parent_id),
            answer=partial(self._answering.answer, app, run, parent_id),
            tools=Kit(self._toolbox, scope, workspace_id=app.workspace_id),
            ask=partial(self._forms.ask, app, run),
        )

    def trial(self, workspace_id: str, *, user: str, account_id: str | None) -> Kit:
        """The workspace's tools for trying one: no file is read, and one that it gives is described, not kept."""
        search = Passages(self._retriever, partial(self._bases_of, workspace_id))
        scope = Scope(
            http=self._exchange,
            text_of=self._attachments.text_of,
            keep_file=_described_file,
            code=self._sandbox.run,
            search=partial(_search_one, search),
            cut=self._cut,
            user=user,
            account_id=account_id,
            limits=self._limits,
        )
        return Kit(self._toolbox, scope, workspace_id=workspace_id)

    async def _bases_of(self, workspace_id: str, ids: Sequence[str]) -> list[KnowledgeBase]:
        """Those of the workspace; the others are not there."""
        found = []
        for id in ids:
            try:
                found.append(await self._bases.get(workspace_id, id, to_search=True))
            except NotFound:
                continue
        return found

    async def _read(self, app: App, run: NewRun, file: Mapping[str, Any]) -> bytes:
        """Raises NodeFailed for a file that is too large, and what reading it raises."""
        if file.get("transfer_method") == "remote_url":
            return await self._fetched(str(file.get("remote_url") or file.get("url") or ""))
        if file.get("transfer_method") == "datasource_file":
            document = await self._document(app, file)
            return await self._attachments.bytes_of(document.digest)
        return b"".join([piece async for piece in self._files.read(await self._kept(app, run, file))])

    async def _text(self, app: App, run: NewRun, file: Mapping[str, Any]) -> str:
        """Raises as `_read`, and what the reader of documents raises."""
        if file.get("transfer_method") == "datasource_file":
            document = await self._document(app, file)
            return text_in(await self._readings.read(document), document.file_name, is_whole=True)
        if file.get("transfer_method") == "remote_url":
            url = str(file.get("remote_url") or file.get("url") or "")
            name, is_whole = str(file.get("filename") or url), app.mode == PIPELINE
            return await self._attachments.text_of(name, await self._fetched(url), is_whole=is_whole)
        return await self._attachments.text(await self._kept(app, run, file))

    async def _document(self, app: App, file: Mapping[str, Any]) -> Document:
        """A document of the base whose pipeline the app is. Raises NotFound for any other."""
        async with self._database.read() as connection:
            found = await document_queries.document(connection, str(file.get("related_id") or ""))
            base = await document_queries.base(connection, app.workspace_id, found.knowledge_id) if found else None
        if found is None or base is None or base.pipeline_id != app.id or found.state == "deleting":
            raise NotFound("The document is not there any more.", code="file_not_found")
        return found

    async def _cut(self, text: str, rule: ChunkRule) -> list[str]:
        return [chunk.text for chunk in await self._chunker.chunk([Element("NarrativeText", text)], rule)]

    async def _fetched(self, url: str) -> bytes:
        answer = await self._exchange(HttpRequest("GET", url, file_bytes=self._file_bytes))
        if not 200 <= answer.status < 300:
            raise NodeFailed(f"The file's address answers {answer.status}.", code="http_failed")
        return answer.body

    async def _kept(self, app: App, run: NewRun, file: Mapping[str, Any]) -> AppFile:
        """Of the run's own user, however it came. Raises NotFound, also for one of somebody else."""
        kept = await self._files.own(_user(app, run), str(file.get("related_id") or ""))
        if kept.size > self._file_bytes:
            raise NodeFailed(f"The file {kept.name} is larger than {self._file_bytes // 1024} KB.")
        return kept

    async def _keep(self, app: App, run: NewRun, body: bytes, name: str, media_type: str) -> dict[str, Any]:
        kept = await self._files.keep(
            _user(app, run), name, body, media_type=media_type, used_by=run.message_id or run.id
        )
        return kept_value(kept)

    async def _history(self, run: NewRun, parent_id: str | None, turns: int | None) -> list[Message]:
        """The questions and answers that the run's question follows, oldest first."""
        if run.conversation_id is None or run.message_id is None or turns == 0:
            return []
        limit = _MOST_HISTORY if turns is None else min(turns, _MOST_HISTORY)
        last = parent_id or run.message_id  # the run's own message may not be written yet: then it follows none
        async with self._database.read() as connection:
            found = await queries.branch(connection, run.conversation_id, last, limit=limit + 1)
        earlier = [m for m in found if m.id != run.message_id and m.status in ("normal", "stopped")]
        return [
            said
            for m in earlier[-limit:]
            for said in (Message(role="user", content=m.query), Message(role="assistant", content=m.answer))
        ]


def _user(app: App, run: NewRun) -> EndUser:
    """Whose files the run may read, and who gets those it makes; a run without a user has files of its app's own, one
    of a pipeline those that were uploaded for pipelines."""
    if app.mode == PIPELINE:
        return pipeline_user(app.workspace_id)
    return EndUser(run.end_user_id or "", app.workspace_id, app.id, "", 0)


def pipeline_user(workspace_id: str) -> EndUser:
    """Whose files are those that the workspace's keys upload for its pipelines."""
    return EndUser(workspace_id, workspace_id, "", "", 0)


async def _described_file(body: bytes, name: str, media_type: str) -> dict[str, Any]:
    return make_file(name=name, media_type=media_type, size=len(body), transfer_method="tool_file")


async def _search_one(search: Passages, base_id: str, query: str, top_k: int) -> list[dict[str, Any]]:
    return (await search(Search((base_id,), query, {"top_k": top_k}))).passages

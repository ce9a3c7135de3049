"""A base embedded anew with another model, from the passages as they are kept, while the old index serves; then one
transaction switches.

What is due is a row for each document, so a killed process goes on where it was. Documents that come, change or go
meanwhile are noted by `Index`, which everybody writes through; the switch is made while nobody writes, once nothing is
due any more.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Sequence

import numpy as np

from llmflow.errors import Conflict, InternalError, LLMFlowError, NotFound, OrganError
from llmflow.knowledge import queries, reembed_queries
from llmflow.knowledge.bases import Bases
from llmflow.knowledge.changes import Changes
from llmflow.knowledge.embed import embed_passages
from llmflow.knowledge.index import Index
from llmflow.knowledge.indexed import embedded, index_row
from llmflow.knowledge.models import EmbeddingModels
from llmflow.knowledge.types import Anew, Embedded, KnowledgeBase, Reembedding
from llmflow.ports.embedding import Embedding
from llmflow.ports.jobs import Jobs
from llmflow.ports.vector_store import VectorStore
from llmflow.store.database import Database
from llmflow.store.ids import new_id, now_ms

KIND = "reembed"
_AT_ONCE = 2
_TRIES_S = (1.0, 5.0, 15.0, 60.0)  # the last one again and again
_SEARCHES_END_S = 30.0  # until the old index goes: searches under way still read it

_log = logging.getLogger(__name__)


class Reembeddings:
    def __init__(
        self,
        database: Database,
        jobs: Jobs,
        bases: Bases,
        models: EmbeddingModels,
        index: Index,
        store: VectorStore,
        changes: Changes,
        *,
        by_itself: bool,
    ) -> None:
        """`store`: what `index` is over. `by_itself`: bases whose model is neither the organ's nor of a
        further model that llmflow.yaml names are embedded anew without being asked."""
        self._database = database
        self._jobs = jobs
        self._bases = bases
        self._models = models
        self._index = index
        self._store = store
        self._changes = changes
        self._by_itself = by_itself
        self._looking: asyncio.Task[None] | None = None
        self._done: dict[str, int] = {}  # passages of the documents in hand, by base
        jobs.register(KIND, self.run, concurrency=_AT_ONCE)

    async def load(self) -> None:
        """Lets new indexes follow; before any job is taken up."""
        for base in await self._all_bases():
            if base.next_model:
                self._index.follow(base, is_searched=True)

    def start(self) -> None:
        """Goes on with what a dead process began, and begins what is due, in the background."""
        self._looking = asyncio.create_task(self._look())

    async def close(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    async def of(self, base: KnowledgeBase) -> Embedded:
        """Which model the base's index is of, and how far another is."""
        try:
            wanted = await self._models.wanted()
        except OrganError:
            wanted = ""
        is_here = not base.embedding_model or await self._models.is_here(base.embedding_model)
        models = await self._models.all()
        async with self._database.read() as connection:
            passages = await reembed_queries.count(connection, base.id)
        return Embedded(base.embedding_model, is_here, wanted, models, passages, await self.anew(base.id))

    async def anew(self, knowledge_id: str) -> Anew | None:
        """How far the base is on its way to another model; None: it is on none."""
        async with self._database.read() as connection:
            row = await reembed_queries.find(connection, knowledge_id)
            if row is None:
                return None
            left, total = await reembed_queries.left(connection, knowledge_id)
        done = total - max(0, left - self._done.get(knowledge_id, 0))
        return Anew(row.model, row.state, done, total, row.error_code, row.error_message, row.error_hint, row.begun_at)

    async def begin(self, base: KnowledgeBase, model: str = "") -> Reembedding:
        """Embeds the base anew with `model` ("": the embedding organ's). One that is under way with this model goes on;
        one with another model gives way. The model that serves: what was begun is given up.

        Raises NotFound for a model that is not here, Conflict where there is nothing to do, OrganError when the
        embedding does not answer."""
        model = model or await self._models.wanted()
        if await self._models.named(model) is None:
            raise NotFound(
                f"Nothing here embeds with {model}.",
                hint="Set organs.embedding to it, or name it under `embeddings` in llmflow.yaml.",
                param="model",
            )
        serves = await self._models.is_here(base.embedding_model)
        async with self._bases.indexing:
            base = await self._bases.get(base.workspace_id, base.id)
            async with self._database.read() as connection:
                earlier = await reembed_queries.find(connection, base.id)
            if earlier and earlier.model == model and earlier.state in ("running", "waiting"):
                return earlier
            if earlier and earlier.model == model and earlier.state == "failed":
                row = dataclasses.replace(
                    earlier, state="running", job_id=new_id(), error_code="", error_message="", error_hint=""
                )
                async with self._database.write() as connection:
                    await reembed_queries.put(connection, row)
            elif model == base.embedding_model and not base.next_model:
                raise Conflict(f"`{base.name}` is indexed with {model}.", hint="There is nothing to do.")
            elif not base.embedding_model:
                raise Conflict(f"`{base.name}` holds nothing yet.", hint="Its first document takes the model in use.")
            else:
                row = await self._enter(base, model, earlier, serves=serves)
        if earlier:
            await self._jobs.cancel(earlier.job_id)
        await self._jobs.submit(KIND, [base.id], job_id=row.job_id)
        self._changes.tell(base.id)
        return row

    async def _enter(
        self, base: KnowledgeBase, model: str, earlier: Reembedding | None, *, serves: bool
    ) -> Reembedding:
        """The base on its way to `model`, with everything that is due noted. The caller holds `Bases.indexing`."""
        dropped = {*(earlier.dropped if earlier else ()), *([base.next_model] if base.next_model else ())}
        row = Reembedding(base.id, base.workspace_id, model, "running", new_id(), [], "", "", "", now_ms())
        to = "" if model == base.embedding_model else model
        if to:
            await self._store.drop(base.collection_of(to))  # nothing of an earlier time is left in it
            dropped.add(base.embedding_model)
        row = dataclasses.replace(row, dropped=sorted(dropped - {model, ""}))
        async with self._database.write() as connection:
            since = 0 if to or earlier is None else earlier.begun_at  # what came since may be in the other index alone
            await reembed_queries.note_all_due(connection, base.id, model, since=since)
            await reembed_queries.put(connection, row)
            await reembed_queries.set_models(connection, base.id, next_model=to)
        self._index.forget(base)
        if to:
            self._index.follow(dataclasses.replace(base, next_model=to), is_searched=not serves)
        return row

    async def stop(self, base: KnowledgeBase) -> None:
        """Gives up what was begun; the index that serves goes on. Raises Conflict when nothing was begun, or when the
        model that serves is not here any more, so that only the new one can be searched by meaning."""
        if not base.next_model:
            raise Conflict(f"`{base.name}` is not being embedded anew.", hint="There is nothing to stop.")
        if not await self._models.is_here(base.embedding_model):
            raise await self._models.missing(base)
        await self.begin(base, base.embedding_model)

    async def run(self, ids: tuple[str, ...]) -> None:
        """The work of one job: a base, until nothing is due and it has switched; see ports/jobs.py."""
        (knowledge_id,) = ids
        tries = 0
        while True:
            try:
                if not await self._step(knowledge_id):
                    return
                tries = 0
            except OrganError as error:
                await self._tell(knowledge_id, "waiting", error)
                await asyncio.sleep(_TRIES_S[min(tries, len(_TRIES_S) - 1)])
                tries += 1
            except LLMFlowError as error:
                await self._tell(knowledge_id, "failed", error)
                return
            except Exception as error:  # noqa: BLE001 - the job runner's border: the row has to say that it stands still
                _log.exception("A fault of ours while embedding %s anew", knowledge_id)
                await self._tell(knowledge_id, "failed", InternalError(f"{type(error).__name__} while embedding anew."))
                return
            finally:
                self._done.pop(knowledge_id, None)

    async def _step(self, knowledge_id: str) -> bool:
        """The next documents, or the switch, or the end of the old index. False: there is nothing left to do."""
        async with self._database.read() as connection:
            row = await reembed_queries.find(connection, knowledge_id)
            due = await reembed_queries.due(connection, knowledge_id, row.model) if row else []
        if row is None:
            return False
        base = await self._bases.get(row.workspace_id, knowledge_id)
        if row.state == "switched":
            await self._end(base, row)
            return False
        if not due:
            await self._switch(base, row)
            return True
        embedding = await self._models.named(row.model)
        if embedding is None:
            raise Conflict(
                f"Nothing here embeds with {row.model} any more.", hint="Begin anew with a model that is here."
            )
        await self._embed(base, row, due, embedding)
        return True

    async def _embed(self, base: KnowledgeBase, row: Reembedding, due: Sequence[str], embedding: Embedding) -> None:
        async with self._database.read() as connection:
            before = await reembed_queries.passages(connection, due)

        async def done(begin: int, end: int) -> None:
            self._done[base.id] = self._done.get(base.id, 0) + end - begin
            self._bases.pace.add(base.id, end - begin)
            self._changes.tell(base.id)

        self._bases.pace.begin(base.id)
        texts = [embedded(p.heading_path, p.text) for p in before]
        made = await embed_passages(embedding, texts, done=done)
        place = {(p.id, text): at for at, (p, text) in enumerate(zip(before, texts, strict=True))}
        async with self._bases.indexing:  # nobody changes a passage from here on
            async with self._database.read() as connection:
                if await reembed_queries.find(connection, base.id) != row:
                    return  # another model was wished for, or the base is gone
                shown = await queries.base(connection, base.workspace_id, base.id) or base
                now = await reembed_queries.passages(connection, due)
                owners = await queries.documents_by_id(connection, due)
            kept = [(p, at) for p in now if (at := place.get((p.id, embedded(p.heading_path, p.text)))) is not None]
            same = {p.id for p, _ in kept}
            changed = {p.document_id for p in now if p.id not in same}  # these stay due
            collection = base.collection_of(row.model)
            await self._store.delete(collection, document_ids=list(due))
            rows = [index_row(shown, owners[p.document_id], p) for p, _ in kept]  # open to whom it is open now
            if rows:
                await self._store.upsert(collection, rows, np.stack([made[at] for _, at in kept]))
            async with self._database.write() as connection:
                await reembed_queries.forget_due(connection, base.id, [i for i in due if i not in changed])
                if row.state != "running":
                    await reembed_queries.change(connection, base.id, state="running", error_code="", error_message="")
        self._done.pop(base.id, None)
        self._changes.tell(base.id)

    async def _switch(self, base: KnowledgeBase, row: Reembedding) -> None:
        async with self._bases.indexing:
            base = await self._bases.get(base.workspace_id, base.id)
            async with self._database.write() as connection:
                if await reembed_queries.find(connection, base.id) != row:
                    return
                if await reembed_queries.due(connection, base.id, row.model):
                    return  # noted since
                await reembed_queries.set_models(connection, base.id, embedding_model=row.model, next_model="")
                await reembed_queries.change(connection, base.id, state="switched")
            if base.next_model:
                self._index.moved(base)
        _log.info("`%s` is indexed with %s now", base.name, row.model)
        self._changes.tell(base.id)

    async def _end(self, base: KnowledgeBase, row: Reembedding) -> None:
        await asyncio.sleep(_SEARCHES_END_S)
        async with self._bases.indexing:
            async with self._database.read() as connection:
                if await reembed_queries.find(connection, base.id) != row:
                    return
            for model in row.dropped:
                await self._store.drop(base.collection_of(model))
            async with self._database.write() as connection:
                await reembed_queries.forget(connection, base.id)
        self._changes.tell(base.id)

    async def _tell(self, knowledge_id: str, state: str, error: LLMFlowError) -> None:
        _log.warning("Embedding %s anew is %s: %s", knowledge_id, state, error)
        try:
            async with self._database.write() as connection:
                await reembed_queries.change(
                    connection,
                    knowledge_id,
                    state=state,
                    error_code=error.code,
                    error_message=error.message,
                    error_hint=error.hint,
                )
        except OrganError as fault:  # a full disk is told once there is room
            _log.warning("It could not be noted: %s", fault)
        self._changes.tell(knowledge_id)

    async def _look(self) -> None:
        async with self._database.read() as connection:
            rows = {row.knowledge_id: row for row in await reembed_queries.all_of_them(connection)}
        for row in rows.values():
            status = await self._jobs.status(row.job_id)
            if row.state != "failed" and (status is None or status.state not in ("queued", "running")):
                job_id = new_id()
                async with self._database.write() as connection:
                    await reembed_queries.change(connection, row.knowledge_id, job_id=job_id)
                await self._jobs.submit(KIND, [row.knowledge_id], job_id=job_id)
        tries = 0
        while True:
            try:
                await self._look_at([base for base in await self._all_bases() if base.embedding_model])
                return
            except OrganError as error:
                _log.warning("Whether knowledge is to be embedded anew is not known: %s", error)
                await asyncio.sleep(_TRIES_S[min(tries, len(_TRIES_S) - 1)])
                tries += 1

    async def _look_at(self, bases: Sequence[KnowledgeBase]) -> None:
        for base in bases:
            if base.next_model:
                self._index.follow(base, is_searched=not await self._models.is_here(base.embedding_model))
            wanted = await self._models.wanted()
            on_its_way_to = base.next_model or base.embedding_model
            if self._by_itself and on_its_way_to != wanted and not await self._models.is_named(on_its_way_to):
                await self.begin(base, wanted)

    async def _all_bases(self) -> list[KnowledgeBase]:
        async with self._database.read() as connection:
            return await reembed_queries.all_bases(connection)

"""Knowledge bases: make, find, list, delete."""

from __future__ import annotations

import asyncio
import dataclasses
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from llmflow.errors import Conflict, NotFound, OrganError, UsageError
from llmflow.knowledge import counting, cutting, queries, reembed_queries
from llmflow.knowledge.changes import Changes
from llmflow.knowledge.evaluation import queries as evaluation_queries
from llmflow.knowledge.originals import Originals
from llmflow.knowledge.pace import Pace
from llmflow.knowledge.pairs import queries as pair_queries
from llmflow.knowledge.rule import SearchRule, to_keep
from llmflow.knowledge.sight import sees_base
from llmflow.knowledge.sources import queries as source_queries
from llmflow.knowledge.types import Contents, Flow, KnowledgeBase
from llmflow.ports.vector_store import VectorStore
from llmflow.store.database import Database
from llmflow.store.ids import new_id, now_ms
from llmflow.store.unique import unique

_RECENT_S = 60.0


class Bases:
    def __init__(
        self,
        database: Database,
        vectors: VectorStore,
        originals: Originals,
        changes: Changes,
        *,
        chunk_tokens: int,
        overlap_tokens: int,
    ) -> None:
        """`chunk_tokens`, `overlap_tokens`: what a new base is made with. `indexing` is held while a batch is written
        to the index and while something is removed from it, so that neither undoes half of the
        other. `pace` is told of every passage embedded."""
        self.indexing = asyncio.Lock()
        self.pace = Pace()
        self._database = database
        self._vectors = vectors
        self._originals = originals
        self._changes = changes
        self._chunk_tokens = chunk_tokens
        self._overlap_tokens = overlap_tokens

    async def create(
        self,
        workspace_id: str,
        name: str,
        *,
        description: str = "",
        service: dict[str, Any] | None = None,
        created_by: str | None = None,
        external_api_id: str | None = None,
        external_id: str = "",
        pipeline_id: str | None = None,
    ) -> KnowledgeBase:
        """`service`: what a client of the Service API says of it; `created_by`: an account or a key; `external_id`:
        what the server `external_api_id` calls it (see `External`); `pipeline_id`: the app that reads and cuts its
        documents.

        Raises UsageError for an empty or overlong name and Conflict for a taken one."""
        name = _checked(name)
        now = now_ms()
        base = KnowledgeBase(
            id=new_id(),
            workspace_id=workspace_id,
            name=name,
            description=description,
            embedding_model="",
            chunk_tokens=self._chunk_tokens,
            overlap_tokens=self._overlap_tokens,
            chunking={},
            retrieval={},
            groups=[],
            service=service or {},
            created_by=created_by,
            external_api_id=external_api_id,
            external_id=external_id,
            created_at=now,
            updated_at=now,
            pipeline_id=pipeline_id,
        )
        with unique(Conflict(f"There is a knowledge base `{name}` already.", param="name")):
            async with self._database.write() as connection:
                await queries.insert_base(connection, base)
        return base

    async def change(
        self,
        workspace_id: str,
        id_or_name: str,
        *,
        name: str | None = None,
        description: str | None = None,
        service: dict[str, Any] | None = None,
        external_id: str | None = None,
    ) -> KnowledgeBase:
        """The base with what is given in place of what it has; `service` is added to what it has. Raises what `create`
        raises."""
        base = await self.get(workspace_id, id_or_name)
        changes: dict[str, Any] = {}
        if name is not None:
            changes["name"] = _checked(name)
        if description is not None:
            changes["description"] = description
        if external_id is not None:
            changes["external_id"] = external_id
        with unique(Conflict(f"There is a knowledge base `{changes.get('name', base.name)}` already.", param="name")):
            async with self._database.write() as connection:
                if service is not None:
                    await queries.lock_base(connection, base.id)
                    now = await queries.base(connection, workspace_id, base.id)
                    changes["service"] = {**(now or base).service, **service}
                await queries.update_base(connection, base.id, updated_at=now_ms(), **changes)
        return await self.get(workspace_id, base.id)

    async def set_chunking(self, base: KnowledgeBase, said: Mapping[str, Any]) -> KnowledgeBase:
        """The base with another way its documents are cut from now on. Raises UsageError for no rule."""
        kept = cutting.checked(said)
        async with self._database.write() as connection:
            await queries.update_base(connection, base.id, chunking=kept, updated_at=now_ms())
        return await self.get(base.workspace_id, base.id)

    async def set_pipeline_inputs(self, base: KnowledgeBase, inputs: Mapping[str, Any]) -> KnowledgeBase:
        """The base with what its pipeline is given with documents that say nothing else."""
        async with self._database.write() as connection:
            await queries.update_base(connection, base.id, pipeline_inputs=dict(inputs), updated_at=now_ms())
        return await self.get(base.workspace_id, base.id)

    async def set_retrieval(self, base: KnowledgeBase, rule: SearchRule) -> None:
        """How the base is searched from now on unless somebody says otherwise. Raises UsageError for no rule."""
        kept = to_keep(rule)
        async with self._database.write() as connection:
            await queries.update_base(connection, base.id, updated_at=now_ms(), retrieval=kept)

    async def all(self, workspace_id: str, *, to_search: bool = False) -> list[KnowledgeBase]:
        """Those whose documents are open to whoever asks; `to_search`: every one, as a search looks at each
        document's groups itself."""
        async with self._database.read() as connection:
            found = await queries.bases(connection, workspace_id)
        return [base for base in found if to_search or sees_base(base)]

    async def get(self, workspace_id: str, id_or_name: str, *, to_search: bool = False) -> KnowledgeBase:
        """As `all`. Raises NotFound, naming those there are."""
        async with self._database.read() as connection:
            found = await queries.base(connection, workspace_id, unicodedata.normalize("NFC", id_or_name))
        if found is None or not (to_search or sees_base(found)):
            names = ", ".join(f"`{base.name}`" for base in await self.all(workspace_id)) or "none yet"
            raise NotFound(f"There is no knowledge base `{id_or_name}`. There are: {names}.", param="knowledge")
        return found

    async def by_id(self, workspace_id: str, base_id: str) -> KnowledgeBase:
        """Raises NotFound, without names: what asks by ids needs none."""
        async with self._database.read() as connection:
            found = await queries.base(connection, workspace_id, base_id)
        if found is None or found.id != base_id or not sees_base(found):
            raise NotFound(f"There is no knowledge base {base_id}.", param="knowledge")
        return found

    async def of_pipeline(self, workspace_id: str, pipeline_id: str) -> KnowledgeBase | None:
        """The one that the pipeline reads for, whoever it is open to."""
        found = await self.all(workspace_id, to_search=True)
        return next((base for base in found if base.pipeline_id == pipeline_id), None)

    async def choose_model(self, base: KnowledgeBase, model: str) -> None:
        """The base takes this embedding model, where it has none yet."""
        async with self._database.write() as connection:
            await queries.settle_model(connection, base.id, model)

    async def written(self, base: KnowledgeBase, model: str) -> KnowledgeBase:
        """The base as it is now and as vectors of `model` are written to it: its `collection` is the one of that model,
        which the first indexing decides. The caller holds `indexing`. Raises OrganError when the base went on to
        another model since the vectors were made: make them again."""
        if not base.embedding_model:
            async with self._database.write() as connection:
                await queries.settle_model(connection, base.id, model)
        base = await self.get(base.workspace_id, base.id)
        if model not in (base.embedding_model, base.next_model):
            raise OrganError(f"`{base.name}` changed its embedding model just now.", hint="Try again.")
        return dataclasses.replace(base, embedding_model=model)

    async def counts(self, base_id: str) -> dict[str, int]:
        """Documents by state."""
        async with self._database.read() as connection:
            return await queries.counts_by_state(connection, base_id)

    async def contents(self, base_ids: Sequence[str]) -> dict[str, Contents]:
        """Of the bases that hold anything."""
        async with self._database.read() as connection:
            return await counting.contents(connection, base_ids)

    async def flow(self, base_id: str) -> Flow:
        """How far the base's documents are."""
        since = now_ms() - int(_RECENT_S * 1000)
        async with self._database.read() as connection:
            found = await queries.flow(connection, base_id, since=since, recent_s=_RECENT_S)
        return dataclasses.replace(found, passages_per_s=round(self.pace.per_s(base_id), 1))

    async def delete(self, workspace_id: str, id_or_name: str) -> None:
        """Removes the base, its documents, passages, vectors and files. A crash in between is finished by calling
        again: the base's row goes last."""
        async with self.indexing:
            base = await self.get(workspace_id, id_or_name)  # its first job may have settled its model just now
            digests = await self._empty(base)
            for model in {base.embedding_model, base.next_model, *await self._left_behind(base)} - {""}:
                await self._vectors.drop(base.collection_of(model))
            async with self._database.write() as connection:
                await queries.lock_base(connection, base.id)  # no upload enters a document between these two
                digests |= await queries.delete_contents(connection, base.id)
                await reembed_queries.forget_due(connection, base.id)
                await reembed_queries.forget(connection, base.id)
                for source in await source_queries.of_base(connection, base.id):
                    await source_queries.delete(connection, source.id)
                await evaluation_queries.delete(connection, knowledge_id=base.id)
                await pair_queries.forget_all(connection, base.id)
                await queries.delete_base(connection, base.id)
        self._changes.tell(base.id)
        await self._originals.remove(digests)

    async def _left_behind(self, base: KnowledgeBase) -> list[str]:
        """Models whose vectors were to go with the end of embedding anew."""
        async with self._database.read() as connection:
            row = await reembed_queries.find(connection, base.id)
        return [*row.dropped, row.model] if row else []

    async def _empty(self, base: KnowledgeBase) -> set[str]:
        async with self._database.write() as connection:
            return await queries.delete_contents(connection, base.id)


def _checked(name: str) -> str:
    name = unicodedata.normalize("NFC", name.strip())
    if not 1 <= len(name) <= 200 or "/" in name:
        raise UsageError("A knowledge base needs a name of 1 to 200 characters without `/`.", param="name")
    return name

"""The index follows the database: what a transaction changed is noted with it as unsettled, then brought to the index.

A crash or a fault in between leaves the note, so that the rest is done later: index and database never disagree for
good. Of a document that is being read, its job settles everything.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence

import msgspec
import numpy as np

from llmflow.errors import LLMFlowError, NotFound, OrganError
from llmflow.knowledge import passage_queries, queries
from llmflow.knowledge.bases import Bases
from llmflow.knowledge.indexed import embedded, index_row
from llmflow.knowledge.models import EmbeddingModels
from llmflow.knowledge.types import KnowledgeBase, Passage
from llmflow.ports.embedding import Vectors
from llmflow.ports.vector_store import VectorStore
from llmflow.store.database import Database

_AT_ONCE = 500  # passages settled together
ROOM_TOKENS = 16  # of the model's window, for its prefix and marks
_SLICE = 32  # passages of one call of the embedding

_log = logging.getLogger(__name__)

Known = dict[str, Vectors]  # vectors, shape (dimensions,), by the text they are of


class Indexing:
    def __init__(self, database: Database, bases: Bases, models: EmbeddingModels, vectors: VectorStore) -> None:
        self._database = database
        self._bases = bases
        self._models = models
        self._vectors = vectors

    async def most_tokens(self, base: KnowledgeBase) -> int:
        """So many tokens of a passage the base's embedding reads; what lies beyond is found by its words alone."""
        return (await self._models.for_writing(base)).max_tokens - ROOM_TOKENS

    async def embed(self, base: KnowledgeBase, texts: Iterable[str]) -> Known:
        """The vectors of passages' texts. Raises Conflict when no model of the base is here, and OrganError."""
        wanted = list(dict.fromkeys(texts))
        if not wanted:
            return {}
        embedding = await self._models.for_writing(base)
        parts = [
            await embedding.embed(wanted[start : start + _SLICE], "passage") for start in range(0, len(wanted), _SLICE)
        ]
        return dict(zip(wanted, np.concatenate(parts), strict=True))

    async def settle(self, base: KnowledgeBase, ids: Sequence[str], *, known: Mapping[str, Vectors]) -> None:
        """Makes the index say of these passages what the database says: there with their vectors, or gone. The caller
        holds `Bases.indexing`. `known`: vectors that need not be made, unless the base went on to another model since
        it was read as `base`. Raises what `embed` raises."""
        before, base = base, await self._bases.get(base.workspace_id, base.id)
        if base.embedding_model != before.embedding_model:
            known = {}
        async with self._database.read() as connection:
            shown = await passage_queries.searched(connection, ids)
            owners = await queries.documents_by_id(connection, {p.document_id for p in shown.values()})
            groups = await queries.groups_of_documents(connection, owners)  # `base` may be from before they changed
        if gone := [i for i in ids if i not in shown]:
            await self._vectors.delete(base.collection, chunk_ids=gone)
        if shown:
            passages = list(shown.values())
            texts = [embedded(p.heading_path, p.text) for p in passages]
            vectors = {**known, **await self.embed(base, (text for text in texts if text not in known))}
            base = await self._bases.written(base, (await self._models.for_writing(base)).model)
            rows = [
                msgspec.structs.replace(index_row(base, owners[p.document_id], p), groups=groups[p.document_id])
                for p in passages
            ]
            await self._vectors.upsert(base.collection, rows, np.stack([vectors[text] for text in texts]))
        async with self._database.write() as connection:
            await passage_queries.forget_unsettled(connection, ids)

    async def settle_left(self) -> bool:
        """Does what a dead process or a fault left undone, but of documents that wait to be read. What cannot be done
        now stays noted; False: it can be tried again soon."""
        passed_over: set[str] = set()
        everything = True
        while True:
            async with self._database.read() as connection:
                left = await passage_queries.unsettled(connection, _AT_ONCE, but=passed_over)
            if not left:
                return everything
            for (workspace_id, base_id), ids in left.items():
                try:
                    await self._settle_left(workspace_id, base_id, ids)
                except LLMFlowError as error:
                    _log.warning("The index of %s waits with %d passages: %s", base_id, len(ids), error)
                    passed_over.add(base_id)
                    everything = everything and not isinstance(error, OrganError)

    async def _settle_left(self, workspace_id: str, base_id: str, ids: Sequence[str]) -> None:
        async with self._bases.indexing:
            try:
                base = await self._bases.get(workspace_id, base_id)
            except NotFound:  # its collection went with it
                async with self._database.write() as connection:
                    await passage_queries.forget_unsettled(connection, ids)
                return
            async with self._database.read() as connection:  # one may have been settled since
                ids = await passage_queries.still_unsettled(connection, ids)
            await self.settle(base, ids, known={})


def texts_of(passages: Iterable[Passage]) -> list[str]:
    """What is embedded of each."""
    return [embedded(passage.heading_path, passage.text) for passage in passages]

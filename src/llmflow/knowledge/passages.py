"""Passages as people work on them: look at, add, edit, merge, split, switch off, remove.

Each change is one transaction, with a note of what the index has to follow; see `indexing`. What people changed stays
when the document is read again and says the same there.
"""

from __future__ import annotations

import asyncio
import logging
import unicodedata
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from llmflow.errors import Conflict, Forbidden, NotFound, OrganError, UsageError
from llmflow.knowledge import passage_queries, piecing
from llmflow.knowledge.bases import Bases
from llmflow.knowledge.changes import Changes
from llmflow.knowledge.cutting import rule_of
from llmflow.knowledge.drafts import Draft, Edit, check
from llmflow.knowledge.indexed import embedded
from llmflow.knowledge.indexing import Indexing, Known, texts_of
from llmflow.knowledge.recut import Recut, elements_of, put_parts, recut
from llmflow.knowledge.types import Document, KnowledgeBase, Passage
from llmflow.ports.chunker import Chunker, ChunkRule, CountTokens
from llmflow.store.content import Content, Scope
from llmflow.store.database import Database
from llmflow.store.ids import new_id, now_ms

_log = logging.getLogger(__name__)


class Passages:
    def __init__(
        self,
        database: Database,
        bases: Bases,
        indexing: Indexing,
        changes: Changes,
        chunker: Chunker,
        *,
        count_tokens: CountTokens,
        wake: Callable[[], None],
    ) -> None:
        """`wake`: there is something left to settle."""
        self._database = database
        self._bases = bases
        self._indexing = indexing
        self._changes = changes
        self._chunker = chunker
        self._count_tokens = count_tokens
        self._wake = wake

    async def page(
        self,
        document: Document,
        *,
        parent: str | None = None,
        on_page: int | None = None,
        search: str = "",
        enabled: bool | None = None,
        holding: str = "",
        offset: int = 0,
        limit: int = 100,
    ) -> tuple[list[Passage], int]:
        """In reading order, and how many in all. `parent`: the parts of this one. `on_page`: those that stand on this
        page of the file. `search`: whose text or answer has this in it. `holding`: from the place, a multiple of
        `limit`, whose passages hold this one, where the document still has it."""
        async with self._database.read() as connection:
            if holding:
                earlier = await passage_queries.before(connection, document.id, holding)
                offset = offset if earlier is None else earlier // limit * limit
            return await passage_queries.page(
                connection,
                document.id,
                parent_id=parent,
                on_page=on_page,
                search=unicodedata.normalize("NFC", search),
                enabled=enabled,
                offset=offset,
                limit=limit,
            )

    async def get(self, document: Document, passage_id: str) -> Passage:
        async with self._database.read() as connection:
            return await _found(connection, document, passage_id)

    async def parts(self, document: Document, parent_ids: Sequence[str]) -> dict[str, list[Passage]]:
        """The parts of each of these passages, in reading order."""
        async with self._database.read() as connection:
            rows = await passage_queries.parts_of(connection, document.id, parent_ids)
        return {i: [row for row in rows if row.parent_id == i] for i in parent_ids}

    async def add(
        self, document: Document, drafts: Sequence[Draft], *, parent: str | None = None, after: str | None = None
    ) -> list[Passage]:
        """New passages, behind `after` or at the end; with `parent`, parts of that one. All or none.

        Raises UsageError for text that is empty or too long, NotFound for a passage that is not there, Conflict for
        a document that is not ready, Forbidden for one that is archived, and OrganError without the embedding."""
        check(drafts)
        base = await self._bases.get(document.workspace_id, document.knowledge_id)
        texts, answers, tokens = await self._admitted(base, drafts)
        beside = await self.get(document, parent or after or "") if parent or after else None
        if parent and beside and beside.kind != "parent":
            raise UsageError("This passage is searched whole; it has no parts.", param="parent")
        path = beside.heading_path if beside else []
        known = await self._indexing.embed(base, [embedded(path, text) for text in texts])
        ids = [new_id() for _ in drafts]
        async with self._changing(base, document, ids, known) as connection:
            whole = await _found(connection, document, parent) if parent else None
            have = await passage_queries.order(connection, document.id, parent)
            order = [i for i, _ in have]
            if after is not None and after not in order:
                raise NotFound(f"There is no passage {after} to stand behind in `{document.name}`.", param="after")
            place = len(have) if after is None else order.index(after) + 1
            now = now_ms()
            rows = [
                {
                    "id": i,
                    "workspace_id": base.workspace_id,
                    "knowledge_id": base.id,
                    "document_id": document.id,
                    "ordinal": place + number,
                    "text": text,
                    "tokens": count,
                    "page": beside.page if beside else None,
                    "page_end": beside.page_end if beside else None,
                    "heading_path": path,
                    "kind": "text",
                    "boxes": [],
                    "parent_id": parent,
                    "answer": answer,
                    "keywords": list(draft.keywords),
                    "made": "added",
                    "enabled": whole is None or whole.enabled,
                    "edited_at": now,
                }
                for number, (i, draft, text, answer, count) in enumerate(
                    zip(ids, drafts, texts, answers, tokens, strict=True)
                )
            ]
            await passage_queries.insert(connection, rows)
            order[place:place] = ids
            placed = dict(have) | {i: place + number for number, i in enumerate(ids)}
            await passage_queries.put_in_order(connection, order, placed)
        return await self._all(document, ids)

    async def edit(self, document: Document, passage_id: str, edit: Edit) -> Passage:
        """The passage with other words, or switched on or off with its parts. Only what is searched is embedded, and
        only where its words changed; a parent's parts are cut anew, and those that say the same stay. Raises what
        `add` raises, and Conflict when somebody else changed its words or parts meanwhile."""
        base = await self._bases.get(document.workspace_id, document.knowledge_id)
        async with self._database.read() as connection:
            passage = await _found(connection, document, passage_id)
            parts = await passage_queries.parts_of(connection, document.id, [passage_id])
        draft = Draft(
            passage.text if edit.text is None else edit.text,
            passage.answer if edit.answer is None else edit.answer,
            tuple(passage.keywords) if edit.keywords is None else edit.keywords,
        )
        check([draft])
        texts, answers, tokens = await self._admitted(base, [draft])
        enabled = passage.enabled if edit.enabled is None else edit.enabled
        values: dict[str, Any] = {"enabled": enabled, "keywords": list(draft.keywords)}
        if (texts[0], answers[0]) != (passage.text, passage.answer):
            values |= {"text": texts[0], "answer": answers[0], "edited_at": now_ms()}
            values |= {"tokens": tokens[0], "made": "added" if passage.made == "added" else "edited"}
        is_parent = passage.kind == "parent"
        plan = Recut()
        if is_parent and edit.recut and texts[0] != passage.text:
            plan = await self._recut(base, document, passage, texts[0], enabled=enabled)
        switched = [
            p for p in parts if edit.enabled is not None and p.enabled != edit.enabled and p.id not in plan.gone
        ]
        words = [embedded(passage.heading_path, texts[0])] if enabled and not is_parent else []
        known = await self._indexing.embed(base, words + texts_of([*plan.new, *switched] if enabled else []))
        changed = [passage.id, *(p.id for p in (*switched, *plan.new)), *plan.gone]
        async with self._changing(base, document, changed, known) as connection:
            await _unchanged(connection, document, [passage])
            await passage_queries.change(connection, [passage.id], **values)
            await passage_queries.change(connection, [p.id for p in switched], enabled=enabled)
            await put_parts(connection, document, passage, plan)
        return await self.get(document, passage.id)

    async def _recut(
        self, base: KnowledgeBase, document: Document, parent: Passage, text: Content, *, enabled: bool
    ) -> Recut:
        """What becomes of the parts of a parent that says `text` now."""
        sizes = rule_of(base, document, most=await self._indexing.most_tokens(base)).child
        rule = ChunkRule(sizes.max_tokens, sizes.overlap_tokens, sizes.separator)
        chunks = await self._chunker.chunk(elements_of(parent, text), rule)
        words = await self._database.boundary.admit(Scope("knowledge", base.id), [chunk.text for chunk in chunks])
        async with self._database.read() as connection:
            had = (await passage_queries.had_by(connection, [document.id])).get(document.id, [])
        return recut(
            document, parent, chunks, words, [one for one in had if one.passage.parent_id == parent.id], enabled=enabled
        )

    async def switch(self, document: Document, ids: Sequence[str], *, enabled: bool) -> int:
        """Takes passages out of the search, with their parts, or brings them back; how many it changed."""
        base = await self._bases.get(document.workspace_id, document.knowledge_id)
        async with self._database.read() as connection:
            found = await passage_queries.of_document(connection, document.id, ids)
            parts = await passage_queries.parts_of(connection, document.id, list(found))
        changed = [p for p in (*found.values(), *parts) if p.enabled != enabled]
        known = await self._indexing.embed(base, texts_of(p for p in changed if p.kind != "parent") if enabled else [])
        async with self._changing(base, document, [p.id for p in changed], known) as connection:
            await passage_queries.change(connection, [p.id for p in changed], enabled=enabled)
        return sum(p.id in found for p in changed)

    async def delete(self, document: Document, ids: Sequence[str]) -> int:
        """Removes passages with their parts; how many there were. One that was cut from its document stays away when
        the document is read again, as long as the document still says it."""
        base = await self._bases.get(document.workspace_id, document.knowledge_id)
        async with self._database.read() as connection:
            found = list((await passage_queries.of_document(connection, document.id, ids)).values())
            parts = await passage_queries.parts_of(connection, document.id, [p.id for p in found])
        async with self._changing(base, document, [p.id for p in (*found, *parts)], {}) as connection:
            await passage_queries.take_away(connection, found)
            await passage_queries.delete(connection, [p.id for p in parts if p not in found])
            for parent in {p.parent_id for p in found}:
                await passage_queries.close_gaps(connection, document.id, parent)
        return len(found)

    async def merge(self, document: Document, ids: Sequence[str]) -> Passage:
        """Neighbours as one, the first of them; their parts are its parts. Raises UsageError where they are no
        neighbours or would be too long to be read whole, and what `edit` raises."""
        base = await self._bases.get(document.workspace_id, document.knowledge_id)
        found = sorted(await self._all(document, ids), key=lambda passage: passage.ordinal)
        if len(found) < 2 or len({p.parent_id for p in found}) > 1:
            raise UsageError("Merging takes two or more neighbours.", param="ids")
        first, *others = found
        whole = piecing.merged(found)
        texts, answers, tokens = await self._admitted(base, [Draft(whole.text, whole.answer, tuple(whole.keywords))])
        most = await self._indexing.most_tokens(base)
        if first.kind != "parent" and tokens[0] > most:
            raise UsageError(
                f"Together they have {tokens[0]} tokens; the embedding model reads {most} of a passage.", param="ids"
            )
        searched = first.enabled and first.kind != "parent"
        known = await self._indexing.embed(base, [embedded(whole.heading_path, texts[0])] if searched else [])
        async with self._changing(base, document, [p.id for p in found], known) as connection:
            order = [i for i, _ in await passage_queries.order(connection, document.id, first.parent_id)]
            start = order.index(first.id) if first.id in order else 0
            if order[start : start + len(found)] != [p.id for p in found]:
                raise UsageError("Merging takes neighbours: these have others between them.", param="ids")
            await _unchanged(connection, document, found)
            origins = await passage_queries.origins(connection, [p.id for p in found])
            await passage_queries.move_origins(connection, document.id, list(origins.values()), origins[first.id])
            await passage_queries.move_parts(connection, first.id, [p.id for p in others])
            await passage_queries.take_away(connection, others)
            await passage_queries.change(
                connection,
                [first.id],
                text=texts[0],
                answer=answers[0],
                tokens=tokens[0],
                keywords=list(whole.keywords),
                heading_path=whole.heading_path,
                page=whole.page,
                page_end=whole.page_end,
                kind=whole.kind,
                boxes=whole.boxes,
                made="added" if first.made == "added" else "edited",
                edited_at=now_ms(),
            )
            for parent in (first.parent_id, first.id):
                await passage_queries.close_gaps(connection, document.id, parent)
        return await self.get(document, first.id)

    async def split(self, document: Document, passage_id: str, at: int) -> list[Passage]:
        """The passage as two: its text before character `at`, and from there. A table is cut between rows, both with
        its header; parts go with the text they stand in. Raises UsageError where one would be empty, and what `edit`
        raises."""
        base = await self._bases.get(document.workspace_id, document.knowledge_id)
        passage = await self.get(document, passage_id)
        pieces = piecing.cut(passage.text, at, kind=passage.kind)
        texts, answers, tokens = await self._admitted(base, [Draft(piece, passage.answer) for piece in pieces])
        searched = passage.enabled and passage.kind != "parent"
        known = await self._indexing.embed(
            base, [embedded(passage.heading_path, text) for text in texts] if searched else []
        )
        second = new_id()
        now = now_ms()
        async with self._changing(base, document, [passage.id, second], known) as connection:
            await _unchanged(connection, document, [passage])
            have = await passage_queries.order(connection, document.id, passage.parent_id)
            order = [i for i, _ in have]
            place = order.index(passage.id) + 1
            origin = (await passage_queries.origins(connection, [passage.id]))[passage.id]
            await passage_queries.change(
                connection,
                [passage.id],
                text=texts[0],
                tokens=tokens[0],
                made="added" if passage.made == "added" else "edited",
                edited_at=now,
            )
            await passage_queries.copy(
                connection,
                passage.id,
                id=second,
                ordinal=place,
                text=texts[1],
                answer=answers[1],
                tokens=tokens[1],
                origin_id=origin,
                made="added",
                edited_at=now,
                hit_count=0,
            )
            order.insert(place, second)
            await passage_queries.put_in_order(connection, order, dict(have) | {second: place})
            await self._share_parts(connection, document, passage, second, texts)
        return await self._all(document, [passage.id, second])

    async def _share_parts(
        self, connection: AsyncConnection, document: Document, passage: Passage, second: str, texts: Sequence[str]
    ) -> None:
        """Parts whose text stands in the second half only are its parts."""
        parts = await passage_queries.parts_of(connection, document.id, [passage.id])
        moved = [p.id for p in parts if p.text in texts[1] and p.text not in texts[0]]
        if moved:
            await passage_queries.change(connection, moved, parent_id=second)
            for parent in (passage.id, second):
                await passage_queries.close_gaps(connection, document.id, parent)

    @asynccontextmanager
    async def _changing(
        self, base: KnowledgeBase, document: Document, ids: Sequence[str], known: Known
    ) -> AsyncIterator[AsyncConnection]:
        """A transaction that changes these passages of a document that is ready; after it the index follows. Where the
        index cannot, the change stands and the index follows later."""
        async with self._bases.indexing:
            async with self._database.write() as connection:
                await _claim(connection, document)
                yield connection
                await passage_queries.recount(connection, document.id, now_ms())
                await passage_queries.note_unsettled(connection, document, ids)
            try:
                await self._indexing.settle(base, ids, known=known)
            except OrganError as error:
                _log.warning("The index of %s follows later: %s", base.name, error)
                self._wake()
        self._changes.tell(base.id)

    async def _admitted(
        self, base: KnowledgeBase, drafts: Sequence[Draft]
    ) -> tuple[list[Content], list[Content | None], list[int]]:
        """Texts and answers past the boundary, and how many tokens a text has."""
        scope = Scope("knowledge", base.id)
        texts = await self._database.boundary.admit(scope, [draft.text.strip() for draft in drafts])
        answers = await self._database.boundary.admit(scope, [draft.answer or "" for draft in drafts])
        tokens = await asyncio.to_thread(self._count_tokens, texts)
        return texts, [None if d.answer is None else a for d, a in zip(drafts, answers, strict=True)], tokens

    async def _all(self, document: Document, ids: Sequence[str]) -> list[Passage]:
        """These, in this order. Raises NotFound when one is missing."""
        async with self._database.read() as connection:
            found = await passage_queries.of_document(connection, document.id, ids)
        if missing := [i for i in ids if i not in found]:
            raise NotFound(f"There is no passage {missing[0]} in `{document.name}`.")
        return [found[i] for i in dict.fromkeys(ids)]


async def _claim(connection: AsyncConnection, document: Document) -> None:
    """Holds the document's row until the transaction ends. Raises NotFound, and Conflict unless it may be changed."""
    found = await passage_queries.claim(connection, document.id)
    if found is None or found[0] == "deleting":
        raise NotFound(f"`{document.name}` was deleted.")
    state, archived = found
    if state != "ready":
        raise Conflict(f"`{document.name}` is {state}; its passages can be changed once it is ready.")
    if archived:
        raise Forbidden("The archived document is not editable.", code="archived_document_immutable")


async def _found(connection: AsyncConnection, document: Document, passage_id: str) -> Passage:
    found = (await passage_queries.of_document(connection, document.id, [passage_id])).get(passage_id)
    if found is None:
        raise NotFound(f"There is no passage {passage_id} in `{document.name}`.")
    return found


async def _unchanged(connection: AsyncConnection, document: Document, read: Sequence[Passage]) -> None:
    """Raises NotFound and Conflict unless these still say what was read of them."""
    for passage in read:
        now = await _found(connection, document, passage.id)
        if (now.text, now.answer, now.keywords) != (passage.text, passage.answer, passage.keywords):
            raise Conflict(f"Somebody changed this passage of `{document.name}` meanwhile. Look at it and try again.")

"""A parent's text cut into its parts anew, when people changed it: what still says the same stays as it is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from llmflow.errors import Conflict
from llmflow.knowledge import passage_queries
from llmflow.knowledge.piecing import headed
from llmflow.knowledge.renew import Cut, Had, known_again, new_passage, row_of
from llmflow.knowledge.types import Document, Passage
from llmflow.ports.chunker import Chunk
from llmflow.ports.parser import Element
from llmflow.store.content import Content
from llmflow.store.ids import new_id


@dataclass(frozen=True, slots=True)
class Recut:
    """`gone`: ids of parts that nothing says any more. `order`: ids of all parts there are then; none: all stay as they
    are. `digests`: of the new ones."""

    new: list[Passage] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    order: list[str] = field(default_factory=list)
    digests: dict[str, str] = field(default_factory=dict)

    def rows(self, document: Document) -> list[dict[str, Any]]:
        return [row_of(document, part, self.digests[part.id]) for part in self.new]


def elements_of(parent: Passage, text: str) -> list[Element]:
    """Its paragraphs and tables, under its headings."""
    path = tuple(parent.heading_path)
    blocks = [block.strip() for block in text.split("\n\n") if block.strip()]
    return [
        Element("Table" if headed(block)[0] else "NarrativeText", block, page=parent.page, heading_path=path)
        for block in blocks
    ]


def recut(
    document: Document,
    parent: Passage,
    chunks: Sequence[Chunk],
    words: Sequence[Content],
    had: Sequence[Had],
    *,
    enabled: bool,
) -> Recut:
    """`words`: the chunks' texts, past the content boundary. `had`: the parts, in order. `enabled`: of new ones. A part
    that people edited or removed is known again by what it was made from; one that they added stays behind what it
    stands behind."""
    cuts = [
        Cut(word, None, chunk.tokens, parent.page, parent.page_end, list(chunk.heading_path), chunk.kind, [], 0)
        for chunk, word in zip(chunks, words, strict=True)
    ]
    known = known_again([cut.digest for cut in cuts], had)
    plan = Recut()
    for place, cut in enumerate(cuts):
        one = known.get(place)
        if one is None:
            part = replace(new_passage(document, new_id(), cut, parent.id, 0), enabled=enabled)
            plan.new.append(part)
            plan.digests[part.id] = cut.digest
            plan.order.append(part.id)
        elif one.passage.made != "removed":
            plan.order.append(one.passage.id)
    _keep_added(plan, had)
    stays = {*plan.order, *(one.passage.id for one in known.values())}
    plan.gone.extend(one.passage.id for one in had if one.passage.id not in stays and one.passage.made != "removed")
    return plan


def _keep_added(plan: Recut, had: Sequence[Had]) -> None:
    behind: dict[str, str] = defaultdict(str)
    last = ""
    for one in had:
        behind[one.passage.id], last = last, one.passage.id
        if one.passage.made != "added":
            continue
        before = behind[one.passage.id]
        while before and before not in plan.order:
            before = behind[before]
        plan.order.insert(plan.order.index(before) + 1 if before else 0, one.passage.id)


async def put_parts(connection: AsyncConnection, document: Document, parent: Passage, plan: Recut) -> None:
    """Raises Conflict where the parts were changed since `plan` was planned."""
    if not plan.order:
        return
    have = dict(await passage_queries.order(connection, document.id, parent.id))
    if set(have) != {*plan.order, *plan.gone} - {part.id for part in plan.new}:
        raise Conflict("The parts of this passage were changed meanwhile.", code="changed_meanwhile")
    await passage_queries.delete(connection, plan.gone)
    await passage_queries.insert(connection, plan.rows(document))
    await passage_queries.put_in_order(connection, plan.order, have)

"""Putting a draft in force; the knowledge base of a pipeline follows what its last node says.

Only what the node says otherwise than in the version before is taken over, so that what people set at the base stays.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from llmflow.apps.designs.designs import Designs
from llmflow.apps.pipelines.making import retrieval_of, said_of
from llmflow.apps.types import App, AppVersion
from llmflow.errors import Conflict, Forbidden, NotFound, OrganError
from llmflow.knowledge.bases import Bases
from llmflow.knowledge.reembed import Reembeddings
from llmflow.knowledge.rule import to_keep
from llmflow.knowledge.sight import sees_base
from llmflow.knowledge.types import KnowledgeBase
from llmflow.workflow.dsl.document import PIPELINE, Document, text
from llmflow.workflow.dsl.pipeline import index_of

Setting = Literal["chunk_structure", "indexing_technique", "retrieval_model", "embedding_model"]


@dataclass(frozen=True, slots=True)
class FollowedSetting:
    """A setting of a pipeline's knowledge base that the pipeline's last node says otherwise than before. `is_done`
    False: it stays as it is; `text`, for people, says why and what to do, or what follows."""

    setting: Setting
    old: str
    new: str
    is_done: bool
    text: str


@dataclass(frozen=True, slots=True)
class Published:
    version: AppVersion
    base_changes: tuple[FollowedSetting, ...] = ()


class Publishing:
    def __init__(self, designs: Designs, bases: Bases, reembeddings: Reembeddings) -> None:
        self._designs = designs
        self._bases = bases
        self._reembeddings = reembeddings

    async def publish(
        self, app: App, *, name: str = "", note: str = "", author: str | None = None, seen_hash: str | None = None
    ) -> Published:
        """Raises what `Designs.publish` raises; of a pipeline also UsageError (dsl_invalid) without a last node, and
        Forbidden where its base is not open to the caller. Nothing is in force then."""
        if app.mode != PIPELINE:
            return Published(await self._designs.publish(app, name=name, note=note, author=author, seen_hash=seen_hash))
        draft, design = await self._designs.draft(app)
        said_of(design.document)
        base = await self._base(app)
        before = await self._in_force(app)
        version = await self._designs.publish(
            app, name=name, note=note, author=author, seen_hash=draft.hash if seen_hash is None else seen_hash
        )
        if base is None:
            return Published(version)
        return Published(version, tuple([change async for change in self._follow(base, before, design.document)]))

    async def _base(self, app: App) -> KnowledgeBase | None:
        """None: it is being deleted."""
        base = await self._bases.of_pipeline(app.workspace_id, app.id)
        if base is not None and not sees_base(base):
            raise Forbidden(
                f"`{app.name}` reads for a knowledge base that is not open to you.",
                hint="Ask somebody of its groups, or an administrator, to publish.",
            )
        return base

    async def _in_force(self, app: App) -> Document | None:
        try:
            version = await self._designs.in_force(app)
        except NotFound:
            return None
        return (await self._designs.get(app, version.number))[1].document

    async def _follow(
        self, base: KnowledgeBase, before: Document | None, now: Document
    ) -> AsyncIterator[FollowedSetting]:
        """`before` None: the base is as the import made it."""
        was: Mapping[str, Any] = base.service if before is None else said_of(before)
        said = {key: value for key, value in said_of(now).items() if value != was.get(key)}
        if said:
            base = await self._bases.change(base.workspace_id, base.id, service=said)
        if "doc_form" in said:
            yield await self._restructured(base, text(was.get("doc_form")), said["doc_form"])
        if "indexing_technique" in said:
            new = said["indexing_technique"]
            how = "by words alone" if new == "economy" else "by meaning too"
            yield FollowedSetting(
                "indexing_technique", text(was.get("indexing_technique")), new, True, f"The base is searched {how}."
            )
        rule = retrieval_of(index_of(now))
        if rule is not None and "retrieval_model" in said:
            kept = base.retrieval
            await self._bases.set_retrieval(base, rule.rule())
            if kept != to_keep(rule.rule()):
                old = text((was.get("retrieval_model") or {}).get("search_method"))
                yield FollowedSetting(
                    "retrieval_model", old, rule.search_method, True, "The base is searched as the last node says now."
                )
        wanted = text(index_of(now).get("embedding_model"))
        if wanted and wanted != (text(index_of(before).get("embedding_model")) if before else ""):
            change = await self._embedded(base, wanted)
            if change is not None and (change.is_done or before is not None):  # the import's report says the latter
                yield change

    async def _restructured(self, base: KnowledgeBase, old: str, new: str) -> FollowedSetting:
        there = (await self._bases.contents([base.id])).get(base.id)
        how = f"New documents are kept as {new}."
        if there and there.documents:
            how += f" {there.documents} that are there stay as they are until they are cut again."
        return FollowedSetting("chunk_structure", old, new, True, how)

    async def _embedded(self, base: KnowledgeBase, wanted: str) -> FollowedSetting | None:
        """None: the base has that model, or is on its way to it."""
        about = await self._reembeddings.of(base)
        old = base.next_model or base.embedding_model
        if wanted == (old or about.wanted):
            return None
        if wanted not in about.models:
            stays = old or about.wanted or "the model set up here"
            how = (
                f"Nothing here embeds with {wanted}; the base stays with {stays}. Name the model under `embeddings` in "
                f"llmflow.yaml, then `llmflow knowledge reembed {base.name} --model {wanted}`."
            )
            return FollowedSetting("embedding_model", old, wanted, False, how)
        if not old:
            await self._bases.choose_model(base, wanted)
            return FollowedSetting(
                "embedding_model", about.wanted, wanted, True, f"Documents are embedded with {wanted}."
            )
        try:
            await self._reembeddings.begin(base, wanted)
        except (OrganError, Conflict) as error:
            how = f"{error.message} {error.hint} Embed the base anew once that is mended."
            return FollowedSetting("embedding_model", old, wanted, False, how)
        how = f"{about.passages} passages are embedded anew with {wanted}; they are found by {old} until that is done."
        return FollowedSetting("embedding_model", old, wanted, True, how)

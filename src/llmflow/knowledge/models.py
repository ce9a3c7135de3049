"""The embedding models there are: the organ's, which new bases take, and further ones that bases may be made with."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from llmflow.errors import Conflict, OrganError
from llmflow.knowledge.types import KnowledgeBase
from llmflow.ports.embedding import Embedding

_log = logging.getLogger(__name__)


class EmbeddingModels:
    """`organ`: organs.embedding; `organ_model`: its model, where that is known without asking it. `named`: further
    ones, by their name in llmflow.yaml. `packaged`: what comes with LLMFlow, for bases that were made with it. Which
    model one has is known once it was asked."""

    def __init__(
        self,
        organ: Embedding,
        *,
        organ_model: str = "",
        named: Mapping[str, Embedding] | None = None,
        packaged: Embedding | None = None,
    ) -> None:
        self._organ = organ
        self._organ_model = organ_model
        self._named = dict(named or {})
        self._packaged = packaged
        self._known: dict[str, Embedding] = {}  # asked, so that they can say what they are

    async def wanted(self) -> str:
        """The model of the embedding organ, which bases should have. Raises OrganError when it does not answer."""
        if self._organ_model:
            return self._organ_model
        await self._organ.embed([], "passage")  # only then is its model known
        return self._organ.model

    async def is_named(self, model: str) -> bool:
        """Whether llmflow.yaml names one of this model beside the organ. Raises OrganError when one does not answer."""
        for embedding in self._named.values():
            await embedding.embed([], "passage")
            if embedding.model == model:
                return True
        return False

    async def all(self) -> list[str]:
        """The models that something here embeds with and answers, the embedding organ's first."""
        found: dict[str, None] = {}
        for embedding in (self._organ, *self._named.values(), *([self._packaged] if self._packaged else [])):
            try:
                await embedding.embed([], "passage")
            except OrganError as error:
                _log.warning("An embedding does not answer: %s", error)
                continue
            found[embedding.model] = None
        return list(found)

    async def named(self, model: str) -> Embedding | None:
        """What embeds with this model; None when nothing here does. Raises OrganError where the one that might have it,
        the embedding organ, does not answer."""
        known = self._known.get(model)
        if known is not None and known.model == model:
            return known
        fault: OrganError | None = None
        others = [*self._named.values(), *([self._packaged] if self._packaged else [])]
        for embedding in (self._organ, *others):
            try:
                await embedding.embed([], "passage")
            except OrganError as error:
                _log.warning("An embedding does not answer: %s", error)
                fault = error if embedding is self._organ else fault
                continue
            if embedding.model == model:
                self._known[model] = embedding
                return embedding
        if fault is not None:
            raise fault
        return None

    async def is_here(self, model: str) -> bool:
        """Whether something embeds with this model now."""
        if model == self._organ_model:
            return True
        try:
            return await self.named(model) is not None
        except OrganError:
            return False

    async def for_search(self, base: KnowledgeBase) -> Embedding:
        """What made the base's vectors. Raises Conflict when it is not here any more, and OrganError."""
        found = await self.named(base.embedding_model)
        if found is None:
            raise await self.missing(base)
        return found

    async def for_writing(self, base: KnowledgeBase) -> Embedding:
        """What new passages are embedded with: the model of the index that serves; when that is gone, the one that the
        base is being embedded anew with; in a new base the organ's. Raises Conflict when none is here, OrganError."""
        for model in (base.embedding_model or await self.wanted(), base.next_model):
            found = await self.named(model) if model else None
            if found is not None:
                return found
        raise await self.missing(base)

    async def missing(self, base: KnowledgeBase) -> Conflict:
        """What to say of a base whose model is not here any more."""
        if base.next_model:
            hint = "It is being embedded anew; until that is done it is searched by words."
        else:
            hint = "Embed it anew (`llmflow knowledge reembed`), or name its model under `embeddings` in llmflow.yaml."
        text = (
            f"`{base.name}` was indexed with {base.embedding_model}; the embedding organ is now {await self.wanted()}."
        )
        return Conflict(text, code="embedding_changed", hint=hint)

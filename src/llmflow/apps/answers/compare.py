"""How near sentences are to a question, by the embedding organ; vectors seen before are kept."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence

from llmflow.gateway.gateway import Gateway
from llmflow.ports.embedding import Role, Vectors

#: Cosine of each text to the question.
Compare = Callable[[str, Sequence[str]], Awaitable[Sequence[float]]]

_KEPT = 4096  # vectors: 6 MB at 384 dimensions


class Comparer:
    """Questions repeat within a turn, and the sentences of much asked passages from turn to turn; each new one costs
    10 to 20 CPU-ms with the embedded model."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._kept: OrderedDict[tuple[Role, str], Vectors] = OrderedDict()

    async def cosines(self, question: str, texts: Sequence[str]) -> list[float]:
        """One for each text, in order. Raises what the embedding organ raises."""
        (asked,) = await self._vectors("query", [question])
        return [float(asked @ vector) for vector in await self._vectors("passage", texts)]

    async def _vectors(self, role: Role, texts: Sequence[str]) -> list[Vectors]:
        found = {text: vector for text in texts if (vector := self._kept.get((role, text))) is not None}
        new = list(dict.fromkeys(text for text in texts if text not in found))
        if new:
            found.update(zip(new, await self._gateway.embed("", new, role), strict=True))
        for text, vector in found.items():
            self._kept[role, text] = vector
            self._kept.move_to_end((role, text))
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return [found[text] for text in texts]

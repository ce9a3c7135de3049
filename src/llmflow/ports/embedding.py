"""Embedding: text to unit vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from llmflow.ports.health import Health

Role = Literal["query", "passage"]
Vectors = NDArray[np.float32]


class Embedding(Protocol):
    """Turns texts into vectors. One instance serves many callers at once; blocking work leaves the event loop."""

    @property
    def model(self) -> str:
        """A stable name of the weights; an index built with another name must be built anew."""

    @property
    def dimensions(self) -> int:
        """Length of a vector; 0 until the first call where only the server knows it."""

    @property
    def max_tokens(self) -> int:
        """Longest text in tokens that is read whole; what lies beyond is cut."""

    async def embed(self, texts: Sequence[str], role: Role) -> Vectors:
        """Shape (len(texts), dimensions), float32, each row of length 1; row i belongs to texts[i].

        Adapters add the model's own prefixes for `role`. An empty sequence gives shape (0, dimensions); an empty
        text is embedded like any other. The same text gives the same vector whatever else is in the batch.
        Raises OrganError when the model cannot be reached or loaded.
        """

    async def health(self) -> Health: ...

    async def close(self) -> None: ...

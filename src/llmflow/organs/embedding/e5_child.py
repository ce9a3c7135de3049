"""Passages to vectors in a child process: what the pool of `e5` runs on each core.

A child has an interpreter of its own, so that its share of Python (a word cut into tokens, a row copied) takes nothing
from the server's event loop; and the scheduler lets the server go first.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import msgspec
import numpy as np

from llmflow.organs.embedding.e5_encoder import DIMENSIONS, Encoder
from llmflow.ports.embedding import Vectors


class Task(msgspec.Struct, frozen=True):
    cache: str
    texts: list[str]


def task(folder: Path, texts: list[str]) -> bytes:
    """The payload of a call."""
    return msgspec.msgpack.encode(Task(str(folder), [str(text) for text in texts]))  # a kind of str becomes a str


def vectors(result: bytes) -> Vectors:
    """What a call gave back, shape (texts, DIMENSIONS)."""
    return np.frombuffer(result, np.float32).reshape(-1, DIMENSIONS)


def embed(payload: bytes, _progress: Callable[[int, int], None]) -> bytes:
    """Runs in the child. Raises OrganError as the encoder does."""
    asked = msgspec.msgpack.decode(payload, type=Task)
    encoder = _encoder(asked.cache)
    return b"".join(encoder.vector(text, "passage").tobytes() for text in asked.texts)


@cache
def _encoder(folder: str) -> Encoder:
    return Encoder(Path(folder))

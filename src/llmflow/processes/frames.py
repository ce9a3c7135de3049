"""What a pool and its children say to each other: frames of a 4-byte big-endian length and that many bytes.

Parent to child: one frame of plain bytes a call, the payload. Child to parent: msgpack of a Reply; any number of
Progress, then one Done or Failed.
"""

from __future__ import annotations

import struct
from typing import ClassVar

import msgspec

from llmflow import errors

PREFIX = struct.Struct(">I")
MAX_FRAME = 1 << 30  # bytes


class Progress(msgspec.Struct, frozen=True, tag="progress"):
    done: int
    total: int


class Done(msgspec.Struct, frozen=True, tag="done"):
    result: bytes


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """An LLMFlowError of the child (`kind`: its class name), or any other exception (`kind` "")."""

    OUT_OF_MEMORY: ClassVar[str] = "MemoryError"

    kind: str
    message: str
    code: str = ""
    hint: str = ""
    param: str | None = None


Reply = Progress | Done | Failed


def pack(payload: bytes) -> bytes:
    return PREFIX.pack(len(payload)) + payload


def failed(error: Exception) -> Failed:
    if isinstance(error, errors.LLMFlowError):
        return Failed(type(error).__name__, error.message, error.code, error.hint, error.param)
    return Failed("", f"{type(error).__name__}: {error}"[:2000])


def rebuild(reply: Failed) -> errors.LLMFlowError | None:
    """The LLMFlowError a Failed stands for, None when it was another exception."""
    kind = getattr(errors, reply.kind, None) if reply.kind else None
    if not (isinstance(kind, type) and issubclass(kind, errors.LLMFlowError)):
        return None
    return kind(reply.message, code=reply.code, hint=reply.hint, param=reply.param)

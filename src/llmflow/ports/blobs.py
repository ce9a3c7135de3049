"""Blobs: immutable bytes under the SHA-256 of their content."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

import msgspec

from llmflow.ports.health import Health


class BlobInfo(msgspec.Struct, frozen=True):
    digest: str  # SHA-256, lower-case hex
    size: int  # bytes


class Blobs(Protocol):
    async def put(self, chunks: AsyncIterator[bytes], *, max_bytes: int | None = None) -> BlobInfo:
        """Durable (synced) on return; equal bytes are kept once. Raises TooLarge past `max_bytes` and OrganError
        (disk_full), leaving nothing behind."""

    def read(self, digest: str) -> AsyncIterator[bytes]:
        """The bytes in pieces. Raises NotFound."""

    def local(self, digest: str) -> AbstractAsyncContextManager[Path]:
        """A path to the bytes on this machine while the context is open; not to be written. Raises NotFound."""

    async def delete(self, digest: str) -> None:
        """A missing one is no error."""

    def digests(self) -> AsyncIterator[list[str]]:
        """Every kept digest, in batches, in no order; those put or deleted meanwhile may be missing or there."""

    async def health(self) -> Health: ...

    async def close(self) -> None: ...

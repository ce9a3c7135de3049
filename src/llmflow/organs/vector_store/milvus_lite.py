"""Milvus Lite in a folder: the protocol and the keyword search of Milvus without a server, for one process.

It works in Python and looks at every row of each search, so it is there to develop against Milvus with and for small
knowledge bases; LanceDB is the embedded store for everything else. Its own server lets in whoever reaches its port, so
here it listens on a socket in a folder that only this user may enter. It may be asked by one thread at a time.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
from milvus_lite import DataDirLockedError, MilvusLite, MilvusLiteError
from milvus_lite.adapter.grpc.servicer import MilvusServicer
from pymilvus import AsyncMilvusClient
from pymilvus.grpc_gen import milvus_pb2, milvus_pb2_grpc

from llmflow.errors import OrganError
from llmflow.organs.vector_store.milvus_collection import Collection
from llmflow.organs.vector_store.milvus_layout import Layout
from llmflow.organs.vector_store.milvus_store import MilvusStore

_FOLDER = "milvus_lite"
_SOCKET = "llmflow-milvus-"
_UNFLUSHED = 1_000  # rows; it reads them one by one, and columns of a closed segment at once
_MESSAGE_BYTES = 256 << 20
_TIMEOUT_S = 300.0


class _Service(MilvusServicer):  # type: ignore[misc]
    """With the one call of Milvus's that it lacks and its client needs."""

    def AllocTimestamp(self, request: Any, context: Any) -> Any:
        stamp = int(time.time() * 1000) << 18  # as Milvus's: milliseconds, then a counter
        return milvus_pb2.AllocTimestampResponse(timestamp=stamp)


class MilvusLiteVectorStore(MilvusStore):
    """`path`: the folder that its own lies in. One process owns it."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path), Layout(index="FLAT"), timeout_s=_TIMEOUT_S)
        self._path = path / _FOLDER
        self._engine: _Engine | None = None

    async def close(self) -> None:
        await super().close()
        if self._engine is not None:
            await asyncio.to_thread(self._engine.close)
            self._engine = None

    async def _client(self) -> Any:
        if self._engine is None:
            self._engine = await asyncio.to_thread(_Engine, self._path)
        return AsyncMilvusClient(self._engine.address, dedicated=True)

    async def _written(self, collection: Collection) -> None:
        if collection.unflushed >= _UNFLUSHED:
            await collection.flush()


class _Engine:
    """Milvus Lite and its server. Raises OrganError for a folder that cannot be used."""

    def __init__(self, path: Path) -> None:
        try:
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._database = MilvusLite(str(path))
            for index in path.rglob("*.idx"):  # a kill leaves them half written, and then nothing is read any more;
                index.unlink()  # they are made anew from the rows when a collection is loaded
        except DataDirLockedError as error:
            hint = "Milvus Lite serves one process; stop the other, or use a Milvus server."
            raise OrganError(f"Another process has {path}.", hint=hint) from error
        except (OSError, MilvusLiteError) as error:
            hint = "Check organs.vector_store.path and that the folder may be written."
            raise OrganError(f"Milvus Lite cannot use {path}: {error}", hint=hint) from error
        self._note = path.with_name(f"{_FOLDER}.socket")
        _forget(self._note)
        self._socket = Path(tempfile.mkdtemp(prefix=_SOCKET))  # short, as a socket's name must be
        self._note.write_text(str(self._socket))
        sizes = [("grpc.max_receive_message_length", _MESSAGE_BYTES), ("grpc.max_send_message_length", _MESSAGE_BYTES)]
        self._server = grpc.server(ThreadPoolExecutor(1, thread_name_prefix="milvus-lite"), options=sizes)
        milvus_pb2_grpc.add_MilvusServiceServicer_to_server(_Service(self._database), self._server)
        self.address = f"unix:{self._socket}/s"
        self._server.add_insecure_port(self.address)
        self._server.start()

    def close(self) -> None:
        self._server.stop(grace=2).wait()
        self._database.close()
        _forget(self._note)


def _forget(note: Path) -> None:
    """Removes the socket's folder that the note names: this process's, or what a killed one left."""
    if note.exists():
        left = Path(note.read_text())
        if left.name.startswith(_SOCKET) and left.parent == Path(tempfile.gettempdir()):
            shutil.rmtree(left, ignore_errors=True)
        note.unlink()

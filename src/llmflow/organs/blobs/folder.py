"""Blobs in a folder: `ab/cd/abcd...` by SHA-256, written under `tmp/` and moved into place when complete and synced."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import hashlib
import os
import re
import shutil
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import BinaryIO, ParamSpec, TypeVar

from llmflow.errors import NotFound, OrganError, TooLarge
from llmflow.ports.blobs import BlobInfo
from llmflow.ports.health import Health

P = ParamSpec("P")
T = TypeVar("T")

_THREADS = 4
_PIECE_BYTES = 256 * 1024  # one hop to a thread a piece
_DIGEST = re.compile(r"[0-9a-f]{64}")
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class FolderBlobs:
    """The `blobs` port over a folder. Files are 0600 and folders 0700; nothing is opened before the first call."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="blobs")
        self._prepared = False
        self._preparing = asyncio.Lock()

    async def put(self, chunks: AsyncIterator[bytes], *, max_bytes: int | None = None) -> BlobInfo:
        await self._prepare()
        draft = await self._run(_Draft, self._path / "tmp")
        try:
            waiting = bytearray()
            async for chunk in chunks:
                waiting += chunk
                if max_bytes is not None and draft.size + len(waiting) > max_bytes:
                    raise TooLarge(f"The content is larger than {max_bytes} bytes.")
                if len(waiting) >= _PIECE_BYTES:
                    await self._run(draft.write, bytes(waiting))
                    waiting.clear()
            return await self._run(self._keep, draft, bytes(waiting))
        finally:
            await self._run(draft.discard)

    async def read(self, digest: str) -> AsyncIterator[bytes]:
        await self._prepare()
        file = await self._run(self._open, digest)
        try:
            while piece := await self._run(file.read, _PIECE_BYTES):
                yield piece
        finally:
            file.close()

    def local(self, digest: str) -> AbstractAsyncContextManager[Path]:
        return self._local(digest)

    @asynccontextmanager
    async def _local(self, digest: str) -> AsyncIterator[Path]:
        await self._prepare()
        path = self._place(digest)
        if not await self._run(path.is_file):
            raise _missing(digest)
        yield path

    async def delete(self, digest: str) -> None:
        await self._prepare()
        if _DIGEST.fullmatch(digest):
            await self._run(_remove, self._place(digest))

    async def digests(self) -> AsyncIterator[list[str]]:
        await self._prepare()
        for first in range(256):
            found = await self._run(_files, self._path / f"{first:02x}")
            if found:
                yield found

    async def health(self) -> Health:
        where = str(self._path)
        try:
            await self._prepare()
            free = (await self._run(shutil.disk_usage, self._path)).free
            writable = await self._run(os.access, self._path / "tmp", os.W_OK)
        except OrganError as error:
            return Health(ok=False, where=where, detail=error.message, hint=error.hint)
        if not writable:
            return Health(ok=False, where=where, hint="Make the folder writable for the user LLMFlow runs as.")
        return Health(ok=True, where=where, detail=f"{free / 1e9:.1f} GB free")

    async def close(self) -> None:
        await asyncio.to_thread(self._pool.shutdown)

    async def _prepare(self) -> None:
        if self._prepared:
            return
        async with self._preparing:
            if not self._prepared:
                await self._run(_clean, self._path / "tmp")
                self._prepared = True

    async def _run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """In the pool. A cancelled caller still waits for the thread, so that no file is closed under its hands."""
        future = asyncio.get_running_loop().run_in_executor(self._pool, lambda: _told(work, *args, **kwargs))
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            await asyncio.wait([future])
            raise

    def _place(self, digest: str) -> Path:
        if not _DIGEST.fullmatch(digest):
            raise _missing(digest)
        return self._path / digest[:2] / digest[2:4] / digest

    def _open(self, digest: str) -> BinaryIO:
        try:
            return self._place(digest).open("rb")
        except FileNotFoundError:
            raise _missing(digest) from None

    def _keep(self, draft: _Draft, last: bytes) -> BlobInfo:
        draft.write(last)
        info = BlobInfo(digest=draft.digest, size=draft.size)
        place = self._place(info.digest)
        with contextlib.suppress(FileNotFoundError):
            if place.stat().st_size == info.size:
                return info
        draft.sync()
        for folder in (place.parent.parent, place.parent):
            _make_folder(folder)
        draft.path.replace(place)
        _sync_folder(place.parent)
        return info


class _Draft:
    """A file being written, locked as long as its writer lives: one that can be locked was left by a dead process."""

    def __init__(self, folder: Path) -> None:
        self._file, self.path = self._create(folder)
        self._sha256 = hashlib.sha256()
        self.size = 0

    @staticmethod
    def _create(folder: Path) -> tuple[BinaryIO, Path]:
        while True:
            path = folder / uuid.uuid4().hex
            file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb", buffering=0)
            fcntl.flock(file, fcntl.LOCK_EX)
            if path.exists():  # a cleaner may have come between the open and the lock
                return file, path
            file.close()

    @property
    def digest(self) -> str:
        return self._sha256.hexdigest()

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        self._sha256.update(view)
        self.size += len(view)
        while view:
            view = view[self._file.write(view) :]

    def sync(self) -> None:
        os.fsync(self._file.fileno())

    def discard(self) -> None:
        """Ends the draft; does nothing to a file that was moved into place."""
        self.path.unlink(missing_ok=True)
        self._file.close()


def _clean(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.parent.chmod(0o700)
    for path in folder.iterdir():
        with contextlib.suppress(FileNotFoundError, BlockingIOError), path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()


def _files(folder: Path) -> list[str]:
    return [path.name for path in folder.glob("??/*") if _DIGEST.fullmatch(path.name)]


def _make_folder(folder: Path) -> None:
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
        _sync_folder(folder.parent)


def _remove(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _missing(digest: str) -> NotFound:
    return NotFound(f"There is no stored file {digest[:80]!r}.")


def _told(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    with _as_organ_error():
        return work(*args, **kwargs)


@contextmanager
def _as_organ_error() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise OrganError(f"No space left for files ({error.strerror}).", code="disk_full") from error
        raise OrganError(
            f"The folder for files failed: {error.strerror or error}: {error.filename or ''}".rstrip(": "),
            hint="Check that the disk is there and that the user LLMFlow runs as may write to the folder.",
        ) from error

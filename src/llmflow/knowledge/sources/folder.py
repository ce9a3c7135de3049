"""A folder of this machine, below one that llmflow.yaml allows."""

from __future__ import annotations

import asyncio
import fnmatch
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from llmflow.errors import Forbidden, NotFound, OrganError
from llmflow.knowledge.sources.types import Content, Entry
from llmflow.knowledge.unpack import JOIN

_PIECE = 1 << 20  # bytes
_AT_ONCE = 500  # files looked at before others have their turn


class Folder:
    """`roots`: folders that may be read with all they hold. Hidden files, and links that lead out, are passed over."""

    def __init__(self, path: str, include: Sequence[str], roots: Sequence[str]) -> None:
        self._include = [pattern.lower() for pattern in include]
        self._path = allowed(path, roots)

    async def entries(self) -> AsyncIterator[Entry]:
        if not await asyncio.to_thread(self._path.is_dir):
            raise NotFound(f"There is no folder {self._path}.", hint="Is its disk mounted?")
        walk = self._walk()
        while found := await asyncio.to_thread(_some, walk):
            for entry in found:
                yield entry

    @asynccontextmanager
    async def content(self, entry: Entry, stamp: str) -> AsyncIterator[Content | None]:
        path = self._path / entry.ref
        try:
            if not (await asyncio.to_thread(path.resolve)).is_relative_to(self._path):
                raise Forbidden(f"{entry.ref} leads out of the folder.")
            file = await asyncio.to_thread(path.open, "rb")
        except FileNotFoundError as error:
            raise NotFound(f"{entry.ref} is gone.") from error
        except OSError as error:
            raise OrganError(f"{entry.ref} cannot be read: {error.strerror}.", hint="Check its rights.") from error

        async def pieces() -> AsyncIterator[bytes]:
            while piece := await asyncio.to_thread(file.read, _PIECE):
                yield piece

        with file:
            yield Content(entry.stamp, pieces())

    def _walk(self) -> Iterator[Entry]:
        def stop(error: OSError) -> None:
            raise OrganError(f"{error.filename} cannot be read: {error.strerror}.", hint="Check its rights.")

        for folder, folders, names in os.walk(self._path, onerror=stop):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                path = Path(folder, name)
                ref = path.relative_to(self._path).as_posix()
                if name.startswith(".") or not self._is_wanted(ref) or not path.resolve().is_relative_to(self._path):
                    continue
                try:
                    stat = path.stat()
                except OSError:  # gone since, or a link to nothing
                    continue
                if path.is_file():
                    yield Entry(ref, ref.replace("/", JOIN), f"{stat.st_mtime_ns}:{stat.st_size}", stat.st_size)

    def _is_wanted(self, ref: str) -> bool:
        return not self._include or any(fnmatch.fnmatchcase(ref.lower(), pattern) for pattern in self._include)


def allowed(path: str, roots: Sequence[str]) -> Path:
    """The folder itself, links followed. Raises Forbidden where it lies in none of `roots`."""
    wanted = Path(path).expanduser().resolve()
    if any(wanted.is_relative_to(Path(root).expanduser().resolve()) for root in roots):
        return wanted
    raise Forbidden(
        f"LLMFlow may not read {path}.",
        code="folder_not_allowed",
        hint="An operator names the folders that may be read: knowledge.source_folders in llmflow.yaml.",
    )


def _some(walk: Iterator[Entry]) -> list[Entry]:
    return [entry for entry, _ in zip(walk, range(_AT_ONCE), strict=False)]

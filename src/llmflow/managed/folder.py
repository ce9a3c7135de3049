"""The files of one managed server: `organs/NAME` in the home."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec

from llmflow.errors import Conflict

T = TypeVar("T", bound=msgspec.Struct)


class Installed(msgspec.Struct, frozen=True):
    """Written last, so it is there only when an installation is whole. `build`: cpu or gpu."""

    fingerprint: str
    version: str
    build: str
    disk_mb: int


class Wanted(msgspec.Struct, frozen=True):
    """What people want of it: whether it runs, with what chosen, and which adapters (name: path) it serves."""

    running: bool = False
    chosen: dict[str, str | int] = {}
    adapters: dict[str, str] = {}


class Last(msgspec.Struct, frozen=True):
    """The start before this one, by which its rest is found if all of it was killed: the session of its processes."""

    session: int
    port: int


class OrganFolder:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.venv = path / "venv"
        self.weights = path / "weights"
        self.work = path / "work"  # where it runs
        self.log = path / "server.log"
        self.install_log = path / "install.log"
        self.key = path / "key.sealed"

    @property
    def python(self) -> Path:
        return self.venv / "bin" / "python"

    @property
    def site(self) -> Path:
        return self.venv / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"

    @property
    def is_begun(self) -> bool:
        """Somebody began to install it, whether or not that came to its end."""
        return self.venv.exists()

    def prepare(self) -> None:
        for folder in (self.path, self.work):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def installed(self) -> Installed | None:
        return _read(self.path / "installed.json", Installed)

    def set_installed(self, installed: Installed | None) -> None:
        _write(self.path / "installed.json", installed)

    def wanted(self) -> Wanted:
        return _read(self.path / "wanted.json", Wanted) or Wanted()

    def set_wanted(self, wanted: Wanted) -> None:
        _write(self.path / "wanted.json", wanted)

    def last(self) -> Last | None:
        return _read(self.path / "last.json", Last)

    def set_last(self, last: Last) -> None:
        _write(self.path / "last.json", last)

    def remove(self) -> None:
        """Deletes all of it; the marker first, so that what is left of a broken removal is not taken for whole."""
        self.set_installed(None)
        shutil.rmtree(self.path)

    @contextmanager
    def installing(self) -> Iterator[None]:
        """Held while somebody installs, in whatever process. Raises Conflict (organ_installing)."""
        self.prepare()
        with (self.path / "install.lock").open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                message = f"{self.path.name} is being installed by another process."
                raise Conflict(message, code="organ_installing") from error
            yield

    def tail(self, lines: int, *, install: bool = False) -> list[str]:
        """The last lines of its log, oldest first."""
        return tail(self.install_log if install else self.log, lines)


_LINE_BYTES = 1000  # longer than most, for how far back to look
_LEAST_BYTES = 64 * 1024


def tail(path: Path, lines: int, *, end: int | None = None) -> list[str]:
    """The last lines of a log and, where it has just been turned, of the one before it; oldest first. `end`: only what
    stands before this byte."""
    found = _end_of(path, lines, end)
    if len(found) < lines:
        found = [*_end_of(path.with_name(f"{path.name}.1"), lines, None), *found]
    return found[-lines:] if lines else []


def _end_of(path: Path, lines: int, end: int | None) -> list[str]:
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size if end is None else end
            start = max(0, size - max(lines * _LINE_BYTES, _LEAST_BYTES))
            file.seek(start)
            read = file.read(size - start).decode("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return []
    return read[1:] if start else read


def _read(path: Path, kind: type[T]) -> T | None:
    """None where it is missing or was cut."""
    with contextlib.suppress(FileNotFoundError, msgspec.DecodeError):
        return msgspec.json.decode(path.read_bytes(), type=kind)
    return None


def _write(path: Path, value: msgspec.Struct | None) -> None:
    """Whole or as it was; None deletes."""
    if value is None:
        path.unlink(missing_ok=True)
        return
    draft = path.with_name(f"{path.name}.new")
    draft.write_bytes(msgspec.json.encode(value))
    draft.replace(path)

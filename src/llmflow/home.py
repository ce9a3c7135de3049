"""The home folder: who owns it now, and the token by which the command line reaches the running server."""

from __future__ import annotations

import errno
import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import msgspec

from llmflow.errors import ConfigError

_PROBE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Running:
    """The server that owns a home."""

    pid: int
    url: str


def prepare(home: Path) -> None:
    """Makes the home (0700). Raises ConfigError (home_unwritable)."""
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = home / ".probe"
        try:
            probe.write_bytes(b"\0" * _PROBE_BYTES)
        finally:
            probe.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(home, error) from error


def unwritable(home: Path, error: OSError) -> ConfigError:
    """home_unwritable, or disk_full where that is the reason."""
    message = f"The home {home} cannot be written: {error.strerror}{f' ({error.filename})' if error.filename else ''}."
    return ConfigError(message, code="disk_full" if error.errno == errno.ENOSPC else "home_unwritable")


class HomeLock:
    """Held while a server runs on a home; the kernel frees it when the process dies, however it dies."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._file: IO[bytes] | None = None

    def acquire(self) -> None:
        """Raises ConfigError (home_in_use), naming the process that has it, and ConfigError (home_unwritable)."""
        try:
            file = (self._home / "llmflow.lock").open("ab")
        except OSError as error:
            raise unwritable(self._home, error) from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.close()
            owner = running(self._home)
            who = f"process {owner.pid} at {owner.url}" if owner else "another process that is just starting"
            raise ConfigError(f"The home {self._home} is in use by {who}.", code="home_in_use") from error
        self._file = file
        (self._home / "server.json").unlink(missing_ok=True)

    def announce(self, url: str) -> None:
        """Tells the command line where the server is."""
        temporary = self._home / "server.json.new"
        temporary.write_bytes(msgspec.json.encode(Running(os.getpid(), url)))
        temporary.rename(self._home / "server.json")

    def release(self) -> None:
        if self._file is not None:
            (self._home / "server.json").unlink(missing_ok=True)
            self._file.close()
            self._file = None


def running(home: Path) -> Running | None:
    """The server that announced itself and still holds the home's lock: a process that has got a dead server's number,
    or a stranger on its port, is not taken for it."""
    try:
        found = msgspec.json.decode((home / "server.json").read_bytes(), type=Running)
        with (home / "llmflow.lock").open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return found
    except (OSError, msgspec.DecodeError):
        return None
    return None


def read_token(home: Path) -> str | None:
    path = home / "cli.token"
    return path.read_text("ascii").strip() if path.is_file() else None


def write_token(home: Path, token: str) -> None:
    """Readable by this user only."""
    path = home / "cli.token"
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(token + "\n")

"""What a call's process gives up before it runs people's code: its view of others, its rights, its means.

The process is forked by the zygote into namespaces that all calls share. Of its own it gets a process namespace (it is
its only member and can name no other process) and a mount namespace with an empty /tmp, which goes with it.
"""

from __future__ import annotations

import ctypes
import math
import os
import resource
import struct
from collections.abc import Callable
from dataclasses import dataclass

from llmflow.organs.sandbox.inside.filter import Filter

_CLONE_NEWNS, _CLONE_NEWPID = 0x00020000, 0x20000000
_MS_NOSUID, _MS_NODEV = 2, 4
_CAPABILITY_VERSION = 0x20080522
_OPEN_FILES = 64
_FILES = 2000  # in /tmp

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Limits:
    """Of one call. `seconds`: from its start to its end. `memory_mb`: address space, and a quarter as much in /tmp."""

    seconds: float
    memory_mb: int
    output_bytes: int


def _checked(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


class Births:
    """Gives processes that are forked meanwhile a process namespace of their own."""

    def __init__(self) -> None:
        self._self = os.pidfd_open(os.getpid())

    def fork(self) -> int:
        """As `os.fork`. Raises OSError."""
        _checked(_libc.unshare(_CLONE_NEWPID), "unshare")
        try:
            pid = os.fork()
        except OSError:
            self._back()
            raise
        if pid:
            self._back()
        return pid

    def _back(self) -> None:
        """The namespace for children is set once and must be reset before the next."""
        _checked(_libc.setns(self._self, _CLONE_NEWPID), "setns")


def shut(limits: Limits, filter: Filter, answer: int) -> None:
    """Leaves this process nothing but `answer`, as descriptor 3, and what the filter allows. Raises OSError."""
    _descriptors(answer)
    _own_tmp(limits)
    _rlimits(limits)
    _no_capabilities()
    filter.put_on()


def _descriptors(answer: int) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    os.dup2(answer, 3)
    os.closerange(4, 1 << 20)


def _own_tmp(limits: Limits) -> None:
    _checked(_libc.unshare(_CLONE_NEWNS), "unshare")
    options = f"size={max(1, limits.memory_mb // 4)}m,nr_inodes={_FILES},mode=0700".encode()
    _checked(_libc.mount(b"tmpfs", b"/tmp", b"tmpfs", _MS_NOSUID | _MS_NODEV, options), "mount /tmp")
    os.chdir("/tmp")  # noqa: S108  it was made just now


def _rlimits(limits: Limits) -> None:
    memory = limits.memory_mb << 20
    set_limit: Callable[[int, tuple[int, int]], None] = resource.setrlimit
    set_limit(resource.RLIMIT_AS, (memory, memory))
    set_limit(resource.RLIMIT_FSIZE, (memory, memory))
    seconds = math.ceil(limits.seconds) + 1  # should the zygote be kept from looking at the clock
    set_limit(resource.RLIMIT_CPU, (seconds, seconds))
    set_limit(resource.RLIMIT_NOFILE, (_OPEN_FILES, _OPEN_FILES))
    for nothing in (resource.RLIMIT_CORE, resource.RLIMIT_NPROC, resource.RLIMIT_MEMLOCK, resource.RLIMIT_MSGQUEUE):
        set_limit(nothing, (0, 0))


def _no_capabilities() -> None:
    header = ctypes.create_string_buffer(struct.pack("=Ii", _CAPABILITY_VERSION, 0))
    _checked(_libc.capset(header, ctypes.create_string_buffer(24)), "capset")

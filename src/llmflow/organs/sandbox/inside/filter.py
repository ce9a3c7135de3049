"""A seccomp filter: a list of system calls that are allowed; everything else is refused with EPERM.

Assembled here, in classic BPF, instead of with libseccomp: the list is all there is to it, its numbers are fixed for
ever, and nothing has to be found or loaded on the machine. A process under another architecture's numbers (32 bit on a
64 bit kernel) is killed. Numbers of x32 are on no list.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from collections.abc import Iterable, Mapping

from llmflow.organs.sandbox.inside.syscalls import AUDIT_ARCH, Allowed, allowed

_LOAD, _JUMP_EQUAL, _RETURN = 0x20, 0x15, 0x06  # BPF_LD|W|ABS, BPF_JMP|JEQ|K, BPF_RET|K
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER, _ARCH, _ARGS = 0, 4, 16  # where they stand in seccomp_data
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _MODE_FILTER = 38, 22, 2


class _Program(ctypes.Structure):
    """sock_fprog"""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def assemble(machine: str) -> bytes:
    """The filter's program for a machine (`platform.machine()`). Raises KeyError for one without a list."""
    program = [
        _instruction(_LOAD, _ARCH),
        _instruction(_JUMP_EQUAL, AUDIT_ARCH[machine], if_true=1),
        _instruction(_RETURN, _KILL),
        _instruction(_LOAD, _NUMBER),
    ]
    numbers = allowed(machine)
    program += _plain(numbers)
    program += _with_arguments(numbers)
    program.append(_instruction(_RETURN, _ERRNO | errno.EPERM))
    return b"".join(program)


def _plain(numbers: Mapping[int, Allowed]) -> Iterable[bytes]:
    for number, rule in numbers.items():
        if rule.refused_with:
            yield _instruction(_JUMP_EQUAL, number, if_false=1)
            yield _instruction(_RETURN, _ERRNO | rule.refused_with)
        elif rule.argument is None:
            yield _instruction(_JUMP_EQUAL, number, if_false=1)
            yield _instruction(_RETURN, _ALLOW)


def _with_arguments(numbers: Mapping[int, Allowed]) -> Iterable[bytes]:
    """Calls of which only some values of one argument are allowed: its low half is one of them, and where the kernel
    looks at the whole, its high half is 0."""
    for number, rule in numbers.items():
        if rule.argument is None or rule.refused_with:
            continue
        low = _ARGS + 8 * rule.argument
        body = [_instruction(_LOAD, low)]
        for value in rule.values:
            if rule.is_wide:
                body += [
                    _instruction(_JUMP_EQUAL, value, if_false=3),
                    _instruction(_LOAD, low + 4),
                    _instruction(_JUMP_EQUAL, 0, if_false=1),
                    _instruction(_RETURN, _ALLOW),
                    _instruction(_LOAD, low),
                ]
            else:
                body += [_instruction(_JUMP_EQUAL, value, if_false=1), _instruction(_RETURN, _ALLOW)]
        body.append(_instruction(_RETURN, _ERRNO | errno.EPERM))
        yield _instruction(_JUMP_EQUAL, number, if_false=len(body))
        yield from body


class Filter:
    """Ready to be put on a process; nothing takes it off again."""

    def __init__(self, machine: str) -> None:
        self._code = assemble(machine)
        self._program = _Program(len(self._code) // 8, self._code)
        self._libc = ctypes.CDLL(None, use_errno=True)

    def put_on(self) -> None:
        """On this process, from now on. Raises OSError."""
        if self._libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
            raise _error("no_new_privs")
        if self._libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(self._program), 0, 0) != 0:
            raise _error("seccomp")


def _error(what: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, f"{what}: {os.strerror(number)}")

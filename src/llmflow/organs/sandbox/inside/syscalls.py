"""The system calls that code may make: memory, time, files of its own view, and waiting. Numbers by architecture.

Not among them, and so refused: starting processes and threads, other programs, signals to anyone, tracing, other
processes' memory, namespaces, mounts, sockets (but a pair within the process, which asyncio wants), keys, io_uring,
BPF, performance counters, shared memory and message queues, changing identity or limits.
"""

from __future__ import annotations

import errno
import fcntl
from collections.abc import Mapping
from dataclasses import dataclass

AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}


@dataclass(frozen=True)
class Allowed:
    """`argument`: the place of the one that must be one of `values`. `is_wide`: the kernel reads all its 64 bits.
    `refused_with`: no allowance at all, but another error than EPERM, so that the C library tries an older call."""

    argument: int | None = None
    values: tuple[int, ...] = ()
    is_wide: bool = False
    refused_with: int = 0


_FREE = Allowed()
_FILE_COMMANDS = (
    fcntl.F_DUPFD,
    fcntl.F_DUPFD_CLOEXEC,
    fcntl.F_GETFD,
    fcntl.F_SETFD,
    fcntl.F_GETFL,
    fcntl.F_SETFL,
    fcntl.F_GETLK,
    fcntl.F_SETLK,
    fcntl.F_SETLKW,
)
_DEVICE_COMMANDS = (0x5401, 0x5421, 0x541B, 0x5450, 0x5451)  # TCGETS, FIONBIO, FIONREAD, FIONCLEX, FIOCLEX
_ARGUMENTS = {
    "fcntl": Allowed(1, _FILE_COMMANDS),  # above all no F_SETOWN, which has the kernel send signals
    "ioctl": Allowed(1, _DEVICE_COMMANDS),
    "socketpair": Allowed(0, (1,)),  # AF_UNIX
    "prlimit64": Allowed(2, (0,), is_wide=True),  # looking, not setting
}
_REFUSED = {"clone3": Allowed(refused_with=errno.ENOSYS), "openat2": Allowed(refused_with=errno.ENOSYS)}

_X86_64: Mapping[str, int] = {
    **{"read": 0, "write": 1, "open": 2, "close": 3, "stat": 4, "fstat": 5, "lstat": 6, "poll": 7, "lseek": 8},
    **{"mmap": 9, "mprotect": 10, "munmap": 11, "brk": 12, "mremap": 25, "madvise": 28},
    **{"rt_sigaction": 13, "rt_sigprocmask": 14, "rt_sigreturn": 15, "rt_sigpending": 127, "rt_sigtimedwait": 128},
    **{"rt_sigsuspend": 130, "sigaltstack": 131, "pause": 34, "alarm": 37, "getitimer": 36, "setitimer": 38},
    **{"ioctl": 16, "pread64": 17, "pwrite64": 18, "readv": 19, "writev": 20, "access": 21, "pipe": 22, "select": 23},
    **{"sched_yield": 24, "dup": 32, "dup2": 33, "nanosleep": 35, "getpid": 39, "sendfile": 40, "sendto": 44},
    **{"recvfrom": 45, "shutdown": 48, "getsockname": 51, "getpeername": 52, "socketpair": 53, "getsockopt": 55},
    **{"exit": 60, "wait4": 61, "uname": 63, "fcntl": 72, "flock": 73, "fsync": 74, "fdatasync": 75, "truncate": 76},
    **{
        "ftruncate": 77,
        "getdents": 78,
        "getcwd": 79,
        "chdir": 80,
        "fchdir": 81,
        "rename": 82,
        "mkdir": 83,
        "rmdir": 84,
    },
    **{"creat": 85, "link": 86, "unlink": 87, "symlink": 88, "readlink": 89, "chmod": 90, "fchmod": 91, "umask": 95},
    **{"gettimeofday": 96, "getrlimit": 97, "getrusage": 98, "sysinfo": 99, "times": 100, "getuid": 102, "getgid": 104},
    **{"geteuid": 107, "getegid": 108, "getppid": 110, "getpgrp": 111, "getgroups": 115, "getresuid": 118},
    **{"getresgid": 120, "getpgid": 121, "getsid": 124, "statfs": 137, "fstatfs": 138, "gettid": 186, "time": 201},
    **{"futex": 202, "sched_getaffinity": 204, "epoll_create": 213, "getdents64": 217, "set_tid_address": 218},
    **{"fadvise64": 221, "clock_gettime": 228, "clock_getres": 229, "clock_nanosleep": 230, "exit_group": 231},
    **{"epoll_wait": 232, "epoll_ctl": 233, "openat": 257, "mkdirat": 258, "newfstatat": 262, "unlinkat": 263},
    **{"renameat": 264, "linkat": 265, "symlinkat": 266, "readlinkat": 267, "fchmodat": 268, "faccessat": 269},
    **{"pselect6": 270, "ppoll": 271, "set_robust_list": 273, "utimensat": 280, "epoll_pwait": 281, "fallocate": 285},
    **{"eventfd2": 290, "epoll_create1": 291, "dup3": 292, "pipe2": 293, "preadv": 295, "pwritev": 296},
    **{"prlimit64": 302, "getcpu": 309, "renameat2": 316, "getrandom": 318, "copy_file_range": 326, "statx": 332},
    **{"clone3": 435, "close_range": 436, "openat2": 437, "faccessat2": 439},
}
_AARCH64: Mapping[str, int] = {
    **{"getcwd": 17, "eventfd2": 19, "epoll_create1": 20, "epoll_ctl": 21, "epoll_pwait": 22, "dup": 23, "dup3": 24},
    **{"fcntl": 25, "ioctl": 29, "flock": 32, "mkdirat": 34, "unlinkat": 35, "symlinkat": 36, "linkat": 37},
    **{"renameat": 38, "statfs": 43, "fstatfs": 44, "truncate": 45, "ftruncate": 46, "fallocate": 47, "faccessat": 48},
    **{"chdir": 49, "fchdir": 50, "fchmod": 52, "fchmodat": 53, "openat": 56, "close": 57, "pipe2": 59},
    **{"getdents64": 61, "lseek": 62, "read": 63, "write": 64, "readv": 65, "writev": 66, "pread64": 67},
    **{"pwrite64": 68, "preadv": 69, "pwritev": 70, "sendfile": 71, "pselect6": 72, "ppoll": 73, "readlinkat": 78},
    **{"newfstatat": 79, "fstat": 80, "fsync": 82, "fdatasync": 83, "utimensat": 88, "exit": 93, "exit_group": 94},
    **{"set_tid_address": 96, "futex": 98, "set_robust_list": 99, "nanosleep": 101, "getitimer": 102},
    **{"setitimer": 103, "clock_gettime": 113, "clock_getres": 114, "clock_nanosleep": 115, "sched_getaffinity": 123},
    **{"sched_yield": 124, "sigaltstack": 132, "rt_sigsuspend": 133, "rt_sigaction": 134, "rt_sigprocmask": 135},
    **{"rt_sigpending": 136, "rt_sigtimedwait": 137, "rt_sigreturn": 139, "getresuid": 148, "getresgid": 150},
    **{"times": 153, "getpgid": 155, "getsid": 156, "getgroups": 158, "uname": 160, "getrlimit": 163},
    **{"getrusage": 165, "umask": 166, "getcpu": 168, "gettimeofday": 169, "getpid": 172, "getppid": 173},
    **{"getuid": 174, "geteuid": 175, "getgid": 176, "getegid": 177, "gettid": 178, "sysinfo": 179},
    **{"socketpair": 199, "getsockname": 204, "getpeername": 205, "sendto": 206, "recvfrom": 207, "getsockopt": 209},
    **{"shutdown": 210, "brk": 214, "munmap": 215, "mremap": 216, "mmap": 222, "fadvise64": 223, "mprotect": 226},
    **{"madvise": 233, "wait4": 260, "prlimit64": 261, "renameat2": 276, "getrandom": 278, "copy_file_range": 285},
    **{"statx": 291, "clone3": 435, "close_range": 436, "openat2": 437, "faccessat2": 439},
}
NUMBERS: Mapping[str, Mapping[str, int]] = {"x86_64": _X86_64, "aarch64": _AARCH64}


def allowed(machine: str) -> dict[int, Allowed]:
    """By number. Raises KeyError for a machine without a list."""
    special = _ARGUMENTS | _REFUSED
    return {number: special.get(name, _FREE) for name, number in NUMBERS[machine].items()}

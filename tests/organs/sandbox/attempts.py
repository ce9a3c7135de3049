"""Ways out of the sandbox, as code: `main` tells under "out" whether it got anywhere.

Each is tried inside, where it must not, and once outside in a plain process, where it must: an attempt that would fail
anyway shows nothing.
"""

from __future__ import annotations

_RAW = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
def refused(number, *arguments):
    ctypes.set_errno(0)
    return libc.syscall(number, *arguments) == -1 and ctypes.get_errno() == 1
"""

#: Inputs: `secret`, a file of the machine; `folder`, one that can be written; `port`, `unix`: where somebody listens.
ATTEMPTS = {
    "read a file of the machine": """
def main(secret, **_):
    return {"out": open(secret).read()}
""",
    "read it through a link": """
import os, tempfile
def main(secret, **_):
    link = tempfile.mkdtemp() + "/link"
    os.symlink(secret, link)
    return {"out": open(link).read()}
""",
    "read it by a way around": """
import os
def main(secret, **_):
    for root in ("/proc/1/root", "/proc/self/root", "/../../..", "/proc/self/cwd/../../.."):
        if os.path.exists(root + secret):
            return {"out": open(root + secret).read()}
    return {"out": ""}
""",
    "read the accounts of the machine": """
def main(**_):
    return {"out": open("/etc/passwd").read()}
""",
    "read another process's environment": """
import os
def main(**_):
    return {"out": open(f"/proc/{os.getppid() or 1}/environ", "rb").read().decode()}
""",
    "find the process's own memory map": """
def main(**_):
    return {"out": open("/proc/self/maps").read()}
""",
    "write a file of the machine": """
def main(folder, **_):
    open(folder + "/written", "w").write("x")
    return {"out": "written"}
""",
    "see the environment of the server": """
import os
def main(**_):
    return {"out": os.environ.get("LLMFLOW_TEST_SECRET", "")}
""",
    "reach a port of the machine": """
import socket
def main(port, **_):
    with socket.create_connection(("127.0.0.1", port), 2) as there:
        return {"out": there.recv(9).decode()}
""",
    "reach a unix socket of the machine": """
import socket
def main(unix, **_):
    with socket.socket(socket.AF_UNIX) as there:
        there.connect(unix)
        return {"out": there.recv(9).decode()}
""",
    "open a network socket": """
import socket
def main(**_):
    return {"out": str(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))}
""",
    "open a unix socket": """
import socket
def main(**_):
    return {"out": str(socket.socket(socket.AF_UNIX))}
""",
    "look up a name": """
import socket
def main(**_):
    return {"out": socket.getaddrinfo("localhost", 80)[0][4][0]}
""",
    "ask the kernel about the network": """
import socket
def main(**_):
    return {"out": str(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0))}
""",
    "start a process by fork": """
import os
def main(**_):
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    return {"out": str(pid)}
""",
    "start a program": """
import subprocess, sys
def main(**_):
    return {"out": subprocess.run([sys.executable, "-c", "print('ran')"], capture_output=True).stdout.decode()}
""",
    "start a program with system": """
import os
def main(**_):
    return {"out": "" if os.system("true") else "ran"}
""",
    "become another program": """
import os, sys
def main(**_):
    os.execv(sys.executable, [sys.executable, "-c", "print('{\\"out\\": \\"ran\\"}')"])
""",
    "start a thread": """
import threading
def main(**_):
    threading.Thread(target=lambda: None).start()
    return {"out": "started"}
""",
    "reach system through the subclasses of object": """
def main(**_):
    for kind in ().__class__.__base__.__subclasses__():
        names = getattr(getattr(kind, "__init__", None), "__globals__", {})
        if "system" in names:
            return {"out": "" if names["system"]("true") else "ran"}
    return {"out": ""}
""",
    "send a signal": """
import os
def main(**_):
    os.kill(os.getppid() or 1, 0)
    return {"out": "sent"}
""",
    "have the kernel send signals": """
import fcntl, os
def main(**_):
    fcntl.fcntl(os.pipe()[0], fcntl.F_SETOWN, 1)
    return {"out": "set"}
""",
    "hold a process by a descriptor": """
import os
def main(**_):
    return {"out": str(os.pidfd_open(os.getpid()))}
""",
    "be traced": _RAW
    + """
def main(**_):
    return {"out": "" if libc.ptrace(0, 0, 0, 0) else "traced"}
""",
    "make a namespace": _RAW
    + """
def main(**_):
    return {"out": "" if libc.unshare(0x10000000) else "made"}
""",
    "make a mount": _RAW
    + """
def main(folder, **_):
    if libc.unshare(0x20000) or libc.mount(b"none", b"/", 0, 0x44000, 0):  # private: nobody else shall see it
        return {"out": ""}
    return {"out": "" if libc.mount(b"x", folder.encode(), b"tmpfs", 0, 0) else "made"}
""",
    "make memory that others may map": """
import os
def main(**_):
    return {"out": str(os.memfd_create("x"))}
""",
    "share memory": _RAW
    + """
def main(**_):
    segment = libc.shmget(0, 4096, 0o1600)
    return {"out": "" if segment < 0 or libc.shmctl(segment, 0, 0) else "shared"}  # and removed
""",
    "raise its own limits": """
import resource
def main(**_):
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, 1000))
    return {"out": "raised"}
""",
    "take more memory than it may": """
import mmap
def main(**_):
    held = [mmap.mmap(-1, 64 << 20) for _ in range(8)]
    return {"out": str(len(held))}
""",
    "write a large file": """
import os, tempfile
def main(**_):
    with tempfile.TemporaryFile() as file:
        os.posix_fallocate(file.fileno(), 0, 300 << 20)
        return {"out": "written"}
""",
    "make thousands of files": """
import tempfile
def main(**_):
    with tempfile.TemporaryDirectory() as folder:
        for number in range(3000):
            open(f"{folder}/{number}", "w").close()
    return {"out": "made"}
""",
    "open hundreds of files": """
import os
def main(**_):
    return {"out": str(len([os.open("/dev/null", os.O_RDONLY) for _ in range(200)]))}
""",
}

#: System calls that must be refused before the kernel looks at their arguments, which are all nonsense here.
#: (x86-64, arm64)
REFUSED = {
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kill": (62, 129),
    "tgkill": (234, 131),
    "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138),
    "pidfd_send_signal": (424, 424),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "clone": (56, 220),
    "execve": (59, 221),
    "execveat": (322, 281),
    "setns": (308, 268),
    "unshare": (272, 97),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "move_mount": (429, 429),
    "open_tree": (428, 428),
    "fsopen": (430, 430),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "socket": (41, 198),
    "connect": (42, 203),
    "bind": (49, 200),
    "sendmsg": (46, 211),
    "memfd_create": (319, 279),
    "shmget": (29, 194),
    "mq_open": (240, 180),
    "msgget": (68, 186),
    "semget": (64, 190),
    "inotify_init1": (294, 26),
    "fanotify_init": (300, 262),
    "open_by_handle_at": (304, 265),
    "name_to_handle_at": (303, 264),
    "prctl": (157, 167),
    "seccomp": (317, 277),
    "setuid": (105, 146),
    "setgroups": (116, 159),
    "capset": (126, 91),
    "personality": (135, 92),
    "mknodat": (259, 33),
    "mlock": (149, 228),
    "timer_create": (222, 107),
    "quotactl": (179, 60),
    "syslog": (103, 116),
    "sethostname": (170, 161),
    "vmsplice": (278, 75),
    "process_madvise": (440, 440),
    "mount_setattr": (442, 442),
    "landlock_create_ruleset": (444, 444),
    "memfd_secret": (447, 447),
}
TRY_ALL = (
    _RAW
    + """
def main(numbers, **_):
    return {"refused": [name for name, number in numbers.items() if refused(number, -1, -1, -1, -1, -1, -1)]}
"""
)

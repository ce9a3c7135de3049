"""The command that shuts the zygote in: bubblewrap, with all that it may see named one by one.

Everything lies at places of its own (/python, /packages, /sandbox), so that not even the names of the machine's folders
are known inside. All of it is read-only; there is no /proc, no /sys, no home and no device but four harmless ones.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from llmflow.errors import OrganError
from llmflow.organs.sandbox.inside.syscalls import NUMBERS
from llmflow.organs.sandbox.packages import Found

_INSIDE = Path(__file__).parent / "inside"
_PYTHON = PurePosixPath("/python")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")
_APART = "--unshare-user --unshare-pid --unshare-net --unshare-ipc --unshare-uts --unshare-cgroup-try".split()
_MODULE = "llmflow.organs.sandbox.inside.zygote"
_NOBODY = "65534"
_KERNEL = (5, 9)


def command(found: Found, arguments: Iterable[str]) -> list[str]:
    """The whole command line. Raises OrganError (sandbox_unavailable) where this machine cannot do it."""
    return [
        _bubblewrap(),
        *_APART,
        *("--uid", _NOBODY, "--gid", _NOBODY, "--hostname", "sandbox"),
        *("--cap-drop", "ALL", "--cap-add", "CAP_SYS_ADMIN"),  # in its own namespace, for each call's /tmp
        *("--die-with-parent", "--new-session"),
        *_environment(),
        *_python(),
        *_libraries(),
        *(word for device in _DEVICES for word in ("--dev-bind", device, device)),
        *_sandbox(),
        *(word for name, path in found.entries for word in ("--ro-bind", str(path), f"/packages/{name}")),
        *("--dir", "/packages", "--dir", "/tmp", "--remount-ro", "/", "--chdir", "/"),  # noqa: S108
        str(_PYTHON / "bin" / "python3"),
        *("-S", "-s", "-B", "-P", "-m", _MODULE),
        *arguments,
    ]


def _bubblewrap() -> str:
    if sys.platform != "linux":
        raise _cannot(f"code is run in Linux namespaces, and this is {platform.system()}")
    release = tuple(int(part) for part in platform.release().split("-")[0].split(".")[:2] if part.isdigit())
    if release < _KERNEL:
        raise _cannot(f"code needs Linux {_KERNEL[0]}.{_KERNEL[1]} or newer, and this is {platform.release()}")
    if platform.machine() not in NUMBERS:
        raise _cannot(f"code is run on {' and '.join(NUMBERS)} only, and this is {platform.machine()}")
    found = shutil.which("bwrap")
    if not found:
        raise _cannot("bubblewrap is not installed", "Install it: apt-get install bubblewrap (dnf, apk, pacman alike).")
    return found


def _cannot(why: str, hint: str = "") -> OrganError:
    return OrganError(f"Code cannot be run apart here: {why}.", code="sandbox_unavailable", hint=hint or None)


def _environment() -> Iterable[str]:
    values = {
        "PATH": "/python/bin",
        "HOME": "/tmp",  # noqa: S108
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "PYTHONPATH": "/sandbox",
        "LD_LIBRARY_PATH": "/python/lib",
        "OPENBLAS_NUM_THREADS": "1",  # there are no threads
        "OMP_NUM_THREADS": "1",
    }
    return ["--clearenv", *(word for name, value in values.items() for word in ("--setenv", name, value))]


def _python() -> Iterable[str]:
    """The interpreter and its standard library, without what is installed beside it."""
    stdlib = Path(sysconfig.get_path("stdlib"))
    place = _PYTHON / stdlib.relative_to(sys.base_prefix)
    executable = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    yield from ("--ro-bind", str(executable), str(_PYTHON / "bin" / "python3"), "--ro-bind", str(stdlib), str(place))
    for extra in ("site-packages", "dist-packages"):
        if (stdlib / extra).is_dir():
            yield from ("--tmpfs", str(place / extra), "--remount-ro", str(place / extra))
    if sysconfig.get_config_var("Py_ENABLE_SHARED"):
        name = str(sysconfig.get_config_var("INSTSONAME"))
        library = Path(str(sysconfig.get_config_var("LIBDIR"))) / name
        if library.exists():
            yield from ("--ro-bind", str(library), f"/python/lib/{name}")


def _libraries() -> Iterable[str]:
    """The folders of shared libraries, and where the loader looks them up."""
    multiarch = f"/usr/lib/{platform.machine()}-linux-gnu"
    folders = [multiarch] if Path(multiarch).is_dir() else ["/usr/lib", "/usr/lib64"]
    for folder in filter(os.path.isdir, folders):
        yield from ("--ro-bind", folder, folder)
    for folder in filter(os.path.isdir, ("/lib", "/lib64")):
        if Path(folder).is_symlink():
            yield from ("--symlink", str(Path(folder).readlink()), folder)
        elif folder == "/lib64" or folders[0] != multiarch:
            yield from ("--ro-bind", folder, folder)
        elif Path(inner := f"/lib/{platform.machine()}-linux-gnu").is_dir():
            yield from ("--ro-bind", inner, inner)
    if Path("/usr/lib64").is_dir() and folders[0] == multiarch:
        yield from ("--ro-bind", "/usr/lib64", "/usr/lib64")
    for extra in ("/etc/ld.so.cache", "/usr/share/zoneinfo"):
        if Path(extra).exists():
            yield from ("--ro-bind", extra, extra)


def _sandbox() -> Iterable[str]:
    place = PurePosixPath("/sandbox/llmflow/organs/sandbox/inside")
    yield from ("--ro-bind", str(_INSIDE), str(place))
    quickjs = importlib.util.find_spec("_quickjs")
    assert quickjs is not None
    assert quickjs.origin is not None
    yield from ("--ro-bind", quickjs.origin, f"/sandbox/{Path(quickjs.origin).name}")

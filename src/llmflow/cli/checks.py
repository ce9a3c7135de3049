"""What `doctor` sees of this machine without a server: Python, configuration, home, disk, port, OCR."""

from __future__ import annotations

import errno
import os
import platform
import shutil
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from llmflow.config.settings import Settings

_MB = 1024 * 1024
_OCR_HINT = "Scanned pages will not be read. apt-get install {packages}"


@dataclass(frozen=True, slots=True)
class Check:
    """`note`: LLMFlow runs, something of it does not. `wrong`: it does not run. Both have a hint."""

    name: str
    state: Literal["ok", "note", "wrong"]
    detail: str
    hint: str = ""


def examine(settings: Settings, *, server: str | None) -> list[Check]:
    """Every check. `server`: the address of the LLMFlow that runs on this home, None when none does."""
    return [
        python_version(),
        configuration(settings),
        home_writable(settings.home),
        free_disk(settings.home, settings.limits.min_free_disk_mb),
        listening(settings.server.host, settings.server.port, server),
        tesseract(str(settings.organs["parser"].option("parser", "ocr_languages") or "")),
    ]


def python_version() -> Check:
    return Check("python", "ok", f"{platform.python_version()} on {platform.machine()}, {os.cpu_count()} cores")


def configuration(settings: Settings) -> Check:
    return Check("configuration", "ok", str(settings.file) if settings.file else "no llmflow.yaml: every default")


def home_writable(home: Path) -> Check:
    """A home that is not there yet is judged by the folder it would be made in."""
    there = _nearest(home)
    if not there.is_dir():
        return Check("home", "wrong", f"{there} is not a folder", "Choose another with --home or LLMFLOW_HOME.")
    if not os.access(there, os.W_OK | os.X_OK):
        return Check("home", "wrong", f"{there} cannot be written", "Choose another with --home or LLMFLOW_HOME.")
    return Check("home", "ok", str(home) if there == home else f"{home} (will be made)")


def free_disk(home: Path, least_mb: int) -> Check:
    free = shutil.disk_usage(_nearest(home)).free // _MB
    if free < least_mb:
        hint = f"Free some space: below {least_mb} MB uploads are refused (limits.min_free_disk_mb)."
        return Check("disk", "wrong", f"{free} MB free", hint)
    return Check("disk", "ok", f"{free:,} MB free")


def listening(host: str, port: int, server: str | None) -> Check:
    """Whether `up` could listen, or does already."""
    if server:
        return Check("server", "ok", f"running at {server}")
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            detail = f"not running; port {port} is used by another program"
            return Check("server", "wrong", detail, "Stop that program, or choose another port: llmflow up --port.")
        detail = f"not running; {host}:{port} cannot be listened on: {error.strerror or error}"
        return Check("server", "wrong", detail, "Correct server.host and server.port.")
    return Check("server", "ok", f"not running; {host}:{port} is free")


def tesseract(languages: str) -> Check:
    """OCR: the program and the language data that organs.parser.ocr_languages asks for ("kor+eng")."""
    wanted = [language for language in languages.split("+") if language]
    program = shutil.which("tesseract")
    if program is None:
        packages = " ".join(["tesseract-ocr", *(f"tesseract-ocr-{language}" for language in wanted)])
        return Check("ocr", "note", "Tesseract is not installed", _OCR_HINT.format(packages=packages))
    try:
        listed = subprocess.run([program, "--list-langs"], capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        return Check("ocr", "note", f"{program} does not work: {error}", "Install tesseract-ocr anew.")
    there = set(listed.stdout.split("\n")[1:])
    missing = [language for language in wanted if language not in there]
    if missing:
        packages = " ".join(f"tesseract-ocr-{language}" for language in missing)
        return Check("ocr", "note", f"Tesseract lacks {', '.join(missing)}", _OCR_HINT.format(packages=packages))
    return Check("ocr", "ok", f"Tesseract with {', '.join(wanted)}")


def _nearest(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    return next(path for path in (folder, *folder.parents) if path.exists())

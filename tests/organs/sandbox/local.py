"""What tests of the sandbox on this machine share."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from llmflow.organs.sandbox.bubblewrap import BubblewrapSandbox

needs_bubblewrap = pytest.mark.skipif(
    shutil.which("bwrap") is None and os.environ.get("CI") != "true", reason="bubblewrap is not installed"
)


def processes(sandbox: BubblewrapSandbox) -> list[int]:
    """Of the whole sandbox, level by level: bubblewrap's own, its child, the zygote, those of calls."""
    assert sandbox._zygote
    found = below = [sandbox._zygote.process.pid]
    while below:
        below = [int(child) for pid in below for child in _children_of(pid)]
        found = [*found, *below]
    return found


def children(sandbox: BubblewrapSandbox) -> int:
    """Processes of calls."""
    return len(processes(sandbox)[3:])


def _children_of(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []

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


def children(sandbox: BubblewrapSandbox) -> int:
    """Processes of calls: the grandchildren of bubblewrap's process that the zygote started."""
    assert sandbox._zygote
    below = [sandbox._zygote.process.pid]
    depths = []
    while below:
        below = [int(child) for pid in below for child in _children_of(pid)]
        depths.append(len(below))
    return sum(depths[2:])


def _children_of(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []

"""Clients that npm has, for tests that call a server with them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest


def npm_installed(package: str, folder: Path) -> Path:
    """The folder, with the package in it. Where that cannot be, the test is skipped; in CI it fails."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        if os.environ.get("CI"):
            pytest.fail(f"node is not installed; {package} must be tested here")
        pytest.skip("skipped: node is not installed")
    command: list[str | Path] = [npm, "install", "--prefix", folder, "--no-audit", "--no-fund", package]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    if done.returncode != 0:
        if os.environ.get("CI"):
            pytest.fail(done.stderr)
        pytest.skip(f"skipped: {package} cannot be installed here")
    return folder

"""The licence check refuses what binds users, asks about what it cannot read, and lets the rest pass."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def check(tmp_path: Path, *distributions: tuple[str, str], locked: str = "") -> subprocess.CompletedProcess[str]:
    """Runs the script over distributions made here: (name, the metadata lines about its licence)."""
    for name, lines in distributions:
        folder = tmp_path / f"{name.replace('-', '_')}-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {name}\nVersion: 1.0\n{lines}\n\nA package.\n")
    lock = tmp_path / "requirements.lock"
    # the reviewed table names these, and a row whose package is gone from the lock is itself a failure
    names = ["pypdfium2", "pystemmer", "quickjs-ng", *(name for name, _ in distributions), *locked.split()]
    lock.write_text("".join(f"{name}==1.0 \\\n    --hash=sha256:00\n" for name in names))
    return subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "check_licences.py"), "--lock", str(lock)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONUTF8": "1"},
    )


@pytest.mark.parametrize(
    "lines",
    [
        "License-Expression: MIT",
        "License-Expression: Apache-2.0 OR BSD-2-Clause",
        "License-Expression: (MIT OR GPL-2.0-only) AND BSD-3-Clause",
        "License-Expression: LGPL-3.0-only",
        "Classifier: License :: OSI Approved :: BSD License",
        "Classifier: License :: OSI Approved :: GNU Library or Lesser General Public License (LGPL)",
        "License: Apache 2.0",
        "License: MIT License\n        \n        Permission is hereby granted ...",
    ],
)
def test_a_permissive_licence_or_the_lgpl_passes_however_it_is_written(tmp_path: Path, lines: str) -> None:
    ran = check(tmp_path, ("made-up-good", lines))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "4 distributions, 0 not allowed." in ran.stdout


@pytest.mark.parametrize(
    "lines",
    [
        "License-Expression: GPL-3.0-or-later",
        "License-Expression: MIT AND AGPL-3.0-only",
        "License-Expression: GPL-2.0-only WITH Classpath-exception-2.0",
        "License-Expression: SSPL-1.0",
        "License-Expression: BUSL-1.1",
        "Classifier: License :: OSI Approved :: GNU General Public License v3 (GPLv3)",
        "Classifier: License :: OSI Approved :: GNU Affero General Public License v3",
        "Classifier: License :: OSI Approved :: MIT License\nLicense: GPL v2",
        "License: Business Source License 1.1",
        "License: Elastic License 2.0",
    ],
)
def test_a_licence_that_binds_users_fails_and_is_named(tmp_path: Path, lines: str) -> None:
    ran = check(tmp_path, ("made-up-bad", lines))
    assert ran.returncode == 1
    assert "REFUSED: made-up-bad says: " in ran.stdout


@pytest.mark.parametrize(
    "lines",
    [
        "Summary: it says nothing",
        "License: see the file",
        "License-Expression: LicenseRef-House",
        "License-Expression: MIT AND",
        "License-Expression: (MIT",
        "Classifier: License :: OSI Approved",
    ],
)
def test_a_licence_it_cannot_read_fails_and_says_what_to_do(tmp_path: Path, lines: str) -> None:
    ran = check(tmp_path, ("made-up-odd", lines))
    assert ran.returncode == 1
    assert "UNKNOWN: made-up-odd says: " in ran.stdout
    assert "add it to REVIEWED" in ran.stdout


def test_a_review_counts_only_while_the_package_says_the_same(tmp_path: Path) -> None:
    ran = check(tmp_path, ("pypdfium2", "License: something else now"))
    assert ran.returncode == 1
    assert "UNKNOWN: pypdfium2 says: something else now" in ran.stdout


def test_a_package_that_is_locked_but_not_installed_is_named_and_not_judged(tmp_path: Path) -> None:
    ran = check(tmp_path, ("made-up-good", "License-Expression: MIT"), locked="made-up-absent")
    assert ran.returncode == 0, ran.stdout
    assert "Not installed here, so not judged: made-up-absent" in ran.stdout


def test_a_review_of_a_package_that_left_the_lock_fails(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text("pytest==1.0\n")
    ran = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "check_licences.py"), "--lock", str(lock)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1
    assert "STALE: pypdfium2" in ran.stdout


def test_everything_llmflow_is_locked_to_is_allowed() -> None:
    ran = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "check_licences.py")], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout
    assert "0 not allowed." in ran.stdout


def test_the_project_carries_the_whole_apache_licence() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text

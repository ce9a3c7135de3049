"""What is installed, as the files say: for servers that do not run, and where no LLMFlow runs."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from llmflow.managed.folder import OrganFolder
from llmflow.managed.recipe import Recipe

RestState = Literal["absent", "broken", "outdated", "stopped"]


def place(path: str, home: Path) -> Path:
    """Where all servers' files are: `managed.path`, else organs/ in the home."""
    return Path(path or home / "organs").expanduser().absolute()


def is_current(recipe: Recipe, folder: OrganFolder) -> bool:
    """It is installed, whole, and as the recipe says."""
    installed = folder.installed()
    return installed is not None and installed.fingerprint == recipe.fingerprint and folder.python.exists()


def at_rest(recipe: Recipe, folder: OrganFolder) -> tuple[RestState, str, str]:
    """State, why it could not be started, and what to do about it."""
    again = f"Install it again: llmflow organs install {recipe.name}"
    if is_current(recipe, folder):
        return "stopped", "", ""
    if folder.installed() is not None:
        return "outdated", "Another version is installed than this LLMFlow runs.", again
    if folder.is_begun:
        return "broken", "Its installation did not come to its end.", again
    return "absent", "", ""

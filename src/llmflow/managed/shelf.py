"""Finds recipes: ours, and those that llmflow.yaml names."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Sequence

from llmflow.errors import ConfigError, NotFound
from llmflow.managed.recipe import Recipe
from llmflow.managed.recipes import infinity, unstructured, vllm

_OURS = (vllm.RECIPE, infinity.RECIPE, unstructured.RECIPE)


def recipes(more: Sequence[str] = ()) -> dict[str, Recipe]:
    """By name; `more`: module:NAME of recipes of yours, which replace ours of the same name. Raises ConfigError."""
    return {recipe.name: recipe for recipe in (*_OURS, *map(_imported, more))}


def _imported(target: str) -> Recipe:
    module, _, name = target.partition(":")
    try:
        found = getattr(importlib.import_module(module), name or "RECIPE")
    except (ImportError, AttributeError) as error:
        message = f"managed.recipes: {target} cannot be imported: {error}."
        raise ConfigError(message, param="managed.recipes") from error
    if not isinstance(found, Recipe):
        raise ConfigError(f"managed.recipes: {target} is no Recipe.", param="managed.recipes")
    return found


def unknown(name: str, known: Sequence[str]) -> NotFound:
    near = difflib.get_close_matches(name, known, 1)
    guess = f"Did you mean '{near[0]}'?" if near else f"There are: {', '.join(known)}."
    return NotFound(f"There is no managed organ '{name}'. {guess}", code="organ_unknown", param="name")

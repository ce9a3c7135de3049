"""Finds the node types: every Kind that a module of `nodes/` declares. Adding a type is adding its file."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from llmflow.workflow import nodes
from llmflow.workflow.kind import Kind


@cache
def kinds() -> Mapping[tuple[str, str], Kind]:
    """All node types by (type, version), aliases included."""
    found: dict[tuple[str, str], Kind] = {}
    for module in pkgutil.iter_modules(nodes.__path__):
        for value in vars(importlib.import_module(f"{nodes.__name__}.{module.name}")).values():
            if isinstance(value, Kind):
                for name in (value.type, *value.aliases):
                    found[name, value.version] = value
    return MappingProxyType(found)


def kind_of(type_name: str, version: str = "1") -> Kind | None:
    """None for a type, or a version of it, that nobody here runs."""
    return kinds().get((type_name, version or "1"))

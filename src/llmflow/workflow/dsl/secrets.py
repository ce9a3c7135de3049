"""The values of secret environment variables: hidden from people, kept when a hidden one comes back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llmflow.workflow.dsl.document import Tree, changed, mapping, text

HIDDEN = "[__HIDDEN__]"  # as Dify's console shows a secret that is set


def hidden(tree: Tree) -> Tree:
    """A copy that shows no secret: HIDDEN where one is set."""
    return _each(tree, lambda variable: HIDDEN if variable.get("value") not in (None, "") else "")


def emptied(tree: Tree) -> Tree:
    """A copy without secrets, as Dify exports it."""
    return _each(tree, lambda variable: "")


def unhidden(tree: Tree, kept: Tree) -> Tree:
    """A copy of what people changed, with the secrets of `kept` where they left HIDDEN; a secret that is new or was
    renamed is found by its id, else by its name."""
    secrets: dict[tuple[str, str], Any] = {}
    for item in _environment(kept):
        if _is_secret(item):
            secrets |= {(key, text(item.get(key))): item.get("value") for key in ("name", "id") if item.get(key)}

    def value(variable: Tree) -> Any:
        if variable.get("value") != HIDDEN:
            return variable.get("value", "")
        by_id = secrets.get(("id", text(variable.get("id"))))
        return by_id if by_id is not None else secrets.get(("name", text(variable.get("name"))), "")

    return _each(tree, value)


def _each(tree: Tree, value: Callable[[Tree], Any]) -> Tree:
    variables = _environment(tree)
    if not any(_is_secret(item) for item in variables):
        return tree
    new = [{**item, "value": value(item)} if _is_secret(item) else item for item in variables]
    return changed(tree, "workflow", "environment_variables", value=new)


def _environment(tree: Tree) -> list[Any]:
    found = mapping(tree.get("workflow")).get("environment_variables")
    return found if isinstance(found, list) else []


def _is_secret(item: Any) -> bool:
    return isinstance(item, dict) and item.get("value_type") == "secret"

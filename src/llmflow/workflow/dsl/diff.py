"""What differs in meaning between two versions of a design: not where a node stands on the canvas, but what it does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from llmflow.workflow.dsl.document import Document, Tree, mapping, mappings, text
from llmflow.workflow.dsl.secrets import hidden

#: Keys of a node's data and of its frame that an editor keeps for itself.
LAYOUT = frozenset({"selected", "width", "height", "_connectedSourceHandleIds", "_connectedTargetHandleIds"})
_MAX_SHOWN = 2000  # characters of a value


@dataclass(frozen=True, slots=True)
class Change:
    """A value at `path` ("model.completion_params.temperature", "cases[0].conditions") that was `old` and is `new`;
    None on the side where it is not there."""

    path: str
    old: Any
    new: Any


@dataclass(frozen=True, slots=True)
class NodeChange:
    id: str
    type: str
    title: str
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class EdgeChange:
    source: str
    handle: str
    target: str


@dataclass(frozen=True, slots=True)
class Diff:
    """From an older design to a newer one. `variables`: environment.NAME and conversation.NAME; `features`: of the app,
    or the whole configuration of an app without a graph; `moved`: nodes of which only the place changed."""

    added: tuple[NodeChange, ...]
    removed: tuple[NodeChange, ...]
    changed: tuple[NodeChange, ...]
    moved: tuple[str, ...]
    edges_added: tuple[EdgeChange, ...]
    edges_removed: tuple[EdgeChange, ...]
    variables: tuple[Change, ...]
    features: tuple[Change, ...]
    app: tuple[Change, ...]

    @property
    def is_empty(self) -> bool:
        """Whether both mean the same."""
        parts = (self.added, self.removed, self.changed, self.edges_added, self.edges_removed)
        return not any((*parts, self.variables, self.features, self.app))


def diff(old: Document, new: Document) -> Diff:
    """Secrets are compared and not shown."""
    changed_secrets = _secret_changes(old, new)
    before, after = Document(hidden(old.tree)), Document(hidden(new.tree))
    olds, news = _nodes(before), _nodes(after)
    both = [id for id in news if id in olds]
    changes = {id: tuple(_changes(_meaning(olds[id]), _meaning(news[id]))) for id in both}
    old_edges = dict.fromkeys(EdgeChange(e.source, e.handle, e.target) for e in before.edges)
    new_edges = dict.fromkeys(EdgeChange(e.source, e.handle, e.target) for e in after.edges)
    return Diff(
        added=tuple(_named(news[id]) for id in news if id not in olds),
        removed=tuple(_named(olds[id]) for id in olds if id not in news),
        changed=tuple(_named(news[id], changes[id]) for id in both if changes[id]),
        moved=tuple(id for id in both if not changes[id] and _place(olds[id]) != _place(news[id])),
        edges_added=tuple(edge for edge in new_edges if edge not in old_edges),
        edges_removed=tuple(edge for edge in old_edges if edge not in new_edges),
        variables=(*_changes(_variables(before), _variables(after)), *changed_secrets),
        features=tuple(_changes(before.features, after.features)),
        app=tuple(_changes(before.app, after.app)),
    )


def _nodes(document: Document) -> dict[str, Tree]:
    found = mappings(mapping(document.workflow.get("graph")).get("nodes"))
    return {text(item.get("id")): item for item in found}


def _named(item: Tree, changes: tuple[Change, ...] = ()) -> NodeChange:
    data = mapping(item.get("data"))
    return NodeChange(text(item.get("id")), text(data.get("type")), text(data.get("title")), changes)


def _meaning(item: Tree) -> Tree:
    data = {key: value for key, value in mapping(item.get("data")).items() if key not in LAYOUT}
    return {**data, **({"parentId": item["parentId"]} if item.get("parentId") else {})}


def _place(item: Tree) -> tuple[Any, ...]:
    return (item.get("position"), item.get("width"), item.get("height"))


def _variables(document: Document) -> Tree:
    return {
        **{f"environment.{v.name}": {"type": v.type, "value": v.value} for v in document.environment},
        **{f"conversation.{v.name}": {"type": v.type, "value": v.value} for v in document.conversation},
    }


def _secret_changes(old: Document, new: Document) -> Iterator[Change]:
    """Secrets that are set on both sides and differ: `hidden` makes them alike."""
    before = {v.name: v.value for v in old.environment if v.type == "secret" and v.value}
    for variable in new.environment:
        was = before.get(variable.name)
        if variable.type == "secret" and variable.value and was and was != variable.value:
            yield Change(f"environment.{variable.name}.value", "(secret)", "(another secret)")


def _changes(old: Any, new: Any, path: str = "") -> Iterator[Change]:
    """The smallest values that differ. Lists of equal length are compared item by item, others as a whole."""
    if old == new and type(old) is type(new):
        return
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in dict.fromkeys((*old, *new)):
            inner = f"{path}.{key}" if path else str(key)
            yield from _changes(old.get(key), new.get(key), inner)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from _changes(before, after, f"{path}[{index}]")
    else:
        yield Change(path, _shown(old), _shown(new))


def _shown(value: Any) -> Any:
    """Long texts are cut: a diff names what changed, the versions have it whole."""
    return value[:_MAX_SHOWN] + "…" if isinstance(value, str) and len(value) > _MAX_SHOWN else value

"""What a design calls by names of the installation it came from, and what that is here.

The document itself keeps the names it came with, so that an export says what was imported; a run gets `bound`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from llmflow.workflow.dsl.document import Document, Node, Tree, mapping, mappings, text

_SEALED = re.compile(r"[A-Za-z0-9+/]{40,}={0,2}")  # a data set's id as Dify's export encrypts it


@dataclass(frozen=True, slots=True)
class Bindings:
    """`datasets`: a data set's id in the document to ids of knowledge bases here; `models`: a model's name there (see
    `ModelUse.names`) to a model's id here, "" for the default."""

    datasets: Mapping[str, str] = field(default_factory=dict)
    models: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ModelUse:
    """A model that a design names. `provider`: "openai", or with its plugin "langgenius/openai/openai"."""

    provider: str
    name: str

    @property
    def shown(self) -> str:
        return f"{self.provider.rpartition('/')[2]}/{self.name}" if self.provider else self.name

    @property
    def names(self) -> tuple[str, ...]:
        """What a mapping may call it, the most exact first."""
        whole = f"{self.provider}/{self.name}" if self.provider else self.name
        return tuple(dict.fromkeys((whole, self.shown, self.name)))


def is_sealed(dataset_id: str) -> bool:
    """Whether the id is one that only the installation that exported it can read."""
    return _SEALED.fullmatch(dataset_id) is not None


def model_used(value: Any) -> ModelUse | None:
    """The model a setting {provider, name} names; None where it names none."""
    found = mapping(value)
    name = text(found.get("name") or found.get("model"))
    return ModelUse(text(found.get("provider")), name) if name else None


def chat_models(node: Node) -> Iterator[ModelUse]:
    """The language models that a node calls."""
    values = [node.data.get("model")]
    values += [mapping(p).get("value") for p in mapping(node.data.get("agent_parameters")).values()]
    for value in map(mapping, values):
        used = model_used(value) if "provider" in value else None
        if used is not None:
            yield used


def datasets(node: Node) -> tuple[str, ...]:
    """Ids of the data sets that a node searches, as they stand in the document."""
    found = node.data.get("dataset_ids")
    return tuple(text(item) for item in found if text(item)) if isinstance(found, list) else ()


def config_datasets(config: Tree) -> tuple[str, ...]:
    """Ids of the data sets of a `model_config`; early versions kept them among an agent's tools."""
    listed = mapping(mapping(config.get("dataset_configs")).get("datasets")).get("datasets")
    named = [mapping(item.get("dataset")) for item in mappings(listed)]
    named += [mapping(item.get("dataset")) for item in mappings(mapping(config.get("agent_mode")).get("tools"))]
    ids = [text(item.get("id")) for item in named if item.get("enabled", True)]
    return tuple(dict.fromkeys(id for id in ids if id))


def model_here(used: ModelUse, models: Mapping[str, str]) -> str | None:
    """The id a mapping gives for the model; None where it says nothing."""
    return next((models[name] for name in used.names if name in models), None)


def bound(document: Document, bindings: Bindings) -> Document:
    """A copy in which data sets and models have the names they have here. Data sets that were not mapped and are none
    of ours are left to whoever searches them."""
    graph = mapping(document.workflow.get("graph"))
    nodes = graph.get("nodes")
    if not isinstance(nodes, list) or not (bindings.datasets or bindings.models):
        return document
    new = [_bound_node(item, bindings) for item in nodes]
    return Document({**document.tree, "workflow": {**document.workflow, "graph": {**graph, "nodes": new}}})


def _bound_node(item: Any, bindings: Bindings) -> Any:
    if not isinstance(item, dict) or not isinstance(item.get("data"), dict):
        return item
    data = {key: _bound_value(value, bindings) for key, value in item["data"].items()}
    ids = data.get("dataset_ids")
    if isinstance(ids, list):
        data["dataset_ids"] = list(dict.fromkeys(bindings.datasets.get(text(id), id) for id in ids))
    return {**item, "data": data}


def _bound_value(value: Any, bindings: Bindings) -> Any:
    """{provider, name} anywhere in a node's data, with the name it has here."""
    if isinstance(value, list):
        return [_bound_value(item, bindings) for item in value]
    if not isinstance(value, dict):
        return value
    used = model_used(value) if "provider" in value else None
    here = model_here(used, bindings.models) if used else None
    if here is None:
        return {key: _bound_value(item, bindings) for key, item in value.items()}
    return {**value, "provider": "", ("name" if "name" in value else "model"): here}

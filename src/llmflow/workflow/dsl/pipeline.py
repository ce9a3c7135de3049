"""What is particular to a pipeline of knowledge: its data sources, the form of each, and the base it writes to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from llmflow.workflow.dsl.document import Document, Node, Tree, mapping, mappings, text
from llmflow.workflow.nodes.datasource import DatasourceData
from llmflow.workflow.nodes.start import InputVariable

_SHARED = "shared"


@dataclass(frozen=True, slots=True)
class Start:
    """Where a pipeline may begin. `type`: local_file, online_document, website_crawl or online_drive. `form`: what it
    and every start is given; `own`: names of those fields that say what is fetched."""

    node_id: str
    title: str
    type: str
    plugin_id: str
    provider_name: str
    form: tuple[InputVariable, ...]
    own: tuple[str, ...]


def starts_of(document: Document) -> tuple[Start, ...]:
    """In the file's order; one whose settings cannot be read is passed over."""
    found = []
    for node in document.nodes:
        if node.type != "datasource" or (data := _read(node)) is None:
            continue
        selectors = [list(selector) for one in data.datasource_parameters.values() for selector in one.reads()]
        own = dict.fromkeys(selector[-1] for selector in selectors if selector[0] == "rag")
        found.append(
            Start(
                node.id,
                node.title,
                data.provider_type,
                data.plugin_id,
                data.provider_name,
                form_of(document, node.id),
                tuple(own),
            )
        )
    return tuple(found)


def form_of(document: Document, node_id: str) -> tuple[InputVariable, ...]:
    """The fields of a start: its own, then those that all share."""
    listed = mappings(document.workflow.get("rag_pipeline_variables"))
    own = [item for item in listed if item.get("belong_to_node_id") == node_id]
    shared = [item for item in listed if item.get("belong_to_node_id") == _SHARED]
    return tuple(_fields([*own, *shared]))


def variables_of(document: Document, names: tuple[str, ...]) -> list[Tree]:
    """The declarations of these fields, as the file has them."""
    listed = mappings(document.workflow.get("rag_pipeline_variables"))
    return [item for item in listed if text(item.get("variable")) in names]


def index_of(document: Document) -> Tree:
    """The data of the node that writes to the base; {} where there is none."""
    return next((node.data for node in document.nodes if node.type == "knowledge-index"), {})


def _fields(items: list[Tree]) -> Iterator[InputVariable]:
    for item in items:
        if not text(item.get("variable")):
            continue
        declared: dict[str, Any] = {
            "variable": text(item.get("variable")),
            "label": text(item.get("label")),
            "type": text(item.get("type")) or "text-input",
            "required": item.get("required") is True,
            "default": item.get("default_value"),
            "options": [text(one) for one in item["options"]] if isinstance(item.get("options"), list) else [],
            "description": text(item.get("tooltips")),
        }
        longest = item.get("max_length")
        if isinstance(longest, int) and declared["type"] in ("text-input", "paragraph"):
            declared["max_length"] = longest
        yield InputVariable.model_validate(declared)


def _read(node: Node) -> DatasourceData | None:
    try:
        return DatasourceData.model_validate(mapping(node.data))
    except ValidationError:
        return None

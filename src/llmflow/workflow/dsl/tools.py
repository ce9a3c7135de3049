"""Tools that a design calls by names of the installation it came from, and what of them is here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from llmflow.tools.builtin.source import builtin
from llmflow.tools.types import ToolRef
from llmflow.workflow.dsl.document import Node, mapping, mappings, text
from llmflow.workflow.dsl.reasons import Reason

#: What to do about a tool that is not here, by the type of its provider.
_REMEDIES = {
    "api": "add its OpenAPI document under Tools, with that name",
    "workflow": "import that workflow as an app of that name and publish it",
    "app": "import that app under that name and publish it",
    "mcp": "servers of tools (MCP) are not asked by this version",
    "dataset-retrieval": "choose a knowledge base in the draft",
}


def node_tool(node: Node) -> ToolRef | None:
    """The tool a node calls; None for a node that calls none."""
    if node.type != "tool":
        return None
    return ToolRef(
        text(node.data.get("provider_type")) or "builtin",
        text(node.data.get("provider_id")),
        text(node.data.get("tool_name")),
        text(node.data.get("provider_name")),
    )


def agent_tools(node: Node) -> Iterator[tuple[ToolRef, list[str]]]:
    """The tools of an agent node that are on, each with the names of the parameters that are filled in."""
    if node.type != "agent":
        return
    for item in mappings(mapping(mapping(node.data.get("agent_parameters")).get("tools")).get("value")):
        if item.get("enabled", True) is True and item.get("tool_name"):
            settings = mapping(item.get("settings")).items()
            given = [name for name, value in settings if _value(_value(value)) not in (None, "", False, 0, [], {})]
            yield config_tool({"provider_type": item.get("type"), **item}), given


def config_tool(item: Mapping[str, Any]) -> ToolRef:
    """A tool of an agent without a graph."""
    return ToolRef(
        text(item.get("provider_type")) or "builtin",
        text(item.get("provider_id")),
        text(item.get("tool_name")),
        text(item.get("provider_name")),
    )


def node_settings(node: Node) -> Iterator[str]:
    """Names of the parameters and settings that a node gives its tool a value for."""
    for part in ("tool_configurations", "tool_parameters"):
        for name, given in mapping(node.data.get(part)).items():
            if _value(given) not in (None, "", False, 0, [], {}):
                yield name


def tool_reasons(ref: ToolRef, given: Iterable[str], here: frozenset[tuple[str, str]]) -> Iterator[Reason]:
    """`here`: (provider's id or name, tool) of tools that people added. `given`: the parameters that have a value."""
    ours = builtin(ref)
    if ours is not None:
        known = ours.spec.parameters["properties"]
        named = ", ".join(f"`{name}`" for name in given if name not in known)
        if named:
            yield Reason("tool_options_ignored", f"Kept and not used by the tool here: {named}.", name=named)
        return
    if {(ref.provider_id, ref.tool_name), (ref.provider_name, ref.tool_name)} & here:
        return
    provider = (ref.provider_name or ref.provider_id).partition("@")[0][:100]
    remedy = _REMEDIES.get(ref.provider_type, "replace it by one of the tools here")
    name = ref.tool_name[:100]
    why = f"It calls the tool `{name}` of `{provider}`, which is not here: {remedy}."
    yield Reason("tool_missing", why, stops=True, name=name, of=provider)


def _value(given: Any) -> Any:
    found: Mapping[str, Any] = mapping(given)
    return found.get("value", given)

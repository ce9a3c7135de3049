"""A document as the text of a DSL file, which Dify imports.

What belongs to one installation stays behind, as it does in Dify's export: values of secret environment variables and
stored credentials (unless asked for), addresses of webhooks, subscriptions of triggers. All else is written as it is.
"""

from __future__ import annotations

from typing import Any

import yaml

from llmflow.workflow.dsl.document import Tree, changed, mapping, text
from llmflow.workflow.dsl.secrets import emptied

_EMPTIED = {
    "trigger-webhook": ("webhook_url", "webhook_debug_url"),
    "trigger-plugin": ("subscription_id",),
}
_CREDENTIAL = "credential_id"


def write(tree: Tree, *, include_secret: bool = False) -> str:
    """YAML, keys in the tree's order."""
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    unshared = type("_Unshared", (dumper,), {"ignore_aliases": lambda self, data: True})
    return yaml.dump(
        portable(tree, include_secret=include_secret), Dumper=unshared, allow_unicode=True, sort_keys=False, width=120
    )


def portable(tree: Tree, *, include_secret: bool = False) -> Tree:
    """A copy without what belongs to this installation."""
    nodes = mapping(mapping(tree.get("workflow")).get("graph")).get("nodes")
    if isinstance(nodes, list):
        new = [_portable_node(node, include_secret) for node in nodes]
        tree = changed(tree, "workflow", "graph", "nodes", value=new)
    if include_secret:
        return tree
    tools = mapping(mapping(tree.get("model_config")).get("agent_mode")).get("tools")
    if isinstance(tools, list):
        tree = changed(tree, "model_config", "agent_mode", "tools", value=_without_credentials(tools))
    return emptied(tree)


def _portable_node(node: Any, include_secret: bool) -> Any:
    if not isinstance(node, dict) or not isinstance(node.get("data"), dict):
        return node
    data = node["data"]
    kind = text(data.get("type"))
    data = {**data, **{key: "" for key in _EMPTIED.get(kind, ()) if key in data}}
    if not include_secret and kind == "tool":
        data.pop(_CREDENTIAL, None)
    if not include_secret and kind == "agent":
        tools = mapping(mapping(data.get("agent_parameters")).get("tools")).get("value")
        if isinstance(tools, list):
            data = changed(data, "agent_parameters", "tools", "value", value=_without_credentials(tools))
    return {**node, "data": data}


def _without_credentials(tools: list[Any]) -> list[Any]:
    return [
        {key: value for key, value in tool.items() if key != _CREDENTIAL} if isinstance(tool, dict) else tool
        for tool in tools
    ]

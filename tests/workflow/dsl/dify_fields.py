"""What Dify's import takes: the fields of its documents and node types, as published, checked strictly.

`faults` names every place where a document differs. A field that is listed must be of its type; one that is marked
must be there. Fields that are not listed are Dify's own extras (an editor's, a plugin's) and are taken.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

REQUIRED = "!"
TOP = {
    "version": "str",
    "kind": "str",
    "app": "dict",
    "dependencies": "list",
    "workflow": "dict",
    "model_config": "dict",
}
KINDS = ("app", "rag_pipeline")
MODES = ("workflow", "advanced-chat", "chat", "agent-chat", "completion")
APP = {
    "name": "str!",
    "mode": "str!",
    "icon": "str?",
    "icon_type": "str?",
    "icon_background": "str?",
    "description": "str?",
    "use_icon_as_answer_icon": "bool",
}
WORKFLOW = {
    "graph": "dict!",
    "features": "dict",
    "environment_variables": "list",
    "conversation_variables": "list",
    "rag_pipeline_variables": "list",
}
MODEL_CONFIG = {
    "model": "dict!",
    "pre_prompt": "str?",
    "prompt_type": "str",
    "chat_prompt_config": "dict",
    "completion_prompt_config": "dict",
    "user_input_form": "list",
    "dataset_query_variable": "str?",
    "dataset_configs": "dict",
    "agent_mode": "dict",
    "opening_statement": "str?",
    "suggested_questions": "list",
    "suggested_questions_after_answer": "dict",
    "speech_to_text": "dict",
    "text_to_speech": "dict",
    "retriever_resource": "dict",
    "annotation_reply": "dict",
    "more_like_this": "dict",
    "sensitive_word_avoidance": "dict",
    "external_data_tools": "list",
    "file_upload": "dict",
}
MODEL = {"provider": "str!", "name": "str!", "mode": "str!", "completion_params": "dict"}
VARIABLE_TYPES = (
    "string number integer float boolean object secret file array[any] array[string] array[number] array[object]"
    " array[file] array[boolean]"
).split()
INPUT_TYPES = "text-input paragraph select number checkbox file file-list json_object external_data_tool".split()
COMMON = {
    "title": "str",
    "desc": "str?",
    "version": "str",
    "error_strategy": "str?",
    "default_value": "list?",
    "retry_config": "dict?",
}
_WITH_MODEL = {"model": "dict!", "vision": "dict", "memory": "dict?"}
NODES: dict[str, dict[str, str]] = {
    "start": {"variables": "list"},
    "trigger-webhook": {"method": "str", "content_type": "str", "headers": "list", "params": "list", "body": "list"},
    "trigger-schedule": {"mode": "str", "timezone": "str"},
    "trigger-plugin": {"plugin_id": "str!", "provider_id": "str!", "event_name": "str!", "subscription_id": "str!"},
    "end": {"outputs": "list!"},
    "answer": {"answer": "str!", "variables": "list"},
    "llm": {**_WITH_MODEL, "prompt_template": "list|dict!", "context": "dict!"},
    "knowledge-retrieval": {"query_variable_selector": "list?", "dataset_ids": "list!", "retrieval_mode": "str!"},
    "question-classifier": {**_WITH_MODEL, "query_variable_selector": "list!", "classes": "list!"},
    "parameter-extractor": {**_WITH_MODEL, "query": "list!", "parameters": "list!"},
    "if-else": {"cases": "list", "conditions": "list", "logical_operator": "str?"},
    "code": {"code": "str!", "code_language": "str!", "variables": "list!", "outputs": "dict!"},
    "template-transform": {"template": "str!", "variables": "list!"},
    "http-request": {
        "method": "str!",
        "url": "str!",
        "authorization": "dict!",
        "headers": "str!",
        "params": "str!",
        "body": "dict?",
    },
    "tool": {"provider_id": "str!", "provider_type": "str!", "tool_name": "str!", "tool_parameters": "dict!"},
    "agent": {"agent_strategy_provider_name": "str!", "agent_strategy_name": "str!", "agent_parameters": "dict!"},
    "variable-aggregator": {"output_type": "str!", "variables": "list!"},
    "variable-assigner": {"output_type": "str!", "variables": "list!"},
    "assigner": {},  # two versions, see _assigner
    "iteration": {"iterator_selector": "list!", "output_selector": "list!", "start_node_id": "str"},
    "iteration-start": {},
    "loop": {"loop_count": "int!", "break_conditions": "list!", "logical_operator": "str!"},
    "loop-start": {},
    "loop-end": {},
    "document-extractor": {"variable_selector": "list!"},
    "list-operator": {"variable": "list!", "filter_by": "dict!", "order_by": "dict!", "limit": "dict!"},
    "human-input": {"form_content": "str", "inputs": "list", "user_actions": "list"},
    "datasource": {"plugin_id": "str!", "provider_name": "str!", "provider_type": "str!"},
    "knowledge-index": {"chunk_structure": "str!", "indexing_technique": "str"},
}
_FRAMES = ("custom", "custom-iteration-start", "custom-loop-start", "custom-loop-end", "custom-note")
_TYPES = {"str": str, "dict": dict, "list": list, "bool": bool, "int": int}


def faults(tree: dict[str, Any]) -> list[str]:
    """Every place that Dify would not take; [] for a document it imports."""
    return [*_document(tree)]


def _document(tree: dict[str, Any]) -> Iterator[str]:
    yield from _fields(tree, TOP, "")
    if tree.get("kind", "app") not in KINDS:
        yield f"kind: {tree['kind']}"
    if tree.get("kind") != "rag_pipeline":
        yield from _fields(tree.get("app") or {}, APP, "app")
        mode = (tree.get("app") or {}).get("mode")
        if mode not in MODES:
            yield f"app.mode: {mode}"
        if mode in ("chat", "agent-chat", "completion"):
            yield from _fields(tree.get("model_config") or {}, MODEL_CONFIG, "model_config")
            yield from _fields((tree.get("model_config") or {}).get("model") or {}, MODEL, "model_config.model")
            return
    workflow = tree.get("workflow") or {}
    yield from _fields(workflow, WORKFLOW, "workflow")
    for kind in ("environment_variables", "conversation_variables"):
        for variable in workflow.get(kind) or []:
            if variable.get("value_type") not in VARIABLE_TYPES or not variable.get("name") or "value" not in variable:
                yield f"workflow.{kind}: {variable.get('name')}"
    yield from _graph(workflow.get("graph") or {})


def _graph(graph: dict[str, Any]) -> Iterator[str]:
    nodes = graph.get("nodes") or []
    ids = [node.get("id") for node in nodes]
    if len(set(ids)) != len(ids):
        yield "graph.nodes: an id stands twice"
    for node in nodes:
        yield from _node(node, set(ids))
    for edge in graph.get("edges") or []:
        if edge.get("source") not in ids or edge.get("target") not in ids:
            yield f"edge {edge.get('id')}: leads nowhere"
        if not isinstance(edge.get("sourceHandle", "source"), str):
            yield f"edge {edge.get('id')}: sourceHandle"


def _node(node: dict[str, Any], ids: set[Any]) -> Iterator[str]:
    where = f"node {node.get('id')}"
    if not isinstance(node.get("id"), str) or not isinstance(node.get("position", {}), dict):
        yield f"{where}: id or position"
    if node.get("type", "custom") not in _FRAMES:
        yield f"{where}: frame {node.get('type')}"
    if node.get("parentId") and node["parentId"] not in ids:
        yield f"{where}: parentId"
    data = node.get("data") or {}
    kind = data.get("type")
    if node.get("type") == "custom-note" or kind == "":
        return
    if kind not in NODES:
        yield f"{where}: type {kind}"
        return
    yield from _fields(data, COMMON, where)
    yield from _fields(data, NODES[kind], where)
    if "model" in NODES[kind]:
        yield from _fields(data.get("model") or {}, MODEL, f"{where}.model")
    if kind == "start":
        yield from (
            f"{where}: variable {item.get('variable')}"
            for item in data.get("variables") or []
            if item.get("type") not in INPUT_TYPES or not item.get("variable")
        )
    if kind == "assigner":
        version_2 = str(data.get("version", "1")) == "2"
        needed = ("items",) if version_2 else ("assigned_variable_selector", "write_mode")
        yield from (f"{where}: {key}" for key in needed if key not in data)


def _fields(value: dict[str, Any], fields: dict[str, str], where: str) -> Iterator[str]:
    for name, rule in fields.items():
        kinds = tuple(_TYPES[kind] for kind in rule.rstrip("!?").split("|"))
        if name not in value:
            if rule.endswith(REQUIRED):
                yield f"{where}.{name}: missing"
        elif value[name] is None and not rule.endswith(REQUIRED):
            continue
        elif not isinstance(value[name], kinds):
            yield f"{where}.{name}: {type(value[name]).__name__}"

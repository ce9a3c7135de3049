"""Dify's `model_config` of an app without a graph as our ChatConfig, and changes of the ChatConfig back into it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from llmflow.apps.types import ChatConfig, Design
from llmflow.workflow.dsl.bindings import Bindings, config_datasets, model_here, model_used
from llmflow.workflow.dsl.document import Document, Tree, changed, mapping, mappings, text

_MOST_PASSAGES = 100
_LETTERS = re.compile(r"[A-Za-z]")
_EMPTY: Tree = {
    "model": {"provider": "", "name": "", "mode": "chat", "completion_params": {}},
    "pre_prompt": "",
    "prompt_type": "simple",
    "chat_prompt_config": {},
    "completion_prompt_config": {},
    "user_input_form": [],
    "dataset_query_variable": "",
    "dataset_configs": {"retrieval_model": "multiple", "datasets": {"datasets": []}},
    "agent_mode": {"enabled": False, "strategy": "function_call", "tools": [], "max_iteration": 5},
    "opening_statement": "",
    "suggested_questions": [],
    "suggested_questions_after_answer": {"enabled": False},
    "speech_to_text": {"enabled": False},
    "text_to_speech": {"enabled": False, "language": "", "voice": ""},
    "retriever_resource": {"enabled": True},
    "annotation_reply": {"enabled": False},
    "more_like_this": {"enabled": False},
    "sensitive_word_avoidance": {"enabled": False, "type": "", "configs": []},
    "external_data_tools": [],
    "file_upload": {"enabled": False},
}


def chat_config(design: Design) -> ChatConfig:
    """How the app answers here. Of an app with a graph only what its pages show: the graph says the rest."""
    document, features = design.document, design.document.features
    shown: dict[str, Any] = {
        "icon": icon_of(document),
        "icon_background": text(document.app.get("icon_background")) or ChatConfig().icon_background,
        "opening_statement": text(features.get("opening_statement")),
        "suggested_questions": tuple(text(q) for q in _list(features.get("suggested_questions")) if text(q).strip()),
        "retriever_resource": _is_on(features, "retriever_resource"),
        "suggested_questions_after_answer": _is_on(features, "suggested_questions_after_answer"),
        "speech_to_text": _is_on(features, "speech_to_text"),
        "text_to_speech": _is_on(features, "text_to_speech"),
        "voice": text(mapping(features.get("text_to_speech")).get("voice")),
    }
    if document.has_graph:
        return ChatConfig(**shown)
    datasets = mapping(features.get("dataset_configs"))
    top_k = datasets.get("top_k")
    return ChatConfig(
        **shown,
        knowledge=tuple(_bound_datasets(features, design.bindings)),
        model=_model(features, design.bindings),
        instruction=instruction(features),
        top_k=top_k if isinstance(top_k, int) and 1 <= top_k <= _MOST_PASSAGES else None,
        user_input_form=tuple(mappings(features.get("user_input_form"))),
    )


def instruction(config: Tree) -> str:
    """The prompt; of an expert's prompt the system's messages."""
    if config.get("prompt_type") != "advanced":
        return text(config.get("pre_prompt"))
    messages = mappings(mapping(config.get("chat_prompt_config")).get("prompt"))
    parts = [text(message.get("text")) for message in messages if message.get("role", "system") == "system"]
    completion = mapping(mapping(config.get("completion_prompt_config")).get("prompt")).get("text")
    return "\n\n".join(part for part in parts if part) or text(completion)


def icon_of(document: Document) -> str:
    """The emoji; a picture, a link, or an emoji by its English name ("exploding_head") stays in the document."""
    icon = text(document.app.get("icon"))
    is_emoji = document.app.get("icon_type") in (None, "", "emoji") and len(icon) <= 16 and not _LETTERS.search(icon)
    return icon if icon and is_emoji else ChatConfig().icon


def with_config(design: Design | None, config: ChatConfig) -> Tree:
    """The app's tree with what was changed here since it was imported; without one, a whole `model_config`."""
    tree = design.document.tree if design else {"model_config": _EMPTY}
    before = chat_config(design) if design else ChatConfig(user_input_form=())
    for field in fields(ChatConfig):
        new = getattr(config, field.name)
        if new != getattr(before, field.name):
            for path, value in _written(field.name, new, design):
                tree = changed(tree, "model_config", *path, value=value)
    return tree


def _written(name: str, value: Any, design: Design | None) -> list[tuple[tuple[str, ...], Any]]:
    """Where a changed field of ChatConfig stands in a `model_config`."""
    match name:
        case "instruction":
            return [(("pre_prompt",), value), (("prompt_type",), "simple")]
        case "opening_statement":
            return [((name,), value)]
        case "suggested_questions" | "user_input_form":
            return [((name,), list(value))]
        case "suggested_questions_after_answer" | "retriever_resource" | "speech_to_text" | "text_to_speech":
            return [((name, "enabled"), value)]
        case "voice":
            return [(("text_to_speech", name), value)]
        case "model":
            return [(("model", "provider"), ""), (("model", "name"), value)]
        case "top_k":
            return [(("dataset_configs", "top_k"), value)] if value is not None else []
        case "knowledge":
            there = {here: old for old, here in (design.bindings.datasets if design else {}).items()}
            listed = [{"dataset": {"enabled": True, "id": there.get(id, id)}} for id in value]
            return [(("dataset_configs", "datasets", "datasets"), listed)]
    return []  # icon and colour stand beside the name; a language has no place in Dify


def _bound_datasets(config: Tree, bindings: Bindings) -> list[str]:
    """Ids of ours: a data set that was not mapped is none."""
    return list(dict.fromkeys(bindings.datasets[id] for id in config_datasets(config) if id in bindings.datasets))


def _model(config: Tree, bindings: Bindings) -> str:
    used = model_used(config.get("model"))
    if used is None:
        return ""
    here = model_here(used, bindings.models)
    return used.name if here is None else here


def _is_on(config: Mapping[str, Any], name: str) -> bool:
    return mapping(config.get(name)).get("enabled") is True


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []

"""What an imported design does here as it did there: for each node and each feature one word, and why.

| status | meaning |
| --- | --- |
| exact | it does what it did there |
| approximate | it runs, and `why` says what is different |
| unsupported | it fails when a run reaches it, and `why` says what it lacks; nothing else is touched |
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from pydantic import ValidationError

from llmflow.workflow.dsl.bindings import (
    Bindings,
    ModelUse,
    chat_models,
    config_datasets,
    datasets,
    is_sealed,
    model_here,
    model_used,
)
from llmflow.workflow.dsl.document import Document, Node, Tree, mapping, mappings, text
from llmflow.workflow.dsl.node_types import DIFY_TYPES
from llmflow.workflow.dsl.options import option_reasons, parameter_reasons
from llmflow.workflow.dsl.reasons import About, Reason
from llmflow.workflow.dsl.tools import agent_tools, config_tool, node_settings, node_tool, tool_reasons
from llmflow.workflow.registry import kind_of

Status = Literal["exact", "approximate", "unsupported"]


@dataclass(frozen=True, slots=True)
class Here:
    """What this installation has: ids of its models and of its knowledge bases, and its tools (tools.tool_reasons)."""

    models: frozenset[str] = frozenset()
    bases: frozenset[str] = frozenset()
    tools: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class NodeReport:
    """`node`: its id, "" for what belongs to the whole app; `type`: its type, or "feature", "model", "prompt" ...;
    `why`: sentences, "" when exact; `codes`, `about`: one for each, for programs and other languages."""

    node: str
    type: str
    title: str
    status: Status
    why: str = ""
    codes: tuple[str, ...] = ()
    about: tuple[About, ...] = ()


def report(document: Document, bindings: Bindings, here: Here) -> tuple[NodeReport, ...]:
    """One for each node in the file's order, one for each feature that is on and not served."""
    if document.has_graph:
        nodes = [_judged(node.id, node.type, node.title, node_reasons(node, bindings, here)) for node in document.nodes]
        return (*nodes, *_features(document))
    return (*_config(document, bindings, here), *_features(document))


def _judged(node: str, kind: str, title: str, reasons: Iterable[Reason]) -> NodeReport:
    found = list(reasons)
    status: Status = "exact"
    if found:
        status = "unsupported" if any(reason.stops for reason in found) else "approximate"
    return NodeReport(
        node,
        kind,
        title,
        status,
        " ".join(reason.text for reason in found),
        tuple(reason.code for reason in found),
        tuple(About(reason.name, reason.of) for reason in found),
    )


def node_reasons(node: Node, bindings: Bindings, here: Here) -> Iterator[Reason]:
    """Why the node does not do here exactly what it did there."""
    version = text(node.data.get("version")) or "1"
    kind = kind_of(node.type, version)
    if not node.id or not node.type:
        yield Reason("node_shapeless", "The node has no id or no type.", stops=True)
    elif kind is None:
        yield _unknown(node, version)
    else:
        try:
            data = kind.data.model_validate(node.data)
        except ValidationError as error:
            fields = sorted({".".join(map(str, item["loc"][:2])) for item in error.errors(include_input=False)})
            named = ", ".join(f"`{field}`" for field in fields[:3])
            yield Reason("node_invalid", f"Its settings cannot be read: {named}.", stops=True, name=named)
        else:
            yield from option_reasons(node, data)
            yield from _datasets(datasets(node), bindings, here)
            yield from _models(chat_models(node), bindings, here)
            if (tool := node_tool(node)) is not None:
                yield from tool_reasons(tool, node_settings(node), here.tools)
            for tool, given in agent_tools(node):
                yield from tool_reasons(tool, given, here.tools)


def _unknown(node: Node, version: str) -> Reason:
    named = f"`{node.type}`" if version == "1" else f"`{node.type}` of version {version[:20]}"
    plugin = text(node.data.get("plugin_unique_identifier")) or text(node.data.get("plugin_id"))
    plugin = plugin or text(node.data.get("provider_id")) or text(node.data.get("agent_strategy_provider_name"))
    needs = (
        f" It uses `{plugin.partition('@')[0][:100]}`, a plugin or tool of the other installation." if plugin else ""
    )
    whose = "are none of Dify's" if (node.type, version) not in DIFY_TYPES else "are not run by this version"
    of = plugin.partition("@")[0][:100]
    return Reason("node_unsupported", f"Nodes of type {named} {whose}.{needs}", stops=True, name=named, of=of)


def _datasets(ids: Iterable[str], bindings: Bindings, here: Here) -> Iterator[Reason]:
    for id in ids:
        if id in bindings.datasets or id in here.bases:
            continue
        what = "only the other installation can read" if is_sealed(id) else "is not here"
        yield Reason(
            "dataset_unmapped",
            f"It searches the data set `{id}`, which {what}: nothing is found there until it is mapped "
            f"(--map-dataset '{id}=NAME').",
            name=id,
        )


def _models(used: Iterable[ModelUse], bindings: Bindings, here: Here) -> Iterator[Reason]:
    for model in dict.fromkeys(used):
        mapped = model_here(model, bindings.models)
        if mapped or (mapped is None and model.name in here.models):
            continue
        yield Reason(
            "model_default",
            f"The model `{model.shown}` is not here: the default model answers (--map-model '{model.shown}=NAME').",
            name=model.shown,
        )


#: Features that are on in a document and not served here, with what that means.
_UNSERVED = {
    "more_like_this": "No further answers are offered.",
}


_ANNOTATIONS = "Annotations are in no file: add them here and switch the reply on, over the Service API."
#: Features that are served where an organ for them is set up, which it is not from the start.
_SPEECH = {
    "speech_to_text": "Recordings are written down once a speech server is named under organs.speech.",
    "text_to_speech": "Answers are read aloud once a speech server is named under organs.speech.",
}


def _moderation(document: Document) -> Iterator[NodeReport]:
    settings = mapping(document.features.get("sensitive_word_avoidance"))
    if settings.get("enabled") is not True:
        return
    why = ""
    if settings.get("type") != "keywords":
        why = f"Moderation by `{text(settings.get('type'))[:40]}` is not applied: only sensitive words are looked for."
    elif document.mode == "workflow":
        why = "Sensitive words are looked for in apps that answer, not in workflows."
    if why:
        yield _feature("sensitive_word_avoidance", "unsupported", why, "feature_unserved")


def _feature(name: str, status: Status, why: str, code: str) -> NodeReport:
    return NodeReport("", "feature", name, status, why, (code,), (About(name, ""),))


def _features(document: Document) -> Iterator[NodeReport]:
    features = document.features
    yield from _moderation(document)
    for name, why in _UNSERVED.items():
        if mapping(features.get(name)).get("enabled") is True:
            yield _feature(name, "unsupported", why, "feature_unserved")
    for name, why in _SPEECH.items():
        if mapping(features.get(name)).get("enabled") is True:
            yield _feature(name, "approximate", why, "feature_needs_speech")
    if mapping(features.get("annotation_reply")).get("enabled") is True:
        yield _feature("annotation_reply", "approximate", _ANNOTATIONS, "annotations_elsewhere")
    if document.has_graph:
        return
    tools = [text(item.get("variable")) for item in mappings(features.get("external_data_tools"))]
    if tools:
        why = f"External data tools are not called; their variables stay empty: {', '.join(tools)[:200]}."
        yield _feature("external_data_tools", "unsupported", why, "feature_unserved")


def _config(document: Document, bindings: Bindings, here: Here) -> Iterator[NodeReport]:
    """An app without a graph: its model, prompt, knowledge and tools, as if each were a node."""
    config = document.model_config
    model = model_used(config.get("model"))
    yield _judged("", "model", model.shown if model else "", _model_reasons(config, model, bindings, here))
    ids = config_datasets(config)
    yield _judged("", "prompt", "", _prompt_reasons(document.mode, config, has_knowledge=bool(ids)))
    if ids:
        yield _judged("", "knowledge", "", [*_datasets(ids, bindings, here), *_search_reasons(document, config)])
    for tool in mappings(mapping(config.get("agent_mode")).get("tools")):
        if document.mode == "agent-chat" and tool.get("tool_name") and tool.get("enabled", True) is True:
            given = [name for name, value in mapping(tool.get("tool_parameters")).items() if value not in (None, "")]
            yield _judged("", "tool", text(tool["tool_name"]), tool_reasons(config_tool(tool), given, here.tools))


def _model_reasons(config: Tree, model: ModelUse | None, bindings: Bindings, here: Here) -> Iterator[Reason]:
    if model is not None:
        yield from _models([model], bindings, here)
    parameters = mapping(mapping(config.get("model")).get("completion_params"))
    yield from parameter_reasons(parameters)


def _prompt_reasons(mode: str, config: Tree, *, has_knowledge: bool) -> Iterator[Reason]:
    if config.get("prompt_type") == "advanced" and mode != "agent-chat":
        return
    if has_knowledge and mode == "chat":
        yield Reason("prompt_framed", "The instruction stands in LLMFlow's own prompt, which asks for citations.")
    elif has_knowledge and mode == "completion":
        yield Reason("prompt_framed", "Passages stand before the prompt in LLMFlow's own words.")
    elif mode == "agent-chat":
        yield Reason("prompt_differs", "Models without tool calls are asked in LLMFlow's own words.")


def _search_reasons(document: Document, config: Tree) -> Iterator[Reason]:
    settings = mapping(config.get("dataset_configs"))
    yield Reason("search_differs", "Passages are found by LLMFlow's own fused search, with its own scores.")
    if settings.get("reranking_enable") is True and settings.get("reranking_mode") == "reranking_model":
        told = "Passages are reranked by the reranker that is set up here; without one they are not."
        yield Reason("rerank_here", told)
    if settings.get("score_threshold_enabled") is True:
        yield Reason("threshold_differs", "The score threshold is held against LLMFlow's own scores.")
    if config.get("dataset_query_variable") and document.mode != "completion":
        yield Reason("search_options_ignored", "Not used: a query variable.")

"""Options of nodes that are kept and not honoured: what we know of a type, and every field that it has no place for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from pydantic import BaseModel

from llmflow.workflow.cuts import STRUCTURES
from llmflow.workflow.dsl.code import code_reasons
from llmflow.workflow.dsl.document import Node, Tree, mapping, mappings, text
from llmflow.workflow.dsl.reasons import Reason
from llmflow.workflow.nodes.agent import AgentData
from llmflow.workflow.nodes.datasource import OF_PLUGINS, DatasourceData

#: What Dify's editor keeps for itself, or what older editors left: it changes no run.
_EDITORS = frozenset(
    "selected width height desc title type version isInIteration isInLoop iteration_id loop_id isIterationStart"
    " startNodeType start_node_id variables params paramSchemas output_schema tool_description is_team_authorization"
    " topics instructions item_var_type var_type iterator_input_type output_type fileExtensions position parentId"
    " conditions logical_operator single_retrieval_config metadata_model_config agent_strategy_label"
    " agent_strategy_provider_name plugin_unique_identifier tool_node_version meta".split()
)
#: Of a language model: those that a request to it carries.
_PARAMETERS = frozenset(
    "temperature max_tokens stop top_p presence_penalty frequency_penalty seed reasoning_effort response_format"
    " json_schema".split()
)


def option_reasons(node: Node, data: BaseModel) -> Iterator[Reason]:
    """`data`: the node's data as its type reads it."""
    find = _BY_TYPE.get(node.type)
    if find is not None:
        yield from find(node.data)
    named = ", ".join(f"`{name}`" for name, value in (data.model_extra or {}).items() if _matters(name, value))
    if named:
        yield Reason("options_ignored", f"Kept and not used: {named}.", name=named)


def _matters(name: str, value: object) -> bool:
    is_empty = value is None or value is False or value == "" or value == [] or value == {}
    return not is_empty and name not in _EDITORS and not name.startswith("_")


def _knowledge(data: Tree) -> Iterator[Reason]:
    if not data.get("dataset_ids"):
        yield Reason(
            "dataset_none", "It names no data set to search; choose a knowledge base in the draft.", stops=True
        )
    if data.get("query_attachment_selector"):
        yield Reason("attachments_unsearched", "Files are not searched for; the question's words are.")
    config = mapping(data.get("multiple_retrieval_config"))
    if config.get("score_threshold"):
        yield Reason("threshold_differs", "The score threshold is held against LLMFlow's own scores.")
    yield Reason("search_differs", "Passages are found by LLMFlow's own fused search, with its own scores.")
    if config.get("reranking_enable") is True and config.get("reranking_mode") == "reranking_model":
        model = text(mapping(config.get("reranking_model")).get("model"))
        if model:
            told = f"Passages are reranked by the reranker set up here, not by `{model}`; without one they are not."
            yield Reason("rerank_here", told, name=model)
        else:
            yield Reason("rerank_ignored", "Nothing is reranked.")


def _llm(data: Tree) -> Iterator[Reason]:
    yield from parameter_reasons(mapping(mapping(data.get("model")).get("completion_params")))


def parameter_reasons(given: Tree) -> Iterator[Reason]:
    """`given`: a model's parameters."""
    named = ", ".join(f"`{name}`" for name, value in given.items() if name not in _PARAMETERS and _matters(name, value))
    if named:
        yield Reason("parameters_ignored", f"Parameters of the model that are not sent: {named}.", name=named)


def _asking(data: Tree) -> Iterator[Reason]:
    yield Reason("prompt_differs", "The model is asked in LLMFlow's own words.")
    yield from _llm(data)


def _people(data: Tree) -> Iterator[Reason]:
    methods = [mapping(each.get("config")) for each in mappings(data.get("delivery_methods"))]
    named = [item for config in methods for item in mappings(mapping(config.get("recipients")).get("items"))]
    if any(to.get("type") in ("member", "contact") for to in [*named, *mappings(data.get("recipients_spec"))]):
        yield Reason("recipients_unknown", "It names members by the other installation's ids, who are not told.")
    channels = mapping(data.get("debug_mode")).get("channels")
    others = [text(name) for name in channels if name != "email"] if isinstance(channels, list) else []
    if others:
        named_others = ", ".join(others)[:100]
        told = f"Nobody is told by {named_others}; by e-mail and links."
        yield Reason("channels_unserved", told, name=named_others)


def _documents(data: Tree) -> Iterator[Reason]:
    yield Reason("text_differs", "Documents are read by LLMFlow's own reader, as Markdown.")


def _webhook(data: Tree) -> Iterator[Reason]:
    yield Reason(
        "webhook_address",
        "It gets an address of its own when it is published here, and asks callers for a secret unless that is "
        "switched off.",
    )


def _datasource(data: Tree) -> Iterator[Reason]:
    found = DatasourceData.model_validate(data)
    if found.provider_type in OF_PLUGINS:
        why = f"Documents are not fetched by `{found.shown[:100]}`, a plugin of the other installation: upload them, or"
        told = f"{why} add a source (folder, addresses, S3) to the base."
        yield Reason("datasource_plugin", told, stops=True, name=found.shown[:100])
    elif found.provider_type == "website_crawl":
        yield Reason("crawl_differs", "LLMFlow fetches the page itself; pages that it links to are not followed.")


def _knowledge_index(data: Tree) -> Iterator[Reason]:
    yield Reason("search_differs", "Passages are found by LLMFlow's own search, with its own scores.")
    structure = text(data.get("chunk_structure"))
    if structure not in STRUCTURES:
        told = f"There is no structure of passages `{structure[:40]}`."
        yield Reason("structure_unknown", told, stops=True, name=structure[:40])
    if data.get("indexing_technique") == "economy":
        yield Reason("economy_embeds", "Passages are embedded all the same, and searched by words.")
    elif model := text(data.get("embedding_model")):
        told = f"Passages are embedded by the model set up here, not by `{model[:80]}`."
        yield Reason("embedding_here", told, name=model[:80])
    if mapping(data.get("summary_index_setting")).get("enable") is True:
        yield Reason("summary_ignored", "No summaries of passages are made.")


_AGENT_PARAMETERS = frozenset({"model", "tools", "instruction", "query", "maximum_iterations", "context"})


def _agent(data: Tree) -> Iterator[Reason]:
    if AgentData.model_validate(data).strategy is None:
        named = text(data.get("agent_strategy_name"))[:80]
        plugin = text(data.get("agent_strategy_provider_name"))[:100]
        why = f"The strategy `{named}` is one of the plugin `{plugin}`, not run here."
        yield Reason("strategy_unknown", why, stops=True, name=named, of=plugin)
        return
    yield Reason("prompt_differs", "Models without tool calls are asked in LLMFlow's own words.")
    parameters = mapping(data.get("agent_parameters"))
    named = ", ".join(f"`{name}`" for name in parameters if name not in _AGENT_PARAMETERS)
    if named:
        yield Reason("options_ignored", f"Kept and not used: {named}.", name=named)
    yield from _llm({"model": mapping(parameters.get("model")).get("value")})


_BY_TYPE: Mapping[str, Callable[[Tree], Iterator[Reason]]] = {
    "agent": _agent,
    "code": code_reasons,
    "datasource": _datasource,
    "document-extractor": _documents,
    "human-input": _people,
    "knowledge-index": _knowledge_index,
    "knowledge-retrieval": _knowledge,
    "llm": _llm,
    "parameter-extractor": _asking,
    "question-classifier": _asking,
    "trigger-webhook": _webhook,
}

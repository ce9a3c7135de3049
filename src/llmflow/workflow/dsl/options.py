"""Options of nodes that are kept and not honoured: what we know of a type, and every field that it has no place for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from pydantic import BaseModel

from llmflow.workflow.dsl.document import Node, Tree, mapping, text
from llmflow.workflow.dsl.reasons import Reason

#: What Dify's editor keeps for itself, or what older editors left: it changes no run.
_EDITORS = frozenset(
    "selected width height desc title type version isInIteration isInLoop iteration_id loop_id isIterationStart"
    " startNodeType start_node_id variables params paramSchemas output_schema tool_description is_team_authorization"
    " topics instructions item_var_type var_type iterator_input_type output_type fileExtensions position parentId"
    " conditions logical_operator error_strategy default_value retry_config prompt_config".split()
)


def option_reasons(node: Node, data: BaseModel) -> Iterator[Reason]:
    """`data`: the node's data as its type reads it."""
    find = _BY_TYPE.get(node.type)
    if find is not None:
        yield from find(node.data)
    named = ", ".join(f"`{name}`" for name, value in (data.model_extra or {}).items() if _matters(name, value))
    if named:
        yield Reason("options_ignored", f"Kept and not used: {named}.")


def _matters(name: str, value: object) -> bool:
    is_empty = value is None or value is False or value == "" or value == [] or value == {}
    return not is_empty and name not in _EDITORS and not name.startswith("_")


def _knowledge(data: Tree) -> Iterator[Reason]:
    if data.get("retrieval_mode") == "single":
        yield Reason("search_of_all", "All its data sets are searched at once; no model chooses one of them.")
    config = mapping(data.get("multiple_retrieval_config"))
    yield Reason("search_differs", "Passages are found by LLMFlow's own fused search, with its own scores.")
    if config.get("reranking_enable") is True and config.get("reranking_mode") == "reranking_model":
        model = text(mapping(config.get("reranking_model")).get("model"))
        yield Reason("rerank_ignored", f"Passages are not reranked by `{model}`." if model else "Nothing is reranked.")


_BY_TYPE: Mapping[str, Callable[[Tree], Iterator[Reason]]] = {"knowledge-retrieval": _knowledge}

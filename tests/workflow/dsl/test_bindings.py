"""Data sets and models of another installation, by the names they have here."""

from __future__ import annotations

from llmflow.workflow.dsl.bindings import (
    Bindings,
    ModelUse,
    bound,
    chat_models,
    config_datasets,
    datasets,
    is_sealed,
)
from tests.workflow.dsl.files import load

SEALED = "bm90LXJlYWxseS1hLWRhdGEtc2V0LWlkLWJ1dC1sb25nLWVub3VnaC0wMTIz"


def test_names_of_a_model_go_from_exact_to_short() -> None:
    used = ModelUse("langgenius/openai/openai", "gpt-4o-mini")
    assert used.shown == "openai/gpt-4o-mini"
    assert used.names == ("langgenius/openai/openai/gpt-4o-mini", "openai/gpt-4o-mini", "gpt-4o-mini")


def test_the_models_and_data_sets_of_nodes_are_found() -> None:
    nodes = {node.id: node for node in load("휴가-안내.yml").nodes}
    assert list(chat_models(nodes["say"])) == [ModelUse("langgenius/openai/openai", "gpt-4o-mini")]
    assert list(chat_models(nodes["find"])) == []
    assert datasets(nodes["find"]) == (SEALED,)
    assert is_sealed(SEALED)
    assert not is_sealed("11111111-2222-4333-8444-555555555555")
    assert config_datasets(load("agent-with-tools.yml").model_config) == ("11111111-2222-4333-8444-555555555555",)


def test_a_bound_document_has_our_names_and_the_kept_one_its_own() -> None:
    kept = load("휴가-안내.yml")
    here = bound(
        kept, Bindings({SEALED: "base-1"}, {"openai/gpt-4o-mini": "qwen", "cohere/rerank-multilingual-v3.0": "r"})
    )
    nodes = {node.id: node.data for node in here.nodes}
    assert nodes["find"]["dataset_ids"] == ["base-1"]
    assert nodes["find"]["multiple_retrieval_config"]["reranking_model"] == {"provider": "", "model": "r"}
    assert (nodes["say"]["model"]["name"], nodes["say"]["model"]["provider"]) == ("qwen", "")
    assert nodes["say"]["model"]["completion_params"] == {"temperature": 0.2}
    assert kept == load("휴가-안내.yml")


def test_the_default_model_is_the_empty_name() -> None:
    here = bound(load("휴가-안내.yml"), Bindings({}, {"openai/gpt-4o-mini": ""}))
    assert {node.id: node.data for node in here.nodes}["say"]["model"]["name"] == ""


def test_two_data_sets_that_are_one_here_are_searched_once() -> None:
    kept = load("휴가-안내.yml")
    kept.tree["workflow"]["graph"]["nodes"][2]["data"]["dataset_ids"] = ["a", "b", "c"]
    here = bound(kept, Bindings({"a": "one", "b": "one"}))
    assert {node.id: node.data for node in here.nodes}["find"]["dataset_ids"] == ["one", "c"]

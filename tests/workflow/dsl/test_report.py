"""The report of an import: a status for each node, with a reason that is true."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from llmflow.workflow.dsl.bindings import Bindings
from llmflow.workflow.dsl.document import Document, document
from llmflow.workflow.dsl.node_types import DIFY_TYPES
from llmflow.workflow.dsl.report import Here, NodeReport, report
from llmflow.workflow.registry import kind_of, kinds
from tests.workflow.dsl.files import ALL, load, tree_of

NOTHING = Here()
DATASET = "bm90LXJlYWxseS1hLWRhdGEtc2V0LWlkLWJ1dC1sb25nLWVub3VnaC0wMTIz"


def _of(found: tuple[NodeReport, ...], node: str) -> NodeReport:
    return next(item for item in found if item.node == node)


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.name)
def test_every_node_has_a_status_and_whatever_is_not_exact_a_reason(path: Path) -> None:
    found = document(tree_of(path.read_bytes()))
    items = report(found, Bindings(), NOTHING)
    assert [item.node for item in items if item.node] == [node.id for node in found.nodes]
    assert [item for item in items if (item.status == "exact") != (item.why == "")] == []
    for node in found.nodes:
        is_known = kind_of(node.type, str(node.data.get("version") or "1")) is not None
        assert ("node_unsupported" in _of(items, node.id).codes) != is_known


def _with_tool(**data: Any) -> Document:
    """The example with another tool in place of its own."""
    new = Document(copy.deepcopy(load("휴가-안내.yml").tree))
    node = next(item for item in new.tree["workflow"]["graph"]["nodes"] if item["id"] == "weather")
    node["data"] = {"type": "tool", "title": "도구", **data}
    return new


def test_a_tool_that_is_not_here_is_named_with_its_provider() -> None:
    found = _of(report(load("휴가-안내.yml"), Bindings(), NOTHING), "weather")
    assert (found.type, found.title, found.status) == ("tool", "날씨", "unsupported")
    assert found.codes[-1] == "tool_missing"
    assert "`langgenius/openweather/openweather`" in found.why


def test_a_tool_that_is_here_under_difys_name_is_exact() -> None:
    new = _with_tool(
        provider_type="builtin",
        provider_id="langgenius/time/time",
        tool_name="current_time",
        tool_configurations={"format": "%H:%M", "timezone": {"type": "constant", "value": "Asia/Seoul"}},
    )
    assert _of(report(new, Bindings(), NOTHING), "weather").status == "exact"


def test_settings_that_the_tool_here_has_not_are_named() -> None:
    settings = {"generate_summary": True, "user_agent": "me"}
    new = _with_tool(provider_id="webscraper", tool_name="webscraper", tool_configurations=settings)
    found = _of(report(new, Bindings(), NOTHING), "weather")
    assert (found.status, found.codes) == ("approximate", ("tool_options_ignored",))
    assert "`generate_summary`" in found.why and "user_agent" not in found.why


@pytest.mark.parametrize(("kind", "remedy"), [("api", "OpenAPI document"), ("workflow", "publish"), ("mcp", "MCP")])
def test_what_is_to_be_done_about_a_missing_tool_is_said_by_the_type_of_its_provider(kind: str, remedy: str) -> None:
    new = _with_tool(provider_type=kind, provider_id="한 id", provider_name="날씨 API", tool_name="getWeather")
    found = _of(report(new, Bindings(), NOTHING), "weather")
    assert (found.status, found.codes) == ("unsupported", ("tool_missing",))
    assert remedy in found.why and "`날씨 API`" in found.why
    here = Here(tools=frozenset({("날씨 API", "getWeather")}))
    assert _of(report(new, Bindings(), here), "weather").status == "exact"


def test_a_version_of_a_node_that_nobody_here_runs_is_named() -> None:
    new = Document(copy.deepcopy(load("휴가-안내.yml").tree))
    new.tree["workflow"]["graph"]["nodes"][0]["data"]["version"] = "9"
    assert "`start` of version 9" in _of(report(new, Bindings(), NOTHING), "start").why


def test_nodes_that_do_here_what_they_did_there_are_exact() -> None:
    found = report(load("휴가-안내.yml"), Bindings(), NOTHING)
    assert {item.node for item in found if item.status == "exact"} >= {"start", "split", "reply"}


def test_settings_that_cannot_be_read_are_named() -> None:
    new = Document(copy.deepcopy(load("휴가-안내.yml").tree))
    new.tree["workflow"]["graph"]["nodes"][1]["data"]["cases"] = [{"conditions": 3}]
    found = _of(report(new, Bindings(), NOTHING), "split")
    assert (found.status, found.codes) == ("unsupported", ("node_invalid",))
    assert "`cases.0`" in found.why


def test_options_that_a_type_has_no_place_for_are_named() -> None:
    new = Document(copy.deepcopy(load("휴가-안내.yml").tree))
    new.tree["workflow"]["graph"]["nodes"][1]["data"] |= {"judge_by_moon": True, "empty": [], "_editor": 1}
    found = _of(report(new, Bindings(), NOTHING), "split")
    assert (found.status, found.codes) == ("approximate", ("options_ignored",))
    assert found.why == "Kept and not used: `judge_by_moon`."


def test_features_that_are_on_and_not_served_are_named() -> None:
    found = report(load("휴가-안내.yml"), Bindings(), NOTHING)
    assert [(item.title, item.status) for item in found if item.type == "feature"] == [
        ("text_to_speech", "approximate")
    ]


def test_a_chat_apps_parts_are_reported_like_nodes() -> None:
    found = {(item.type, item.title): item for item in report(load("helpdesk-chat.yml"), Bindings(), NOTHING)}
    assert found["model", "openai/gpt-4o"].codes == ("model_default",)
    assert found["prompt", ""].status == "approximate"
    assert found["knowledge", ""].codes[:2] == ("dataset_unmapped", "search_differs")
    assert "score threshold" in found["knowledge", ""].why
    assert found["feature", "annotation_reply"].status == "approximate"


def test_a_mapping_makes_reasons_go() -> None:
    dataset = "11111111-2222-4333-8444-555555555555"
    mapped = Bindings({dataset: "base-1"}, {"openai/gpt-4o": "our-model"})
    codes = {code for item in report(load("helpdesk-chat.yml"), mapped, NOTHING) for code in item.codes}
    assert not codes & {"dataset_unmapped", "model_default"}
    here = Here(frozenset({"gpt-4o"}), frozenset({dataset}))
    codes = {code for item in report(load("helpdesk-chat.yml"), Bindings(), here) for code in item.codes}
    assert not codes & {"dataset_unmapped", "model_default"}


def test_a_completion_app_does_here_what_it_did_there() -> None:
    here = Here(frozenset({"gpt-4o-mini"}))
    assert {item.status for item in report(load("sql-completion.yml"), Bindings(), here)} == {"exact"}


def test_an_agents_tools_are_named() -> None:
    found = report(load("agent-with-tools.yml"), Bindings(), NOTHING)
    [tool] = [item for item in found if item.type == "tool"]
    assert (tool.title, tool.status, tool.codes) == ("google_search", "unsupported", ("tool_missing",))


def test_an_agent_nodes_tools_and_strategy_are_named() -> None:
    tool = {"enabled": True, "type": "builtin", "provider_name": "google", "tool_name": "search", "settings": {}}
    known = _with_node(0, type="agent", agent_parameters={"tools": {"type": "constant", "value": [tool]}})
    assert "tool_missing" in _of(report(known, Bindings(), NOTHING), "start").codes
    odd = _with_node(0, type="agent", agent_strategy_name="TOD", agent_strategy_provider_name="a/b")
    found = _of(report(odd, Bindings(), NOTHING), "start")
    assert (found.status, found.codes) == ("unsupported", ("strategy_unknown",))
    assert found.about[0].name != "" and found.about[0].of != ""


def _with_node(index: int, **data: object) -> Document:
    """휴가-안내 with other data in one node."""
    new = Document(copy.deepcopy(load("휴가-안내.yml").tree))
    new.tree["workflow"]["graph"]["nodes"][index]["data"] |= data
    return new


def test_a_search_says_what_of_it_is_not_done() -> None:
    mapped = Bindings({DATASET: "base-1"}, {"gpt-4o-mini": "ours"})
    found = _of(report(load("휴가-안내.yml"), mapped, NOTHING), "find")
    assert (found.status, found.codes) == ("approximate", ("threshold_differs", "search_differs", "rerank_here"))
    assert "`rerank-multilingual-v3.0`" in found.why
    served = _with_node(2, metadata_filtering_mode="automatic", retrieval_mode="single")
    assert _of(report(served, mapped, NOTHING), "find").codes == found.codes
    found = _of(report(_with_node(2, dataset_ids=[]), mapped, NOTHING), "find")
    assert (found.status, found.codes[0]) == ("unsupported", "dataset_none")


def test_a_sealed_data_set_asks_for_a_mapping_with_the_words_to_write() -> None:
    why = _of(report(load("휴가-안내.yml"), Bindings(), NOTHING), "find").why
    assert f"--map-dataset '{DATASET}=NAME'" in why
    assert "only the other installation can read" in why


def test_parameters_of_a_model_that_no_request_carries_are_named() -> None:
    model = {"provider": "", "name": "ours", "mode": "chat", "completion_params": {"temperature": 1, "mirostat": 2}}
    here = Here(frozenset({"ours"}))
    found = _of(report(_with_node(3, model=model), Bindings(), here), "say")
    assert (found.status, found.codes) == ("approximate", ("parameters_ignored",))
    assert "`mirostat`" in found.why and "temperature" not in found.why


@pytest.mark.parametrize(
    ("data", "codes"),
    [
        ({"type": "question-classifier", "classes": [{"id": "1", "name": "휴가"}]}, ("prompt_differs",)),
        ({"type": "parameter-extractor", "parameters": [{"name": "날짜", "type": "bool"}]}, ("prompt_differs",)),
        ({"type": "document-extractor", "variable_selector": ["sys", "files"]}, ("text_differs",)),
        ({"type": "list-operator", "variable": ["sys", "files"], "var_type": "array[file]"}, ()),
    ],
)
def test_what_is_asked_or_read_in_another_way_says_so(data: dict[str, object], codes: tuple[str, ...]) -> None:
    new = _with_node(3)
    new.tree["workflow"]["graph"]["nodes"][3]["data"] = data
    found = _of(report(new, Bindings(), NOTHING), "say")
    assert (found.codes, found.status) == (codes, "approximate" if codes else "exact")


def test_a_model_that_is_here_makes_its_node_exact() -> None:
    found = _of(report(load("휴가-안내.yml"), Bindings(), Here(frozenset({"gpt-4o-mini"}))), "say")
    assert (found.status, found.why) == ("exact", "")


def test_a_type_that_dify_has_not_is_told_from_one_that_is_not_run() -> None:
    assert "none of Dify's" in _of(report(_with_node(0, type="teleport"), Bindings(), NOTHING), "start").why
    assert (
        "not run by this version" in _of(report(_with_node(0, type="trigger-plugin"), Bindings(), NOTHING), "start").why
    )


def test_every_type_that_runs_here_is_one_of_difys_but_our_own() -> None:
    assert kinds().keys() - DIFY_TYPES.keys() == {("knowledge-answer", "1")}


def test_a_pipelines_data_sources_say_which_of_them_can_be_asked_here() -> None:
    found = load("규정-파이프라인.yml")
    assert (found.mode, found.name) == ("rag-pipeline", "규정 파이프라인")
    told = report(found, Bindings(), NOTHING)
    by = {one.node: (one.status, one.codes) for one in told}
    assert by["upload"] == ("exact", ())
    assert by["page"] == ("approximate", ("crawl_differs",))
    assert by["notion"] == ("unsupported", ("datasource_plugin",))
    assert by["cut"] == ("exact", ())
    assert by["index"] == ("approximate", ("search_differs", "embedding_here"))
    assert "`langgenius/notion_datasource" in _of(told, "notion").why


@pytest.mark.parametrize("version", ["1", "2"])
def test_forms_are_exact_but_for_people_of_the_other_installation(version: str) -> None:
    form = {"form_content": "x", "user_actions": [{"id": "ok", "title": "OK"}], "version": version}
    own: dict[str, Any]
    elsewhere: dict[str, Any]
    if version == "1":
        mail = {"type": "email", "config": {"recipients": {"items": [{"type": "member", "user_id": "u"}]}}}
        here, elsewhere = {"delivery_methods": [{"type": "webapp"}]}, {"delivery_methods": [mail]}
    else:
        own = {"message_template": {"subject": "", "body": ""}, "debug_mode": {"enabled": False, "channels": ["email"]}}
        here = {**own, "recipients_spec": [{"type": "initiator"}]}
        elsewhere = {**own, "recipients_spec": [{"type": "contact", "contact_id": "c"}]}
        elsewhere["debug_mode"] = {"enabled": True, "channels": ["slack"]}
    codes = ("recipients_unknown",) if version == "1" else ("recipients_unknown", "channels_unserved")
    for data, expected in ((here, ()), (elsewhere, codes)):
        new = _with_node(3)
        new.tree["workflow"]["graph"]["nodes"][3]["data"] = {"type": "human-input", **form, **data}
        assert _of(report(new, Bindings(), NOTHING), "say").codes == expected

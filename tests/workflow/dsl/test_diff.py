"""Differences in meaning between two versions of a design."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest

from llmflow.workflow.dsl.diff import Change, EdgeChange, NodeChange, diff
from llmflow.workflow.dsl.document import Document, document
from tests.workflow.dsl.files import ALL, load, tree_of


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.name)
def test_a_design_does_not_differ_from_itself(path: Path) -> None:
    found = document(tree_of(path.read_bytes()))
    same = diff(found, Document(copy.deepcopy(found.tree)))
    assert same.is_empty
    assert same.moved == ()


def _changed() -> tuple[Document, Document]:
    old = load("휴가-안내.yml")
    return old, Document(copy.deepcopy(old.tree))


def test_a_nodes_change_names_the_smallest_value() -> None:
    old, new = _changed()
    say = new.tree["workflow"]["graph"]["nodes"][3]
    say["data"]["model"]["completion_params"]["temperature"] = 0.9
    say["data"]["prompt_template"][0]["text"] = "짧게 답하세요."
    del say["data"]["retry_config"]
    say["data"]["selected"] = True
    (found,) = diff(old, new).changed
    assert (found.id, found.type, found.title) == ("say", "llm", "답 쓰기")
    assert [change.path for change in found.changes] == [
        "model.completion_params.temperature",
        "prompt_template[0].text",
        "retry_config",
    ]
    assert found.changes[0] == Change("model.completion_params.temperature", 0.2, 0.9)
    assert found.changes[2].new is None


def test_nodes_and_edges_come_and_go() -> None:
    old, new = _changed()
    graph = new.tree["workflow"]["graph"]
    graph["nodes"] = [node for node in graph["nodes"] if node["id"] != "weather"]
    graph["nodes"].append({"id": "bye", "type": "custom", "data": {"type": "answer", "title": "끝", "answer": "안녕"}})
    graph["edges"][-1] = {"source": "desk", "sourceHandle": "source", "target": "bye"}
    found = diff(old, new)
    assert found.added == (NodeChange("bye", "answer", "끝"),)
    assert found.removed == (NodeChange("weather", "tool", "날씨"),)
    assert found.edges_added == (EdgeChange("desk", "source", "bye"),)
    assert found.edges_removed == (EdgeChange("desk", "source", "weather"),)


def test_a_node_that_was_moved_means_the_same() -> None:
    old, new = _changed()
    new.tree["workflow"]["graph"]["nodes"][0]["position"]["x"] = 99
    found = diff(old, new)
    assert found.is_empty
    assert found.moved == ("start",)


def test_variables_features_and_the_app_are_compared() -> None:
    old, new = _changed()
    new.tree["workflow"]["environment_variables"][0]["value"] = "https://new.example.com"
    new.tree["workflow"]["conversation_variables"] = []
    new.tree["workflow"]["features"]["opening_statement"] = "반갑습니다."
    new.tree["app"]["name"] = "휴가 도우미"
    found = diff(old, new)
    assert [change.path for change in found.variables] == ["environment.desk_url.value", "conversation.department"]
    assert found.features == (Change("opening_statement", "안녕하세요! 휴가에 대해 물어보세요.", "반갑습니다."),)
    assert found.app == (Change("name", "휴가 안내", "휴가 도우미"),)


def test_a_changed_secret_is_named_and_not_shown() -> None:
    old, new = _changed()
    new.tree["workflow"]["environment_variables"][1]["value"] = "another-열쇠"
    found = diff(old, new)
    assert [change.path for change in found.variables] == ["environment.desk_key.value"]
    assert "열쇠" not in str(found)
    new.tree["workflow"]["environment_variables"][1]["value"] = ""
    assert "열쇠" not in str(diff(old, new))


def test_long_texts_are_cut() -> None:
    old, new = _changed()
    new.tree["workflow"]["graph"]["nodes"][4]["data"]["answer"] = "가" * 100_000
    ((change,),) = [node.changes for node in diff(old, new).changed]
    assert len(change.new) < 3000


def test_a_chat_apps_configuration_is_compared() -> None:
    old = load("helpdesk-chat.yml")
    new = Document(copy.deepcopy(old.tree))
    new.tree["model_config"]["pre_prompt"] = "Answer in Korean."
    assert [change.path for change in diff(old, new).features] == ["pre_prompt"]

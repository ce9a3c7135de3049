"""Documents: what is read of them, that nothing is lost on the way out, and what stays behind on purpose."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from llmflow.errors import UsageError
from llmflow.workflow.dsl.document import document
from llmflow.workflow.dsl.secrets import HIDDEN, hidden, unhidden
from llmflow.workflow.dsl.version import check
from llmflow.workflow.dsl.write import portable, write
from tests.workflow.dsl.dify_fields import faults
from tests.workflow.dsl.files import ALL, load, tree_of

#: What an export leaves behind, in the files of these tests.
RESETS = ("credential_id", "webhook_url", "webhook_debug_url", "subscription_id")


def _without_resets(value: Any) -> Any:
    """The tree with what an export leaves behind taken out, for comparison."""
    if isinstance(value, list):
        return [_without_resets(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {key: _without_resets(item) for key, item in value.items() if key not in RESETS}
    return {**kept, "value": ""} if kept.get("value_type") == "secret" else kept


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.name)
def test_an_export_says_what_was_imported(path: Path) -> None:
    tree = document(tree_of(path.read_bytes())).tree
    written = write(tree)
    assert _without_resets(tree_of(written)) == _without_resets(tree)
    assert write(tree_of(written)) == written


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.name)
def test_an_export_has_the_fields_that_dify_imports(path: Path) -> None:
    assert faults(tree_of(write(document(tree_of(path.read_bytes())).tree))) == []


def test_the_check_of_fields_finds_what_dify_would_refuse() -> None:
    tree = load("휴가-안내.yml").tree
    tree["app"]["mode"] = "talk"
    tree["workflow"]["graph"]["nodes"][3]["data"].pop("model")
    tree["workflow"]["graph"]["edges"][0]["target"] = "nobody"
    assert faults(tree) == [
        "app.mode: talk",
        "node say.model: missing",
        "node say.model.provider: missing",
        "node say.model.name: missing",
        "node say.model.mode: missing",
        "edge start-source-split-target: leads nowhere",
    ]


def test_a_document_says_what_is_in_it() -> None:
    found = load("휴가-안내.yml")
    assert (found.name, found.mode, found.version) == ("휴가 안내", "advanced-chat", "0.6.0")
    assert [node.id for node in found.nodes] == ["start", "split", "find", "say", "reply", "desk", "weather"]
    assert [(edge.source, edge.handle) for edge in found.edges][1:3] == [("split", "true"), ("split", "false")]
    assert [(v.name, v.type) for v in found.environment] == [("desk_url", "string"), ("desk_key", "secret")]
    assert found.features["suggested_questions"] == ["연차는 며칠인가요?", "경조 휴가는요?"]
    assert found.dependencies == ("langgenius/openai:0.2.6",)
    assert {node.id: node.parent for node in load("triggered.yml").nodes if node.parent} == {
        "eachstart": "each",
        "shout": "each",
    }


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: 1", "no `app`"),
        ("app: {name: x}", "names no `mode`"),
        ("app: {name: x, mode: channel}", "the mode `channel` is none of"),
        ("app: {name: x, mode: workflow}", "`workflow`, which is missing"),
        ("app: {name: x, mode: chat}", "`model_config`, which is missing"),
        ("app: {name: x, mode: workflow}\nworkflow: {graph: [1]}", "no `graph` with a list"),
        ("app: {name: x, mode: workflow}\nworkflow: {graph: {nodes: 3}}", "no `graph` with a list"),
        ("version: soon\napp: {name: x, mode: chat}\nmodel_config: {a: 1}", "`soon` is no version"),
    ],
)
def test_a_document_of_no_version_of_dify_is_refused(text: str, why: str) -> None:
    with pytest.raises(UsageError) as caught:
        document(tree_of(text))
    assert caught.value.code == "dsl_invalid"
    assert why in caught.value.message


def test_odd_shapes_inside_are_passed_over_and_kept() -> None:
    text = """
    app: {name: 3, mode: workflow}
    version: 0.3
    workflow:
      environment_variables: {not: a list}
      graph: {nodes: [7, {id: 5}, {id: a, data: [1]}, {data: {type: llm}}], edges: [null, {source: 5}]}
    """
    found = document(tree_of(text))
    assert (found.name, found.version) == ("3", "0.3")
    assert [(node.id, node.type) for node in found.nodes] == [("5", ""), ("a", ""), ("", "llm")]
    assert found.environment == ()
    assert tree_of(write(found.tree)) == found.tree


@pytest.mark.parametrize(
    ("version", "status"),
    [
        ("", "completed-with-warnings"),
        ("0.1.0", "completed-with-warnings"),
        ("0.5.9", "completed-with-warnings"),
        ("0.6.0", "completed"),
        ("0.6", "completed"),
        ("0.6.1", "pending"),
        ("0.7.0", "pending"),
        ("1.0.0", "pending"),
    ],
)
def test_a_version_is_judged_as_dify_judges_it(version: str, status: str) -> None:
    found = check(version)
    assert (found.status, found.why == "") == (status, status == "completed")


def test_secrets_are_hidden_and_come_back_when_they_were_left_alone() -> None:
    tree = load("휴가-안내.yml").tree
    shown = hidden(tree)
    assert "s3cret" not in str(shown)
    assert shown["workflow"]["environment_variables"][1]["value"] == HIDDEN
    assert unhidden(shown, tree) == tree
    renamed = hidden(tree)
    renamed["workflow"]["environment_variables"][1]["name"] = "renamed"
    assert unhidden(renamed, tree)["workflow"]["environment_variables"][1]["value"] == "s3cret-열쇠"
    shown["workflow"]["environment_variables"][1]["value"] = "새 열쇠"
    assert unhidden(shown, tree)["workflow"]["environment_variables"][1]["value"] == "새 열쇠"


def test_an_export_has_secrets_only_when_asked() -> None:
    tree = load("휴가-안내.yml").tree
    weather = portable(tree)["workflow"]["graph"]["nodes"][6]["data"]
    assert "s3cret" not in write(tree)
    assert "credential_id" not in weather
    assert "s3cret-열쇠" in write(tree, include_secret=True)
    hook = portable(load("triggered.yml").tree, include_secret=True)["workflow"]["graph"]["nodes"][0]["data"]
    assert (hook["webhook_url"], hook["webhook_id"]) == ("", "w-1")


def test_an_agents_stored_credentials_stay_behind() -> None:
    tools = portable(load("agent-with-tools.yml").tree)["model_config"]["agent_mode"]["tools"]
    assert "credential_id" not in tools[0]
    assert tools[1] == {"dataset": {"enabled": True, "id": "11111111-2222-4333-8444-555555555555"}}

"""The two ends of a pipeline of knowledge: where it begins with a document, and ends with passages."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llmflow.errors import NodeFailed
from llmflow.knowledge.given import Cut
from llmflow.workflow.context import Outside
from llmflow.workflow.cuts import cuts_of
from llmflow.workflow.engine.run import Run
from llmflow.workflow.events import WorkflowFinished
from llmflow.workflow.graph import compile_graph
from tests.flow_apps import datasource, end, index, pipeline, template
from tests.workflow.graphs import Kept


@pytest.mark.parametrize(
    ("structure", "value", "cuts"),
    [
        ("text_model", ["가", " ", "나 "], [Cut("가"), Cut("나")]),
        ("text_model", {"general_chunks": ["가", {"content": "나"}]}, [Cut("가"), Cut("나")]),
        ("text_model", "한 덩이", [Cut("한 덩이")]),
        (
            "hierarchical_model",
            {"parent_child_chunks": [{"parent_content": "부모", "child_contents": ["자식 1", "", "자식 2"]}]},
            [Cut("부모", parts=("자식 1", "자식 2"))],
        ),
        ("hierarchical_model", [{"parent_content": "홀로", "child_contents": None}], [Cut("홀로", parts=("홀로",))]),
        (
            "qa_model",
            {"qa_chunks": [{"question": "며칠?", "answer": 15}, {"question": "", "answer": "x"}]},
            [Cut("며칠?", answer="15")],
        ),
    ],
)
def test_passages_are_read_in_each_structure(structure: str, value: Any, cuts: list[Cut]) -> None:
    assert cuts_of(structure, value) == cuts


@pytest.mark.parametrize(
    ("structure", "value"),
    [
        ("text_model", None),
        ("text_model", []),
        ("text_model", {"parent_child_chunks": []}),
        ("hierarchical_model", ["가"]),
        ("qa_model", ["가"]),
        ("magic_model", ["가"]),
    ],
)
def test_a_value_of_another_structure_fails(structure: str, value: Any) -> None:
    with pytest.raises(NodeFailed):
        cuts_of(structure, value)


NODES = (
    datasource("upload"),
    datasource("page", "website_crawl"),
    datasource("notion", "online_document", plugin_id="langgenius/notion"),
    template(
        "a", "{{ d }}|{{ o }}|{{ n }}", d="rag.shared.delimiter", o="rag.upload.delimiter", n="upload.file.filename"
    ),
    template("b", "{{ c }}", c="page.content"),
    template("c", "{{ c }}", c="notion.content"),
    end(a="a.output", b="b.output", c="c.output"),
)
EDGES = [("upload", "a"), ("page", "b"), ("notion", "c"), ("a", "end"), ("b", "end"), ("c", "end")]
INFO = {"name": "규정.txt", "size": 7, "mime_type": "text/plain"}


async def _ran(start: str, system: dict[str, Any], **inputs: Any) -> WorkflowFinished:
    plan = compile_graph(json.loads(pipeline("p", NODES, EDGES))["workflow"]["graph"])
    assert plan.problems == ()

    async def text(file: Any) -> str:
        return f"글 {file['transfer_method']} {file['related_id'] or file['url']}"

    run = Run(plan, sink=Kept(), start=start, inputs=inputs, system=system, outside=Outside(read_text=text))
    last = await run.go()
    assert isinstance(last, WorkflowFinished)
    return last


async def test_a_pipeline_begins_at_the_data_source_that_is_named_with_the_values_of_its_form() -> None:
    last = await _ran("upload", {"document_id": "d", "datasource_info": INFO}, delimiter=";")
    assert last.outputs == {"a": ";|;|규정.txt", "b": None, "c": None}


async def test_a_page_and_an_online_document_have_text() -> None:
    last = await _ran("page", {"document_id": "d", "datasource_info": INFO})
    assert last.outputs["b"] == "글 datasource_file d"
    last = await _ran("page", {"datasource_info": {"url": "https://example.com/a"}})
    assert last.outputs["b"] == "글 remote_url https://example.com/a"
    last = await _ran("notion", {"document_id": "d", "datasource_info": INFO})
    assert last.outputs["c"] == "글 datasource_file d"


async def test_what_only_a_plugin_could_fetch_and_a_run_without_a_document_fail_and_say_why() -> None:
    last = await _ran("notion", {"datasource_info": {"workspace_id": "w"}})
    assert (last.status, last.error_code) == ("failed", "node_unsupported")
    assert "langgenius/notion" in (last.error or "")
    last = await _ran("upload", {})
    assert (last.status, last.error_code) == ("failed", "node_input_invalid")


def test_the_last_node_is_one_of_a_pipeline_alone() -> None:
    plan = compile_graph({"nodes": [datasource("upload"), index("i", "upload.content")], "edges": []})
    assert [problem.code for problem in plan.problems] == ["node_unreachable"]

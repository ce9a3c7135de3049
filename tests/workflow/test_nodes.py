"""The nodes, one by one."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest

from llmflow.config.settings import Workflow
from llmflow.errors import NodeFailed
from llmflow.knowledge.conditions import Condition, Conditions, Guess
from llmflow.ports.llm import ChatDelta, Message
from llmflow.workflow.context import Retrieved, Search
from llmflow.workflow.events import WorkflowFinished
from llmflow.workflow.files import make_file
from llmflow.workflow.registry import kinds
from llmflow.workflow.types import Typed
from tests.workflow.graphs import end, graph, node, outputs_of, run, start
from tests.workflow.outside import FAKES, Model, messages, remembering

# start


@pytest.mark.parametrize(
    ("variable", "value", "kept"),
    [
        ({"type": "number"}, "3.5", 3.5),
        ({"type": "number"}, 3, 3),
        ({"type": "checkbox"}, "true", True),
        ({"type": "select", "options": ["가", "나"]}, "나", "나"),
        ({"type": "paragraph", "default": "기본"}, None, "기본"),
        ({"type": "json_object"}, {"a": 1}, {"a": 1}),
        ({"type": "text-input", "max_length": 2}, "한글", "한글"),
    ],
)
async def test_an_input_becomes_what_its_type_says(variable: dict[str, Any], value: Any, kept: Any) -> None:
    given = {"variable": "v", **variable}
    last, _ = await run(
        graph([node("start", "start", variables=[given]), end(v="start.v")], "start > end"), inputs={"v": value}
    )
    assert last.outputs == {"v": kept}


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ({"type": "number"}, "셋"),
        ({"type": "select", "options": ["가"]}, "나"),
        ({"type": "text-input", "max_length": 2}, "한글날"),
        ({"type": "text-input", "required": True}, None),
        ({"type": "json_object"}, "{"),
        ({"type": "file"}, "report.pdf"),
        ({"type": "paragraph"}, "가" * 200_000),
    ],
)
async def test_an_input_that_does_not_fit_fails_the_run(variable: dict[str, Any], value: Any) -> None:
    given = {"variable": "v", **variable}
    last, _ = await run(graph([node("start", "start", variables=[given])]), inputs={"v": value})
    assert isinstance(last, WorkflowFinished)
    assert (last.status, last.error_code) == ("failed", "workflow_input_invalid")


# llm


async def test_a_model_is_asked_with_templates_context_memory_and_parameters() -> None:
    model = Model("답")
    tested = node(
        "m",
        "llm",
        model={
            "provider": "x",
            "name": "big",
            "completion_params": {"temperature": 0.3, "max_tokens": 9, "top_p": 0.5, "top_k": 3},
        },
        prompt_template=[
            {"role": "system", "text": "너는 {{#sys.user_id#}}. {{#context#}}"},
            {"role": "user", "text": ""},
        ],
        context={"enabled": True, "variable_selector": ["start", "found"]},
        memory={"window": {"enabled": True, "size": 1}, "query_prompt_template": "{{#sys.query#}}?"},
    )
    history = remembering(
        Message("user", "옛 질문"), Message("assistant", "옛 답"), Message("user", "앞"), Message("assistant", "뒤")
    )
    outputs = await outputs_of(
        tested,
        outside=replace(FAKES, chat=model, history=history),
        inputs={"found": [{"content": "구절 {{#sys.query#}}", "title": "t"}, {"content": "둘"}]},
        system={"query": "질문", "user_id": "u1"},
    )
    request = model.asked[0]
    assert messages(request) == [
        ("system", "너는 u1. 구절 {{#sys.query#}}\n둘"),
        ("user", "앞"),
        ("assistant", "뒤"),
        ("user", "질문?"),
    ]
    assert (request.model, request.temperature, request.max_tokens, request.options) == ("big", 0.3, 9, {"top_p": 0.5})
    assert outputs["text"] == "답"
    assert outputs["usage"]["total_tokens"] == 12


async def test_a_prompt_can_be_a_jinja_template_or_one_completion() -> None:
    model = Model("답")
    jinja = node(
        "m",
        "llm",
        prompt_template=[
            {
                "role": "user",
                "edition_type": "jinja2",
                "jinja2_text": "{% for x in xs %}{{ x }}.{% endfor %}{{#context#}}",
            }
        ],
        prompt_config={"jinja2_variables": [{"variable": "xs", "value_selector": ["start", "xs"]}]},
        context={"enabled": True, "variable_selector": ["start", "c"]},
    )
    await outputs_of(jinja, outside=replace(FAKES, chat=model), inputs={"xs": ["가", "나"], "c": "{{ xs }}"})
    completion = node("m", "llm", model={"mode": "completion"}, prompt_template={"text": "이어서: {{#sys.query#}}"})
    await outputs_of(completion, outside=replace(FAKES, chat=model), system={"query": "하나"})
    assert [messages(request) for request in model.asked] == [[("user", "가.나.{{ xs }}")], [("user", "이어서: 하나")]]


@pytest.mark.parametrize(
    ("format", "deltas", "text", "reasoning"),
    [
        ("separated", ["<thi", "nk>생", "각</th", "ink>\n\n", "답", "."], "답.", "생각"),
        ("separated", [ChatDelta(reasoning="생각"), "답"], "답", "생각"),
        ("separated", ["a < b"], "a < b", ""),
        ("separated", ["<think>끝이 없다"], "", "끝이 없다"),
        ("tagged", ["<think>생각</think>답"], "<think>생각</think>답", ""),
        ("tagged", [ChatDelta(reasoning="생"), ChatDelta(reasoning="각"), "답"], "<think>\n생각\n</think>\n답", ""),
    ],
)
async def test_what_a_model_thinks_is_kept_apart_or_tagged(
    format: str, deltas: list[Any], text: str, reasoning: str
) -> None:
    tested = node("m", "llm", prompt_template=[{"role": "user", "text": "x"}], reasoning_format=format)
    design = graph([start(), tested, node("answer", "answer", answer="{{#m.text#}}")], "start > m > answer")
    last, sink = await run(design, outside=replace(FAKES, chat=Model(*deltas)))
    outputs = sink.end_of("m").outputs
    assert (outputs["text"], outputs["reasoning_content"]) == (text, reasoning)
    assert sink.text == last.outputs["answer"] == text


SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}


@pytest.mark.parametrize("said", ['{"name": "지수"}', '```json\n{"name": "지수"}\n```', '답: {"name": "지수"} 입니다'])
async def test_a_structured_answer_is_the_json_in_what_the_model_says(said: str) -> None:
    model = Model(said)
    tested = node(
        "m",
        "llm",
        prompt_template=[{"role": "user", "text": "x"}],
        structured_output_enabled=True,
        structured_output={"schema": SCHEMA},
    )
    outputs = await outputs_of(tested, outside=replace(FAKES, chat=model))
    assert outputs["structured_output"] == {"name": "지수"}
    assert model.asked[0].options["response_format"]["json_schema"]["schema"] == SCHEMA


@pytest.mark.parametrize("said", ["아무 말", '{"other": 1}'])
async def test_an_answer_without_the_structure_fails(said: str) -> None:
    tested = node(
        "m",
        "llm",
        prompt_template=[{"role": "user", "text": "x"}],
        structured_output_enabled=True,
        structured_output={"schema": SCHEMA},
    )
    with pytest.raises(NodeFailed, match="JSON"):
        await outputs_of(tested, outside=replace(FAKES, chat=Model(said)))


async def test_images_go_into_the_last_question() -> None:
    model = Model("고양이")
    ours = make_file(name="cat.png", media_type="image/png", id="f1")
    theirs = make_file(name="dog", type="image", transfer_method="remote_url", url="https://example.com/dog")
    document = make_file(name="a.pdf")

    async def read(file: Any) -> bytes:
        return f"png of {file['related_id'] or file['url']}".encode()

    tested = node(
        "m",
        "llm",
        prompt_template=[{"role": "user", "text": "무엇이 보이나요?"}],
        vision={"enabled": True, "configs": {"variable_selector": ["sys", "files"], "detail": "low"}},
    )
    outside = replace(FAKES, chat=model, read_file=read)
    await outputs_of(tested, outside=outside, system={"files": [ours, theirs, document]})
    content = model.asked[0].messages[0].content
    assert isinstance(content, list)
    assert [part["type"] for part in content] == ["image_url", "image_url", "text"]
    assert content[0]["image_url"] == {"url": "data:image/png;base64,cG5nIG9mIGYx", "detail": "low"}
    fetched = base64.b64encode(b"png of https://example.com/dog").decode()  # by us, under our guard
    assert content[1]["image_url"]["url"] == f"data:image/png;base64,{fetched}"
    assert content[2]["text"] == "무엇이 보이나요?"


async def test_an_empty_prompt_fails() -> None:
    with pytest.raises(NodeFailed, match="empty"):
        await outputs_of(node("m", "llm", prompt_template=[{"role": "user", "text": " "}]))


# knowledge


def searching(**data: Any) -> dict[str, Any]:
    return node("k", "knowledge-retrieval", query_variable_selector=["sys", "query"], dataset_ids=["a", "b"], **data)


async def search_of(tested: dict[str, Any], **given: Any) -> Search:
    """What the node asks for."""
    asked: list[Search] = []

    async def search(search: Search) -> Retrieved:
        asked.append(search)
        return Retrieved([{"content": "구절"}], {"notes": []})

    outputs = await outputs_of(tested, outside=replace(FAKES, search=search), system={"query": "휴가는?"}, **given)
    assert outputs == {"result": [{"content": "구절"}]}
    return asked[0]


WEIGHTS = {"vector_setting": {"vector_weight": 0.6}, "keyword_setting": {"keyword_weight": 0.2}}


@pytest.mark.parametrize(
    ("config", "wishes"),
    [
        ({"top_k": 3}, {"top_k": 3}),
        ({"top_k": None, "score_threshold": 0.4}, {"threshold": 0.4}),
        (
            {"top_k": 3, "reranking_mode": "weighted_score", "weights": WEIGHTS},
            {"top_k": 3, "mode": "hybrid", "fusion": "weights", "dense_weight": 0.75, "rerank": False},
        ),
        ({"top_k": 3, "reranking_model": {"provider": "jina", "model": "jina-reranker"}}, {"top_k": 3, "rerank": True}),
        ({"top_k": 3, "reranking_model": {"model": "m"}, "reranking_enable": False}, {"top_k": 3}),
    ],
)
async def test_a_search_is_asked_as_the_node_says(config: dict[str, Any], wishes: dict[str, Any]) -> None:
    asked = await search_of(searching(multiple_retrieval_config=config))
    assert {**asked.wishes, "dense_weight": 0} == {**wishes, "dense_weight": 0}
    assert asked.wishes.get("dense_weight") == pytest.approx(wishes.get("dense_weight"))
    assert (asked.knowledge, asked.query, asked.conditions, asked.one_of) == (("a", "b"), "휴가는?", None, None)


async def test_conditions_on_documents_are_asked_with_the_values_of_variables() -> None:
    listed = [
        {"name": "year", "comparison_operator": "=", "value": "{{#start.year#}}"},
        {"name": "부서", "comparison_operator": "in", "value": ["{{#start.team#}}", "인사"]},
    ]
    given = {"logical_operator": "or", "conditions": listed}
    tested = searching(metadata_filtering_mode="manual", metadata_filtering_conditions=given)
    asked = await search_of(tested, inputs={"year": "2024", "team": "영업"})
    assert asked.conditions == Conditions(
        (Condition("year", "=", "2024"), Condition("부서", "in", ["영업", "인사"])), "or"
    )


async def test_conditions_that_are_none_fail_the_node_and_are_not_ignored() -> None:
    given = {"conditions": [{"name": "year", "comparison_operator": "like", "value": "2024"}]}
    tested = searching(metadata_filtering_mode="manual", metadata_filtering_conditions=given)
    with pytest.raises(NodeFailed, match="like"):
        await outputs_of(tested, system={"query": "?"})


async def test_a_model_may_make_the_conditions_or_choose_the_base() -> None:
    model = {"provider": "openai", "name": "gpt", "mode": "chat", "completion_params": {"top_p": 0.5}}
    automatic = await search_of(searching(metadata_filtering_mode="automatic", metadata_model_config=model))
    assert automatic.conditions == Guess("gpt", {"top_p": 0.5})
    single = await search_of(searching(retrieval_mode="single", single_retrieval_config={"model": model}))
    assert (single.one_of, single.wishes) == (Guess("gpt", {"top_p": 0.5}), {})


# variable-aggregator


async def test_the_first_variable_that_is_there_wins() -> None:
    selectors = [["nobody", "text"], ["sys", "query"], ["start", "q"]]
    tested = node("a", "variable-assigner", variables=selectors)  # its old name
    assert await outputs_of(tested, system={"query": "질문"}, inputs={"q": "q"}) == {"output": "질문"}
    groups = [
        {"group_name": "g", "output_type": "string", "variables": selectors},
        {"group_name": "h", "variables": []},
    ]
    grouped = node("a", "variable-aggregator", advanced_settings={"group_enabled": True, "groups": groups})
    assert await outputs_of(grouped, system={"query": "질문"}) == {"g": {"output": "질문"}}


# assigner


@pytest.mark.parametrize(
    ("type", "before", "item", "after"),
    [
        ("string", "a", {"operation": "over-write", "input_type": "variable", "value": ["sys", "query"]}, "질문"),
        ("string", "a", {"operation": "set", "input_type": "constant", "value": "{b}"}, "{b}"),
        ("string", "a", {"operation": "clear"}, ""),
        ("number", 4, {"operation": "+=", "input_type": "constant", "value": "2.5"}, 6.5),
        ("number", 4, {"operation": "-=", "input_type": "constant", "value": 1}, 3),
        ("number", 4, {"operation": "*=", "input_type": "constant", "value": 2}, 8),
        ("number", 4, {"operation": "/=", "input_type": "constant", "value": 8}, 0.5),
        ("object", {}, {"operation": "set", "input_type": "constant", "value": '{"a": 1}'}, {"a": 1}),
        ("boolean", False, {"operation": "set", "input_type": "constant", "value": True}, True),
        (
            "array[string]",
            ["a"],
            {"operation": "append", "input_type": "variable", "value": ["sys", "query"]},
            ["a", "질문"],
        ),
        (
            "array[string]",
            ["a"],
            {"operation": "extend", "input_type": "variable", "value": ["start", "xs"]},
            ["a", "b", "c"],
        ),
        ("array[string]", ["a", "b"], {"operation": "remove-first"}, ["b"]),
        ("array[string]", ["a", "b"], {"operation": "remove-last"}, ["a"]),
        ("array[number]", [], {"operation": "remove-last"}, []),
        ("array[object]", [{"a": 1}], {"operation": "clear"}, []),
    ],
)
async def test_an_assigner_writes_as_its_operation_says(
    type: str, before: Any, item: dict[str, Any], after: Any
) -> None:
    tested = node("w", "assigner", version="2", items=[{"variable_selector": ["conversation", "v"], **item}])
    design = graph([start(), tested, end(v="conversation.v")], "start > w > end")
    inputs = {"xs": ["b", "c"]}
    last, sink = await run(design, system={"query": "질문"}, inputs=inputs, conversation={"v": Typed(type, before)})
    assert last.outputs == {"v": after}
    assert sink.end_of("w").writes == (("conversation", "v", after),)


@pytest.mark.parametrize(
    ("type", "item"),
    [
        ("number", {"operation": "+=", "input_type": "variable", "value": ["sys", "query"]}),
        ("number", {"operation": "/=", "input_type": "constant", "value": 0}),
        ("number", {"operation": "append", "input_type": "constant", "value": 1}),
        ("array[number]", {"operation": "append", "input_type": "variable", "value": ["sys", "query"]}),
        ("string", {"operation": "over-write", "input_type": "variable", "value": ["nobody", "x"]}),
        ("string", {"operation": "transmogrify", "input_type": "constant", "value": "x"}),
        ("string", {"operation": "set", "input_type": "constant", "value": "가" * 100_000}),
    ],
)
async def test_a_write_that_does_not_fit_fails_and_nothing_is_written(type: str, item: dict[str, Any]) -> None:
    first = {"variable_selector": ["conversation", "other"], "operation": "set", "input_type": "constant", "value": "x"}
    tested = node("w", "assigner", version="2", items=[first, {"variable_selector": ["conversation", "v"], **item}])
    declared = {"v": Typed(type, None), "other": Typed("string", "")}
    last, sink = await run(graph([start(), tested], "start > w"), system={"query": "글"}, conversation=declared)
    assert isinstance(last, WorkflowFinished)
    assert last.status == "failed"
    assert sink.end_of("w").writes == ()


async def test_only_variables_of_the_conversation_and_of_loops_can_be_written() -> None:
    item = {"variable_selector": ["start", "q"], "operation": "set", "input_type": "constant", "value": "x"}
    with pytest.raises(NodeFailed, match="cannot be written"):
        await outputs_of(node("w", "assigner", version="2", items=[item]), inputs={"q": "a"})


async def test_the_first_version_of_the_assigner_writes_one_variable() -> None:
    common: dict[str, Any] = {
        "assigned_variable_selector": ["conversation", "v"],
        "input_variable_selector": ["sys", "query"],
    }
    for mode, after in (("over-write", None), ("append", ["a", "질문"]), ("clear", [])):
        tested = node("w", "assigner", write_mode=mode, **common)
        design = graph([start(), tested, end(v="conversation.v")], "start > w > end")
        last, _ = await run(design, system={"query": "질문"}, conversation={"v": Typed("array[string]", ["a"])})
        assert last.outputs.get("v") == after  # a text cannot overwrite a list


# all


def test_every_node_type_has_words_in_both_languages_and_a_schema_an_editor_can_read() -> None:
    found = {kind.type for kind in kinds().values()}
    assert {
        "start",
        "end",
        "answer",
        "llm",
        "knowledge-retrieval",
        "if-else",
        "template-transform",
        "http-request",
    } <= found
    assert {
        "variable-aggregator",
        "assigner",
        "iteration",
        "iteration-start",
        "loop",
        "loop-start",
        "loop-end",
    } <= found
    for kind in kinds().values():
        schema = kind.schema()
        assert all(schema["words"][language]["label"] for language in ("en", "ko"))
        assert set(schema["fields"]) <= set(schema["data"]["properties"])
        assert any("가" <= letter <= "힣" for letter in schema["words"]["ko"]["help"] + schema["words"]["ko"]["label"])


async def test_a_node_whose_settings_cannot_be_read_fails_when_reached_and_says_which() -> None:
    with pytest.raises(NodeFailed, match="dataset_ids"):
        await outputs_of(node("k", "knowledge-retrieval", dataset_ids=7), limits=Workflow())

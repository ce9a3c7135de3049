"""question-classifier: the branch that a model chooses, also when it says it badly."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest

from llmflow.errors import NodeFailed, OrganError, UsageError
from llmflow.ports.llm import Message
from llmflow.workflow.events import WorkflowFinished
from llmflow.workflow.files import make_file
from tests.workflow.graphs import end, graph, node, outputs_of, run, start, template
from tests.workflow.outside import FAKES, Model, Replies, messages, remembering

CLASSES = [
    {"id": "1", "name": "휴가 문의", "label": "휴가"},
    {"id": 2, "name": "급여 문의"},
    {"id": "기타", "name": "그 밖의 {{#start.word#}}"},
]


def classifier(**data: Any) -> dict[str, Any]:
    return node("c", "question-classifier", **{"query_variable_selector": ["sys", "query"], "classes": CLASSES, **data})


async def of(model: Model, **more: Any) -> dict[str, Any]:
    data = {name: more.pop(name) for name in ("memory", "vision", "instruction", "model") if name in more}
    given = {"system": {"query": "연차는 며칠인가요?"}, "inputs": {"word": "질문"}, **more}
    return await outputs_of(classifier(**data), outside=replace(FAKES, chat=model), **given)


@pytest.mark.parametrize(
    ("said", "chosen"),
    [
        ('{"category_id": "2"}', ("2", "급여 문의", "CLASS 2")),
        ('[참고] {"category_id": "2"}', ("2", "급여 문의", "CLASS 2")),
        ('{"category_id": 1}', ("1", "휴가 문의", "휴가")),
        (
            '<think>{"category_id": "1"}?</think>```json\n{"category_id": "기타"}\n```',
            ("기타", "그 밖의 질문", "CLASS 3"),
        ),
        ('{"category_name": "급여 문의", "category_id": "없음"}', ("2", "급여 문의", "CLASS 2")),
        ('{"category_id": "급여 문의"}', ("2", "급여 문의", "CLASS 2")),
        ("급여 문의 쪽입니다.", ("2", "급여 문의", "CLASS 2")),
        ('"2".', ("2", "급여 문의", "CLASS 2")),
    ],
)
async def test_the_class_is_the_one_the_model_names(said: str, chosen: tuple[str, str, str]) -> None:
    outputs = await of(Model(said))
    assert (outputs["class_id"], outputs["class_name"], outputs["class_label"]) == chosen
    assert outputs["usage"]["total_tokens"] == 12


@pytest.mark.parametrize(
    "said", ["", "모르겠습니다", "휴가 문의 아니면 급여 문의", '{"category_id": "7"}', '{"category_id": {"a']
)
async def test_an_answer_that_names_no_class_takes_the_first_and_says_so(said: str) -> None:
    design = graph([start("word"), classifier()], "start > c")
    _, sink = await run(design, outside=replace(FAKES, chat=Model(said)), system={"query": "질문"})
    ended = sink.end_of("c")
    assert (ended.outputs["class_id"], ended.handle) == ("1", "1")
    assert ended.process_data["fallback"].startswith("The model named no class")


async def test_only_the_branch_of_the_class_is_taken() -> None:
    branches = [template("a", "휴가"), template("b", "급여")]
    design = graph([start(), classifier(), *branches, end(a="a.output", b="b.output")], "start > c")
    design["edges"] += graph([], "c:1 > a > end", "c:2 > b > end")["edges"]
    last, sink = await run(design, outside=replace(FAKES, chat=Model('{"category_id": "2"}')), system={"query": "월급"})
    assert isinstance(last, WorkflowFinished)
    assert last.outputs == {"a": None, "b": "급여"}
    assert "a" not in sink.ends()
    assert last.total_tokens == 12


async def test_the_model_is_told_the_classes_the_instruction_earlier_turns_and_shown_images() -> None:
    model = Model('{"category_id": "1"}')
    history = remembering(Message("user", "앞"), Message("assistant", "뒤"))
    image = make_file(name="표.png", transfer_method="remote_url", url="https://example.com/a.png")

    async def read(file: Any) -> bytes:
        return f"png of {file['url']}".encode()

    await outputs_of(
        classifier(
            instruction="급하면 {{#start.word#}}",
            memory={"window": {"enabled": True, "size": 3}, "query_prompt_template": "{{#sys.query#}}?"},
            vision={"enabled": True},
            model={"name": "big", "completion_params": {"temperature": 0.1}},
        ),
        outside=replace(FAKES, chat=model, history=history, read_file=read),
        system={"query": "며칠? {{#start.word#}}", "files": [image]},
        inputs={"word": "빨리"},
    )
    request = model.asked[0]
    [system, before, after, question] = messages(request)
    assert system[0] == "system" and "급하면 빨리" in system[1] and '{"id": "1", "name": "휴가 문의"}' in system[1]
    assert '{"id": "기타", "name": "그 밖의 빨리"}' in system[1]
    assert (before, after) == (("user", "앞"), ("assistant", "뒤"))
    fetched = base64.b64encode(b"png of https://example.com/a.png").decode()  # by us, under our guard
    assert question[1][0]["image_url"]["url"] == f"data:image/png;base64,{fetched}"
    assert question[1][1]["text"] == "<text>\n며칠? {{#start.word#}}\n</text>"  # a user's words are no template
    assert (request.model, request.temperature) == ("big", 0.1)
    wanted = request.options["response_format"]["json_schema"]["schema"]["properties"]["category_id"]
    assert wanted == {"type": "string", "enum": ["1", "2", "기타"]}


async def test_a_server_without_json_schemas_is_asked_in_words() -> None:
    model = Replies(UsageError("The model server refused the request: response_format"), '{"category_id": "2"}')
    assert (await of(model))["class_id"] == "2"
    assert ["response_format" in request.options for request in model.asked] == [True, False]


@pytest.mark.parametrize("error", [OrganError("It is down."), UsageError("Too long.", code="context_too_long")])
async def test_a_model_that_fails_is_not_asked_again(error: OrganError | UsageError) -> None:
    model = Replies(error, '{"category_id": "2"}')
    with pytest.raises(NodeFailed) as failed:
        await of(model)
    assert failed.value.code == error.code
    assert len(model.asked) == 1


async def test_a_node_without_classes_fails() -> None:
    with pytest.raises(NodeFailed) as failed:
        await outputs_of(classifier(classes=None), system={"query": "질문"})
    assert failed.value.code == "node_invalid"

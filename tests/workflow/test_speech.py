"""The order in which an answer is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any

from llmflow.errors import OrganError
from llmflow.ports.llm import ChatDelta, ChatRequest
from llmflow.workflow.events import NodeFinished, NodeStarted, TextChunk, TextReplace, WorkflowFinished
from llmflow.workflow.types import Typed
from tests.workflow.graphs import graph, node, run, start, template
from tests.workflow.outside import FAKES


def llm(id: str, text: str, **data: Any) -> dict[str, Any]:
    return node(id, "llm", prompt_template=[{"role": "user", "text": text}], **data)


def answer(text: str, id: str = "answer") -> dict[str, Any]:
    return node(id, "answer", answer=text)


async def test_a_models_words_flow_between_the_texts_around_them() -> None:
    design = graph([start(), llm("m", "가나다"), answer("앞 {{#m.text#}} 뒤")], "start > m > answer")
    last, sink = await run(design, outside=FAKES)
    told = [(event.text, event.from_variable_selector) for event in sink.events if isinstance(event, TextChunk)]
    assert told == [
        ("앞 ", ("answer", "answer")),
        ("[가", ("m", "text")),
        ("나다", ("m", "text")),
        ("]", ("m", "text")),
        (" 뒤", ("answer", "answer")),
    ]
    assert last.outputs == {"answer": "앞 [가나다] 뒤", "files": []}
    kinds = [type(event).__name__ for event in sink.events]
    assert kinds.index("TextChunk") < kinds.index("NodeFinished")  # the words before it need not wait for the model


class Gate:
    """A model that goes on when it is let."""

    def __init__(self) -> None:
        self.open: dict[str, asyncio.Event] = {}
        self.asked: list[str] = []

    def event(self, word: str) -> asyncio.Event:
        return self.open.setdefault(word, asyncio.Event())

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatDelta]:
        word = str(request.messages[-1].content)
        self.asked.append(word)
        yield ChatDelta(text=f"{word}1")
        await self.event(word).wait()
        yield ChatDelta(text=f"{word}2")


async def test_what_stands_later_waits_for_what_stands_before_it() -> None:
    gate = Gate()
    design = graph(
        [start(), llm("a", "a"), llm("b", "b"), answer("{{#a.text#}}-{{#b.text#}}")],
        "start > a > answer",
        "start > b > answer",
    )
    task = asyncio.create_task(run(design, outside=replace(FAKES, chat=gate.chat)))
    gate.event("b").set()
    while len(gate.asked) < 2:
        await asyncio.sleep(0)
    gate.event("a").set()
    last, sink = await task
    assert [event.text for event in sink.events if isinstance(event, TextChunk)] == ["a1", "a2", "-", "b1b2"]
    assert last.outputs["answer"] == "a1a2-b1b2"
    assert sink.ends()[1:3] == ["b", "a"]


async def test_an_answer_behind_a_branch_is_told_only_when_the_branch_is_taken() -> None:
    condition = {"variable_selector": ["m", "text"], "comparison_operator": "contains", "value": "예"}
    design = graph(
        [
            start(),
            llm("m", "예"),
            node("if", "if-else", cases=[{"case_id": "yes", "conditions": [condition]}]),
            answer("그렇다: {{#m.text#}}", "yes"),
            answer("아니다: {{#m.text#}}", "no"),
        ],
        "start > m > if:yes > yes",
        "if:false > no",
    )
    last, sink = await run(design, outside=FAKES)
    first = next(at for at, event in enumerate(sink.events) if isinstance(event, TextChunk))
    before = sink.events[first - 1]
    assert isinstance(before, NodeStarted) and before.node_id == "if"
    assert sink.text == "그렇다: [예]"
    assert last.outputs["answer"] == "그렇다: [예]"


async def test_an_answer_before_another_is_told_first_and_both_are_the_outputs() -> None:
    design = graph(
        [start(), answer("하나. ", "one"), llm("m", "x"), answer("둘: {{#m.text#}}", "two")],
        "start > one > m > two",
    )
    last, sink = await run(design, outside=FAKES)
    assert sink.text == last.outputs["answer"] == "하나. 둘: [x]"


async def test_a_part_whose_node_is_skipped_is_nothing() -> None:
    condition = {"variable_selector": ["sys", "query"], "comparison_operator": "is", "value": "a"}
    design = graph(
        [
            start(),
            node("if", "if-else", cases=[{"case_id": "a", "conditions": [condition]}]),
            template("a", "A"),
            llm("b", "B"),
            answer("<{{#a.output#}}|{{#b.text#}}>"),
        ],
        "start > if:a > a > answer",
        "if:false > b > answer",
    )
    for query, text in (("a", "<A|>"), ("b", "<|[B]>")):
        last, sink = await run(design, system={"query": query}, outside=FAKES)
        assert (sink.text, last.outputs["answer"]) == (text, text)


class Breaking:
    """Breaks off after some words, and answers whole the next time."""

    def __init__(self, times: int = 1) -> None:
        self.left = times

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatDelta]:
        yield ChatDelta(text="처음 ")
        if self.left:
            self.left -= 1
            raise OrganError("The model went away.")
        yield ChatDelta(text="끝")


async def test_words_of_a_try_that_broke_off_are_withdrawn_before_the_next() -> None:
    retry = {"retry_enabled": True, "max_retries": 2, "retry_interval": 0}
    design = graph([start(), llm("m", "x", retry_config=retry), answer("답: {{#m.text#}}")], "start > m > answer")
    last, sink = await run(design, outside=replace(FAKES, chat=Breaking().chat))
    replaced = [event for event in sink.events if isinstance(event, TextReplace)]
    assert [(event.text, event.dropped) for event in replaced] == [("답: ", 1)]
    assert sink.text == last.outputs["answer"] == "답: 처음 끝"


async def test_a_default_value_takes_the_place_of_words_that_broke_off() -> None:
    default = {"error_strategy": "default-value", "default_value": [{"key": "text", "type": "string", "value": "없음"}]}
    design = graph([start(), llm("m", "x", **default), answer("답: {{#m.text#}}")], "start > m > answer")
    last, sink = await run(design, outside=replace(FAKES, chat=Breaking().chat))
    assert isinstance(last, WorkflowFinished)
    assert last.status == "partial-succeeded"
    assert sink.text == last.outputs["answer"] == "답: 없음"


async def test_the_outputs_of_an_end_are_told_one_under_the_other() -> None:
    outputs = [{"variable": "x", "value_selector": ["m", "text"]}, {"variable": "y", "value_selector": ["start", "q"]}]
    design = graph([start("q"), llm("m", "m"), node("end", "end", outputs=outputs)], "start > m > end")
    last, sink = await run(design, inputs={"q": "질문"}, outside=FAKES)
    assert sink.text == "[m]\n질문"
    assert last.outputs == {"x": "[m]", "y": "질문"}


async def test_answers_inside_an_iteration_are_told_round_by_round() -> None:
    inner: dict[str, Any] = {"iterator_selector": ["start", "items"], "output_selector": ["say", "answer"]}
    design = graph(
        [
            node("start", "start"),
            node("iter", "iteration", **inner),
            node("is", "iteration-start", parent="iter"),
            node("m", "llm", parent="iter", prompt_template=[{"role": "user", "text": "{{#iter.item#}}"}]),
            node("say", "answer", parent="iter", answer="{{#m.text#}};"),
            answer("끝"),
        ],
        "start > iter > answer",
        "is > m > say",
    )
    last, sink = await run(design, inputs={"items": ["가", "나"]}, outside=FAKES)
    assert last.outputs["answer"] == "[가];[나];끝"
    assert sink.text == "[가];[나];끝"
    assert {event.at for event in sink.events if isinstance(event, TextChunk)} == {(0,), (1,), ()}


async def test_a_conversation_variable_is_told_after_it_was_written() -> None:
    write = node(
        "w",
        "assigner",
        assigned_variable_selector=["conversation", "name"],
        write_mode="over-write",
        input_variable_selector=["sys", "query"],
    )
    design = graph([start(), write, answer("{{#conversation.name#}}님")], "start > w > answer")
    _, sink = await run(design, system={"query": "지수"}, conversation={"name": Typed("string", "아무개")})
    assert sink.text == "지수님"
    ends = [event for event in sink.events if isinstance(event, NodeFinished) and event.node_id == "w"]
    assert ends[0].writes == (("conversation", "name", "지수"),)


async def test_rounds_that_run_at_once_are_told_one_after_the_other() -> None:
    gate = Gate()
    inner: dict[str, Any] = {"iterator_selector": ["start", "items"], "output_selector": ["say", "answer"]}
    design = graph(
        [
            node("start", "start"),
            node("iter", "iteration", is_parallel=True, **inner),
            node("is", "iteration-start", parent="iter"),
            node("m", "llm", parent="iter", prompt_template=[{"role": "user", "text": "{{#iter.item#}}"}]),
            node("say", "answer", parent="iter", answer="{{#m.text#}};"),
            answer("끝"),
        ],
        "start > iter > answer",
        "is > m > say",
    )
    task = asyncio.create_task(run(design, inputs={"items": ["a", "b", "c"]}, outside=replace(FAKES, chat=gate.chat)))
    for word in ("c", "b", "a"):
        gate.event(word).set()
        for _ in range(20):
            await asyncio.sleep(0)
    last, sink = await task
    assert sink.text == last.outputs["answer"] == "a1a2;b1b2;c1c2;끝"
    ends = [event.at for event in sink.events if isinstance(event, NodeFinished) and event.node_id == "m"]
    assert ends == [(2,), (1,), (0,)]

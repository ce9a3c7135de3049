"""Stopping, limits, retries, strategies, and runs that wait for people or broke off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any

import pytest

from llmflow.config.settings import Workflow
from llmflow.errors import NodeFailed
from llmflow.net.messages import HttpAnswer, HttpRequest
from llmflow.ports.llm import ChatDelta, ChatRequest
from llmflow.workflow import graph as compiler
from llmflow.workflow.context import Context, Outside
from llmflow.workflow.data import NodeData
from llmflow.workflow.engine.replay import replay
from llmflow.workflow.engine.run import Run, events_of
from llmflow.workflow.events import (
    HumanInputReceived,
    HumanInputRequired,
    NodeFinished,
    NodeRetry,
    NodeStarted,
    RepeatAllowed,
    RepeatRequired,
    WorkflowFinished,
    WorkflowPaused,
)
from llmflow.workflow.graph import compile_graph
from llmflow.workflow.kind import Kind
from llmflow.workflow.registry import kind_of
from llmflow.workflow.types import Outcome, Typed, Waiting, Words
from tests.workflow.graphs import Kept, end, graph, node, run, start, template
from tests.workflow.outside import FAKES


def llm(id: str, text: str, **data: Any) -> dict[str, Any]:
    return node(id, "llm", prompt_template=[{"role": "user", "text": text}], **data)


def post(id: str, url: str = "https://example.com/ok", **data: Any) -> dict[str, Any]:
    body = {"type": "raw-text", "data": [{"value": "본문"}]}
    return node(id, "http-request", **{"method": "post", "url": url, "body": body, **data})


async def endless(request: ChatRequest) -> AsyncGenerator[ChatDelta]:
    yield ChatDelta(text="…")
    await asyncio.Event().wait()


async def test_a_stopped_run_ends_at_once_and_says_so() -> None:
    design = graph(
        [start(), llm("m", "x"), template("t", "T"), end(t="t.output")], "start > m > end", "start > t > end"
    )
    sink = Kept()
    whole = Run(compile_graph(design), sink=sink, outside=replace(FAKES, chat=endless))
    task = asyncio.create_task(whole.go())
    while not sink.ends():
        await asyncio.sleep(0)
    whole.stop("충분합니다")
    last = await task
    assert isinstance(last, WorkflowFinished)
    assert (last.status, last.error) == ("stopped", "충분합니다")
    assert sink.ends("stopped") == ["m"]
    whole.stop()  # harmless


async def test_a_run_that_takes_too_long_fails_with_a_code_of_its_own() -> None:
    design = graph([start(), llm("m", "x"), end()], "start > m > end")
    limits = Workflow(seconds=0.01)
    last, _ = await run(design, outside=replace(FAKES, chat=endless), limits=limits)
    assert isinstance(last, WorkflowFinished)
    assert (last.status, last.error_code) == ("failed", "workflow_timeout")


async def test_a_cancelled_run_leaves_no_last_event_and_can_be_resumed() -> None:
    design = graph([start(), template("t", "T"), llm("m", "x"), end(t="m.text")], "start > t > m > end")
    sink = Kept()
    task = asyncio.create_task(Run(compile_graph(design), sink=sink, outside=replace(FAKES, chat=endless)).go())
    while sink.ends() != ["start", "t"]:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not sink.named(WorkflowFinished)
    last, resumed = await run(design, state=replay(sink.events), outside=FAKES)
    assert last.outputs == {"t": "[x]"}
    assert resumed.ends() == ["m", "end"]


async def test_more_steps_than_allowed_fail_the_run() -> None:
    names = [f"t{number}" for number in range(6)]
    design = graph([start(), *(template(name, "") for name in names)], " > ".join(["start", *names]))
    last, _ = await run(design, limits=Workflow(steps=5))
    assert isinstance(last, WorkflowFinished)
    assert last.error_code == "workflow_limit"


async def test_no_more_nodes_work_at_once_than_allowed() -> None:
    working = most = 0

    async def chat(request: ChatRequest) -> AsyncGenerator[ChatDelta]:
        nonlocal working, most
        working += 1
        most = max(most, working)
        await asyncio.sleep(0.001)
        working -= 1
        yield ChatDelta(text="a")

    names = [f"m{number}" for number in range(8)]
    design = graph([start(), *(llm(name, "x") for name in names)], *(f"start > {name}" for name in names))
    await run(design, outside=replace(FAKES, chat=chat), limits=Workflow(parallel_nodes=3))
    assert most == 3


class Flaky:
    """An address that answers after some failures."""

    def __init__(self, failures: int) -> None:
        self.left = failures
        self.asked = 0

    async def http(self, request: HttpRequest) -> HttpAnswer:
        self.asked += 1
        if self.left:
            self.left -= 1
            raise NodeFailed("It is down.", code="http_failed")
        return HttpAnswer(200, {}, b"ok", request.url)


RETRY = {"retry_enabled": True, "max_retries": 2, "retry_interval": 0}


@pytest.mark.parametrize(
    ("failures", "status", "retries"), [(0, "succeeded", 0), (2, "succeeded", 2), (3, "failed", 2)]
)
async def test_a_node_is_tried_again_as_often_as_it_says(failures: int, status: str, retries: int) -> None:
    flaky = Flaky(failures)
    design = graph([start(), post("h", retry_config=RETRY), end(b="h.body")], "start > h > end")
    last, sink = await run(design, outside=replace(FAKES, http=flaky.http))
    assert isinstance(last, WorkflowFinished)
    assert last.status == status
    assert [event.retry_index for event in sink.events if isinstance(event, NodeRetry)] == list(range(1, retries + 1))
    assert len(sink.named(NodeStarted)) == (3 if status == "succeeded" else 2)


async def test_a_quick_node_is_tried_again_too() -> None:
    design = graph([start(), template("t", "{{ 1 // 0 }}"), end()], "start > t > end")
    design["nodes"][1]["data"]["retry_config"] = RETRY
    last, sink = await run(design)
    assert isinstance(last, WorkflowFinished)
    assert last.error_code == "template_failed"
    assert len(sink.named(NodeRetry)) == 2


async def test_a_failed_branch_gets_the_error() -> None:
    design = graph(
        [
            start(),
            post("h", "https://example.com/fail", error_strategy="fail-branch"),
            template("bad", "{{ m }}/{{ t }}", m="h.error_message", t="h.error_type"),
            template("good", "good"),
            end(bad="bad.output", good="good.output"),
        ],
        "start > h:fail-branch > bad > end",
        "h:source > good > end",
    )
    last, sink = await run(design, outside=FAKES)
    assert isinstance(last, WorkflowFinished)
    assert (last.status, last.exceptions_count) == ("partial-succeeded", 1)
    assert last.outputs == {"bad": "It is down./http_failed", "good": None}
    assert sink.end_of("h").status == "exception"


async def test_secrets_of_the_environment_are_not_shown_and_not_lost() -> None:
    design = graph([start(), template("t", "{{ k }}", k="env.KEY"), end(k="t.output")], "start > t > end")
    last, sink = await run(design, environment={"KEY": Typed("secret", "s3cret")})
    assert sink.end_of("t").inputs == {"k": "********"}
    assert last.outputs == {"k": "s3cret"}


async def test_no_error_and_no_address_tells_a_secret() -> None:
    async def http(request: HttpRequest) -> HttpAnswer:
        raise NodeFailed(f"{request.url} cannot be reached.", code="http_failed")

    environment = {"KEY": Typed("secret", "s3 c/ret")}
    asked = node("h", "http-request", url="http://a.example/{{#env.KEY#}}", params="key:{{#env.KEY#}}")
    design = graph([start(), asked], "start > h")
    last, sink = await run(design, environment=environment, outside=Outside(http=http))
    assert isinstance(last, WorkflowFinished)
    assert last.error is not None and "http://a.example/********?key=********" in last.error
    assert sink.end_of("h").process_data["request"].startswith("GET /********?key=******** ")
    asked["data"] |= {"error_strategy": "fail-branch", "retry_config": {"retry_enabled": True, "max_retries": 1}}
    design = graph([start(), asked, end(why="h.error_message")], "start > h:fail-branch > end")
    last, sink = await run(design, environment=environment, outside=Outside(http=http))
    assert "********" in last.outputs["why"]
    assert not any("s3" in str(event) for event in sink.events)


async def test_what_must_not_run_twice_is_durably_begun_before_it_runs() -> None:
    sink = Kept()
    seen: list[int] = []

    async def http(request: HttpRequest) -> HttpAnswer:
        seen.append(sink.flushed)
        return HttpAnswer(200, {}, b"", request.url)

    design = graph([start(), post("h"), end()], "start > h > end")
    await Run(compile_graph(design), sink=sink, outside=replace(FAKES, http=http)).go()
    begun = next(
        at for at, event in enumerate(sink.events, 1) if isinstance(event, NodeStarted) and event.node_id == "h"
    )
    assert seen == [begun]


async def test_a_run_that_broke_off_in_what_may_do_harm_twice_asks_first() -> None:
    plan = compile_graph(graph([start(), post("h"), end(b="h.body")], "start > h > end"))
    _, whole = await run(plan, outside=FAKES)
    cut = next(
        at for at, event in enumerate(whole.events, 1) if isinstance(event, NodeStarted) and event.node_id == "h"
    )
    journal = whole.events[:cut]
    paused, sink = await run(plan, state=replay(journal), outside=FAKES)
    assert isinstance(paused, WorkflowPaused)
    assert paused.reasons == (("h", ()),)
    assert len(sink.named(RepeatRequired)) == 1
    journal += sink.events
    again, sink = await run(plan, state=replay(journal), outside=FAKES)  # asking twice is asking once
    assert isinstance(again, WorkflowPaused) and not sink.named(RepeatRequired)
    allowed = RepeatAllowed(node_id="h", created_at=1.0)
    last, _ = await run(plan, state=replay(journal + sink.events), outside=FAKES, decisions=[allowed])
    assert last.outputs == {"b": "본문"}


async def _ask_run(data: NodeData, context: Context) -> Outcome | Waiting:
    if context.reply is None:
        return Waiting({"question": context.fill("{{#start.q#}}?")})
    return Outcome({"said": context.reply["said"]})


ASK = Kind(type="ask", data=NodeData, run=_ask_run, words=Words("Ask", "묻기"))


@pytest.fixture
def asking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiler, "kind_of", lambda name, version="1": ASK if name == "ask" else kind_of(name, version))


@pytest.mark.usefixtures("asking")
async def test_a_run_that_waits_for_a_person_does_all_else_first_and_goes_on_with_the_reply() -> None:
    design = graph(
        [start("q"), node("a", "ask"), template("t", "T"), end(a="a.said", t="t.output")],
        "start > a > end",
        "start > t > end",
    )
    paused, sink = await run(design, inputs={"q": "누구"})
    assert isinstance(paused, WorkflowPaused)
    assert paused.reasons == (("a", ()),)
    asked = [event for event in sink.events if isinstance(event, HumanInputRequired)]
    assert [event.form for event in asked] == [{"question": "누구?"}]
    assert "t" in sink.ends()
    reply = HumanInputReceived(node_id="a", reply={"said": "지수"}, created_at=1.0)
    last, more = await run(design, state=replay(sink.events), decisions=[reply])
    assert last.outputs == {"a": "지수", "t": "T"}
    assert more.ends() == ["a", "end"]


@pytest.mark.usefixtures("asking")
@pytest.mark.parametrize("is_parallel", [False, True])
async def test_people_can_be_asked_in_every_round_of_an_iteration(is_parallel: bool) -> None:
    data: dict[str, Any] = {"iterator_selector": ["start", "items"], "output_selector": ["a", "said"]}
    design = graph(
        [
            node("start", "start"),
            node("iter", "iteration", is_parallel=is_parallel, **data),
            node("is", "iteration-start", parent="iter"),
            node("a", "ask", parent="iter"),
            end(out="iter.output"),
        ],
        "start > iter > end",
        "is > a",
    )
    last, sink = await run(design, inputs={"items": [1, 2], "q": "?"})
    journal = sink.events
    answered = 0
    while isinstance(last, WorkflowPaused):
        replies = [
            HumanInputReceived(node_id=key, at=at, reply={"said": f"답{at[0]}"}, created_at=1.0)
            for key, at in last.reasons
        ]
        answered += len(replies)
        last, sink = await run(design, state=replay(journal), decisions=replies)
        journal = journal + sink.events
    assert last.outputs == {"out": ["답0", "답1"]}
    assert answered == 2


async def test_a_fork_reuses_what_is_finished_and_runs_the_rest_with_what_was_edited() -> None:
    plan = compile_graph(
        graph(
            [
                start("q"),
                template("a", "a{{ x }}", x="start.q"),
                llm("b", "{{#a.output#}}"),
                llm("c", "c"),
                end(b="b.text", c="c.text"),
            ],
            "start > a > b > end",
            "start > c > end",
        )
    )
    _, whole = await run(plan, inputs={"q": "1"}, outside=FAKES)
    state = replay(whole.events).without(plan, "b").with_outputs("a", {"output": "고침"})
    last, fork = await run(plan, state=state, outside=FAKES)
    assert last.outputs == {"b": "[고침]", "c": "[c]"}
    assert sorted(fork.ends()) == ["b", "end"]
    rebuilt = replay([*events_of(state), *fork.events])
    assert rebuilt.finished.keys() == {("start", ()), ("a", ()), ("b", ()), ("c", ()), ("end", ())}


async def test_a_fork_in_a_round_drops_a_loops_later_rounds_and_keeps_the_earlier() -> None:
    variables = [{"label": "n", "var_type": "number", "value_type": "constant", "value": 0}]
    add = {"variable_selector": ["loop", "n"], "input_type": "constant", "operation": "+=", "value": 1}
    plan = compile_graph(
        graph(
            [
                node("start", "start"),
                node("loop", "loop", loop_count=4, loop_variables=variables),
                node("ls", "loop-start", parent="loop"),
                node("m", "llm", parent="loop", prompt_template=[{"role": "user", "text": "{{#loop.n#}}"}]),
                node("add", "assigner", parent="loop", version="2", items=[add]),
                end(n="loop.n"),
            ],
            "start > loop > end",
            "ls > m > add",
        )
    )
    _, whole = await run(plan, outside=FAKES)
    state = replay(whole.events).without(plan, "m", (2,))
    last, fork = await run(plan, state=state, outside=FAKES)
    assert last.outputs == {"n": 4}
    ran = [(each.node_id, each.at) for each in fork.events if isinstance(each, NodeFinished)]
    assert ran == [("m", (2,)), ("add", (2,)), ("m", (3,)), ("add", (3,)), ("loop", ()), ("end", ())]


async def test_a_fault_of_a_nodes_code_ends_the_run_without_showing_its_insides() -> None:
    async def broken(request: ChatRequest) -> AsyncGenerator[ChatDelta]:
        yield ChatDelta(text=dict[str, str]()["secret detail"])

    design = graph([start(), llm("m", "x"), end()], "start > m > end")
    last, _ = await run(design, outside=replace(FAKES, chat=broken))
    assert isinstance(last, WorkflowFinished)
    assert (last.status, last.error_code) == ("failed", "internal_error")
    assert "secret" not in (last.error or "")


async def test_nodes_that_wait_for_each_other_fail_the_run_instead_of_hanging() -> None:
    design = graph([start(), template("a", "A"), template("b", "B"), end()], "start > a > b > end", "b > a")
    plan = compile_graph(design)
    assert {problem.code for problem in plan.problems} == {"graph_cycle"}
    last, _ = await run(plan)
    assert isinstance(last, WorkflowFinished)
    assert last.error_code == "workflow_invalid"

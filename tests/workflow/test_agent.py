"""The agent: rounds of a model and its tools, over servers that serve tools and those that do not; after a crash."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from llmflow.config.settings import Workflow
from llmflow.errors import NodeFailed, OrganError, UsageError
from llmflow.ports.llm import ChatDelta, ChatRequest, Message, ModelInfo
from llmflow.tools.kit import Kit
from llmflow.tools.toolbox import Toolbox
from llmflow.tools.types import Scope, Tool, ToolAnswer, ToolRef, ToolSpec
from llmflow.tools.types import Words as ToolWords
from llmflow.workflow.context import Outside
from llmflow.workflow.engine.replay import replay
from llmflow.workflow.engine.run import Run
from llmflow.workflow.events import (
    Event,
    NodeFinished,
    NodeLog,
    RepeatAllowed,
    RepeatRequired,
    WorkflowFinished,
    WorkflowPaused,
)
from llmflow.workflow.graph import compile_graph
from tests.workflow.graphs import Kept, graph, node, run, start
from tests.workflow.outside import FAKES, Model, Replies, messages, remembering

TOWN: dict[str, Any] = {"type": "object", "properties": {"town": {"type": "string"}}, "required": ["town"]}


class Tools:
    """A source of three tools. `called`: how often each was; `held`: those wait until `release`."""

    def __init__(self) -> None:
        self.called: Counter[str] = Counter()
        self.arguments: list[Mapping[str, Any]] = []
        self.held: dict[str, asyncio.Event] = {}
        self.begun = asyncio.Event()

    def _tool(self, name: str, *, is_safe: bool = True, settings: Sequence[str] = ()) -> Tool:
        async def go(arguments: Mapping[str, Any], scope: Scope) -> ToolAnswer:
            self.called[name] += 1
            self.arguments.append(arguments)
            self.begun.set()
            if name in self.held:
                await self.held[name].wait()
            if arguments["town"] == "없는 곳":
                raise NodeFailed("그런 곳은 없습니다.", code="tool_failed")
            return ToolAnswer(f"{arguments['town']}: 맑음", json=[{"town": arguments["town"]}])

        ref = ToolRef("builtin", "fake", name)
        properties = {**TOWN["properties"], **{each: {"type": "string"} for each in settings}}
        spec = ToolSpec(
            ref=ref,
            name=name,
            description=f"{name} of a town",
            parameters={**TOWN, "properties": properties},
            words=ToolWords(name, name),
            settings=frozenset(settings),
            is_safe=is_safe,
        )
        return Tool(spec, go)

    async def all(self, workspace_id: str) -> Sequence[Tool]:
        return [self._tool("weather", settings=["units"]), self._tool("mail", is_safe=False), self._tool("news")]

    async def find(self, ref: ToolRef, workspace_id: str) -> Tool | None:
        named = (tool for tool in await self.all(workspace_id) if tool.spec.name == ref.tool_name)
        return next(named, None) if ref.provider_id == "fake" else None


def asks_for(name: str, *, id: str = "c1", index: int = 0, text: str = "", **arguments: Any) -> list[ChatDelta]:
    """A server's deltas of one call, its arguments in two pieces."""
    given = json.dumps(arguments, ensure_ascii=False)
    head = {"index": index, "id": id, "type": "function", "function": {"name": name, "arguments": given[:3]}}
    rest = {"index": index, "function": {"arguments": given[3:]}}
    told = [ChatDelta(text=text)] if text else []
    return [*told, ChatDelta(tool_calls=[head]), ChatDelta(tool_calls=[rest])]


def tool(name: str, **more: Any) -> dict[str, Any]:
    return {"enabled": True, "type": "builtin", "provider_name": "fake", "tool_name": name, **more}


def agent(*tools: dict[str, Any], strategy: str = "function_calling", **parameters: Any) -> dict[str, Any]:
    model = {"provider": "", "model": "", "mode": "chat", "completion_params": {"temperature": 0}}
    given = {"model": model, "tools": list(tools), "instruction": "도와라.", "query": "{{#sys.query#}}", **parameters}
    named = {name: {"type": "constant", "value": value} for name, value in given.items()}
    return node("a", "agent", agent_strategy_name=strategy, agent_parameters=named)


def outside(model: Model, source: Tools, info: ModelInfo | None = None) -> Outside:
    async def look(name: str) -> ModelInfo:
        return info or ModelInfo(id="fake")

    return replace(FAKES, chat=model, model=look, tools=Kit(Toolbox(source)))


def flow(tested: dict[str, Any]) -> dict[str, Any]:
    answer = node("answer", "answer", answer="{{#a.text#}}")
    return graph([start(), tested, answer], "start > a > answer")


async def go(tested: dict[str, Any], model: Model, source: Tools, **more: Any) -> Kept:
    _, kept = await run(flow(tested), outside=outside(model, source), system={"query": "부산 날씨는?"}, **more)
    return kept


def steps(kept: Kept) -> list[tuple[str, str]]:
    return [(event.label, event.status) for event in kept.events if isinstance(event, NodeLog)]


async def test_a_model_that_serves_tools_uses_one_and_answers_with_what_it_said() -> None:
    source = Tools()
    model = Replies(asks_for("weather", text="찾아보겠습니다.", town="부산"), "부산은 맑습니다.")
    kept = await go(agent(tool("weather", settings={"units": {"value": "℃"}})), model, source)
    end = kept.end_of("a")
    assert end.outputs["text"] == kept.text == "찾아보겠습니다.\n\n부산은 맑습니다."
    assert end.outputs["json"] == [{"town": "부산"}]
    assert end.outputs["usage"]["total_tokens"] == 24
    assert end.execution_metadata is not None and end.execution_metadata["total_tokens"] == 24
    assert source.arguments == [{"town": "부산", "units": "℃"}]
    first, second = model.asked
    assert first.options["tools"][0]["function"]["parameters"]["properties"] == {"town": {"type": "string"}}
    assert messages(second)[:3] == [("system", "도와라."), ("user", "부산 날씨는?"), ("assistant", "찾아보겠습니다.")]
    assert second.messages[2].tool_calls is not None
    assert second.messages[3] == Message("tool", "부산: 맑음", tool_call_id="c1")
    assert steps(kept) == [
        ("ROUND 1", "start"),
        ("fake Thought", "start"),
        ("fake Thought", "success"),
        ("CALL weather", "start"),
        ("CALL weather", "success"),
        ("ROUND 1", "success"),
        ("ROUND 2", "start"),
        ("fake Thought", "start"),
        ("fake Thought", "success"),
        ("ROUND 2", "success"),
    ]


async def test_tools_of_one_round_are_called_at_once_and_answered_each_for_itself() -> None:
    source = Tools()
    source.held = {"weather": asyncio.Event(), "news": asyncio.Event()}
    both = [*asks_for("weather", id="x", town="서울"), *asks_for("news", id="y", index=1, town="광주")]
    model = Replies(both, "다 봤습니다.")
    going = asyncio.create_task(go(agent(tool("weather"), tool("news")), model, source))
    while len(source.arguments) < 2:
        await asyncio.sleep(0)
    for event in source.held.values():
        event.set()
    kept = await going
    assert kept.text == "다 봤습니다."
    answered = {m.tool_call_id: m.content for m in model.asked[1].messages if m.role == "tool"}
    assert answered == {"x": "서울: 맑음", "y": "광주: 맑음"}


async def test_calls_that_a_server_sends_whole_under_one_index_are_two() -> None:
    source = Tools()
    whole = [
        ChatDelta(tool_calls=[{"index": 0, "id": id, "function": {"name": "weather", "arguments": {"town": town}}}])
        for id, town in (("p", "서울"), ("q", "제주"))
    ]
    await go(agent(tool("weather")), Replies(whole, "끝"), source)
    assert [arguments["town"] for arguments in source.arguments] == ["서울", "제주"]


@pytest.mark.parametrize("strategy", ["ReAct", "function_calling"])
async def test_a_model_without_tools_is_held_to_a_schema(strategy: str) -> None:
    source = Tools()
    said = json.dumps({"thought": "날씨를 본다", "tool": "weather", "arguments": {"town": "부산"}}, ensure_ascii=False)
    model = Replies(said, '{"thought": "안다", "answer": "맑습니다."}')
    info = ModelInfo(id="tiny", tools=False)
    tested = flow(agent(tool("weather"), strategy=strategy))
    _, kept = await run(tested, outside=outside(model, source, info), system={"query": "부산 날씨는?"})
    assert kept.text == "맑습니다."
    schema = model.asked[0].options["response_format"]["json_schema"]["schema"]
    assert schema["anyOf"][0]["properties"]["tool"]["enum"] == ["weather"]
    assert "tools" not in model.asked[0].options
    assert "<tool_answer>\n부산: 맑음\n</tool_answer>" in str(model.asked[1].messages[-1].content)
    thoughts = [e.data["thought"] for e in kept.events if isinstance(e, NodeLog) and "thought" in e.data]
    assert thoughts == ["날씨를 본다", "안다"]


async def test_a_server_that_refuses_tools_is_asked_in_words_and_not_refused_twice() -> None:
    source = Tools()
    refused = UsageError("This model does not support tools.")
    first = '{"thought": "", "tool": "weather", "arguments": {"town": "부산"}}'
    model = Replies(refused, UsageError("No schemas here."), first, '{"answer": "맑습니다."}')
    kept = await go(agent(tool("weather")), model, source)
    assert kept.text == "맑습니다."
    assert ["tools" in each.options for each in model.asked] == [True, False, False, False]
    assert ["response_format" in each.options for each in model.asked] == [False, True, False, False]


async def test_a_model_that_does_not_keep_to_the_form_speaks_to_the_reader() -> None:
    kept = await go(agent(tool("weather"), strategy="ReAct"), Replies("그냥 답합니다."), Tools())
    assert kept.text == "그냥 답합니다."


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (asks_for("weather", town="없는 곳"), "Error: 그런 곳은 없습니다."),
        (asks_for("weather"), "Error: The parameter `town` is missing."),
        (asks_for("wether", town="부산"), "Error: There is no tool 'wether'. There are: weather."),
        ([ChatDelta(tool_calls=[{"index": 0, "id": "c", "function": {"name": "weather", "arguments": "{{"}}])], "{{"),
    ],
)
async def test_what_goes_wrong_with_a_tool_is_told_to_the_model(call: list[ChatDelta], told: str) -> None:
    model = Replies(call, "죄송합니다.")
    kept = await go(agent(tool("weather")), model, Tools())
    assert kept.text == "죄송합니다."
    assert told in str(model.asked[1].messages[-1].content)
    [error] = [e.error for e in kept.events if isinstance(e, NodeLog) and e.status == "error"]
    assert error and error in str(model.asked[1].messages[-1].content)


async def test_a_tool_that_hangs_is_given_up_and_the_model_is_told() -> None:
    source = Tools()
    source.held = {"weather": asyncio.Event()}
    model = Replies(asks_for("weather", town="부산"), "못 찾았습니다.")
    kept = await go(agent(tool("weather")), model, source, limits=Workflow(tool_seconds=0.01))
    assert kept.text == "못 찾았습니다."
    assert "did not answer within" in str(model.asked[1].messages[-1].content)


async def test_the_last_round_must_do_without_tools() -> None:
    source = Tools()
    calls = [asks_for("weather", id=f"c{n}", town="부산") for n in range(2)]
    model = Replies(*calls, "이만 답합니다.")
    kept = await go(agent(tool("weather"), maximum_iterations=3), model, source)
    assert kept.text == "이만 답합니다."
    assert source.called["weather"] == 2
    assert ["tools" in each.options for each in model.asked] == [True, True, False]


async def test_a_model_that_goes_on_calling_and_says_nothing_fails_the_node() -> None:
    calls = [asks_for("weather", id=f"c{n}", town="부산") for n in range(2)]
    kept = await go(agent(tool("weather"), maximum_iterations=2), Replies(*calls), Tools())
    assert isinstance(kept.events[-1], WorkflowFinished)
    assert kept.events[-1].error_code == "agent_silent"


async def test_long_answers_of_tools_are_shortened_when_the_model_cannot_read_them() -> None:
    class Long(Tools):
        def _tool(self, name: str, *, is_safe: bool = True, settings: Sequence[str] = ()) -> Tool:
            async def go(arguments: Mapping[str, Any], scope: Scope) -> ToolAnswer:
                return ToolAnswer("가" * 50_000)

            return Tool(super()._tool(name, is_safe=is_safe, settings=settings).spec, go)

    too_long = UsageError("too long", code="context_too_long")
    model = Replies(asks_for("weather", town="부산"), too_long, too_long, "짧게 읽었습니다.")
    kept = await go(agent(tool("weather")), model, Long())
    assert kept.text == "짧게 읽었습니다."
    lengths = [len(str(each.messages[-1].content)) for each in model.asked[1:]]
    assert lengths[0] > 30_000 > lengths[1] > 6_000 > lengths[2] > 1_500


async def test_an_agent_remembers_as_many_turns_as_its_window_has() -> None:
    tested = agent()
    tested["data"]["memory"] = {"window": {"enabled": True, "size": 1}}
    model = Model("네")
    said = [Message(role, f"{role} {n}") for n in (1, 2) for role in ("user", "assistant")]
    around = replace(outside(model, Tools()), history=remembering(*said))
    await run(flow(tested), outside=around, system={"query": "또?"})
    told = [("user", "user 2"), ("assistant", "assistant 2"), ("user", "또?")]
    assert messages(model.asked[0]) == [("system", "도와라."), *told]


async def test_thoughts_of_a_thinking_model_are_kept_apart() -> None:
    kept = await go(agent(), Model("<think>음</think>네"), Tools())
    assert kept.text == "네"
    [thought] = [e for e in kept.events if isinstance(e, NodeLog) and e.data.get("reasoning")]
    assert thought.data["reasoning"] == "음"


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        (agent(tool("nothing")), "tool_unknown"),
        (agent(strategy="TOD"), "node_unsupported"),
        (agent(query=""), "node_input_invalid"),
        ({**agent(), "data": {**agent()["data"], "version": "2"}}, "node_unsupported"),
    ],
)
async def test_an_agent_that_cannot_work_says_why(broken: dict[str, Any], code: str) -> None:
    kept = await go(broken, Model("x"), Tools())
    assert isinstance(kept.events[-1], WorkflowFinished)
    assert kept.events[-1].error_code == code


async def test_two_tools_of_one_name_are_told_apart() -> None:
    source = Tools()
    model = Replies(asks_for("fake_weather", town="부산"), "네")
    await go(agent(tool("weather"), tool("weather", settings={"units": "°F"})), model, source)
    names = [each["function"]["name"] for each in model.asked[0].options["tools"]]
    assert names == ["weather", "fake_weather"]
    assert source.arguments == [{"town": "부산", "units": "°F"}]


# after a crash


class Watching(Kept):
    """Beside each event, how often tools had been called when it was told."""

    def __init__(self, source: Tools) -> None:
        super().__init__()
        self.called: list[Counter[str]] = []
        self._source = source

    def emit(self, event: Event) -> None:
        self.called.append(Counter(self._source.called))
        super().emit(event)


def script(last: str = "부산은 맑고 편지를 보냈습니다.") -> Replies:
    first = asks_for("weather", text="먼저 날씨를 봅니다.", town="부산")
    return Replies(first, asks_for("mail", id="c2", town="부산"), last)


class Remembering(Replies):
    """A model whose answer follows from how many tools have answered: it may be asked anew."""

    async def __call__(self, request: ChatRequest) -> Any:
        said = [asks_for("weather", text="먼저 날씨를 봅니다.", town="부산"), asks_for("mail", id="c2", town="부산")]
        last = [ChatDelta(text="부산은 맑고 편지를 보냈습니다.")]
        answered = sum(message.role == "tool" for message in request.messages)
        self.deltas = [*said, last][answered]
        async for delta in Model.__call__(self, request):
            yield delta


async def test_an_agent_goes_on_from_every_point_where_it_may_break_off() -> None:
    plan = compile_graph(flow(agent(tool("weather"), tool("mail"))))
    whole = Tools()
    sink = Watching(whole)
    await Run(plan, sink=sink, outside=outside(Remembering(), whole), system={"query": "?"}).go()
    paused = 0
    for most in range(1, len(sink.called)):
        source = Tools()
        source.called = Counter(sink.called[most])
        known = list(sink.events[:most])
        last, again = await run(plan, state=replay(known), outside=outside(Remembering(), source))
        known += again.events
        if isinstance(last, WorkflowPaused):
            paused += 1
            assert any(isinstance(event, RepeatRequired) for event in again.events)
            assert source.called == sink.called[most]  # nothing was called before a person said so
            allowed = [RepeatAllowed(node_id="a", created_at=0.0)]
            around = outside(Remembering(), source)
            last, more = await run(plan, state=replay(known), outside=around, decisions=allowed)
            known += more.events
        else:
            assert source.called["mail"] == 1, most
        assert isinstance(last, WorkflowFinished)
        assert last.status == "succeeded", (most, last.error)
        assert last.outputs["answer"] == "먼저 날씨를 봅니다.\n\n부산은 맑고 편지를 보냈습니다.", most
        assert replay(known).text == last.outputs["answer"], most
    assert paused == 1  # between the start of the letter and its end


async def test_an_unsafe_tool_runs_only_when_its_start_is_durable() -> None:
    source = Tools()
    kept = await go(agent(tool("weather"), tool("mail")), script(), source)
    last_flushed = kept.events[kept.flushed - 1]
    assert isinstance(last_flushed, NodeLog)
    assert (last_flushed.label, last_flushed.status) == ("CALL mail", "start")
    assert kept.end_of("a").outputs["text"].endswith("편지를 보냈습니다.")


async def test_a_stop_in_mid_loop_cancels_the_tool_under_way() -> None:
    source = Tools()
    source.held = {"weather": asyncio.Event()}
    plan = compile_graph(flow(agent(tool("weather"))))
    sink = Kept()
    going = Run(plan, sink=sink, outside=outside(script(), source), system={"query": "?"})
    task = asyncio.ensure_future(going.go())
    await source.begun.wait()
    going.stop()
    last = await task
    assert isinstance(last, WorkflowFinished) and last.status == "stopped"
    [end] = [e for e in sink.events if isinstance(e, NodeFinished) and e.node_id == "a"]
    assert end.status == "stopped"
    assert sink.text == "먼저 날씨를 봅니다."


async def test_a_retry_goes_on_from_the_rounds_there_were() -> None:
    source = Tools()
    down = OrganError("down", code="model_failed")
    first = asks_for("mail", text="보냅니다.", town="부산")
    tested = agent(tool("mail"))
    tested["data"]["retry_config"] = {"retry_enabled": True, "max_retries": 1, "retry_interval": 0}
    kept = await go(tested, Replies(first, down, "보냈습니다."), source)
    assert kept.text == "보냅니다.\n\n보냈습니다."
    assert source.called["mail"] == 1

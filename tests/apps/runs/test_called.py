"""Workflows and knowledge bases as tools of workflows: called by name, bounded in depth, stopped with their caller."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from llmflow.apps.chat.ask import Ask
from llmflow.apps.runs.runs import Begin
from llmflow.apps.types import App, Failed
from llmflow.errors import NodeFailed
from llmflow.gateway.asker import Asker, asker, speak_for
from llmflow.organs.llm.scripted import ScriptedLlm
from llmflow.ports.llm import ChatDelta, ChatRequest
from llmflow.store.database import Database
from llmflow.tools.types import ToolRef
from llmflow.workflow.events import WorkflowFinished
from llmflow.workflow.journal.queries import Wanted
from tests.apps.fakes import WORKSPACE, World, world_of
from tests.flow_apps import Counting, answer, dsl, end, http, human, llm, start, template, tool

GREET = (start("q"), template("t", "안녕 {{ q }}", q="start.q"), end(said="t.output"))


async def published(world: World, name: str, *nodes: Any) -> App:
    return (await world.room.imports.make(WORKSPACE, dsl(name, nodes), publish=True)).app


async def finished(world: World, app: App, **inputs: Any) -> WorkflowFinished:
    compiled = await world.room.plans.in_force(app)
    live = world.room.runs.start(app, compiled, Begin(inputs=inputs, source="service-api", user="ann"))
    last = await live.ended()
    assert isinstance(last, WorkflowFinished)
    return last


@pytest.mark.parametrize("name", ["id", "인사"])
async def test_a_workflow_calls_another_by_its_id_or_name(world: World, name: str) -> None:
    called = await published(world, "인사", *GREET)
    provider = called.id if name == "id" else name
    caller = await published(
        world,
        "부르기",
        start("who"),
        tool("c", "workflow", provider, "greet", q="{{#start.who#}} 님"),
        end(said="c.said", text="c.text", json="c.json"),
    )
    last = await finished(world, caller, who="서울")
    assert last.outputs == {
        "said": "안녕 서울 님",
        "text": '{"said": "안녕 서울 님"}',
        "json": [{"said": "안녕 서울 님"}],
    }
    (run,), _ = await world.room.runs.page(called.id, Wanted(), offset=0, limit=5)
    assert (run.source, run.inputs["sys.user_id"], run.status) == ("tool", "ann", "succeeded")


async def test_published_workflows_are_tools_with_what_their_start_asks_for(world: World) -> None:
    await published(world, "인사", *GREET)
    await world.room.imports.make(WORKSPACE, dsl("초안", GREET))
    found = [one.spec for one in await world.room.toolbox.all(WORKSPACE) if one.spec.ref.provider_type == "workflow"]
    assert [(one.ref.provider_name, one.words.ko) for one in found] == [("인사", "인사")]
    assert found[0].parameters["required"] == ["q"]
    assert found[0].parameters["properties"]["q"]["type"] == "string"
    assert found[0].name.startswith("run_") and found[0].name.isascii()


async def test_what_the_called_workflow_refuses_or_fails_at_fails_the_node(world: World, counting: Counting) -> None:
    counting.broken.add("/b")
    await published(world, "인사", *GREET)
    await published(world, "깨짐", start(), http("h", "get", f"{counting.url}/b"), end(out="h.body"))
    for name, said in (("인사", "q"), ("깨짐", "`깨짐` failed"), ("없음", "no tool")):
        caller = await published(world, f"{name} 부르기", start(), tool("c", "workflow", name, name), end(out="c.text"))
        last = await finished(world, caller)
        assert last.status == "failed" and said in (last.error or "")


async def test_no_workflow_calls_itself_around_a_corner(world: World) -> None:
    first = await published(world, "가", start(), tool("c", "workflow", "나", "나"), end(out="c.text"))
    await published(world, "나", start(), tool("c", "workflow", "가", "가"), end(out="c.text"))
    last = await finished(world, first)
    assert last.status == "failed" and "`가` would call itself" in (last.error or "")
    _, runs = await world.room.runs.page(first.id, Wanted(), offset=0, limit=5)
    assert runs == 1


async def test_workflows_call_each_other_only_so_deep(world: World) -> None:
    await published(world, "w0", *GREET)
    for number in range(1, 7):
        await published(
            world, f"w{number}", start(), tool("c", "workflow", f"w{number - 1}", "w", q="끝"), end(out="c.text")
        )
    four = await finished(world, await world.room.catalogue.get(WORKSPACE, "w4"))
    assert four.status == "succeeded"  # five, one inside the other
    five = await finished(world, await world.room.catalogue.get(WORKSPACE, "w5"))
    assert five.status == "failed" and "call each other already" in (five.error or "")


async def test_a_stopped_caller_stops_what_it_called(world: World, counting: Counting) -> None:
    counting.hold("/slow")
    called = await published(world, "느림", start(), http("h", "get", f"{counting.url}/slow"), end(out="h.body"))
    caller = await published(world, "부르기", start(), tool("c", "workflow", "느림", "느림"), end(out="c.text"))
    compiled = await world.room.plans.in_force(caller)
    live = world.room.runs.start(caller, compiled, Begin(source="service-api", user="ann"))
    await counting.came("/slow")
    live.stop()
    await live.ended()
    await asyncio.wait_for(world.room.runs.end(called.id), 20)
    (run,), _ = await world.room.runs.page(called.id, Wanted(), offset=0, limit=5)
    assert run.status == "stopped"
    counting.release("/slow")


async def test_a_knowledge_base_is_searched_as_a_tool(world: World) -> None:
    await world.learn("규정.txt", "연차는 열닷새입니다.", "출장비는 다음 달에 나옵니다.")
    caller = await published(
        world,
        "찾기",
        start("q"),
        tool("k", "dataset-retrieval", world.base.name, world.base.name, query="{{#start.q#}}", top_k="1"),
        end(text="k.text", json="k.json"),
    )
    last = await finished(world, caller, q="연차는 며칠인가요?")
    assert last.outputs["text"] == "[규정.txt]\n연차는 열닷새입니다."
    assert [one["metadata"]["document_name"] for one in last.outputs["json"]] == ["규정.txt"]


async def test_a_tool_is_tried_without_a_run(world: World) -> None:
    await published(world, "인사", *GREET)
    kit = world.room.surroundings.trial(WORKSPACE, user="kim", account_id=None)
    answer = await (await kit.find(ToolRef("workflow", "인사", "인사"))).call({"q": "세계"})
    assert answer.variables == {"said": "안녕 세계"}
    with pytest.raises(NodeFailed) as caught:
        await (await kit.find(ToolRef("workflow", "인사", "인사"))).call({})
    assert caught.value.code == "tool_input_invalid"


def asked_app(name: str, mode: str, **config: Any) -> str:
    parts = {"model": {"provider": "", "name": "", "mode": "chat"}, "pre_prompt": "도와라.", **config}
    described = {"name": name, "mode": mode, "icon": "", "icon_background": "", "description": "무엇이든 답합니다."}
    return json.dumps({"version": "0.6.0", "kind": "app", "app": described, "model_config": parts})


@pytest.mark.parametrize("mode", ["chat", "agent-chat", "advanced-chat", "completion"])
async def test_an_app_that_is_asked_is_a_tool_that_takes_the_question(world: World, mode: str) -> None:
    if mode == "advanced-chat":
        content = dsl("상담", [start("이름"), llm("m", "{{#sys.query#}}"), answer("{{#m.text#}}")], mode=mode)
    else:
        field = {"text-input": {"variable": "이름", "label": "이름", "required": True}}
        content = asked_app("상담", mode, user_input_form=[field])
    called = (await world.room.imports.make(WORKSPACE, content, publish=mode == "advanced-chat")).app
    [spec] = [one.spec for one in await world.room.toolbox.all(WORKSPACE) if one.spec.ref.provider_name == "상담"]
    assert spec.ref.provider_type == "app" and spec.name.startswith("ask_")
    assert set(spec.parameters["properties"]) == {"query", "이름"}
    caller = await published(
        world,
        "부르기",
        start("q"),
        tool("c", "app", "상담", "상담", query="{{#start.q#}}", 이름="서울"),
        end(text="c.text", answer="c.answer", json="c.json"),
    )
    last = await finished(world, caller, q="연차는?")
    said = "Fifteen days a year [1]."
    assert last.outputs == {"text": said, "answer": said, "json": [{"answer": said}]}
    assert "연차는?" in str(world.llm.requests[-1].messages)
    (run,), _ = await world.room.runs.page(called.id, Wanted(), offset=0, limit=5)
    assert (run.source, run.status, run.conversation_id) == ("tool", "succeeded", None)


async def test_an_app_that_is_asked_keeps_its_sensitive_words_and_annotations_as_a_tool(world: World) -> None:
    presets = {
        "inputs_config": {"enabled": True, "preset_response": "묻지 마세요."},
        "outputs_config": {"enabled": True, "preset_response": "거두었습니다."},
        "keywords": "비밀\nfifteen",
    }
    words = {"sensitive_word_avoidance": {"enabled": True, "type": "keywords", "config": presets}}
    app = (await world.room.imports.make(WORKSPACE, asked_app("상담", "chat", **words))).app
    kit = world.room.surroundings.trial(WORKSPACE, user="kim", account_id=None)
    ready = await kit.find(ToolRef("app", "상담", "상담"))
    assert (await ready.call({"query": "비밀은?"})).text == "묻지 마세요."
    assert (await ready.call({"query": "연차는?"})).text == "거두었습니다."
    await world.room.annotations.create(app, "연차는 며칠인가요?", "열닷새입니다.")
    switched = await world.room.annotation_reply.switch(app, "enable", model="", score_threshold=0.5)
    while (state := await world.room.annotation_reply.status("enable", switched)) is None or state.state != "done":
        await asyncio.sleep(0.01)
    assert (await ready.call({"query": "연차는 며칠인가요?"})).text == "열닷새입니다."
    with pytest.raises(NodeFailed) as caught:
        await ready.call({"query": " "})
    assert caught.value.code == "tool_input_invalid"


async def test_no_app_asks_itself_through_others(world: World) -> None:
    """A chatflow calls a workflow that asks the chatflow."""
    content = dsl("대화", [start(), tool("c", "workflow", "일", "일"), answer("{{#c.text#}}")], mode="advanced-chat")
    app = (await world.room.imports.make(WORKSPACE, content, publish=True)).app
    await published(world, "일", start(), tool("c", "app", "대화", "대화", query="다시"), end(out="c.text"))
    user = await world.room.conversations.user(WORKSPACE, app.id, "ann")
    turn = await world.room.chat.ask(app, user, Ask("시작"))
    end_ = await turn.finished()
    assert isinstance(end_, Failed) and "`대화` would call itself" in end_.message
    _, runs = await world.room.runs.page(app.id, Wanted(), offset=0, limit=5)
    assert runs == 1


async def test_a_called_app_that_wants_a_person_ends_and_leaves_no_form_open(world: World) -> None:
    nodes = [start(), human("h", "괜찮습니까?", [], "ok"), answer("네")]
    content = dsl("결재", nodes, [("start", "h"), ("h:ok", "answer")], mode="advanced-chat")
    called = (await world.room.imports.make(WORKSPACE, content, publish=True)).app
    caller = await published(world, "부르기", start(), tool("c", "app", "결재", "결재", query="예?"), end(out="c.text"))
    last = await finished(world, caller)
    assert last.status == "failed" and "waits for a person" in (last.error or "")
    (run,), _ = await world.room.runs.page(called.id, Wanted(), offset=0, limit=5)
    assert run.status == "stopped"
    assert await world.room.inbox.waiting(WORKSPACE, only=None) == 0


async def test_what_a_called_app_asks_of_models_counts_for_whoever_asked(database: Database, tmp_path: Path) -> None:
    heard_for: list[Asker] = []

    class Listening(ScriptedLlm):
        async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatDelta]:
            heard_for.append(asker())
            async for delta in super().stream(request):
                yield delta

    world = await world_of(database, tmp_path, Listening())
    called = (await world.room.imports.make(WORKSPACE, asked_app("상담", "completion"))).app
    content = dsl(
        "대화",
        [start(), tool("c", "app", "상담", "상담", query="연차는?"), answer("{{#c.text#}}")],
        mode="advanced-chat",
    )
    app = (await world.room.imports.make(WORKSPACE, content, publish=True)).app
    user = await world.room.conversations.user(WORKSPACE, app.id, "ann")
    speak_for(Asker(workspace_id=WORKSPACE, key_id="its-key", groups=("재무",)))
    await (await world.room.chat.ask(app, user, Ask("시작"))).finished()
    [who] = heard_for
    assert (who.app_id, who.key_id, who.end_user_id, who.groups) == (called.id, "its-key", user.id, ("재무",))
    await world.room.close()


async def test_a_call_that_waits_for_nobody_leaves_no_run_behind(world: World) -> None:
    await published(world, "인사", *GREET)
    caller = await published(world, "부르기", start(), tool("c", "app", "인사", "인사", q="x"), end(out="c.said"))
    last = await finished(world, caller)
    assert last.outputs == {"out": "안녕 x"}
    assert len(world.room.runs) == 0

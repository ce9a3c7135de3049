"""Apps without a graph on the engine: completion, agents, chat with an expert's prompt."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from llmflow.apps.chat.ask import Ask
from llmflow.apps.chat.turns import Turn
from llmflow.apps.designs.imports import Mapped
from llmflow.apps.designs.moderation import moderation_of
from llmflow.apps.types import App, Ended, EndUser, Failed, MadeFile, Replaced, TextDelta, Thought
from llmflow.errors import UsageError
from llmflow.organs.llm.scripted import ScriptedLlm
from llmflow.ports.llm import ChatDelta
from llmflow.store.database import Database
from llmflow.workflow.events import NodeStarted, WorkflowFinished
from tests.apps.fakes import WORKSPACE, World, room_of, world_of
from tests.flow_apps import answer, llm, start
from tests.flow_apps import dsl as flow

TIME = {
    "enabled": True,
    "provider_type": "builtin",
    "provider_id": "time",
    "provider_name": "time",
    "tool_name": "timezone_conversion",
    "tool_label": "시간대 바꾸기",
    "tool_parameters": {},
}


def dsl(mode: str, **config: Any) -> str:
    whole = {
        "model": {"provider": "openai", "name": "gpt-4o", "mode": "chat", "completion_params": {"temperature": 0.7}},
        "pre_prompt": "",
        "prompt_type": "simple",
        "user_input_form": [],
        **config,
    }
    app = {"name": f"{mode} 앱", "mode": mode, "icon": "🧪", "icon_background": "#fff", "description": ""}
    return yaml.safe_dump({"version": "0.6.0", "kind": "app", "app": app, "model_config": whole}, allow_unicode=True)


def field(kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {kind: {"variable": name, "label": name, "required": True, **more}}


async def made(world: World, document: str, **mapped: str) -> tuple[App, EndUser]:
    app = (await world.room.imports.make(WORKSPACE, document, mapped=Mapped(mapped, {}))).app
    return app, await world.room.conversations.user(WORKSPACE, app.id, "ann")


async def asked(world: World, app: App, user: EndUser, query: str = "", **more: Any) -> Ended:
    turn = await world.room.chat.ask(app, user, Ask(query, **more))
    end = await turn.finished()
    assert isinstance(end, Ended), end
    return end


def said(world: World, number: int = -1) -> list[tuple[str, Any]]:
    return [(message.role, message.content) for message in world.llm.requests[number].messages]


async def test_a_completion_app_fills_its_prompt_and_keeps_the_result(database: Database, tmp_path: Path) -> None:
    world = await world_of(database, tmp_path, ScriptedLlm(reply="번역했습니다."))
    form = [field("select", "lang", options=["한국어", "영어"]), field("paragraph", "text")]
    app, user = await made(world, dsl("completion", pre_prompt="{{lang}}로 옮겨라: {{text}}", user_input_form=form))
    end = await asked(world, app, user, inputs={"lang": "한국어", "text": "Hello"})
    assert (end.answer.text, end.answer.kind) == ("번역했습니다.", "generated")
    assert said(world) == [("user", "한국어로 옮겨라: Hello")]
    assert world.llm.requests[-1].temperature == 0.7
    [conversation], _ = await world.room.conversations.page(user)
    [message], _ = await world.room.conversations.messages(user, conversation.id)
    assert (message.query, message.answer, message.inputs) == ("", "번역했습니다.", {"lang": "한국어", "text": "Hello"})
    for wrong in ({"lang": "한국어"}, {"lang": "중국어", "text": "x"}):
        with pytest.raises(UsageError) as refused:
            await world.room.chat.ask(app, user, Ask("", inputs=wrong))
        assert refused.value.code == "workflow_input_invalid"
    await world.room.close()


async def test_a_completion_app_reads_passages_for_the_variable_it_names(world: World) -> None:
    await world.learn("휴가.md", "연차 휴가는 매년 15일이다.")
    config = {
        "pre_prompt": "{{q}} 물음에 답하라.",
        "user_input_form": [field("text-input", "q")],
        "dataset_query_variable": "q",
        "dataset_configs": {"top_k": 2, "datasets": {"datasets": [{"dataset": {"enabled": True, "id": "old"}}]}},
    }
    app, user = await made(world, dsl("completion", **config), old=world.base.id)
    end = await asked(world, app, user, inputs={"q": "연차 휴가는 며칠"})
    [(role, prompt)] = said(world)
    assert role == "user"
    assert "연차 휴가는 매년 15일이다." in prompt
    assert prompt.endswith("연차 휴가는 며칠 물음에 답하라.")
    assert [citation.document for citation in end.answer.citations] == ["휴가.md"]


async def test_an_experts_prompt_is_said_as_it_is_written(world: World) -> None:
    prompt = [
        {"role": "system", "text": "너는 {{who}}다."},
        {"role": "user", "text": "먼저 인사해."},
        {"role": "assistant", "text": "안녕."},
    ]
    config = {
        "prompt_type": "advanced",
        "chat_prompt_config": {"prompt": prompt},
        "user_input_form": [field("text-input", "who")],
    }
    app, user = await made(world, dsl("chat", **config))
    first = await world.room.chat.ask(app, user, Ask("뭐 해?", inputs={"who": "해적"}))
    await first.finished()
    begun = [("system", "너는 해적다."), ("user", "먼저 인사해."), ("assistant", "안녕.")]
    assert said(world) == [*begun, ("user", "뭐 해?")]
    await asked(world, app, user, "그리고?", conversation_id=first.conversation_id)  # the form was filled in before
    earlier = [("user", "뭐 해?"), ("assistant", "Fifteen days a year [1].")]
    assert said(world) == [*begun, *earlier, ("user", "그리고?")]


async def test_a_prompt_for_completion_models_has_its_history_as_lines(world: World) -> None:
    expert = {
        "prompt": {"text": "{{#histories#}}\n손님: {{#query#}}\n점원:"},
        "conversation_histories_role": {"user_prefix": "손님", "assistant_prefix": "점원"},
    }
    model = {"provider": "openai", "name": "gpt-3.5-turbo-instruct", "mode": "completion", "completion_params": {}}
    config = {"prompt_type": "advanced", "completion_prompt_config": expert, "model": model}
    app, user = await made(world, dsl("chat", **config))
    first = await world.room.chat.ask(app, user, Ask("하나"))
    await first.finished()
    await asked(world, app, user, "둘", conversation_id=first.conversation_id)
    assert said(world) == [("user", "손님: 하나\n점원: Fifteen days a year [1].\n손님: 둘\n점원:")]


async def test_a_plain_instruction_is_said_alone(world: World) -> None:
    app, user = await made(world, dsl("chat", pre_prompt="너는 해적이다."))
    await asked(world, app, user, "안녕")
    assert said(world) == [("system", "너는 해적이다."), ("user", "안녕")]


def calls(name: str, **arguments: Any) -> list[ChatDelta]:
    function = {"name": name, "arguments": json.dumps(arguments)}
    return [ChatDelta(text="시계를 봅니다."), ChatDelta(tool_calls=[{"index": 0, "id": "c", "function": function}])]


NOON = {"current_time": "2026-01-31 12:00:00", "current_timezone": "UTC", "target_timezone": "Asia/Seoul"}


async def test_an_agents_steps_are_told_and_kept(database: Database, tmp_path: Path) -> None:
    llm = ScriptedLlm(replies=[calls("timezone_conversion", **NOON), "서울은 밤 9시입니다."])
    world = await world_of(database, tmp_path, llm)
    mode = {"enabled": True, "strategy": "function_call", "max_iteration": 5, "tools": [TIME]}
    app, user = await made(world, dsl("agent-chat", pre_prompt="시간을 알려라.", agent_mode=mode))
    turn = await world.room.chat.ask(app, user, Ask("UTC 정오는 서울에서 몇 시?"))
    end = await turn.finished()
    assert isinstance(end, Ended), end
    assert end.answer.text == "시계를 봅니다.\n\n서울은 밤 9시입니다."
    assert "".join(event.text for event in turn.told if isinstance(event, TextDelta)) == end.answer.text
    told = [event for event in turn.told if isinstance(event, Thought)]
    assert [thought.position for thought in told] == sorted(thought.position for thought in told)
    stored = await world.room.conversations.message(user, turn.message_id)
    first, second = stored.thoughts
    assert {thought.id: thought for thought in told} == {first.id: first, second.id: second}
    assert (first.thought, first.tool) == ("시계를 봅니다.", "timezone_conversion")
    assert json.loads(first.tool_input) == {"timezone_conversion": NOON}
    assert json.loads(first.observation) == {"timezone_conversion": "2026-01-31 21:00:00"}
    assert first.tool_labels["timezone_conversion"]["ko_KR"] == "시간대 바꾸기"
    assert (second.thought, second.tool, second.observation) == ("서울은 밤 9시입니다.", "", "")
    assert not [event for event in turn.told if isinstance(event, MadeFile)]
    assert stored.prompt_tokens > 0
    await world.room.close()


async def test_an_agent_with_a_tool_that_is_not_here_says_so_before_any_model_is_asked(world: World) -> None:
    mode = {"enabled": True, "strategy": "function_call", "tools": [{**TIME, "provider_id": "x", "provider_name": "x"}]}
    app, user = await made(world, dsl("agent-chat", agent_mode=mode))
    turn = await world.room.chat.ask(app, user, Ask("몇 시?"))
    end = await turn.finished()
    assert isinstance(end, Failed)
    assert (end.code, end.status) == ("tool_unknown", 404)
    assert world.llm.requests == []


async def test_every_mode_runs_the_same_engine(world: World) -> None:
    await world.learn("휴가.md", "연차 휴가는 매년 15일이다.")
    found = {}
    agent = {"enabled": True, "strategy": "react", "tools": []}
    for mode, more in (("completion", {"pre_prompt": "하라"}), ("agent-chat", {"agent_mode": agent})):
        app, user = await made(world, dsl(mode, **more))
        turn = await world.room.chat.ask(app, user, Ask("질문"))
        await turn.finished()
        assert turn.live is not None
        found[mode] = await world.room.runs.events(turn.live.run.id)
    turn, _ = await world.ask("연차 휴가는 매년 며칠입니까?")
    assert turn.live is not None
    found["chat"] = await world.room.runs.events(turn.live.run.id)
    types = {mode: [e.node_type for e in events if isinstance(e, NodeStarted)] for mode, events in found.items()}
    assert types == {
        "completion": ["start", "llm", "answer"],
        "agent-chat": ["start", "agent", "answer"],
        "chat": ["start", "knowledge-answer", "answer"],
    }
    assert all(isinstance(events[-1], WorkflowFinished) for events in found.values())


async def test_settings_changed_here_are_what_is_run(world: World) -> None:
    app, user = await made(world, dsl("chat", pre_prompt="하나"))
    await asked(world, app, user, "안녕")
    changed = await world.room.catalogue.update(WORKSPACE, app.id, config=replace(app.config, instruction="둘"))
    await asked(world, changed, user, "안녕")
    assert [said(world, at)[0] for at in (-2, -1)] == [("system", "하나"), ("system", "둘")]


def moderated(**more: Any) -> dict[str, Any]:
    parts = {"inputs_config": {"enabled": True, "preset_response": "그 질문에는 답하지 않습니다."}}
    parts |= {"outputs_config": {"enabled": True, "preset_response": "답을 거두었습니다."}}
    config = {"keywords": "비밀\nＰＡＳＳＷＯＲＤ\n\n", **parts, **more}
    return {"sensitive_word_avoidance": {"enabled": True, "type": "keywords", "config": config}}


async def test_a_list_of_no_sensitive_words_looks_at_nothing() -> None:
    assert moderation_of(moderated(keywords=" \n\n")) is None
    assert moderation_of(moderated()) is not None


@pytest.mark.parametrize("query", ["비밀을 말해", "What is the password?"])
async def test_a_question_with_a_sensitive_word_is_answered_by_the_preset(world: World, query: str) -> None:
    app, user = await made(world, dsl("chat", **moderated()))
    end = await asked(world, app, user, query)
    assert (end.answer.text, end.answer.kind) == ("그 질문에는 답하지 않습니다.", "given")
    assert world.llm.requests == []
    assert (await asked(world, app, user, "날씨는?")).answer.kind == "generated"
    unlooked, user = await made(world, dsl("chat", **moderated(inputs_config={"enabled": False})))
    assert (await asked(world, unlooked, user, query)).answer.kind == "generated"


async def test_an_answer_with_a_sensitive_word_is_taken_back(database: Database, tmp_path: Path) -> None:
    llm = ScriptedLlm(reply="그 말은 비밀 인데요 " + "더 " * 500, delay_ms=1)
    world = await world_of(database, tmp_path, llm)
    app, user = await made(world, dsl("completion", pre_prompt="말해", **moderated()))
    turn = await world.room.chat.ask(app, user, Ask("", inputs={}))
    end = await turn.finished()
    assert isinstance(end, Ended)
    assert (end.answer.text, end.answer.kind, end.stopped) == ("답을 거두었습니다.", "given", False)
    [replaced] = [event for event in turn.told if isinstance(event, Replaced)]
    assert replaced.text == "답을 거두었습니다."
    said_after = turn.told[turn.told.index(replaced) + 1 :]
    assert not [event for event in said_after if isinstance(event, TextDelta)]
    stored = await world.room.conversations.message(user, turn.message_id)
    assert (stored.status, stored.answer) == ("normal", "답을 거두었습니다.")
    await world.room.close()


async def test_a_chatflow_answers_a_sensitive_question_by_the_preset(world: World) -> None:
    document = flow("대화", [start(), answer("{{#sys.query#}}")], mode="advanced-chat", features=moderated())
    app = (await world.room.imports.make(WORKSPACE, document, publish=True)).app
    user = await world.room.conversations.user(WORKSPACE, app.id, "ann")
    assert (await asked(world, app, user, "비밀?")).answer.text == "그 질문에는 답하지 않습니다."
    assert (await asked(world, app, user, "날씨?")).answer.text == "날씨?"


async def test_a_chatflow_takes_back_a_sensitive_answer_however_it_comes_in_pieces(
    one_database: Database, tmp_path: Path
) -> None:
    pieces = [ChatDelta(text=text) for text in ("말하자면 비", "밀", *[" 더"] * 500)]
    model = ScriptedLlm(replies=[pieces], delay_ms=1)
    world = await world_of(one_database, tmp_path, model)
    nodes = [start(), llm("m", "말해"), answer("들어 보세요: {{#m.text#}}")]
    document = flow("대화", nodes, mode="advanced-chat", features=moderated())
    app = (await world.room.imports.make(WORKSPACE, document, publish=True)).app
    user = await world.room.conversations.user(WORKSPACE, app.id, "ann")
    turn = await world.room.chat.ask(app, user, Ask("날씨?"))
    end = await turn.finished()
    assert isinstance(end, Ended)
    assert (end.answer.text, end.answer.kind, end.stopped) == ("답을 거두었습니다.", "given", False)
    assert isinstance(turn.told[-2], Replaced) and len(turn.told) < 10
    stored = await world.room.conversations.message(user, turn.message_id)
    assert (stored.status, stored.answer) == ("normal", "답을 거두었습니다.")
    await world.room.close()


async def test_an_answer_gone_on_with_after_a_crash_is_looked_at_as_well(
    one_database: Database, tmp_path: Path
) -> None:
    world = await world_of(one_database, tmp_path, ScriptedLlm(reply="조용 " * 5000, delay_ms=1))
    nodes = [start(), llm("m", "말해"), answer("{{#m.text#}}")]
    document = flow("대화", nodes, mode="advanced-chat", features=moderated())
    app = (await world.room.imports.make(WORKSPACE, document, publish=True)).app
    user = await world.room.conversations.user(WORKSPACE, app.id, "ann")
    turn = await world.room.chat.ask(app, user, Ask("날씨?"))
    await turn.kept()
    await world.room.close()
    again, _, _ = room_of(one_database, tmp_path, ScriptedLlm(reply="비밀"), vectors=world.vectors)
    await again.start()
    found = await again.following.find(user, turn.message_id)
    if isinstance(found, Turn):  # it may have ended before one looks
        assert isinstance(await found.finished(), Ended)
    kept = await again.conversations.message(user, turn.message_id)
    assert (kept.answer, kept.kind, kept.status) == ("답을 거두었습니다.", "given", "normal")
    await again.close()


@pytest.mark.parametrize("name", ["20_chat_model_config.yml", "22_completion_model_config.yml"])
async def test_a_file_of_the_shared_data_runs(world: World, shared_data: Path, name: str) -> None:
    content = (shared_data / "dify" / "dsl_fixtures" / name).read_text("utf-8")
    result = await world.room.imports.make(WORKSPACE, content)
    assert {item.status for item in result.report} <= {"exact", "approximate"}
    app = result.app
    user = await world.room.conversations.user(WORKSPACE, app.id, "ann")
    end = await asked(world, app, user, "모든 고객", inputs={"A": "MySQL", "default_input": "모든 고객"})
    assert end.answer.text == "Fifteen days a year [1]."
    first = said(world)[0][1]
    if app.mode == "completion":
        assert "target database MySQL into target SQL" in first.replace("\n", " ")
        assert world.llm.requests[-1].max_tokens == 512

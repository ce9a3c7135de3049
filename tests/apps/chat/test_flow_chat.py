"""Questions to chatflows: the message, the conversation's variables, what earlier questions said."""

from __future__ import annotations

import pytest

from llmflow.apps.chat.ask import Ask
from llmflow.apps.chat.turns import Turn
from llmflow.apps.types import App, Ended, EndUser, Failed, TextDelta
from llmflow.errors import NotFound, UsageError
from tests.apps.fakes import WORKSPACE, World
from tests.flow_apps import Node, answer, assigner, dsl, llm, start, template

COUNT = {"id": "1", "name": "이름", "value_type": "string", "value": "처음"}


async def chatflow(world: World, *nodes: Node) -> tuple[App, EndUser]:
    document = dsl("대화", nodes, mode="advanced-chat", conversation=[COUNT])
    app = (await world.room.imports.make(WORKSPACE, document, publish=True)).app
    return app, await world.room.conversations.user(WORKSPACE, app.id, "ann")


async def asked(world: World, app: App, user: EndUser, query: str, conversation_id: str | None = None) -> Turn:
    turn = await world.room.chat.ask(app, user, Ask(query, conversation_id=conversation_id))
    await turn.finished()
    return turn


REMEMBERS = (
    start(),
    template("t", "{{ old }} -> {{ q }}", old="conversation.이름", q="sys.query"),
    assigner("set", "이름", "sys.query"),
    answer("{{#t.output#}}"),
)


async def test_a_conversations_variables_last_from_question_to_question(world: World) -> None:
    app, user = await chatflow(world, *REMEMBERS)
    first = await asked(world, app, user, "하나")
    second = await asked(world, app, user, "둘", first.conversation_id)
    other = await asked(world, app, user, "셋")
    said = [turn.last.answer.text for turn in (first, second, other) if isinstance(turn.last, Ended)]
    assert said == ["처음 -> 하나", "하나 -> 둘", "처음 -> 셋"]
    [variable], more = await world.room.variables.page(user, first.conversation_id, name=None, last_id=None, limit=5)
    assert (variable.name, variable.type, variable.value, more) == ("이름", "string", "둘", False)
    await world.room.variables.write(user, first.conversation_id, variable.id, "넷")
    third = await asked(world, app, user, "다섯", first.conversation_id)
    assert isinstance(third.last, Ended) and third.last.answer.text == "넷 -> 다섯"
    with pytest.raises(UsageError) as refused:
        await world.room.variables.write(user, first.conversation_id, variable.id, 5)
    assert refused.value.code == "type_mismatch"
    with pytest.raises(NotFound):
        await world.room.variables.page(world.user, first.conversation_id, name=None, last_id=None, limit=5)


async def test_the_message_is_kept_with_its_run(world: World) -> None:
    app, user = await chatflow(world, *REMEMBERS)
    turn = await asked(world, app, user, "질문")
    [message], _ = await world.room.conversations.messages(user, turn.conversation_id)
    assert (message.id, message.query, message.answer) == (turn.message_id, "질문", "처음 -> 질문")
    assert (message.status, message.kind, message.parent_id) == ("normal", "generated", None)
    assert "".join(event.text for event in turn.told if isinstance(event, TextDelta)) == message.answer
    assert turn.live is not None
    run = await world.room.runs.get(app.id, turn.live.run.id)
    assert (run.message_id, run.conversation_id, run.outputs["answer"]) == (
        message.id,
        turn.conversation_id,
        message.answer,
    )
    follow_up = await asked(world, app, user, "또", turn.conversation_id)
    found, _ = await world.room.conversations.messages(user, turn.conversation_id)
    assert [m.parent_id for m in found] == [None, turn.message_id]
    await world.room.conversations.delete(user, turn.conversation_id)
    assert follow_up.live is not None
    for gone in (run.id, follow_up.live.run.id):
        assert await world.room.runs.events(gone) == []


async def test_a_model_with_memory_is_told_what_was_said(world: World) -> None:
    memory = {"window": {"enabled": True, "size": 10}, "query_prompt_template": "{{#sys.query#}}"}
    app, user = await chatflow(world, start(), llm("m", "답하라", memory=memory), answer("{{#m.text#}}"))
    first = await asked(world, app, user, "첫 질문")
    second = await asked(world, app, user, "다음 질문", first.conversation_id)
    assert isinstance(second.last, Ended)
    assert second.last.answer.completion_tokens > 0
    told = [str(message.content) for message in world.llm.requests[-1].messages]
    assert "첫 질문" in told
    assert "Fifteen days a year [1]." in told


async def test_a_chatflow_that_fails_says_so_and_keeps_the_question(world: World) -> None:
    broken = {"id": "x", "type": "custom", "data": {"type": "no-such-node", "title": "x"}}
    app, user = await chatflow(world, start(), broken, answer("{{#x.out#}}"))
    turn = await asked(world, app, user, "질문")
    assert isinstance(turn.last, Failed)
    assert turn.last.code == "node_unsupported"
    [message], _ = await world.room.conversations.messages(user, turn.conversation_id)
    assert (message.query, message.status) == ("질문", "error")
    assert message.error.startswith("node_unsupported: ")

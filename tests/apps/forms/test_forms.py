"""Forms of runs: answered once whoever tries, too late on time, never lost by a server that dies; on both databases."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from llmflow.apps.forms.desk import Desk
from llmflow.apps.forms.types import Answering, HumanForm
from llmflow.apps.runs.decided import Answer
from llmflow.apps.runs.live import LiveRun
from llmflow.apps.types import App, EndUser
from llmflow.errors import NotFound, PreconditionFailed, UsageError
from llmflow.gateway.asker import Asker, asker, speak_for
from llmflow.organs.llm.scripted import ScriptedLlm
from llmflow.ports.llm import ChatDelta, ChatRequest
from llmflow.store.content import Scope
from llmflow.store.database import Database
from llmflow.store.ids import now_ms
from llmflow.store.tables import human_forms, run_events
from llmflow.workflow.events import (
    Event,
    HumanInputReceived,
    HumanInputRequired,
    HumanInputTimedOut,
    NodeFinished,
    WorkflowFinished,
    WorkflowPaused,
)
from llmflow.workflow.journal.stored import StoredRun
from tests.apps.fakes import WORKSPACE, World, room_of, world_of
from tests.apps.runs.test_runs import heard, run_of
from tests.flow_apps import Node, dsl, end, human, llm, start, template

HOUR = 3_600_000
FIELDS: list[dict[str, Any]] = [
    {"type": "paragraph", "output_variable_name": "note"},
    {
        "type": "select",
        "output_variable_name": "team",
        "option_source": {"type": "constant", "value": ["인사", "재무"]},
    },
]
SAID = {"note": "확인했습니다", "team": "인사"}


def nodes() -> tuple[Node, ...]:
    said = {"note": "ask.note", "team": "ask.team", "how": "ask.__action_id"}
    return (
        start("q"),
        human("ask", "휴가 {{#start.q#}}일\n\n{{#$output.note#}} {{#$output.team#}}", FIELDS, "approve", "reject"),
        template("t", "{{ how }}/{{ note }}/{{ team }}", **said),
        end(out="t.output"),
    )


EDGES = (("start", "ask"), ("ask:approve", "t"), ("ask:reject", "t"), ("ask:__timeout", "t"), ("t", "end"))
EDGES_TO_A_MODEL = (("start", "ask"), ("ask:approve", "m"), ("m", "end"))
DESIGN = dsl("휴가", nodes(), EDGES)


@pytest.fixture
async def forms_world(database: Database, tmp_path: Path) -> AsyncIterator[World]:
    made = await world_of(database, tmp_path, ScriptedLlm(), concurrency=20)
    yield made
    await made.room.close()


async def paused(world: World, design: str = DESIGN, **inputs: object) -> tuple[App, LiveRun, HumanForm]:
    """A run that waits for the answer to one form."""
    app, live = await run_of(world, design, **(inputs or {"q": "3"}))
    events = await heard(live)
    assert isinstance(events[-1], WorkflowPaused)
    form_id = events[-1].asked[0].id
    return app, live, await world.room.forms.by_token(world.room.forms.token(form_id))


async def ended(world: World, app: App, run_id: str) -> StoredRun:
    async for _ in world.room.runs.follow(run_id, through_pauses=True):
        continue
    return await world.room.runs.get(app.id, run_id)


async def events_of(world: World, run_id: str, kind: type[Event]) -> list[Any]:
    return [event for event in await world.room.runs.events(run_id) if isinstance(event, kind)]


async def test_an_answer_brings_the_run_to_its_end(forms_world: World) -> None:
    world = forms_world
    app, live, form = await paused(world)
    assert (await world.room.runs.get(app.id, live.run.id)).status == "paused"
    assert (form.asked.content, form.status) == ("휴가 3일\n\n{{#$output.note#}} {{#$output.team#}}", "waiting")
    follower = asyncio.create_task(ended(world, app, live.run.id))
    await world.room.desk.submit(form, Answering("end_user", "u"), "approve", SAID)
    run = await follower
    assert (run.status, run.outputs) == ("succeeded", {"out": "approve/확인했습니다/인사"})
    (told,) = await events_of(world, live.run.id, HumanInputReceived)
    assert told.reply == {
        "action_id": "approve",
        "action_text": "approve!",
        "submitted_data": SAID,
        "rendered_content": "휴가 3일\n\n확인했습니다 인사",
    }
    kept = await world.room.forms.get(app.workspace_id, form.id)
    assert (kept.status, kept.answered_as, kept.answered_by) == ("submitted", "end_user", "u")
    assert kept.taken_at is not None


async def test_of_many_who_answer_at_once_one_is_heard(forms_world: World) -> None:
    world = forms_world
    app, live, form = await paused(world)
    answers = [
        world.room.desk.submit(form, Answering("link"), "approve", {**SAID, "note": str(number)}) for number in range(8)
    ]
    outcomes = await asyncio.gather(*answers, return_exceptions=True)
    refused = [each for each in outcomes if isinstance(each, PreconditionFailed)]
    assert len(refused) == 7
    assert {each.code for each in refused} == {"human_input_form_submitted"}
    run = await ended(world, app, live.run.id)
    heard_note = run.outputs["out"].split("/")[1]
    assert outcomes[int(heard_note)] is None
    assert len(await events_of(world, live.run.id, HumanInputReceived)) == 1


async def test_after_its_time_a_form_is_closed_and_the_run_goes_the_other_way(forms_world: World) -> None:
    world = forms_world
    app, live, form = await paused(world)
    assert form.expires_at - form.created_at == 36 * HOUR
    world.room.forms.now = lambda: form.expires_at - 1
    await world.room.desk.expire()
    await world.room.desk.settled()
    assert (await world.room.runs.get(app.id, live.run.id)).status == "paused"
    world.room.forms.now = lambda: form.expires_at
    with pytest.raises(PreconditionFailed) as late:
        await world.room.desk.submit(form, Answering("link"), "approve", SAID)
    assert late.value.code == "human_input_form_expired"
    await world.room.desk.expire()
    run = await ended(world, app, live.run.id)
    assert (run.status, run.outputs) == ("succeeded", {"out": "/None/None"})
    (told,) = await events_of(world, live.run.id, HumanInputTimedOut)
    assert told.expired_at == form.expires_at / 1000
    with pytest.raises(PreconditionFailed):
        world.room.forms.check_open(await world.room.forms.get(app.workspace_id, form.id))


async def test_one_timer_stands_for_all_forms_and_rings_for_the_next(world: World) -> None:
    asked_at = iter([now_ms()])
    world.room.forms.now = lambda: next(asked_at, now_ms() + 36 * HOUR - 20)  # asked, and soon too late
    app, live, _ = await paused(world)
    _, _, later = await paused(world)
    run = await asyncio.wait_for(ended(world, app, live.run.id), 30)
    assert run.outputs == {"out": "/None/None"}
    await world.room.desk.settled()
    assert (await world.room.forms.get(app.workspace_id, later.id)).status == "waiting"
    assert world.room.desk._timer is not None


async def restarted(world: World, *, started: bool = True) -> World:
    """As after the server's end: a new room takes over."""
    await world.room.close()
    room, bases, vectors = room_of(world.database, world.folder, ScriptedLlm())
    if started:
        await room.start()
    return replace(world, room=room, bases=bases, vectors=vectors)


async def test_a_link_holds_over_a_restart(forms_world: World) -> None:
    app, live, form = await paused(forms_world)
    token = forms_world.room.forms.token(form.id)
    world = await restarted(forms_world)
    await world.room.desk.submit(await world.room.forms.by_token(token), Answering("link"), "reject", SAID)
    run = await ended(world, app, live.run.id)
    assert run.outputs == {"out": "reject/확인했습니다/인사"}
    await world.room.close()


async def test_an_answer_kept_by_a_dead_process_is_brought_at_the_next_start(forms_world: World) -> None:
    app, live, form = await paused(forms_world)
    await forms_world.room.forms.submit(form, Answering("link"), "approve", SAID)  # and the process dies
    world = await restarted(forms_world)
    run = await ended(world, app, live.run.id)
    assert run.outputs == {"out": "approve/확인했습니다/인사"}
    await world.room.close()


async def test_what_became_too_late_while_the_server_was_down_is_ended_at_its_start(forms_world: World) -> None:
    app, live, form = await paused(forms_world)
    world = await restarted(forms_world, started=False)
    world.room.forms.now = lambda: form.expires_at + HOUR
    await world.room.start()
    run = await ended(world, app, live.run.id)
    assert run.outputs == {"out": "/None/None"}
    await world.room.close()


async def test_a_process_that_died_between_the_form_and_its_event_asks_no_second_time(forms_world: World) -> None:
    """The form is kept before the run tells of it."""
    app, live, form = await paused(forms_world)
    await forms_world.room.close()
    async with forms_world.database.write() as connection:
        rows = (await connection.execute(sa.select(run_events.c.first, run_events.c.events))).all()
        for row in rows:
            lines = [line for line in row.events.split("\n") if json.loads(line)["event"] not in _AFTER_THE_FORM]
            if not lines:
                await connection.execute(sa.delete(run_events).where(run_events.c.first == row.first))
                continue
            told = await forms_world.database.boundary.admit_one(_SCOPE, "\n".join(lines))
            await connection.execute(sa.update(run_events).where(run_events.c.first == row.first).values(events=told))
        await connection.execute(sa.text("UPDATE workflow_runs SET status = 'running'"))
    world = await restarted(forms_world)
    while world.room.reruns.is_recovering:
        await asyncio.sleep(0.01)
    if (found := world.room.runs.live(live.run.id)) is not None:
        await found.ended()
    (asked,) = await events_of(world, live.run.id, HumanInputRequired)
    assert asked.id == form.id
    async with world.database.read() as connection:
        assert await connection.scalar(sa.select(sa.func.count()).select_from(human_forms)) == 1
    await world.room.desk.submit(form, Answering("link"), "approve", SAID)
    assert (await ended(world, app, live.run.id)).status == "succeeded"
    await world.room.close()


async def test_an_answer_that_comes_while_the_run_still_works_is_brought_when_it_pauses(forms_world: World) -> None:
    world = forms_world
    design = dsl(
        "둘",
        (
            *nodes()[:1],
            human("ask", "하나", [], "ok"),
            human("more", "둘", [], "ok"),
            end(a="ask.__action_id", b="more.__action_id"),
        ),
        (("start", "ask"), ("start", "more"), ("ask:ok", "end"), ("more:ok", "end")),
    )
    app, live, form = await paused(world, design)
    (other,) = [
        asked for asked in (await events_of(world, live.run.id, WorkflowPaused))[0].asked if asked.id != form.id
    ]
    second = await world.room.forms.get(app.workspace_id, other.id)
    await asyncio.gather(
        world.room.desk.submit(form, Answering("link"), "ok", {}),
        world.room.desk.submit(second, Answering("link"), "ok", {}),
    )
    run = await ended(world, app, live.run.id)
    assert (run.status, run.outputs) == ("succeeded", {"a": "ok", "b": "ok"})
    assert len(await events_of(world, live.run.id, HumanInputReceived)) == 2
    ends = [end.node_id for end in await events_of(world, live.run.id, NodeFinished)]
    assert sorted(ends) == ["ask", "end", "more", "start"]


async def test_a_run_that_is_stopped_and_answered_at_once_has_one_end(forms_world: World) -> None:
    """Whoever is first decides; the other finds it decided, and nothing of either is lost."""
    world = forms_world
    for _ in range(4):
        app, live, form = await paused(world)
        await world.room.forms.submit(form, Answering("link"), "approve", SAID)
        stopping = asyncio.create_task(world.room.reruns.stop(app, live.run.id))
        await world.room.desk._bring(live.run.id)
        await stopping
        await world.room.desk.settled()
        run = await ended(world, app, live.run.id)
        finals = await events_of(world, live.run.id, WorkflowFinished)
        assert [final.status for final in finals] == [run.status]
        if run.status == "stopped":
            assert "t" not in {event.node_id for event in await events_of(world, live.run.id, NodeFinished)}
        else:
            assert run.outputs == {"out": "approve/확인했습니다/인사"}


async def test_an_answer_that_came_while_the_run_was_stopped_is_there_when_it_is_resumed(forms_world: World) -> None:
    world, reruns = forms_world, forms_world.room.reruns
    app, live, form = await paused(world)
    run_id = live.run.id
    async with reruns._claim(run_id):  # as `stop` has it
        answering = asyncio.create_task(world.room.desk.submit(form, Answering("link"), "approve", SAID))
        while not reruns._claims[run_id]._waiters:
            await asyncio.sleep(0.001)
        found = await reruns._found(app, await world.room.runs.get(app.id, run_id))
        await reruns._end(found, "stopped", "The run was stopped.", None)
    await answering
    await world.room.desk.settled()
    assert (await world.room.runs.get(app.id, run_id)).status == "stopped"
    await reruns.resume(app, run_id)
    run = await asyncio.wait_for(ended(world, app, run_id), 20)
    assert (run.status, run.outputs) == ("succeeded", {"out": "approve/확인했습니다/인사"})


async def test_what_goes_on_works_for_whom_it_was_begun(database: Database, tmp_path: Path) -> None:
    """Not for whoever answers: neither their key nor their account pays."""
    heard_for: list[Asker] = []

    class Listening(ScriptedLlm):
        async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatDelta]:
            heard_for.append(asker())
            async for delta in super().stream(request):
                yield delta

    world = await world_of(database, tmp_path, Listening())
    asking = human("ask", "?", [], "approve")
    design = dsl("묻고 쓰기", (start("q"), asking, llm("m", "써라"), end(out="m.text")), EDGES_TO_A_MODEL)
    speak_for(Asker(workspace_id=WORKSPACE, key_id="its-key"))
    app, live, form = await paused(world, design)
    assert (await world.room.runs.get(app.id, live.run.id)).key_id == "its-key"
    speak_for(Asker(workspace_id="another", key_id="another-key", account_id="another", groups=("재무",)))
    await world.room.desk.submit(form, Answering("account", "another"), "approve", {})
    assert (await ended(world, app, live.run.id)).status == "succeeded"
    [who] = heard_for
    assert (who.workspace_id, who.key_id, who.account_id, who.groups) == (WORKSPACE, "its-key", None, ())
    await world.room.close()


async def test_a_form_of_a_stopped_run_is_closed(forms_world: World) -> None:
    world = forms_world
    app, live, form = await paused(world)
    await world.room.reruns.stop(app, live.run.id)
    with pytest.raises(PreconditionFailed) as refused:
        await world.room.desk.submit(form, Answering("link"), "approve", SAID)
    assert refused.value.code == "human_input_form_expired"


async def test_a_waiting_form_is_ended_with_its_run_but_not_answered_beside_the_form(forms_world: World) -> None:
    world = forms_world
    app, live, form = await paused(world)
    for action in ("repeat", "skip"):
        with pytest.raises(UsageError, match="answered by its form"):
            await world.room.reruns.answer(app, live.run.id, Answer("ask", action, {}))
    await world.room.reruns.answer(app, live.run.id, Answer("ask", "fail", {}))
    assert (await world.room.runs.get(app.id, live.run.id)).status == "failed"
    with pytest.raises(PreconditionFailed):
        world.room.forms.check_open(await world.room.forms.get(app.workspace_id, form.id))


@pytest.mark.parametrize(
    ("action", "inputs", "message"),
    [
        ("maybe", SAID, "Invalid action: maybe"),
        ("approve", {"note": "x"}, "Missing required inputs: team"),
        ("approve", {**SAID, "team": "개발"}, "team must be one of: 인사, 재무"),
        ("approve", {**SAID, "team": None}, "team must be one of"),
        ("approve", {**SAID, "note": 3}, "note must be a text"),
        ("approve", {**SAID, "note": "가" * 300_000}, "note must have at most 204800 characters"),
    ],
)
async def test_what_the_form_does_not_take_is_refused_and_changes_nothing(
    world: World, action: str, inputs: dict[str, Any], message: str
) -> None:
    _, _, form = await paused(world)
    with pytest.raises(UsageError, match=message) as refused:
        await world.room.desk.submit(form, Answering("link"), action, inputs)
    assert refused.value.code == "invalid_form_data"
    assert (await world.room.forms.get(form.workspace_id, form.id)).status == "waiting"


FILES = [
    {
        "type": "file-list",
        "output_variable_name": "files",
        "allowed_file_types": ["document", "custom"],
        "allowed_file_extensions": [".xyz"],
        "allowed_file_upload_methods": ["local_file"],
        "number_limits": 2,
    }
]


_AFTER_THE_FORM = ("human_input_required", "workflow_paused")
_SCOPE = Scope("run", "a run")


async def sent(world: World, user: EndUser, name: str) -> dict[str, Any]:
    file = await world.room.files.keep(user, name, "내용".encode(), media_type="", used_by="")
    return {"type": "document", "transfer_method": "local_file", "upload_file_id": file.id}


async def test_files_must_be_the_users_of_the_run_and_of_a_kind_that_is_asked(world: World) -> None:
    design = dsl(
        "파일",
        (*nodes()[:1], human("ask", "", FILES, "ok"), end(out="ask.files")),
        (("start", "ask"), ("ask:ok", "end")),
    )
    app, live, form = await paused(world, design)
    user = await world.room.forms.user_of(form)
    mine = [await sent(world, user, "보고서.txt"), await sent(world, user, "a.xyz")]
    stranger = await sent(world, replace(user, id="somebody"), "남의 것.txt")
    picture = {**(await sent(world, user, "그림.png")), "type": "image"}
    remote = {"type": "document", "transfer_method": "remote_url", "url": "https://example.com/a.txt"}
    for files in ([stranger], [picture], [remote], [*mine, mine[0]], "x", [{"type": "document"}]):
        with pytest.raises(UsageError) as refused:
            await world.room.desk.submit(form, Answering("link"), "ok", {"files": files})
        assert (refused.value.code, refused.value.param) == ("invalid_form_data", "files")
    await world.room.desk.submit(form, Answering("link"), "ok", {"files": mine})
    run = await ended(world, app, live.run.id)
    assert [file["filename"] for file in run.outputs["out"]] == ["보고서.txt", "a.xyz"]
    await world.room.files.remove_unused()
    assert len(await world.room.files.of(user, [file["upload_file_id"] for file in mine])) == 2


async def test_forms_go_with_their_app_and_unknown_links_are_told(world: World) -> None:
    app, _, form = await paused(world)
    token = world.room.forms.token(form.id)
    assert len(token) == 43
    with pytest.raises(NotFound) as unknown:
        await world.room.forms.by_token(token[:-1] + ("A" if token[-1] != "A" else "B"))
    assert unknown.value.code == "form_not_found"
    with pytest.raises(NotFound):
        await world.room.forms.get("another workspace", form.id)
    await world.room.catalogue.delete(app.workspace_id, app.id)
    with pytest.raises(NotFound):
        await world.room.forms.by_token(token)


async def test_a_desk_that_closes_leaves_no_task_and_no_timer(world: World) -> None:
    await paused(world)
    desk: Desk = world.room.desk
    assert desk._timer is not None
    await desk.close()
    await desk.settled()
    assert desk._timer is None

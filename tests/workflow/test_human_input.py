"""The node that asks people: what it asks, the branch that an answer takes, that of no answer, both versions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from llmflow.workflow.context import Letter, Question, Recipient
from llmflow.workflow.engine.replay import replay
from llmflow.workflow.events import (
    Event,
    HumanInputReceived,
    HumanInputRequired,
    HumanInputTimedOut,
    WorkflowFinished,
    WorkflowPaused,
)
from llmflow.workflow.form import excerpt, filled_in
from llmflow.workflow.graph import compile_graph
from tests.workflow.graphs import Kept, end, graph, node, run, start, template
from tests.workflow.outside import FAKES

EXPIRES = 1_764_000_000_000
ACTIONS = [
    {"id": "approve", "title": "승인", "button_style": "primary"},
    {"id": "reject", "title": "반려", "button_style": "default"},
]
FIELDS: list[dict[str, Any]] = [
    {"type": "paragraph", "output_variable_name": "note", "default": {"type": "variable", "selector": ["start", "q"]}},
    {
        "type": "select",
        "output_variable_name": "team",
        "option_source": {"type": "variable", "selector": ["start", "teams"], "value": []},
    },
]


class People:
    """Keeps what is asked."""

    def __init__(self) -> None:
        self.asked: list[Question] = []

    async def ask(self, question: Question) -> int:
        self.asked.append(question)
        return EXPIRES


def human(id: str = "h", *, parent: str = "", **data: Any) -> dict[str, Any]:
    form = {"form_content": "# {{#start.q#}}\n\n{{#$output.note#}} {{#$output.team#}}", "user_actions": ACTIONS}
    return node(id, "human-input", parent=parent, **{**form, "inputs": FIELDS, **data})


def reply(action: str, **inputs: Any) -> HumanInputReceived:
    said = {"action_id": action, "action_text": "승인", "submitted_data": inputs, "rendered_content": "본문"}
    return HumanInputReceived(node_id="h", reply=said, created_at=1.0)


BRANCHES = graph(
    [
        start("q"),
        human(),
        template("yes", "예 {{ n }}", n="h.note"),
        template("no", "아니요"),
        template("late", "늦음"),
    ],
    "start > h",
    "h:approve > yes",
    "h:reject > no",
    "h:__timeout > late",
)
INPUTS = {"q": "휴가 신청", "teams": ["인사", "재무"]}


async def asked(design: Any = BRANCHES, **inputs: Any) -> tuple[list[Event], People]:
    people = People()
    last, sink = await run(design, inputs={**INPUTS, **inputs}, outside=replace(FAKES, ask=people.ask))
    assert isinstance(last, WorkflowPaused)
    return sink.events, people


async def after(events: list[Event], *decisions: Any) -> Kept:
    _, sink = await run(BRANCHES, state=replay(events), decisions=list(decisions))
    return sink


async def test_the_form_is_filled_but_for_its_fields_and_the_options_are_those_of_now() -> None:
    events, people = await asked()
    (question,) = people.asked
    (event,) = [each for each in events if isinstance(each, HumanInputRequired)]
    assert question.content == "# 휴가 신청\n\n{{#$output.note#}} {{#$output.team#}}"
    assert question.defaults == {"note": "휴가 신청"}
    assert question.seconds == 36 * 3600
    assert event.form == {
        "form_id": event.id,
        "form_content": question.content,
        "inputs": [
            {
                "type": "paragraph",
                "output_variable_name": "note",
                "default": {"type": "variable", "selector": ["start", "q"], "value": ""},
            },
            {
                "type": "select",
                "output_variable_name": "team",
                "option_source": {"type": "variable", "selector": ["start", "teams"], "value": ["인사", "재무"]},
            },
        ],
        "actions": ACTIONS,
        "display_in_ui": False,
        "resolved_default_values": {"note": "휴가 신청"},
        "expiration_time": EXPIRES // 1000,
    }
    last = events[-1]
    assert isinstance(last, WorkflowPaused) and last.asked == (event,)


async def test_an_answer_takes_the_branch_of_its_button_with_the_fields_as_outputs() -> None:
    events, _ = await asked()
    sink = await after(events, reply("approve", note="확인", team="인사"))
    assert sink.ends() == ["h", "yes"]
    assert sink.end_of("yes").outputs == {"output": "예 확인"}
    assert sink.end_of("h").outputs == {
        "note": "확인",
        "team": "인사",
        "__action_id": "approve",
        "__action_value": "승인",
        "__rendered_content": "본문",
    }
    assert (await after(events, reply("reject", note="", team="재무"))).ends() == ["h", "no"]


async def test_no_answer_in_time_takes_its_own_branch() -> None:
    events, _ = await asked()
    late = HumanInputTimedOut(node_id="h", expired_at=2.0, content="본문", created_at=3.0)
    sink = await after(events, late)
    assert sink.ends() == ["h", "late"]
    assert sink.end_of("h").outputs == {"__action_id": "", "__action_value": "", "__rendered_content": "본문"}


async def test_a_form_that_waits_is_not_asked_again_when_another_is_answered() -> None:
    design = graph([start("q"), human("h"), human("g"), end(a="h.note")], "start > h > end", "start > g")
    design["edges"][1]["sourceHandle"] = "approve"
    people = People()
    outside = replace(FAKES, ask=people.ask)
    _, first = await run(design, inputs=INPUTS, outside=outside)
    last, second = await run(
        design, state=replay(first.events), decisions=[reply("approve", note="하나")], outside=outside
    )
    assert isinstance(last, WorkflowPaused)
    assert [asked.node_id for asked in last.asked] == ["g"]
    assert len(people.asked) == 2
    assert not [each for each in second.events if isinstance(each, HumanInputRequired)]


async def test_a_fork_of_a_run_that_waits_asks_anew() -> None:
    events, _ = await asked()
    plan = compile_graph(BRANCHES)
    people = People()
    last, _ = await run(plan, state=replay(events).without(plan, "h"), outside=replace(FAKES, ask=people.ask))
    assert isinstance(last, WorkflowPaused)
    assert len(people.asked) == 1
    assert last.asked[0].id != next(each.id for each in events if isinstance(each, HumanInputRequired))


async def test_a_list_of_options_that_is_none_fails_the_node() -> None:
    last, _ = await run(BRANCHES, inputs={"q": "x", "teams": "인사"}, outside=replace(FAKES, ask=People().ask))
    assert isinstance(last, WorkflowFinished)
    assert (last.status, last.error_code) == ("failed", "node_input_invalid")


@pytest.mark.parametrize("depth", ["iteration", "loop"])
async def test_people_are_asked_within_containers_and_the_rounds_go_on(depth: str) -> None:
    inner = human("h", parent="c", form_content="{{#start.q#}}", inputs=FIELDS[:1])
    container: dict[str, Any] = (
        {"iterator_selector": ["start", "teams"], "output_selector": ["h", "note"]}
        if depth == "iteration"
        else {"loop_count": 2, "break_conditions": [], "logical_operator": "and", "loop_variables": []}
    )
    nodes = [
        start("q"),
        node("c", depth, **container),
        node("s", f"{depth}-start", parent="c"),
        inner,
        end(o="c.output"),
    ]
    design = graph(nodes, "start > c > end", "s > h")
    people = People()
    last, sink = await run(design, inputs=INPUTS, outside=replace(FAKES, ask=people.ask))
    journal = sink.events
    while isinstance(last, WorkflowPaused):
        ((_, at),) = last.reasons
        answer = replace_at(reply("approve", note=f"답{at[0]}"), at)
        last, sink = await run(
            design, state=replay(journal), decisions=[answer], outside=replace(FAKES, ask=people.ask)
        )
        journal = journal + sink.events
    assert [question.at for question in people.asked] == [(0,), (1,)]
    assert isinstance(last, WorkflowFinished) and last.status == "succeeded"
    if depth == "iteration":
        assert last.outputs == {"o": ["답0", "답1"]}


def replace_at(event: HumanInputReceived, at: tuple[int, ...]) -> HumanInputReceived:
    return HumanInputReceived(node_id=event.node_id, reply=event.reply, created_at=event.created_at, at=at)


async def test_mail_goes_to_whom_the_first_version_names() -> None:
    mail = {
        "recipients": {
            "whole_workspace": False,
            "items": [{"type": "member", "user_id": "m"}, {"type": "external", "email": "a@b.kr"}],
        },
        "subject": "확인:\n{{#start.q#}}",
        "body": "여기서 답해 주세요: {{#url#}}",
    }
    methods = [{"type": "webapp", "enabled": True}, {"type": "email", "enabled": True, "config": mail}]
    design = graph([start("q"), human(delivery_methods=methods)], "start > h")
    _, people = await asked(design)
    to = (Recipient("member", "m"), Recipient("address", "a@b.kr"))
    assert people.asked[0].letters == (Letter("확인: 휴가 신청", "여기서 답해 주세요: {{#url#}}", to),)
    assert people.asked[0].in_app


def second(**data: Any) -> dict[str, Any]:
    to = [
        {"type": "initiator"},
        {"type": "contact", "contact_id": "c"},
        {"type": "dynamic_email", "selector": ["start", "mails"]},
        {"type": "onetime_email", "email": "x@y.kr"},
        {"type": "all_workspace_contacts"},
    ]
    own = {
        "recipients_spec": to,
        "message_template": {"subject": "제목", "body": "{{#start.q#}} {{#url#}}"},
        "debug_mode": {"enabled": False, "channels": ["email"]},
    }
    return human(version="2", **{**own, **data})


async def test_the_second_version_names_people_by_what_they_are() -> None:
    _, people = await asked(graph([start("q"), second()], "start > h"), mails=["p@q.kr", "r@s.kr"])
    (letter,) = people.asked[0].letters
    assert [(to.kind, to.value) for to in letter.to] == [
        ("initiator", ""),
        ("member", "c"),
        ("address", "p@q.kr"),
        ("address", "r@s.kr"),
        ("address", "x@y.kr"),
        ("everybody", ""),
    ]
    assert letter.body == "휴가 신청 {{#url#}}"
    assert people.asked[0].in_app


async def test_the_second_version_refuses_keys_it_does_not_know_but_the_editors() -> None:
    plan = compile_graph(graph([start("q"), second(selected=False, isInLoop=False)], "start > h"))
    assert plan.problems == ()
    plan = compile_graph(graph([start("q"), second(delivery_methods=[])], "start > h"))
    assert [problem.code for problem in plan.problems] == ["node_invalid"]


@pytest.mark.parametrize(
    "data",
    [
        {"user_actions": [ACTIONS[0], ACTIONS[0]]},
        {"user_actions": [{"id": "1a", "title": "x"}]},
        {"inputs": [FIELDS[0], FIELDS[0]]},
        {"timeout": 0},
        {"timeout_unit": "century"},
    ],
)
async def test_forms_that_cannot_be_are_problems_of_the_design(data: dict[str, Any]) -> None:
    plan = compile_graph(graph([start("q"), human(**data)], "start > h"))
    assert [problem.code for problem in plan.problems] == ["node_invalid"]


def test_an_excerpt_has_the_words_alone() -> None:
    content = "## 휴가\n\n**김지수** 님\n\n| 날짜 |\n| --- |\n\n{{#$output.note#}} [규정](https://a.b/c) 끝"
    assert excerpt(content) == "휴가 김지수 님 날짜 규정 끝"
    assert excerpt("가" * 200, 10) == "가" * 9 + "…"


def test_what_was_said_stands_where_the_fields_stood_once() -> None:
    content = "{{#$output.a#}}, {{#$output.b#}}, {{#$output.f#}}, {{#$output.l#}}, {{#$output.none#}}."
    values = {"a": "{{#$output.b#}}", "b": "나", "f": {"x": 1}, "l": [1, 2]}
    assert filled_in(content, values) == "{{#$output.b#}}, 나, [file], [2 files], ."

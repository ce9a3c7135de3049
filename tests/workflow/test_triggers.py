"""Starts of a graph: a form and triggers beside each other, of which one begins a run; the triggers' own data."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llmflow.errors import UsageError
from llmflow.workflow.engine.replay import replay
from llmflow.workflow.events import WorkflowFinished, WorkflowStarted
from llmflow.workflow.files import make_file
from llmflow.workflow.graph import compile_graph
from llmflow.workflow.nodes.trigger_schedule import ScheduleData
from llmflow.workflow.nodes.trigger_webhook import WebhookData, accepted, answer, outputs_of
from tests.workflow.graphs import end, graph, node, run, start, template

SCHEDULE: dict[str, Any] = {"mode": "visual", "frequency": "daily", "visual_config": {"time": "9:00 AM"}}


def several() -> dict[str, Any]:
    """A form, a webhook and a schedule; each has a branch of its own, and all meet in the end."""
    nodes = [
        node("clock", "trigger-schedule", **SCHEDULE),
        node("hook", "trigger-webhook", method="post", body=[{"name": "이름"}]),
        start("q"),
        template("form", "양식 {{ q }}", q="start.q"),
        template("called", "호출 {{ n }}", n="hook.이름"),
        template("timed", "시각"),
        node(
            "join",
            "variable-aggregator",
            variables=[["form", "output"], ["called", "output"], ["timed", "output"]],
        ),
        end(out="join.output"),
    ]
    return graph(nodes, "start > form > join > end", "hook > called > join", "clock > timed > join")


@pytest.mark.parametrize(
    ("at", "inputs", "out", "ran"),
    [
        ("", {"q": "하나"}, "양식 하나", ["start", "form"]),
        ("start", {"q": "하나"}, "양식 하나", ["start", "form"]),
        ("hook", {"webhook_data": {"body": {"이름": "지수"}}}, "호출 지수", ["hook", "called"]),
        ("clock", {}, "시각", ["clock", "timed"]),
    ],
)
async def test_only_the_branch_of_the_start_that_fired_runs(
    at: str, inputs: dict[str, Any], out: str, ran: list[str]
) -> None:
    last, sink = await run(several(), start=at, inputs=inputs)
    assert isinstance(last, WorkflowFinished)
    assert (last.status, last.outputs) == ("succeeded", {"out": out})
    assert sink.ends() == [*ran, "join", "end"]
    begun = sink.events[0]
    assert isinstance(begun, WorkflowStarted)
    assert begun.start == at


async def test_a_run_goes_on_at_the_start_it_began_with() -> None:
    whole = several()
    _, sink = await run(whole, start="hook", inputs={"webhook_data": {"body": {"이름": "지수"}}})
    state = replay(sink.events[:3])  # the webhook is done, nothing else
    last, again = await run(whole, state=state)
    assert last.outputs == {"out": "호출 지수"}
    assert again.ends() == ["called", "join", "end"]


async def test_a_run_begins_at_no_other_node() -> None:
    last, _ = await run(several(), start="join")
    assert isinstance(last, WorkflowFinished)
    assert (last.status, last.error_code) == ("failed", "workflow_invalid")


def test_triggers_beside_a_form_are_no_problem_and_two_forms_are() -> None:
    plan = compile_graph(several())
    assert [plan.scope.nodes[index].id for index in plan.scope.starts] == ["start", "clock", "hook"]
    assert not plan.problems
    twice = compile_graph(graph([start("a"), node("other", "start")], "start > other"))
    assert "start_twice" in {problem.code for problem in twice.problems}


async def test_an_answer_of_a_branch_that_did_not_fire_is_never_told() -> None:
    nodes = [
        start("q"),
        node("hook", "trigger-webhook"),
        node("a", "answer", answer="양식의 답"),
        node("b", "answer", answer="웹훅의 답"),
    ]
    design = graph(nodes, "start > a", "hook > b")
    for at, text in (("", "양식의 답"), ("hook", "웹훅의 답")):
        last, sink = await run(design, start=at)
        assert sink.text == last.outputs["answer"] == text


async def test_a_plugins_trigger_is_kept_and_fails_by_name_when_a_run_begins_there() -> None:
    plugin = node("p", "trigger-plugin", plugin_id="a/b", provider_id="b", event_name="e", subscription_id="s")
    last, _ = await run(graph([plugin, end()], "p > end"))
    assert isinstance(last, WorkflowFinished)
    assert (last.status, last.error_code) == ("failed", "node_unsupported")
    assert "trigger-plugin" in (last.error or "")


# schedules


@pytest.mark.parametrize(
    ("given", "expression"),
    [
        ({"frequency": "hourly", "visual_config": {"on_minute": 15}}, "15 * * * *"),
        ({"frequency": "daily", "visual_config": {"time": "12:05 AM"}}, "5 0 * * *"),
        ({"frequency": "daily", "visual_config": {"time": "12:00 PM"}}, "0 12 * * *"),
        ({"frequency": "daily", "visual_config": {"time": "14:30"}}, "30 14 * * *"),
        ({"frequency": "weekly", "visual_config": {"time": "9:00 AM", "weekdays": ["fri", "mon"]}}, "0 9 * * 1,5"),
        (
            {"frequency": "monthly", "visual_config": {"time": "11:59 PM", "monthly_days": ["last", 15, 1]}},
            "59 23 1,15,L * *",
        ),
        ({"mode": "cron", "cron_expression": " */5 9-18 * * MON-FRI "}, "*/5 9-18 * * MON-FRI"),
    ],
)
def test_a_schedule_is_a_cron_expression(given: dict[str, Any], expression: str) -> None:
    assert ScheduleData.model_validate({"type": "trigger-schedule", **given}).cron == expression


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"mode": "cron"},
        {"mode": "cron", "cron_expression": "every day"},
        {"frequency": "weekly", "visual_config": {"time": "9:00 AM"}},
        {"frequency": "monthly", "visual_config": {"time": "9:00 AM", "monthly_days": []}},
        {"frequency": "daily", "visual_config": {"time": "오전 아홉 시"}},
        {"frequency": "daily", "visual_config": {"time": "13:00 PM"}},
        {**SCHEDULE, "timezone": "Seoul"},
    ],
)
def test_a_schedule_that_says_no_time_is_a_problem_of_its_node(given: dict[str, Any]) -> None:
    plan = compile_graph(graph([node("clock", "trigger-schedule", **given), end()], "clock > end"))
    assert [(problem.code, problem.node) for problem in plan.problems] == [("node_invalid", "clock")]


# webhooks


def hook(**data: Any) -> WebhookData:
    return WebhookData.model_validate({"type": "trigger-webhook", "method": "POST", **data})


def sent(data: WebhookData, **parts: Any) -> dict[str, Any]:
    return accepted(data, **{"headers": {}, "query": {}, "body": {}, "files": {}, **parts})


def test_declared_parts_become_outputs_by_their_types() -> None:
    file = make_file(name="a.pdf", id="f1")
    data = hook(
        content_type="multipart/form-data",
        headers=[{"name": "X-Event-Type", "required": True}],
        params=[{"name": "page", "type": "number"}, {"name": "missing"}],
        body=[
            {"name": "이름"},
            {"name": "yes", "type": "boolean"},
            {"name": "tags", "type": "array[string]"},
            {"name": "doc", "type": "file", "required": True},
        ],
    )
    got = sent(
        data,
        headers={"x-event-type": "created"},
        query={"page": "3.0", "more": "1"},
        body={"이름": "지수", "yes": "No", "tags": '["가", "나"]', "else": "x"},
        files={"doc": file},
    )
    outputs = outputs_of(data, got)
    raw = outputs.pop("_webhook_raw")
    assert outputs == {
        "X_Event_Type": "created",
        "page": 3,
        "missing": None,
        "이름": "지수",
        "yes": False,
        "tags": ["가", "나"],
        "doc": file,
    }
    assert raw["query_params"]["more"] == "1"
    assert raw["body"]["else"] == "x"
    assert raw["method"] == "POST"


@pytest.mark.parametrize(
    ("declared", "parts", "param"),
    [
        ({"headers": [{"name": "X-Key", "required": True}]}, {}, "X-Key"),
        ({"params": [{"name": "n", "type": "number"}]}, {"query": {"n": "셋"}}, "n"),
        ({"params": [{"name": "n", "type": "number"}]}, {"query": {"n": "inf"}}, "n"),
        ({"body": [{"name": "이름", "required": True}]}, {}, "이름"),
        ({"body": [{"name": "n", "type": "number"}]}, {"body": {"n": "3"}}, "n"),
        ({"body": [{"name": "n", "type": "number"}]}, {"body": {"n": True}}, "n"),
        ({"body": [{"name": "xs", "type": "array[number]"}]}, {"body": {"xs": [1, "2"]}}, "xs"),
        ({"body": [{"name": "o", "type": "object"}]}, {"body": {"o": []}}, "o"),
        ({"content_type": "text/plain", "body": [{"name": "t", "required": True}]}, {"body": {"raw": ""}}, "body"),
        (
            {"content_type": "multipart/form-data", "body": [{"name": "f", "type": "file", "required": True}]},
            {},
            "f",
        ),
    ],
)
def test_what_is_missing_or_of_another_type_is_named(
    declared: dict[str, Any], parts: dict[str, Any], param: str
) -> None:
    with pytest.raises(UsageError) as caught:
        sent(hook(**declared), **parts)
    assert (caught.value.code, caught.value.param) == ("webhook_input_invalid", param)


def test_text_and_bytes_are_whole_outputs() -> None:
    data = hook(content_type="text/plain", body=[{"name": "글"}])
    assert outputs_of(data, sent(data, body={"raw": "안녕"}))["글"] == "안녕"


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("", {"status": "success", "message": "Webhook processed successfully"}),
        ("접수됨: {{#hook.이름#}}", {"message": '접수됨: 지"수'}),
        (
            '{"run": "{{#sys.workflow_run_id#}}", "to": ["{{#hook.이름#}}"], "n": 1}',
            {"run": "r1", "to": ['지"수'], "n": 1},
        ),
        ("{no json", {"message": "{no json"}),
    ],
)
def test_the_answer_is_filled_and_no_value_breaks_out_of_its_place(template: str, expected: dict[str, Any]) -> None:
    data = hook(response_body=template, body=[{"name": "이름"}])
    outputs = outputs_of(data, sent(data, body={"이름": '지"수'}))
    assert json.loads(answer(data, "hook", outputs, {"workflow_run_id": "r1"})) == expected


def test_a_webhook_that_was_never_called_has_empty_outputs() -> None:
    assert outputs_of(hook(params=[{"name": "p"}]), {}) == {"p": None, "_webhook_raw": {}}

"""A workflow that asks a person, and forms that wait."""

from __future__ import annotations

from typing import Any

from tests.api.chat_server import events
from tests.flow_apps import answer, dsl, end, human, start, template
from tests.live import LiveServer

TEXT = """## 휴가 신청 검토

**{{#start.who#}}** 님이 연차 3일을 신청했습니다. 남은 연차는 *7일*입니다.

| 날짜 | 사유 |
| --- | --- |
| 7월 1일–3일 | 가족 여행 |

검토 의견을 적어 주세요.

{{#$output.comment#}}

{{#$output.team#}}"""
FIELDS: list[dict[str, Any]] = [
    {"type": "paragraph", "output_variable_name": "comment"},
    {
        "type": "select",
        "output_variable_name": "team",
        "option_source": {"type": "constant", "value": ["인사팀", "재무팀"]},
    },
    {"type": "file-list", "output_variable_name": "papers", "number_limits": 3},
]
ACTIONS = [
    {"id": "approve", "title": "승인", "button_style": "primary"},
    {"id": "reject", "title": "반려", "button_style": "default"},
]


def asking(name: str) -> str:
    ask = human("ask", TEXT, FIELDS, user_actions=ACTIONS)
    ask["data"]["title"] = "휴가 승인"
    said = template("t", "{{ how }}: {{ note }}", how="ask.__action_value", note="ask.comment")
    edges = (("start", "ask"), ("ask:approve", "t"), ("ask:reject", "t"), ("t", "end"))
    return dsl(name, (start("who"), ask, said, end(out="t.output")), edges)


def waiting_form(server: LiveServer, name: str = "휴가 결재") -> str:
    """The id of a form that waits: one of a run that is made now."""
    with server.client() as client:
        apps = [app["name"] for app in client.get("/api/v1/apps").json()]
        if name not in apps:
            made = client.post("/api/v1/apps/import", json={"document": asking(name), "publish": True})
            made.raise_for_status()
        body = {"inputs": {"who": "김지수"}}
        with client.stream("POST", f"/api/v1/apps/{name}/runs", json=body) as stream:
            (asked,) = [one for one in events(stream.iter_lines()) if one["event"] == "human_input_required"]
    return str(asked["id"])


def link_of(server: LiveServer, form_id: str) -> str:
    with server.client() as client:
        return str(client.get(f"/api/v1/forms/{form_id}").json()["link"])


def waiting_chat(server: LiveServer, *, in_app: bool = True) -> str:
    """The id of a chatflow whose answer waits for a form, of whoever asks or of others; made once each."""
    name = "휴가 상담" if in_app else "휴가 결재 상담"
    more: dict[str, Any] = {} if in_app else {"delivery_methods": []}
    fields = [{"type": "paragraph", "output_variable_name": "reason"}]
    text = "휴가 **사흘**을 신청합니다. 사유를 적어 주세요.\n\n{{#$output.reason#}}"
    ask = human("ask", text, fields, user_actions=ACTIONS, **more)
    ask["data"]["title"] = "사유 확인"
    nodes = (start(), answer("확인하겠습니다. "), ask, {**answer("신청했습니다: {{#ask.reason#}}"), "id": "done"})
    edges = (("start", "answer"), ("answer", "ask"), ("ask:approve", "done"), ("ask:reject", "done"))
    with server.client() as client:
        for app in client.get("/api/v1/apps").raise_for_status().json():
            if app["name"] == name:
                return str(app["id"])
        document = dsl(name, nodes, edges, mode="advanced-chat")
        made = client.post("/api/v1/apps/import", json={"document": document, "publish": True})
        return str(made.raise_for_status().json()["app_id"])

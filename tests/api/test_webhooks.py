"""Webhooks over HTTP: who may call, what is taken, what is answered, what is noted."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.flow_apps import dsl, end, template, webhook
from tests.live import LiveServer

BODY = [{"name": "이름", "type": "string", "required": True}, {"name": "n", "type": "number"}]
ANSWER = '{"run": "{{#sys.workflow_run_id#}}", "to": "{{#hook.이름#}}"}'


def design(**data: Any) -> str:
    hook = webhook(**{"body": BODY, "status_code": 202, "response_body": ANSWER, **data})
    return dsl("웹훅", [hook, template("t", "안녕 {{ n }}", n="hook.이름"), end(out="t.output")])


class Hooked:
    """An app with one webhook, and a client without any key for calling it."""

    def __init__(self, console: httpx.Client, server: LiveServer, document: str) -> None:
        self.console = console
        made = console.post("/apps/import", json={"document": document, "publish": True})
        self.app = made.raise_for_status().json()["app_id"]
        self.secret = self.renewed()
        self.client = httpx.Client(base_url=server.url, trust_env=False, timeout=30)

    @property
    def trigger(self) -> dict[str, Any]:
        [found] = self.console.get(f"/apps/{self.app}/triggers").raise_for_status().json()
        return dict(found)

    @property
    def path(self) -> str:
        return str(self.trigger["webhook"]["path"])

    def renewed(self) -> str:
        path = f"/apps/{self.app}/triggers/{self.trigger['id']}/secret"
        return str(self.console.post(path).raise_for_status().json()["secret"])

    def change(self, **body: Any) -> None:
        self.console.patch(f"/apps/{self.app}/triggers/{self.trigger['id']}", json=body).raise_for_status()

    def call(self, body: Any = None, *, method: str = "POST", path: str = "", **more: Any) -> httpx.Response:
        """With the secret as a bearer token, unless `headers` are given."""
        more.setdefault("headers", {"Authorization": f"Bearer {self.secret}"})
        if body is not None:
            more["json"] = body
        return self.client.request(method, path or self.path, **more)

    def signed(self, body: dict[str, Any], id: str, *, at: float | None = None, secret: str = "") -> httpx.Response:
        """As a sender that follows the Standard Webhooks specification."""
        content, stamp = json.dumps(body).encode(), str(int(time.time() if at is None else at))
        key = base64.b64decode((secret or self.secret).removeprefix("whsec_"))
        made = hmac.new(key, f"{id}.{stamp}.".encode() + content, hashlib.sha256).digest()
        headers = {
            "webhook-id": id,
            "webhook-timestamp": stamp,
            "webhook-signature": f"v1a,bm90aGluZw== v1,{base64.b64encode(made).decode()}",
            "content-type": "application/json",
        }
        return self.client.post(self.path, content=content, headers=headers)

    def deliveries(self) -> list[dict[str, Any]]:
        found = self.console.get(f"/apps/{self.app}/triggers/{self.trigger['id']}/deliveries").json()
        return list(found)

    def run(self, run_id: str) -> dict[str, Any]:
        """The run, over."""
        with self.console.stream("GET", f"/apps/{self.app}/runs/{run_id}/events") as answer:
            answer.read()
        return dict(self.console.get(f"/apps/{self.app}/runs/{run_id}").json())

    def runs(self) -> int:
        return int(self.console.get(f"/apps/{self.app}/runs").json()["total"])


@pytest.fixture
def hooked(console: httpx.Client, fake_model_server: LiveServer) -> Iterator[Hooked]:
    found = Hooked(console, fake_model_server, design())
    yield found
    found.client.close()
    console.delete(f"/apps/{found.app}")


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, str(answer.json()["error"]["code"])


def test_a_call_starts_a_run_and_is_answered_as_the_node_says(hooked: Hooked) -> None:
    answer = hooked.call({"이름": "지수", "n": 3, "more": [1]}, params={"q": "1"})
    assert answer.status_code == 202, answer.text
    assert answer.json() == {"run": answer.json()["run"], "to": "지수"}
    detail = hooked.run(answer.json()["run"])
    run = detail["run"]
    assert (run["status"], run["outputs"], run["source"]) == ("succeeded", {"out": "안녕 지수"}, "webhook")
    assert run["trigger_id"] == hooked.trigger["id"]
    sent = run["inputs"]["webhook_data"]
    assert sent["body"] == {"이름": "지수", "n": 3, "more": [1]}
    assert (sent["method"], sent["query_params"]) == ("POST", {"q": "1"})
    assert detail["nodes"][0]["node_type"] == "trigger-webhook"
    [noted] = hooked.deliveries()
    assert (noted["status"], noted["run_id"], noted["run_status"]) == (202, run["id"], "succeeded")
    assert hooked.trigger["last"]["run_id"] == run["id"]


def test_its_secret_is_nowhere_in_the_run_nor_in_what_is_listed(hooked: Hooked) -> None:
    headers = {"Authorization": f"Bearer {hooked.secret}", "Cookie": "llmflow_session=x", "X-Kept": "1"}
    answer = hooked.call({"이름": "지수"}, headers=headers)
    run = hooked.run(answer.json()["run"])
    assert run["run"]["inputs"]["webhook_data"]["headers"]["x-kept"] == "1"
    assert hooked.secret not in json.dumps(run)
    assert "llmflow_session" not in json.dumps(run)
    assert hooked.secret not in hooked.console.get(f"/apps/{hooked.app}/triggers").text


def test_without_its_secret_nobody_gets_in(hooked: Hooked) -> None:
    for headers in ({}, {"Authorization": "Bearer whsec_nope"}, {"Authorization": f"Basic {hooked.secret}"}):
        assert code(hooked.call({"이름": "지수"}, headers=headers)) == (401, "webhook_refused")
    before, hooked.secret = hooked.secret, hooked.renewed()
    assert code(hooked.call({"이름": "지수"}, headers={"Authorization": f"Bearer {before}"})) == (
        401,
        "webhook_refused",
    )
    assert hooked.call({"이름": "지수"}).status_code == 202
    assert hooked.runs() == 1
    assert [noted["status"] for noted in hooked.deliveries()] == [202, 401, 401, 401, 401]


def test_a_new_webhook_takes_no_call_before_it_has_a_secret(
    console: httpx.Client, fake_model_server: LiveServer, hooked: Hooked
) -> None:
    made = console.post("/apps/import", json={"document": design(), "publish": True}).json()["app_id"]
    [trigger] = console.get(f"/apps/{made}/triggers").json()
    assert (trigger["is_on"], trigger["webhook"]["needs_secret"], trigger["webhook"]["has_secret"]) == (
        True,
        True,
        False,
    )
    answer = hooked.call({"이름": "지수"}, path=trigger["webhook"]["path"])
    assert code(answer) == (401, "webhook_refused")
    assert "no secret yet" in answer.json()["error"]["message"]
    console.delete(f"/apps/{made}")


def test_a_webhook_may_be_opened_to_whoever_knows_its_address(hooked: Hooked) -> None:
    hooked.change(needs_secret=False)
    assert hooked.call({"이름": "지수"}, headers={}).status_code == 202


def test_a_signed_call_is_taken_and_the_same_one_again_starts_nothing(hooked: Hooked) -> None:
    first = hooked.signed({"이름": "지수"}, "msg_1")
    assert first.status_code == 202, first.text
    again = hooked.signed({"이름": "지수"}, "msg_1")
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert hooked.signed({"이름": "지수"}, "msg_2").json()["run"] != first.json()["run"]
    assert hooked.runs() == 2


def test_a_signature_counts_only_for_its_time_and_its_body(hooked: Hooked) -> None:
    for answer, said in (
        (hooked.signed({"이름": "지수"}, "msg_1", at=time.time() - 400), "away from the time"),
        (hooked.signed({"이름": "지수"}, "msg_1", at=time.time() + 400), "away from the time"),
        (
            hooked.signed({"이름": "지수"}, "msg_1", secret="whsec_" + base64.b64encode(b"x" * 32).decode()),
            "does not fit",
        ),
        (hooked.call({"이름": "지수"}, headers={"webhook-signature": "v1,x"}), "needs the headers"),
        (
            hooked.call(
                {"이름": "지수"},
                headers={"webhook-signature": "v1,x", "webhook-id": "a", "webhook-timestamp": "어제".encode().hex()},
            ),
            "seconds since 1970",
        ),
    ):
        assert code(answer) == (401, "webhook_refused")
        assert said in answer.json()["error"]["message"]
    assert hooked.runs() == 0


def test_many_calls_of_one_id_at_once_start_one_run(hooked: Hooked) -> None:
    headers = {"Authorization": f"Bearer {hooked.secret}", "Idempotency-Key": "주문 7".encode().hex()}
    path = hooked.path
    with ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(hooked.call, {"이름": "지수"}, headers=headers, path=path) for _ in range(8)]
        answers = {call.result().content for call in calls}
    assert len(answers) == 1
    assert hooked.runs() == 1


@pytest.mark.parametrize(
    ("body", "more", "expected", "param"),
    [
        ({}, {}, (400, "webhook_input_invalid"), "이름"),
        ({"이름": 3}, {}, (400, "webhook_input_invalid"), "이름"),
        (None, {"content": b"{"}, (400, "invalid_json"), None),
        (None, {"content": b"\xff\xfe"}, (400, "invalid_json"), None),
        (None, {"data": {"이름": "지수"}}, (415, "unsupported_type"), None),
        ({"이름": "지" * 400_000}, {}, (413, "too_large"), None),
        ({"이름": "지수"}, {"method": "PUT"}, (405, "method_not_allowed"), None),
        (None, {"method": "GET"}, (405, "method_not_allowed"), None),
    ],
)
def test_what_does_not_fit_is_refused_by_name(
    hooked: Hooked, body: Any, more: dict[str, Any], expected: tuple[int, str], param: str | None
) -> None:
    if "content" in more:
        more = {**more, "headers": {"Authorization": f"Bearer {hooked.secret}", "Content-Type": "application/json"}}
    answer = hooked.call(body, **more)
    assert code(answer) == expected
    assert answer.json()["error"]["param"] == param
    assert hooked.runs() == 0


def test_an_address_that_leads_nowhere_or_is_off_says_so(hooked: Hooked) -> None:
    assert code(hooked.call({}, path="/triggers/webhook/nothing")) == (404, "webhook_unknown")
    hooked.change(is_on=False)
    assert code(hooked.call({"이름": "지수"})) == (403, "webhook_off")
    hooked.change(is_on=True)
    before = hooked.path
    hooked.console.post(f"/apps/{hooked.app}/triggers/{hooked.trigger['id']}/address").raise_for_status()
    assert code(hooked.call({"이름": "지수"}, path=before)) == (404, "webhook_unknown")
    assert hooked.call({"이름": "지수"}).status_code == 202


def test_one_webhook_is_called_so_often_in_a_minute_and_no_more(hooked: Hooked) -> None:
    path = hooked.path
    answers = [hooked.call(path=path, method="GET") for _ in range(125)]
    assert [answer.status_code for answer in answers[:120]] == [405] * 120
    assert code(answers[-1]) == (429, "too_many_requests")
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
    assert len(hooked.deliveries()) <= 40  # who is refused fills no disk


def test_files_of_a_form_reach_the_run_and_its_nodes(console: httpx.Client, fake_model_server: LiveServer) -> None:
    hook = webhook(
        content_type="multipart/form-data",
        body=[{"name": "제목"}, {"name": "doc", "type": "file", "required": True}],
    )
    reader = {"id": "r", "data": {"type": "document-extractor", "title": "r", "variable_selector": ["hook", "doc"]}}
    hooked = Hooked(console, fake_model_server, dsl("파일", [hook, reader, end(out="r.text", title="hook.제목")]))
    files = {"doc": ("보고서.txt", "휴가는 15일".encode(), "text/plain")}
    answer = hooked.call(files=files, data={"제목": "규정"})
    assert answer.json() == {"status": "success", "message": "Webhook processed successfully"}
    run = hooked.run(hooked.deliveries()[0]["run_id"])["run"]
    assert run["outputs"] == {"out": "휴가는 15일", "title": "규정"}, run["error"]
    assert code(hooked.call(data={"제목": "규정"}, files={"else": b"x"})) == (400, "webhook_input_invalid")
    assert code(
        hooked.call(
            content=b"--x", headers={"Authorization": f"Bearer {hooked.secret}", "Content-Type": "multipart/form-data"}
        )
    ) == (400, "invalid_request")
    console.delete(f"/apps/{hooked.app}")


@pytest.mark.parametrize(
    ("kind", "content", "out"),
    [
        ("text/plain", "안녕".encode(), "안녕"),
        ("text/plain; charset=euc-kr", "안녕".encode("euc-kr"), "안녕"),
        ("application/x-www-form-urlencoded", b"raw=a+b&raw=c&x=%EA%B0%80", "a b"),
    ],
)
def test_other_kinds_of_bodies_are_read(
    console: httpx.Client, fake_model_server: LiveServer, kind: str, content: bytes, out: str
) -> None:
    hook = webhook(content_type=kind.partition(";")[0], body=[{"name": "raw"}])
    hooked = Hooked(console, fake_model_server, dsl("본문", [hook, end(out="hook.raw")]))
    headers = {"Authorization": f"Bearer {hooked.secret}", "Content-Type": kind}
    assert hooked.call(content=content, headers=headers).status_code == 200
    assert hooked.run(hooked.deliveries()[0]["run_id"])["run"]["outputs"] == {"out": out}
    console.delete(f"/apps/{hooked.app}")


def test_a_trigger_keeps_its_address_and_secret_over_versions_and_goes_with_its_node(hooked: Hooked) -> None:
    path = hooked.path
    changed = {"document": design(status_code=201), "publish": True}
    hooked.console.post(f"/apps/{hooked.app}/import", json=changed).raise_for_status()
    assert hooked.path == path
    assert hooked.call({"이름": "지수"}).status_code == 201
    without = dsl("웹훅", [webhook("other"), end(out="other._webhook_raw")])
    hooked.console.post(f"/apps/{hooked.app}/import", json={"document": without, "publish": True}).raise_for_status()
    assert hooked.trigger["node_id"] == "other"
    assert code(hooked.call({"이름": "지수"}, path=path)) == (404, "webhook_unknown")
    assert hooked.runs() == 1  # what it started stays


def test_the_debug_address_runs_the_draft(hooked: Hooked) -> None:
    draft = {"document": design(response_body="초안")}
    hooked.console.post(f"/apps/{hooked.app}/import", json=draft).raise_for_status()
    debug = hooked.trigger["webhook"]["debug_path"]
    assert hooked.call({"이름": "지수"}, path=debug).json() == {"message": "초안"}
    assert hooked.call({"이름": "지수"}).json()["to"] == "지수"
    assert code(hooked.call({"이름": "지수"}, path=debug, headers={})) == (401, "webhook_refused")


def test_service_logs_say_that_a_webhook_started_a_run(hooked: Hooked) -> None:
    hooked.run(hooked.call({"이름": "지수"}).json()["run"])
    token = hooked.console.post("/keys", json={"kind": "app", "app": hooked.app}).json()["token"]
    url = hooked.client.base_url.join("/v1/workflows/logs")
    [logged] = hooked.client.get(url, headers={"Authorization": f"Bearer {token}"}).json()["data"]
    assert (logged["created_from"], logged["workflow_run"]["triggered_from"]) == ("webhook", "webhook")


def test_deleting_an_app_takes_its_webhooks_along(console: httpx.Client, fake_model_server: LiveServer) -> None:
    hooked = Hooked(console, fake_model_server, design())
    path = hooked.path
    assert hooked.call({"이름": "지수"}).status_code == 202
    console.delete(f"/apps/{hooked.app}").raise_for_status()
    assert code(hooked.call({"이름": "지수"}, path=path)) == (404, "webhook_unknown")

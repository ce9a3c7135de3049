"""The inbox over the console's API: who sees which forms, answers them, and what is told of it afterwards."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from llmflow.access.types import Role
from tests.api.chat_server import events
from tests.flow_apps import dsl, end, human, start
from tests.live import LiveServer

EDGES = (("start", "ask"), ("ask:ok", "end"))
NOTE = [{"type": "paragraph", "output_variable_name": "note"}]
FILES = [{"type": "file-list", "output_variable_name": "papers"}]


def design(name: str, fields: list[dict[str, Any]], *addresses: str) -> str:
    to = [{"type": "external", "email": address} for address in addresses]
    mail = {"recipients": {"items": to}, "subject": "확인", "body": "{{#url#}}"}
    methods = [{"type": "email", "enabled": True, "config": mail}]
    ask = human("ask", "**{{#start.q#}}** 확인", fields, "ok", delivery_methods=methods)
    return dsl(name, (start("q"), ask, end(note="ask.note", papers="ask.papers")), EDGES)


@pytest.fixture(scope="module")
def made(fake_model_server: LiveServer) -> None:
    with fake_model_server.client() as console:
        for name, fields, to in (
            ("결재", NOTE, ["Member@role.example", "누구@example.com", "no address"]),
            ("서류", FILES, []),
        ):
            document = design(name, fields, *to)
            console.post("/api/v1/apps/import", json={"document": document, "publish": True}).raise_for_status()


@pytest.fixture
def home(fake_model_server: LiveServer, made: None) -> Any:
    with fake_model_server.client() as console:
        yield console


def asked(home: httpx.Client, app: str = "결재") -> tuple[str, str]:
    """The ids of a run and of the form it waits for."""
    with home.stream("POST", f"/api/v1/apps/{app}/runs", json={"inputs": {"q": "연차"}}) as stream:
        told = events(stream.iter_lines())
    (form,) = [event for event in told if event["event"] == "human_input_required"]
    return told[0]["run_id"], form["id"]


def ended(home: httpx.Client, app: str, run_id: str) -> dict[str, Any]:
    params = {"through_pauses": "true"}
    with home.stream("GET", f"/api/v1/apps/{app}/runs/{run_id}/events", params=params) as stream:
        return events(stream.iter_lines())[-1]


def test_editors_see_all_forms_and_members_those_they_were_told_of(
    home: httpx.Client, by_role: dict[Role, httpx.Client]
) -> None:
    _, told = asked(home)
    _, other = asked(home, "서류")
    for role in ("owner", "admin", "editor"):
        found = by_role[role].get("/api/v1/forms", params={"limit": 100}).json()["forms"]
        assert {told, other} <= {form["id"] for form in found}
        assert by_role[role].get("/api/v1/forms/waiting").json()["count"] >= 2
    mine = by_role["member"].get("/api/v1/forms", params={"limit": 100}).json()["forms"]
    assert told in [form["id"] for form in mine]
    assert other not in [form["id"] for form in mine]
    for answer in (
        by_role["member"].get(f"/api/v1/forms/{other}"),
        by_role["member"].post(f"/api/v1/forms/{other}", json={"action": "ok"}),
    ):
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "form_not_found")


def test_a_member_answers_and_the_history_says_who_it_was(
    home: httpx.Client, by_role: dict[Role, httpx.Client]
) -> None:
    run_id, form_id = asked(home)
    form = by_role["member"].get(f"/api/v1/forms/{form_id}").json()
    assert (form["state"], form["app_name"], form["excerpt"]) == ("waiting", "결재", "연차 확인")
    assert [(one["address"], one["mail"]) for one in form["told"]] == [
        ("member@role.example", "off"),
        ("누구@example.com", "off"),
    ]
    said = {"action": "ok", "inputs": {"note": "승인합니다"}}
    wrong = by_role["member"].post(f"/api/v1/forms/{form_id}", json={**said, "action": "no"})
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (400, "invalid_form_data")
    done = by_role["member"].post(f"/api/v1/forms/{form_id}", json=said).json()
    assert (done["state"], done["answered_as"], done["answered_by"], done["action"]) == (
        "submitted",
        "account",
        "member",
        "ok!",
    )
    assert (done["reply"], done["link"]) == ({"action_id": "ok", "inputs": {"note": "승인합니다"}}, "")
    again = by_role["editor"].post(f"/api/v1/forms/{form_id}", json=said)
    assert (again.status_code, again.json()["error"]["code"]) == (412, "human_input_form_submitted")
    assert ended(home, "결재", run_id)["outputs"]["note"] == "승인합니다"
    over = by_role["editor"].get("/api/v1/forms", params={"state": "over"}).json()["forms"]
    assert form_id in [one["id"] for one in over]


def test_a_stopped_runs_form_is_over(home: httpx.Client) -> None:
    run_id, form_id = asked(home)
    home.post(f"/api/v1/apps/결재/runs/{run_id}/stop").raise_for_status()
    assert home.get(f"/api/v1/forms/{form_id}").json()["state"] == "expired"
    assert form_id in [one["id"] for one in home.get("/api/v1/forms?state=over&limit=100").json()["forms"]]


def test_files_are_sent_with_the_answer(home: httpx.Client) -> None:
    run_id, form_id = asked(home, "서류")
    sent = home.post(f"/api/v1/forms/{form_id}/files", params={"name": "보고서.txt"}, content="내용".encode()).json()
    file = {"type": "document", "transfer_method": "local_file", "upload_file_id": sent["id"]}
    body = {"action": "ok", "inputs": {"papers": [file]}}
    home.post(f"/api/v1/forms/{form_id}", json=body).raise_for_status()
    (kept,) = ended(home, "서류", run_id)["outputs"]["papers"]
    assert (kept["filename"], kept["size"]) == ("보고서.txt", 6)
    refused = home.post(f"/api/v1/forms/{asked(home)[1]}/files", params={"name": "a.txt"}, content=b"a")
    assert refused.status_code == 404


def test_whoever_has_the_link_answers_without_an_account(fake_model_server: LiveServer, home: httpx.Client) -> None:
    run_id, form_id = asked(home)
    link = home.get(f"/api/v1/forms/{form_id}").json()["link"]
    with httpx.Client(base_url=fake_model_server.url, timeout=30, trust_env=False) as stranger:
        page = stranger.get(link)
        assert page.headers["referrer-policy"] == "no-referrer"
        assert page.headers["x-frame-options"] == "DENY"
        assert (
            f"connect-src {httpx.URL(fake_model_server.url).netloc.decode()}/api/public/v1/"
            in page.headers["content-security-policy"]
        )
        path = link.replace("/form/", "/api/public/v1/forms/")
        form = stranger.get(path).json()
        assert (form["state"], form["title"], form["content"]) == ("waiting", "ask", "**연차** 확인")
        assert not {"run_id", "app_id", "id", "told"} & form.keys()
        assert stranger.post(path, content=b"{").json()["error"]["code"] == "invalid_json"
        assert stranger.post(path, json={"action": "ok"}).json()["error"]["code"] == "invalid_request"
        said = {"action": "ok", "inputs": {"note": "밖에서"}}
        assert stranger.post(path, json=said).json() == {"state": "submitted"}
        assert stranger.post(path, json=said).status_code == 412
        assert stranger.get(path).json() == {"state": "submitted", "title": "ask"}
        assert stranger.get(path[:-1] + "_").json()["error"]["code"] == "form_not_found"
    assert home.get(f"/api/v1/forms/{form_id}").json()["answered_as"] == "link"
    assert ended(home, "결재", run_id)["outputs"]["note"] == "밖에서"

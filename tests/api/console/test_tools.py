"""Tools over HTTP: listed, tried, made of an OpenAPI document, called by a workflow; the credential is nowhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import httpx
import pytest

from tests.api.chat_server import events
from tests.flow_apps import dsl, end, start, tool
from tests.live import LiveServer, start_server
from tests.served import served

CONFIG = """
organs: {llm: {use: scripted}, embedding: {use: hashing}, vector_store: {use: memory}}
workflow: {http_allow: [127.0.0.1]}
"""
SECRET = "열쇠-아주-비밀-0042"
DOCUMENT = {
    "openapi": "3.0.0",
    "info": {"title": "날씨", "description": "도시의 날씨"},
    "components": {"securitySchemes": {"key": {"type": "apiKey", "in": "query", "name": "key"}}},
    "paths": {
        "/weather/{city}": {
            "get": {
                "operationId": "getWeather",
                "summary": "날씨 보기",
                "parameters": [
                    {"name": "city", "in": "path", "required": True, "schema": {"type": "string"}},
                    {"name": "days", "in": "query", "schema": {"type": "integer"}},
                ],
            }
        },
        "/broken": {"get": {"parameters": [{"$ref": "#/nowhere"}]}},
        "/refuse": {"post": {"operationId": "refuse"}},
    },
}


class Weather:
    """A server with its own description at /openapi.json; answers with the path it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.url = ""
        weather = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                weather.asked.append(self.path)
                is_document = self.path == "/openapi.json"
                body = json.dumps(DOCUMENT if is_document else {"asked": self.path}).encode()
                self._answer(200, body)

            def do_POST(self) -> None:
                weather.asked.append(self.path)
                self._answer(403, f"wrong key in {self.path}".encode())

            def _answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.handler = Handler


@pytest.fixture(scope="module")
def weather() -> Iterator[Weather]:
    about = Weather()
    with served(about.handler) as about.url:
        yield about


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    live = start_server(tmp_path_factory.mktemp("tools") / "home", "--no-demo", config=CONFIG)
    yield live
    live.stop()


@pytest.fixture
def console(server: LiveServer) -> Iterator[httpx.Client]:
    with server.client() as client:
        client.base_url = httpx.URL(f"{server.url}/api/v1")
        yield client


def code(answer: httpx.Response) -> str:
    found: str = answer.json()["error"]["code"]
    return found


def ran(console: httpx.Client, app: str, **inputs: Any) -> list[dict[str, Any]]:
    with console.stream("POST", f"/apps/{app}/runs", json={"inputs": inputs}) as answer:
        assert answer.status_code == 200, answer.read()
        return events(answer.iter_lines())


def test_the_tools_there_are_are_listed_with_words_in_both_languages(console: httpx.Client) -> None:
    found = {(one["provider_id"], one["tool_name"]): one for one in console.get("/tools").json()}
    assert {("time", "current_time"), ("maths", "eval_expression"), ("webscraper", "webscraper")} <= found.keys()
    for one in found.values():
        assert one["words"]["en"]["label"] and one["words"]["ko"]["label"]
        assert set(one["fields"]) == set(one["parameters"]["properties"])
    assert found["time", "current_time"]["settings"] == ["format"]


def test_a_tool_is_tried(console: httpx.Client) -> None:
    ref = {"provider_id": "maths", "tool_name": "eval_expression"}
    answer = console.post("/tools/try", json={**ref, "arguments": {"expression": "6 * 7"}}).json()
    assert (answer["text"], answer["json"]) == ("42", [42])
    assert code(console.post("/tools/try", json={**ref, "arguments": {}})) == "tool_input_invalid"
    assert code(console.post("/tools/try", json={**ref, "tool_name": "없음"})) == "tool_unknown"


def test_a_document_is_looked_at_before_it_is_kept(console: httpx.Client, weather: Weather) -> None:
    by_url = console.post("/tools/collections/preview", json={"url": f"{weather.url}/openapi.json"}).json()
    by_text = console.post("/tools/collections/preview", json={"content": json.dumps(DOCUMENT)}).json()
    assert by_url["base_url"] == weather.url and by_text["base_url"] == ""
    for found in (by_url, by_text):
        assert (found["title"], found["description"]) == ("날씨", "도시의 날씨")
        assert found["operations"][0] == {
            "name": "getWeather",
            "method": "get",
            "path": "/weather/{city}",
            "summary": "날씨 보기",
            "parameters": ["city", "days"],
        }
        assert [one["what"] for one in found["skipped"]] == ["GET /broken"]
        assert found["credential"] == {"kind": "api_key", "name": "key", "where": "query", "has_secret": False}
    assert console.get("/tools/collections").json() == []


def test_what_is_no_document_is_refused(console: httpx.Client, weather: Weather) -> None:
    for body, expected in (
        ({}, "invalid_request"),
        ({"content": "그냥 글"}, "openapi_unreadable"),
        ({"url": f"{weather.url}/weather/x"}, "openapi_unreadable"),
        ({"url": "http://169.254.169.254/openapi.json"}, "address_blocked"),
        ({"url": "http://[::ffff:10.0.0.1]/openapi.json"}, "address_blocked"),
        ({"url": "file:///etc/passwd"}, "invalid_request"),
    ):
        assert code(console.post("/tools/collections/preview", json=body)) == expected
        assert code(console.post("/tools/collections", json=body)) == expected
    assert code(console.post("/tools/collections", json={"content": json.dumps(DOCUMENT)})) == "openapi_no_server"
    nameless = {"kind": "api_key", "secret": "x"}
    whole = {"content": json.dumps(DOCUMENT), "base_url": weather.url, "credential": nameless}
    assert code(console.post("/tools/collections", json=whole)) == "invalid_request"


def test_a_workflow_calls_a_tool_of_a_document_and_its_credential_is_nowhere_to_be_read(
    console: httpx.Client, server: LiveServer, weather: Weather
) -> None:
    credential = {"kind": "api_key", "name": "key", "where": "query", "secret": SECRET}
    made = console.post(
        "/tools/collections", json={"url": f"{weather.url}/openapi.json", "credential": credential}
    ).json()
    collection = made["collection"]
    assert (collection["name"], collection["tools"], collection["credential"]["has_secret"]) == ("날씨", 2, True)
    assert [one["what"] for one in made["skipped"]] == ["GET /broken"]
    assert code(console.post("/tools/collections", json={"url": f"{weather.url}/openapi.json"})) == "conflict"

    nodes = (start("q"), tool("w", "api", "날씨", "getWeather", city="{{#start.q#}}"), end(out="w.json", text="w.text"))
    imported = console.post("/apps/import", json={"document": dsl("날씨 앱", nodes), "publish": True}).json()
    assert [item["status"] for item in imported["report"] if item["node"] == "w"] == ["exact"]
    told = ran(console, imported["app_id"], q="서울 시")
    assert told[-1]["status"] == "succeeded", told[-1]
    assert weather.asked[-1].startswith("/weather/%EC%84%9C%EC%9A%B8%20%EC%8B%9C?key=")
    assert told[-1]["outputs"]["out"][0]["asked"].endswith("key=****************")

    nodes = (start("q"), tool("w", "api", "날씨", "refuse"), end(out="w.text"))
    imported = console.post("/apps/import", json={"document": dsl("거절", nodes), "publish": True}).json()
    failed = ran(console, imported["app_id"], q="x")
    assert failed[-1]["status"] == "failed" and "It answered 403: wrong key in" in failed[-1]["error"]

    runs = [console.get(f"/apps/{imported['app_id']}/runs").text]
    seen = json.dumps(
        [told, failed, made, runs, console.get("/tools/collections").json(), console.get("/tools").json()]
    )
    quoted = str(httpx.QueryParams({"k": SECRET})).removeprefix("k=")
    kept = b"".join(path.read_bytes() for path in server.home.iterdir() if path.suffix in (".db", ".log", ".db-wal"))
    for hidden in (SECRET, quoted, json.dumps(SECRET)[1:-1]):
        assert hidden not in seen
        assert hidden.encode() not in kept


def test_a_collection_is_changed_reloaded_and_removed(console: httpx.Client, weather: Weather) -> None:
    whole = {"url": f"{weather.url}/openapi.json", "name": "둘째"}
    id = console.post("/tools/collections", json=whole).json()["collection"]["id"]
    path = f"/tools/collections/{id}"
    bearer = {"kind": "bearer", "secret": "abc"}
    changed = console.patch(path, json={"name": "셋째", "credential": bearer}).json()["collection"]
    assert (changed["name"], changed["credential"]["kind"], changed["credential"]["has_secret"]) == (
        "셋째",
        "bearer",
        True,
    )
    assert code(console.patch(path, json={"base_url": "https://other.example"})) == "invalid_request"
    assert console.patch("/tools/collections/셋째", json={"reload": True}).json()["collection"]["tools"] == 2
    uploaded = console.patch(path, json={"content": json.dumps(DOCUMENT | {"paths": {"/one": {"get": {}}}})}).json()
    assert uploaded["collection"]["tools"] == 1
    assert console.delete(path).status_code == 204
    assert code(console.delete(path)) == "not_found"

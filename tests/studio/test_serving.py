"""Studio's files as the server gives them."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from llmflow.api import errors
from llmflow.api.studio import studio_routes
from llmflow.errors import LLMFlowError

PAGE = b"<!doctype html><title>Studio</title>"
SCRIPT = b"export const a = 1;"


def client_of(static: Path) -> TestClient:
    routes = [Route("/healthz", lambda _: PlainTextResponse("ok")), *studio_routes(static)]
    return TestClient(Starlette(routes=routes, exception_handlers={LLMFlowError: errors.answer}))


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    static = tmp_path / "static"
    (static / "assets").mkdir(parents=True)
    (static / "index.html").write_bytes(PAGE)
    (static / "icon.svg").write_bytes(b"<svg/>")
    (static / "assets" / "main-1a2b.js").write_bytes(SCRIPT)
    (static / "assets" / "main-1a2b.js.gz").write_bytes(gzip.compress(SCRIPT))
    (tmp_path / "secret.txt").write_text("outside")
    with client_of(static) as client:
        yield client


def test_every_address_of_the_app_opens_the_page(client: TestClient) -> None:
    for path in ("/", "/chat/demo", "/knowledge/지식?search=a"):
        answer = client.get(path)
        assert (answer.status_code, answer.content) == (200, PAGE)
        assert answer.headers["cache-control"] == "no-cache"
        assert answer.headers["content-type"] == "text/html; charset=utf-8"


def test_scripts_of_other_hosts_and_inline_scripts_are_refused_by_the_policy(client: TestClient) -> None:
    headers = client.get("/").headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["script-src"] == "'self'"
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"


def test_a_hashed_file_is_kept_for_a_year_and_comes_compressed(client: TestClient) -> None:
    answer = client.get("/assets/main-1a2b.js", headers={"Accept-Encoding": "gzip"})
    assert answer.content == SCRIPT
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["vary"] == "Accept-Encoding"
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-type"].startswith("text/javascript")


def test_a_reader_that_takes_no_compression_gets_the_file_as_it_is(client: TestClient) -> None:
    answer = client.get("/assets/main-1a2b.js", headers={"Accept-Encoding": "identity"})
    assert answer.content == SCRIPT
    assert "content-encoding" not in answer.headers


def test_a_page_the_reader_already_has_is_not_sent_again(client: TestClient) -> None:
    tag = client.get("/").headers["etag"]
    again = client.get("/", headers={"If-None-Match": f'W/"other", {tag}'})
    assert (again.status_code, again.content) == (304, b"")


def test_a_missing_script_is_a_coded_error_and_not_the_page(client: TestClient) -> None:
    answer = client.get("/assets/main-old.js")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"


@pytest.mark.parametrize("path", ["/api/v2/x", "/v1x/../api/none", "/mcp/demo", "/retrieval"])
def test_a_mistyped_api_path_is_an_error_for_programs_and_not_the_page(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"


@pytest.mark.parametrize(
    "path", ["/..%2fsecret.txt", "/assets/..%2f..%2fsecret.txt", "/assets/%00", "/%2e%2e/secret.txt"]
)
def test_nothing_outside_of_the_folder_is_served(client: TestClient, path: str) -> None:
    assert b"outside" not in client.get(path).content


def test_a_file_of_the_top_folder_is_served_under_its_own_type(client: TestClient) -> None:
    assert client.get("/icon.svg").headers["content-type"] == "image/svg+xml"


def test_other_routes_go_first(client: TestClient) -> None:
    assert client.get("/healthz").text == "ok"


def test_without_a_build_the_page_says_how_to_make_one(tmp_path: Path) -> None:
    with client_of(tmp_path / "none") as client:
        answer = client.get("/")
    assert answer.status_code == 200
    assert "make studio" in answer.text
    assert answer.headers["cache-control"] == "no-store"

"""The HTTP node against a real server: what it sends, what it makes of the answer, where it may not go."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web

from llmflow.config.settings import Workflow
from llmflow.net.client import Guard, HttpClient
from llmflow.net.exchange import Exchange
from llmflow.workflow.context import Outside
from llmflow.workflow.engine.replay import replay
from llmflow.workflow.events import WorkflowFinished
from llmflow.workflow.files import make_file
from llmflow.workflow.graph import compile_graph
from llmflow.workflow.types import Typed
from tests.workflow.graphs import Kept, graph, node, run, start


class Server:
    """Keeps what it is sent and answers by path."""

    def __init__(self) -> None:
        self.url = ""
        self.seen: list[dict[str, Any]] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.seen.append(
            {"method": request.method, "path": request.path_qs, "headers": dict(request.headers), "body": body}
        )
        match request.path:
            case "/text":
                return web.Response(
                    body="안녕".encode("euc-kr"), headers={"Content-Type": "text/plain; charset=euc-kr"}
                )
            case "/bare":
                return web.Response(body="안녕하세요, 반갑습니다.".encode())
            case "/file":
                disposition = {"Content-Disposition": 'attachment; filename="report.pdf"'}
                return web.Response(body=b"%PDF-1.4", content_type="application/pdf", headers=disposition)
            case "/image":
                return web.Response(body=b"\x89PNG\0", content_type="image/png")
            case "/error":
                return web.json_response({"error": "고장"}, status=500)
            case "/large":
                return web.Response(text="x" * 5000)
            case "/away":
                raise web.HTTPFound(request.query["to"])
            case "/kept":
                raise web.HTTPTemporaryRedirect("/echo")
            case "/cookie":
                return web.Response(text=request.headers.get("Cookie", ""), headers={"Set-Cookie": "a=b"})
        return web.json_response({"said": body.decode("utf-8", "replace")})


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield server
    await runner.cleanup()


@pytest.fixture
async def outside() -> AsyncIterator[Outside]:
    client = HttpClient(guard=Guard(["127.0.0.1"]))
    kept: dict[str, bytes] = {"f1": "파일".encode()}

    async def keep(body: bytes, name: str, media_type: str) -> dict[str, Any]:
        kept[name] = body
        return make_file(name=name, media_type=media_type, size=len(body), id=name)

    async def read(file: Any) -> bytes:
        return kept[file["related_id"]]

    yield Outside(http=Exchange(client, redirects=2), keep_file=keep, read_file=read)
    await client.close()


async def ask(
    outside: Outside, url: str, *, inputs: Any = None, limits: Workflow | None = None, **data: Any
) -> tuple[WorkflowFinished, Kept]:
    design = graph([start(), node("h", "http-request", url=url, **data)], "start > h")
    last, sink = await run(design, inputs=inputs, outside=outside, limits=limits)
    assert isinstance(last, WorkflowFinished)
    return last, sink


async def test_address_headers_and_parameters_are_filled(server: Server, outside: Outside) -> None:
    await ask(
        outside,
        f"{server.url}/echo/{{{{#start.p#}}}}?a=1",
        inputs={"p": "길", "q": "서울 시"},
        method="get",
        headers="X-One: {{#start.p#}}\nAccept:text/plain\n\nX-Empty",
        params="q: {{#start.q#}}\nb:2",
    )
    seen = server.seen[0]
    assert seen["path"] == "/echo/%EA%B8%B8?a=1&q=%EC%84%9C%EC%9A%B8%20%EC%8B%9C&b=2"
    assert seen["headers"]["Accept"] == "text/plain"


@pytest.mark.parametrize(
    ("config", "name", "value"),
    [
        ({"type": "bearer", "api_key": "k"}, "Authorization", "Bearer k"),
        ({"type": "basic", "api_key": "u:p"}, "Authorization", "Basic dTpw"),
        ({"type": "basic", "api_key": "dTpw"}, "Authorization", "Basic dTpw"),
        ({"type": "custom", "api_key": "{{#start.k#}}", "header": "X-Key"}, "X-Key", "비밀"),
    ],
)
async def test_a_key_is_sent_and_not_shown(
    server: Server, outside: Outside, config: dict[str, str], name: str, value: str
) -> None:
    key = "비밀" if "start" in config["api_key"] else ""
    authorization = {"type": "api-key", "config": config}
    _, sink = await ask(outside, f"{server.url}/echo", inputs={"k": key}, authorization=authorization)
    assert server.seen[0]["headers"][name] == value
    assert value not in sink.end_of("h").process_data["request"]


@pytest.mark.parametrize(
    ("body", "media_type", "sent"),
    [
        ({"type": "raw-text", "data": [{"value": "글 {{#start.v#}}"}]}, "text/plain", '글 따옴표 " 와\n줄'),
        ({"type": "raw-text", "data": "옛 {{#start.v#}}"}, "text/plain", '옛 따옴표 " 와\n줄'),
        (
            {"type": "x-www-form-urlencoded", "data": [{"key": "a", "value": "{{#start.n#}}"}]},
            "application/x-www-form-urlencoded",
            "a=3",
        ),
        (
            {"type": "x-www-form-urlencoded", "data": "a:1\nb:{{#start.n#}}"},
            "application/x-www-form-urlencoded",
            "a=1&b=3",
        ),
    ],
)
async def test_a_body_is_sent_in_its_type(
    server: Server, outside: Outside, body: dict[str, Any], media_type: str, sent: str
) -> None:
    inputs = {"v": '따옴표 " 와\n줄', "n": 3}
    await ask(outside, f"{server.url}/echo", inputs=inputs, method="POST", body=body)
    assert server.seen[0]["headers"]["Content-Type"].startswith(media_type)
    assert server.seen[0]["body"].decode() == sent


@pytest.mark.parametrize(
    ("template", "sent"),
    [
        ('{"q": "{{#start.v#}}", "n": {{#start.n#}}}', {"q": '"}, "admin": true, {"', "n": 3}),
        ('{"l": {{#start.l#}}, "o": {"x": "a{{#start.n#}}b"}}', {"l": ["가", 1], "o": {"x": "a3b"}}),
        ('{"pre": "{{#start.p#}}"}', {"pre": 'a"b'}),
    ],
)
async def test_a_json_body_stays_json_whatever_is_filled_in(
    server: Server, outside: Outside, template: str, sent: Any
) -> None:
    inputs = {"v": '"}, "admin": true, {"', "n": 3, "l": ["가", 1], "p": 'a\\"b'}
    await ask(
        outside,
        f"{server.url}/echo",
        inputs=inputs,
        method="post",
        body={"type": "json", "data": [{"value": template}]},
    )
    assert json.loads(server.seen[0]["body"]) == sent


async def test_a_header_cannot_be_smuggled_in_by_a_value(server: Server, outside: Outside) -> None:
    await ask(outside, f"{server.url}/echo", inputs={"v": "a\nX-Admin: yes"}, headers="X-One: {{#start.v#}}")
    assert "X-Admin" not in server.seen[0]["headers"]


async def test_files_are_sent_in_a_form_or_bare(server: Server, outside: Outside) -> None:
    file = make_file(name="표.csv", media_type="text/csv", id="f1")
    data = [{"key": "a", "type": "text", "value": "1"}, {"key": "f", "type": "file", "file": ["start", "f"]}]
    await ask(
        outside, f"{server.url}/echo", inputs={"f": [file]}, method="post", body={"type": "form-data", "data": data}
    )
    form = server.seen[0]
    assert form["headers"]["Content-Type"].startswith("multipart/form-data; boundary=")
    assert 'name="f"; filename="표.csv"\r\nContent-Type: text/csv\r\n\r\n파일\r\n'.encode() in form["body"]
    await ask(
        outside,
        f"{server.url}/echo",
        inputs={"f": file},
        method="put",
        body={"type": "binary", "data": [{"file": ["start", "f"]}]},
    )
    assert server.seen[1]["body"] == "파일".encode()


async def test_text_is_read_in_its_charset_and_a_file_is_kept(server: Server, outside: Outside) -> None:
    async def outputs(path: str) -> dict[str, Any]:
        _, sink = await ask(outside, server.url + path)
        return sink.end_of("h").outputs

    assert (await outputs("/text"))["body"] == "안녕"
    assert (await outputs("/bare"))["body"] == "안녕하세요, 반갑습니다."
    file = await outputs("/file")
    assert (file["body"], [each["filename"] for each in file["files"]]) == ("", ["report.pdf"])
    assert [each["filename"] for each in (await outputs("/image"))["files"]] == ["image.png"]
    echo = await outputs("/echo")
    assert (echo["status_code"], json.loads(echo["body"])) == (200, {"said": ""})


async def test_an_error_of_the_server_is_an_answer_unless_the_node_handles_failures(
    server: Server, outside: Outside
) -> None:
    last, sink = await ask(outside, f"{server.url}/error")
    assert (last.status, sink.end_of("h").outputs["status_code"]) == ("succeeded", 500)
    last, sink = await ask(outside, f"{server.url}/error", error_strategy="default-value", default_value=[])
    assert last.status == "partial-succeeded"
    assert sink.end_of("h").outputs["status_code"] == 500
    assert "500" in sink.end_of("h").outputs["error_message"]


async def test_too_large_an_answer_fails(server: Server, outside: Outside) -> None:
    limits = Workflow(http_text_kb=1, http_file_kb=1)
    last, _ = await ask(outside, f"{server.url}/large", limits=limits)
    assert (last.status, last.error_code) == ("failed", "http_failed")


async def test_redirects_are_followed_and_end(server: Server, outside: Outside) -> None:
    last, sink = await ask(outside, f"{server.url}/away?to=/text")
    assert sink.end_of("h").outputs["body"] == "안녕"
    await ask(outside, f"{server.url}/kept", method="post", body={"type": "raw-text", "data": [{"value": "x"}]})
    assert [(each["method"], each["body"]) for each in server.seen[-2:]] == [("POST", b"x"), ("POST", b"x")]
    last, _ = await ask(outside, f"{server.url}/away?to=/away%3Fto%3D/away%253Fto%253D/away")
    assert last.error_code == "http_failed"


async def test_no_private_address_is_reached_unless_it_is_allowed(server: Server, outside: Outside) -> None:
    closed = HttpClient(guard=Guard())
    try:
        strict = replace(outside, http=Exchange(closed))
        for url in (
            server.url,
            server.url.replace("127.0.0.1", "localhost"),
            "http://169.254.169.254/latest",
            "http://[::1]/",
        ):
            last, _ = await ask(strict, url)
            assert (last.status, last.error_code) == ("failed", "address_blocked")
    finally:
        await closed.close()
    last, _ = await ask(outside, f"{server.url}/away?to=http://10.0.0.1/")  # nor by a redirect
    assert last.error_code == "address_blocked"


async def test_a_key_is_not_carried_to_another_host(server: Server, outside: Outside) -> None:
    other = server.url.replace("127.0.0.1", "localhost")
    client = HttpClient(guard=Guard(["127.0.0.1", "localhost"]))
    try:
        authorization = {"type": "api-key", "config": {"type": "custom", "api_key": "k", "header": "X-Key"}}
        await ask(
            replace(outside, http=Exchange(client)), f"{server.url}/away?to={other}/echo", authorization=authorization
        )
    finally:
        await client.close()
    assert ["X-Key" in each["headers"] for each in server.seen] == [True, False]


async def test_a_header_with_a_secret_is_not_carried_to_another_host(server: Server) -> None:
    other = server.url.replace("127.0.0.1", "localhost")
    client = HttpClient(guard=Guard(["127.0.0.1", "localhost"]))
    asked = node(
        "h", "http-request", url=f"{server.url}/away?to={other}/echo", headers="X-Key: k-{{#env.KEY#}}\nX-Open: a"
    )
    try:
        await run(
            graph([start(), asked], "start > h"),
            outside=Outside(http=Exchange(client)),
            environment={"KEY": Typed("secret", "s3cret")},
        )
    finally:
        await client.close()
    assert [each["headers"].get("X-Key") for each in server.seen] == ["k-s3cret", None]
    assert [each["headers"].get("X-Open") for each in server.seen] == ["a", "a"]


async def test_cookies_of_one_request_are_not_sent_with_the_next(server: Server, outside: Outside) -> None:
    await ask(outside, f"{server.url}/cookie")
    _, sink = await ask(outside, f"{server.url}/cookie")
    assert sink.end_of("h").outputs["body"] == ""


def test_only_methods_that_change_nothing_are_safe_to_repeat() -> None:
    methods = ["get", "head", "options", "post", "put", "patch", "delete"]
    nodes = [node(method, "http-request", method=method, url="x") for method in methods]
    plan = compile_graph(graph([start(), *nodes], *(f"start > {method}" for method in methods)))
    found = [method for method in methods if (kind := plan.nodes[method].kind) and kind.safe(plan.nodes[method].data)]
    assert found == ["get", "head", "options"]
    assert replay([]).waiting == []

"""How an operation is asked: where each argument goes, whom the credential is shown, what comes back."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from llmflow.errors import LLMFlowError, NodeFailed
from llmflow.tools.arguments import fit
from llmflow.tools.openapi.call import Target, ask
from llmflow.tools.openapi.describe import describe
from llmflow.tools.openapi.types import Credential, Operation, Scheme
from llmflow.tools.types import Scope, ToolAnswer
from tests.tools.conftest import Server

DOCUMENTS = Path(__file__).parent / "documents"
SECRET = "비밀 열쇠+/=1234"
NONE = Credential(Scheme())
TRACE: dict[str, Any] = {"X-Trace": "t 1"}
EVIL: dict[str, Any] = {"X-Trace": "a\r\nX-Evil: 1"}


def operation(id: str) -> Operation:
    for path in DOCUMENTS.iterdir():
        for one in describe(path.read_bytes(), max_bytes=1 << 20).operations:
            if one.id == id:
                return one
    raise AssertionError(id)


async def call(
    server: Server, scope: Scope, which: str, credential: Credential = NONE, /, **arguments: Any
) -> ToolAnswer:
    one = operation(which)
    return await ask(one, Target(server.url + "/base", credential), fit(one.schema, arguments), scope)


async def test_arguments_go_to_the_path_the_query_headers_and_cookies(server: Server, scope: Scope) -> None:
    found = await call(server, scope, "getProduct", id="7", lang="en", session="값", **TRACE)
    seen = server.seen[0]
    assert (seen.method, seen.path) == ("GET", "/base/products/7?lang=en")
    assert (seen.headers["X-Trace"], seen.headers["Cookie"]) == ("t 1", "session=%EA%B0%92")
    assert found.json[0]["path"] == "/base/products/7?lang=en"


async def test_lists_and_objects_are_written_as_the_document_says(server: Server, scope: Scope) -> None:
    await call(
        server,
        scope,
        "products_get",
        tags=["가", "b&c"],
        ids="[1, 2]",
        sizes=["s", "m"],
        filter_name_="사과",
        where={"price": 3},
        near={"x": 1},
        path="a/b?c",
    )
    assert server.seen[0].path.partition("?")[2].split("&") == [
        "tags=%EA%B0%80",
        "tags=b%26c",
        "ids=1,2",
        "sizes=s%7Cm",
        "filter%5Bname%5D=%EC%82%AC%EA%B3%BC",
        "where%5Bprice%5D=3",
        "near=%7B%22x%22:%201%7D",
        "path=a/b?c",
    ]


async def test_the_old_versions_lists_are_written_its_way(server: Server, scope: Scope) -> None:
    await call(server, scope, "search_get", q="휴가", csv=["a", "b"], multi=["c", "d"], tsv=["e", "f"])
    assert server.seen[0].path == "/base/search?q=%ED%9C%B4%EA%B0%80&csv=a,b&multi=c&multi=d&tsv=e%09f"


async def test_bodies_are_json_forms_text_and_files(server: Server, scope: Scope) -> None:
    async def read(file: Any) -> bytes:
        return b"\x89PNG\0" + str(file["related_id"]).encode()

    scope = Scope(http=scope.http, read_file=read, keep_file=scope.keep_file)
    file = {"filename": "그림.png", "mime_type": "image/png", "related_id": "f1"}
    await call(server, scope, "product/replace it!", id=1, name="배", price="2.5", body_id=9)
    await call(server, scope, "any", body=["1", 2])
    await call(server, scope, "addThing", size=3)
    await call(server, scope, "sendForm", who="나 & 너", tags=["a", "b"])
    await call(server, scope, "upload", body=file)
    await call(server, scope, "sendFile", file=file)
    json, any, thing, form, upload, multipart = server.seen
    assert json.body.decode() == '{"name": "배", "price": 2.5, "id": 9}'
    assert (any.body, any.headers["Content-Type"]) == (b'["1", 2]', "application/json")
    assert thing.headers["Content-Type"] == "application/vnd.thing+json"
    assert form.body == b"who=%EB%82%98+%26+%EB%84%88&tags=a&tags=b"
    assert (upload.body, upload.headers["Content-Type"]) == (b"\x89PNG\0f1", "image/png")
    assert b'name="file"; filename="' + "그림.png".encode() in multipart.body and b"\x89PNG\0f1" in multipart.body
    assert multipart.headers["Content-Type"].startswith("multipart/form-data; boundary=")


@pytest.mark.parametrize("value", ["..", ".", " ", ""])
async def test_a_value_cannot_leave_its_place_in_the_path(server: Server, scope: Scope, value: str) -> None:
    one = operation("getProduct")
    with pytest.raises(NodeFailed):
        await ask(one, Target(server.url, NONE), {"id": value}, scope)
    await ask(one, Target(server.url, NONE), {"id": "../../admin?x=1#y"}, scope)
    assert [seen.path for seen in server.seen] == ["/products/..%2F..%2Fadmin%3Fx=1%23y"]


async def test_a_header_is_one_line(server: Server, scope: Scope) -> None:
    with pytest.raises(NodeFailed, match="more than one line"):
        await call(server, scope, "getProduct", id=1, **EVIL)
    assert server.seen == []


@pytest.mark.parametrize(
    ("scheme", "user", "header", "shown"),
    [
        (Scheme("api_key", "X-Api-Key"), "", "X-Api-Key", "key-123456"),
        (Scheme("bearer"), "", "Authorization", "Bearer key-123456"),
        (Scheme("basic"), "나", "Authorization", "Basic " + base64.b64encode("나:key-123456".encode()).decode()),
        (Scheme("api_key", "sid", "cookie"), "", "Cookie", "sid=key-123456"),
    ],
)
async def test_the_credential_is_shown_to_its_server_and_is_in_no_answer(
    server: Server, scope: Scope, scheme: Scheme, user: str, header: str, shown: str
) -> None:
    credential = Credential(scheme, "key-123456", user)
    found = await call(server, scope, "getProduct", credential, id=1)
    assert server.seen[0].headers[header] == shown
    assert "headers" in found.text  # the server said what it was sent
    assert "key-123456" not in found.text + str(found.json)
    assert shown.rpartition(" ")[2] not in found.text + str(found.json)
    assert "key-123456" not in repr(credential)


async def test_a_key_in_the_query_stands_for_an_argument_of_its_name(server: Server, scope: Scope) -> None:
    credential = Credential(Scheme("api_key", "q", "query"), SECRET)
    found = await call(server, scope, "search_get", credential, q="mine", csv=["a"])
    assert server.seen[0].path == ("/base/search?csv=a&q=%EB%B9%84%EB%B0%80%20%EC%97%B4%EC%87%A0%2B/%3D1234")
    assert "1234" not in found.text


async def test_another_server_of_the_document_is_not_shown_the_credential(server: Server, scope: Scope) -> None:
    one = operation("a_name_that_is_far_too_long_for_any_model_to_call_it_by_and_goes_on_and_on")
    assert one.server == "https://other.example/api"
    elsewhere = Operation(one.id, one.name, one.method, one.path, one.schema, server=server.url, body=one.body)
    credential = Credential(Scheme("bearer"), "key-123456")
    await ask(elsewhere, Target("https://own.example", credential), {"body": "안녕"}, scope)
    assert "Authorization" not in server.seen[0].headers
    assert server.seen[0].body.decode() == "안녕"


@pytest.mark.parametrize("scheme", [Scheme("bearer"), Scheme("api_key", "X-Api-Key"), Scheme("api_key", "k", "cookie")])
async def test_a_redirect_to_another_server_is_not_shown_the_credential(
    server: Server, scope: Scope, scheme: Scheme
) -> None:
    other = server.url.replace("127.0.0.1", "localhost")  # another origin on the same machine
    one = Operation("x", "x", "get", "/away", {"properties": {}})
    await ask(one, Target(f"{server.url}/?to={other}/there", Credential(scheme, "key-123456")), {}, scope)
    first, second = server.seen
    assert "key-123456" in str(first.headers)
    assert (second.path, "key-123456" in str(second.headers)) == ("/there", False)


async def test_a_failure_does_not_say_the_credential(server: Server, scope: Scope) -> None:
    credential = Credential(Scheme("api_key", "to", "query"), "http://10.0.0.1/geheim")
    one = Operation("x", "x", "get", "/away", {"properties": {}})
    with pytest.raises(LLMFlowError) as caught:
        await ask(one, Target(server.url, credential), {}, scope)
    assert "geheim" not in str(caught.value) + repr(caught.value)


async def test_a_tool_of_a_document_reaches_no_private_address(server: Server, guarded: Scope) -> None:
    for url in (server.url, "http://169.254.169.254", "http://[::1]", "http://[::ffff:10.0.0.1]"):
        with pytest.raises(LLMFlowError) as caught:
            await ask(operation("any"), Target(url, NONE), {}, guarded)
        assert caught.value.code == "address_blocked"
    assert server.seen == []


async def test_an_operation_without_a_server_says_so(scope: Scope) -> None:
    with pytest.raises(NodeFailed, match="names no server"):
        await ask(operation("any"), Target("", NONE), {}, scope)

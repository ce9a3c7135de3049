"""The tools that reach the network: what they send, what they make of an answer, where they may not go."""

from __future__ import annotations

from typing import Any

import pytest

from llmflow.errors import LLMFlowError, NodeFailed
from llmflow.tools.kit import Kit
from llmflow.tools.types import Scope, ToolAnswer, ToolRef
from tests.tools.conftest import Server

#: Private hosts that a request could be led to: of the network, of its cloud, in every disguise.
ELSEWHERE = (
    "127.0.0.2",
    "0.0.0.0",
    "10.0.0.1",
    "192.168.0.1",
    "172.16.0.1",
    "169.254.169.254",
    "100.100.100.200",
    "[::1]",
    "[::]",
    "[::ffff:a9fe:a9fe]",
    "[64:ff9b::a9fe:a9fe]",
    "[2002:a9fe:a9fe::]",
    "[fd00:ec2::254]",
    "[fe80::1]",
)
#: Addresses of this machine that the client itself takes for none.
NUMBERS = ("127.1", "2130706433", "0177.0.0.1")
INSIDE = (
    *ELSEWHERE,
    *NUMBERS,
    "127.0.0.1",
    "localhost",
    "0x7f000001",
    "[::ffff:127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
)
#: What is no web address.
ODD = ("file:///etc/passwd", "gopher://127.0.0.1/", "ftp://127.0.0.1/", "//127.0.0.1/", "data:text/plain,a", "http://")


async def call(scope: Scope, provider: str, tool: str, **arguments: Any) -> ToolAnswer:
    ready = await Kit(scope=scope).find(ToolRef("builtin", provider, tool))
    return await ready.call(arguments)


async def test_a_page_is_read_and_a_document_given_to_the_reader_under_its_name(server: Server, scope: Scope) -> None:
    found = await call(scope, "webscraper", "webscraper", url=f" {server.url}/page ")
    assert found.text == "# 휴가\n\n15일입니다."
    found = await call(scope, "webscraper", "webscraper", url=f"{server.url}/report.pdf")
    assert found.text.startswith("report.pdf: %PDF")


async def test_plain_text_is_taken_as_it_is(server: Server, scope: Scope) -> None:
    found = await call(scope, "webscraper", "webscraper", url=f"{server.url}/plain", user_agent="나\r\nX-Evil: 1")
    assert found.text == "그냥 글"
    assert "X-Evil" not in server.seen[0].headers


async def test_a_request_carries_method_headers_and_body_and_its_answer_comes_as_text_and_values(
    server: Server, scope: Scope
) -> None:
    found = await call(
        scope, "http", "request", url=f"{server.url}/a?b=1", method="PUT", headers='{"X-One": "1"}', body='{"가": 1}'
    )
    seen = server.seen[0]
    assert (seen.method, seen.path, seen.body.decode()) == ("PUT", "/a?b=1", '{"가": 1}')
    assert seen.headers["X-One"] == "1" and seen.headers["Content-Type"] == "application/json"
    assert [value["path"] for value in found.json] == ["/a?b=1"]
    assert '"path"' in found.text


async def test_what_is_no_text_is_kept_as_a_file(server: Server, scope: Scope) -> None:
    found = await call(scope, "http", "request", url=f"{server.url}/report.pdf")
    assert found.files == [{"filename": "report.pdf", "mime_type": "application/pdf", "size": 10}]
    assert found.text == ""


async def test_an_error_is_told_with_what_the_server_says(server: Server, scope: Scope) -> None:
    for provider, tool in (("http", "request"), ("webscraper", "webscraper")):
        with pytest.raises(NodeFailed, match="404") as caught:
            await call(scope, provider, tool, url=f"{server.url}/gone")
        assert caught.value.code == "tool_failed"


@pytest.mark.parametrize("path", ["/large", "/endless"])
async def test_an_answer_that_is_too_large_is_refused(server: Server, scope: Scope, path: str) -> None:
    with pytest.raises(NodeFailed, match="larger than"):
        await call(scope, "http", "request", url=server.url + path)


async def test_a_header_cannot_begin_another(server: Server, scope: Scope) -> None:
    with pytest.raises(NodeFailed):
        await call(scope, "http", "request", url=server.url, headers={"X-One": "1\r\nX-Two: 2"})
    assert server.seen == []


@pytest.mark.parametrize("host", INSIDE)
@pytest.mark.parametrize(("provider", "tool"), [("http", "request"), ("webscraper", "webscraper")])
async def test_no_tool_reaches_a_private_address(
    server: Server, guarded: Scope, provider: str, tool: str, host: str
) -> None:
    port = server.url.rpartition(":")[2]  # somebody listens there, so that only the guard is in the way
    with pytest.raises(LLMFlowError) as caught:
        await call(guarded, provider, tool, url=f"http://{host}:{port}/")
    assert caught.value.code == ("http_failed" if host in NUMBERS else "address_blocked")
    assert server.seen == []


@pytest.mark.parametrize("host", ELSEWHERE)
async def test_no_tool_is_led_to_a_private_address(server: Server, scope: Scope, host: str) -> None:
    with pytest.raises(LLMFlowError) as caught:
        await call(scope, "http", "request", url=f"{server.url}/away?to=http://{host}/")
    assert caught.value.code == "address_blocked"


@pytest.mark.parametrize("url", ODD)
async def test_only_web_addresses_are_asked(guarded: Scope, url: str) -> None:
    with pytest.raises(LLMFlowError) as caught:
        await call(guarded, "http", "request", url=url)
    assert caught.value.code in ("tool_input_invalid", "http_failed")


@pytest.mark.parametrize("url", ODD)
async def test_a_redirect_leads_to_web_addresses_only(server: Server, scope: Scope, url: str) -> None:
    if url.startswith("//"):
        url = "//127.0.0.2/"
    with pytest.raises(LLMFlowError):
        await call(scope, "http", "request", url=f"{server.url}/away?to={url}")

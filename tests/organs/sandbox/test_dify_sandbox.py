"""The remote sandbox speaks dify-sandbox's protocol and says what that server refuses and why."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from llmflow.errors import LLMFlowError, OrganError
from llmflow.net.client import HttpClient
from llmflow.organs.sandbox.dify_sandbox import DifySandbox
from llmflow.ports.sandbox import Code
from tests.organs.sandbox.dify_server import DifyServer, dify_server

CODE = Code("python3", "def main(a):\n    return {'b': a}", {"a": "가"})


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    client = HttpClient()
    yield client
    await client.close()


def remote(server: DifyServer, http: HttpClient, **options: Any) -> DifySandbox:
    return DifySandbox(url=server.url, http=http, **options)


async def refused(sandbox: DifySandbox, code: Code = CODE) -> LLMFlowError:
    with pytest.raises(LLMFlowError) as failed:
        await sandbox.run(code)
    return failed.value


async def test_the_request_has_the_servers_fields(http: HttpClient) -> None:
    with dify_server() as server:
        await remote(server, http).run(CODE)
    (asked,) = server.asked
    assert set(asked) == {"language", "code", "preload", "enable_network"}
    assert asked["language"] == "python3"
    assert asked["code"].startswith(CODE.source)
    assert asked["enable_network"] is False


async def test_a_wrong_key_is_told(http: HttpClient) -> None:
    with dify_server(key="another") as server:
        error = await refused(remote(server, http))
    assert isinstance(error, OrganError)
    assert "key" in error.message
    assert "another" not in str(error)


async def test_a_network_that_the_server_does_not_allow_is_told_in_its_words(http: HttpClient) -> None:
    with dify_server() as server:
        error = await refused(remote(server, http, network=True))
    assert "network is disabled" in error.message


async def test_a_busy_server_is_asked_again(http: HttpClient) -> None:
    with dify_server(busy=1) as server:
        assert (await remote(server, http).run(CODE)).result == {"b": "가"}
    assert len(server.asked) == 2


async def test_a_server_that_is_not_there_makes_it_unwell(http: HttpClient) -> None:
    health = await DifySandbox(url="http://127.0.0.1:9", http=http).health()
    assert not health.ok
    assert health.hint


async def test_an_address_of_something_else_is_told(http: HttpClient) -> None:
    with dify_server() as server:
        error = await refused(DifySandbox(url=f"{server.url}/other", http=http))
    assert "not as a sandbox server does" in error.message


async def test_a_result_that_the_code_printed_itself_is_not_taken(http: HttpClient) -> None:
    source = "print('<<RESULT>>{\"b\": 1}<<RESULT>>')\ndef main():\n    return {'b': 2}"
    with dify_server() as server:
        assert (await remote(server, http).run(Code("python3", source))).result == {"b": 2}


async def test_an_older_server_tells_everything_in_error(http: HttpClient) -> None:
    trace = 'Traceback (most recent call last):\n  File "<string>", line 2, in main\nValueError: 안 돼요\n'
    canned = {"code": 0, "message": "success", "data": {"stdout": "", "error": trace}}
    with dify_server(canned=canned) as server:
        error = await refused(remote(server, http))
    assert error.message.startswith("ValueError: 안 돼요\n  line 2, in main\n      return {'b': a}")

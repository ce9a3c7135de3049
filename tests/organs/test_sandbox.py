"""Every sandbox runs code as the port promises: bubblewrap on this machine, and a dify-sandbox server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from llmflow.errors import LLMFlowError, NodeFailed
from llmflow.net.client import HttpClient
from llmflow.organs.sandbox.bubblewrap import BubblewrapSandbox
from llmflow.organs.sandbox.dify_sandbox import DifySandbox
from llmflow.ports.sandbox import Code, Language, Ran, Sandbox
from tests.organs.sandbox.dify_server import NODE, dify_server
from tests.organs.sandbox.local import needs_bubblewrap


@pytest.fixture(params=[pytest.param("bubblewrap", marks=needs_bubblewrap), "dify_sandbox"], scope="module")
async def sandbox(request: pytest.FixtureRequest) -> AsyncIterator[Sandbox]:
    if request.param == "bubblewrap":
        local = BubblewrapSandbox(seconds=3, memory_mb=256, output_mb=1, packages="python-dateutil")
        yield local
        await local.close()
        return
    http = HttpClient()
    with dify_server() as server:
        yield DifySandbox(url=server.url, http=http)
    await http.close()


pytestmark = pytest.mark.asyncio(loop_scope="module")


def code(source: str, language: Language = "python3", **inputs: Any) -> Code:
    if language == "javascript" and NODE is None:
        pytest.skip("the test's server runs JavaScript by Node.js, which is not installed")
    return Code(language, source, inputs)


async def failure(sandbox: Sandbox, code: Code) -> LLMFlowError:
    with pytest.raises(LLMFlowError) as failed:
        await sandbox.run(code)
    return failed.value


async def test_main_gets_its_inputs_by_name_and_its_result_comes_back(sandbox: Sandbox) -> None:
    source = "def main(말: str, n: int) -> dict:\n    return {'r': 말 * n, 'l': [n, 1.5, None, True]}"
    assert await sandbox.run(code(source, 말="안녕", n=2)) == Ran({"r": "안녕안녕", "l": [2, 1.5, None, True]})


async def test_javascript_gets_its_inputs_as_one_object(sandbox: Sandbox) -> None:
    source = "function main({말, n}) {\n  return { r: 말.repeat(n), l: [n, 1.5, null, true] }\n}"
    ran = await sandbox.run(code(source, "javascript", 말="안녕", n=2))
    assert ran.result == {"r": "안녕안녕", "l": [2, 1.5, None, True]}


async def test_a_promise_of_javascript_is_waited_for(sandbox: Sandbox) -> None:
    source = "const later = async (x) => x + 1;\nasync function main({n}) { return { n: await later(n) }; }"
    assert (await sandbox.run(code(source, "javascript", n=1))).result == {"n": 2}


@pytest.mark.parametrize("language", ["python3", "javascript"])
async def test_what_is_printed_is_told_beside_the_result(sandbox: Sandbox, language: Language) -> None:
    python = "def main():\n    print('찍은 말', 1)\n    return {}"
    javascript = "function main() { console.log('찍은 말', 1); return {}; }"
    ran = await sandbox.run(code(python if language == "python3" else javascript, language))
    assert ran.result == {}
    assert "찍은 말 1" in ran.printed


async def test_an_error_names_the_lines_of_the_code_and_no_others(sandbox: Sandbox) -> None:
    error = await failure(sandbox, code("def half(x):\n    return 1 / x\n\ndef main():\n    return {'r': half(0)}"))
    assert isinstance(error, NodeFailed)
    assert error.code == "code_failed"
    assert error.message.splitlines() == [
        "ZeroDivisionError: division by zero",
        "  line 5, in main",
        "      return {'r': half(0)}",
        "  line 2, in half",
        "      return 1 / x",
    ]


async def test_an_error_of_javascript_names_its_line(sandbox: Sandbox) -> None:
    error = await failure(sandbox, code("function main() {\n  return 없는것.x;\n}", "javascript"))
    assert error.code == "code_failed"
    assert error.message.startswith("ReferenceError: 없는것 is not defined")
    assert "line 2" in error.message
    assert "return 없는것.x;" in error.message


async def test_a_syntax_error_names_its_line(sandbox: Sandbox) -> None:
    error = await failure(sandbox, code("def main():\n    return {'a': \n"))
    assert error.code == "code_failed"
    assert "SyntaxError" in error.message
    assert "line 2" in error.message


@pytest.mark.parametrize(("source", "language"), [("x = 1", "python3"), ("const x = 1", "javascript")])
async def test_code_without_a_main_is_told_so(sandbox: Sandbox, source: str, language: Language) -> None:
    error = await failure(sandbox, code(source, language))
    assert (error.code, error.message) == ("code_failed", "The code has no function called main.")


async def test_a_missing_argument_is_an_error_of_the_code(sandbox: Sandbox) -> None:
    error = await failure(sandbox, code("def main(a, b):\n    return {}", a=1))
    assert error.code == "code_failed"
    assert "'b'" in error.message


@pytest.mark.parametrize("returned", ["{1, 2}", "object()", "{'a': float('nan')}"])
async def test_a_result_that_is_no_json_is_refused(sandbox: Sandbox, returned: str) -> None:
    error = await failure(sandbox, code(f"def main():\n    return {{'r': {returned}}}"))
    assert error.code == "code_output"
    assert "no JSON" in error.message


async def test_code_that_does_not_end_is_ended(sandbox: Sandbox) -> None:
    error = await failure(sandbox, code("def main():\n    while True:\n        pass"))
    assert error.code == "code_timeout"


async def test_code_that_leaves_before_it_is_done_is_told_so(sandbox: Sandbox) -> None:
    error = await failure(sandbox, code("import os\ndef main():\n    os._exit(3)"))
    assert error.code == "code_failed"


async def test_nothing_of_a_call_is_left_for_the_next(sandbox: Sandbox) -> None:
    await sandbox.run(code("import json, builtins\ndef main():\n    builtins.left = json.left = 1\n    return {}"))
    source = "import json, builtins\ndef main():\n    return {'l': hasattr(builtins, 'left') or hasattr(json, 'left')}"
    assert (await sandbox.run(code(source))).result == {"l": False}


async def test_it_says_that_it_is_well(sandbox: Sandbox) -> None:
    health = await sandbox.health()
    assert health.ok
    assert health.where

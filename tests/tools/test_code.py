"""The code tool: what a program prints is the answer, in the sandbox of this machine and without one."""

from __future__ import annotations

import pytest

from llmflow.errors import NodeFailed
from llmflow.organs.sandbox.bubblewrap import BubblewrapSandbox
from llmflow.ports.sandbox import Code, Ran
from llmflow.tools.kit import Kit
from llmflow.tools.types import Scope, ToolRef
from tests.organs.sandbox.local import needs_bubblewrap

#: As Dify's designs name it.
REF = ToolRef("builtin", "langgenius/code/code", "simple_code", "code")


async def printed(scope: Scope, **arguments: str) -> str:
    return (await (await Kit(scope=scope).find(REF)).call(arguments)).text


@needs_bubblewrap
async def test_what_a_program_prints_is_the_answer() -> None:
    sandbox = BubblewrapSandbox()
    scope = Scope(code=sandbox.run)
    assert await printed(scope, code="for n in range(2):\n    print('답', n)") == "답 0\n답 1\n"
    assert await printed(scope, code="def main(x):\n    return x\nprint(main(7))") == "7\n"
    assert await printed(scope, language="javascript", code="console.log([1, 2].map(n => n * 2))") == "[2,4]\n"
    with pytest.raises(NodeFailed, match="ZeroDivisionError") as failed:
        await printed(scope, code="x = 1\nprint(x / 0)")
    assert "line 2" in failed.value.message
    await sandbox.close()


async def test_a_silent_program_is_told_so_and_python_is_the_default() -> None:
    asked: list[Code] = []

    async def run(code: Code) -> Ran:
        asked.append(code)
        return Ran(None)

    assert "printed nothing" in await printed(Scope(code=run), code="x = 1")
    assert asked[0].language == "python3"


async def test_without_a_sandbox_nothing_runs() -> None:
    with pytest.raises(NodeFailed, match="A place to run code"):
        await printed(Scope(), code="print(1)")

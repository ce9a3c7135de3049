"""code: a small program is run apart, and what it prints is the answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llmflow.ports.sandbox import Code
from llmflow.tools.builtin.make import made
from llmflow.tools.types import Scope, ToolAnswer, Words

#: The sandbox calls main; this program has done its work by then.
_AFTER = {"python3": "\n\ndef main():\n    pass\n", "javascript": "\n;function main() {}\n"}


async def _run(arguments: Mapping[str, Any], scope: Scope) -> ToolAnswer:
    language = arguments["language"]
    ran = await scope.code(Code(language, arguments["code"] + _AFTER[language]))
    return ToolAnswer(ran.printed or "The code printed nothing.")


TOOLS = (
    made(
        "code",
        "simple_code",
        _run,
        description="Runs a program in Python or JavaScript, without network and files, and gives what it prints.",
        words=Words(
            "Run code", "코드 실행", "Python or JavaScript, run apart.", "Python이나 JavaScript를 격리해 실행합니다."
        ),
        parameters={
            "language": {
                "type": "string",
                "enum": ["python3", "javascript"],
                "default": "python3",
                "description": "The language of the program",
            },
            "code": {"type": "string", "description": "The program. It must print its result."},
        },
        fields={
            "language": Words("Language", "언어"),
            "code": Words("Code", "코드", "It prints its result.", "결과를 출력하는 프로그램입니다."),
        },
        required=("code",),
    ),
)

"""webscraper: the text of a page or a document on the internet."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from llmflow.errors import NodeFailed
from llmflow.tools.answers import read_text
from llmflow.tools.builtin.make import made
from llmflow.tools.pages import readable
from llmflow.tools.requests import request
from llmflow.tools.types import Scope, ToolAnswer, Words

_AGENT = "Mozilla/5.0 (compatible; LLMFlow)"
_PLAIN = ("application/json", "text/plain", "text/csv", "text/markdown")
_PAGES = ("text/html", "application/xhtml+xml")
_ACCEPT = "text/html,application/xhtml+xml,text/*;q=0.9,*/*;q=0.5"


async def _read_page(arguments: Mapping[str, Any], scope: Scope) -> ToolAnswer:
    url = arguments["url"].strip()
    agent = " ".join(arguments["user_agent"].split())
    answer = await scope.http(request(scope, "GET", url, headers=(("User-Agent", agent), ("Accept", _ACCEPT))))
    if answer.status >= 400:
        raise NodeFailed(f"The address answers {answer.status}.", code="tool_failed")
    if answer.media_type in _PLAIN:
        return ToolAnswer(read_text(answer, scope))
    if answer.media_type in _PAGES:
        return ToolAnswer(await asyncio.to_thread(readable, read_text(answer, scope)))
    return ToolAnswer(await scope.text_of(answer.file_name, answer.body))


TOOLS = (
    made(
        "webscraper",
        "webscraper",
        _read_page,
        description="Reads a web page or a document at an address and gives its text.",
        words=Words(
            "Read a web page", "웹 페이지 읽기", "Its text, without its menus.", "메뉴를 빼고 본문 글만 가져옵니다."
        ),
        parameters={
            "url": {"type": "string", "description": "The address, beginning with http:// or https://"},
            "user_agent": {"type": "string", "description": "How the reader calls itself", "default": _AGENT},
        },
        fields={
            "url": Words("Address", "주소", "http:// or https://", "http:// 또는 https://로 시작합니다."),
            "user_agent": Words("User agent", "사용자 에이전트", "How it calls itself.", "사이트에 알리는 이름입니다."),
        },
        required=("url",),
        settings=("user_agent",),
    ),
)

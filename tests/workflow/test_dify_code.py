"""Real designs from Dify whose code is run in earnest, in the sandbox of this machine; models and addresses are fakes.
The files lie outside of the repository."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from llmflow.net.messages import HttpAnswer, HttpRequest
from llmflow.organs.sandbox.bubblewrap import BubblewrapSandbox
from llmflow.ports.llm import ChatDelta, ChatRequest
from llmflow.workflow.context import Outside
from llmflow.workflow.events import WorkflowFinished
from llmflow.workflow.graph import compile_graph
from llmflow.workflow.types import Typed
from tests.organs.sandbox.local import needs_bubblewrap
from tests.workflow.graphs import Kept, run

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "dify"
pytestmark = [
    needs_bubblewrap,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not SHARED.is_dir(), reason="Dify's files are not here"),
]
COUPLET = {"top": "天增岁月人增寿", "bottom": "春满乾坤福满门", "banner": "四季长安", "summary": "福"}


@pytest.fixture(scope="module")
async def sandbox() -> AsyncIterator[BubblewrapSandbox]:
    made = BubblewrapSandbox(packages="requests")
    yield made
    await made.close()


def variables(workflow: dict[str, Any], section: str) -> dict[str, Typed]:
    return {each["name"]: Typed(each["value_type"], each.get("value")) for each in workflow.get(section) or []}


async def go(
    sandbox: BubblewrapSandbox,
    name: str,
    *,
    inputs: dict[str, Any] | None = None,
    query: str = "",
    reply: str = "",
    body: Any = None,
) -> tuple[WorkflowFinished, Kept]:
    """One run of a file: `reply` is what every model answers, `body` what every address gives."""

    async def chat(request: ChatRequest) -> AsyncGenerator[ChatDelta]:
        yield ChatDelta(text=reply)
        yield ChatDelta(finish_reason="stop")

    async def http(request: HttpRequest) -> HttpAnswer:
        return HttpAnswer(200, {"content-type": "application/json"}, json.dumps(body).encode(), request.url)

    workflow = yaml.safe_load(next(SHARED.glob(f"dsl_*/{name}*.yml")).read_text())["workflow"]
    last, sink = await run(
        compile_graph(workflow["graph"]),
        inputs=inputs or {},
        system={"query": query, "files": [], "dialogue_count": 1},
        outside=Outside(chat=chat, http=http, code=sandbox.run),
        conversation=variables(workflow, "conversation_variables"),
        environment=variables(workflow, "environment_variables"),
    )
    assert isinstance(last, WorkflowFinished)
    return last, sink


async def test_code_inside_of_an_iteration_runs_for_each_item(sandbox: BubblewrapSandbox) -> None:
    last, _ = await go(sandbox, "03_iteration_flatten_off")
    assert (last.status, last.outputs) == ("succeeded", {"output": [[1, 2], [2, 4], [3, 6]]})


async def test_code_reads_json_in_a_models_answer(sandbox: BubblewrapSandbox) -> None:
    reply = f"好的：\n```json\n{json.dumps(COUPLET, ensure_ascii=False)}\n```"
    inputs = {"theme": "新年", "count": "七言", "enabled_summary": "开启"}
    last, sink = await go(sandbox, "春联生成器", inputs=inputs, reply=reply)
    assert last.status == "succeeded", last.error
    assert sink.end_of("1737014565681").outputs == {**COUPLET, "reversed_banner": "安长季四"}
    assert COUPLET["top"] in last.outputs["output"]


async def test_code_splits_a_models_answer_into_a_list(sandbox: BubblewrapSandbox) -> None:
    last, _ = await go(sandbox, "标题党创作", inputs={"subject": "茶", "description": ""}, reply="一\n二\n三")
    assert (last.status, last.outputs) == ("succeeded", {"title_list": ["一", "二", "三"]})


async def test_code_makes_a_picture_for_the_answer(sandbox: BubblewrapSandbox) -> None:
    last, sink = await go(sandbox, "瞎说新语v2", query="加班", reply="自愿，的。")
    assert last.status == "succeeded", last.error
    picture = sink.end_of("1732362013203").outputs["result"]
    assert "自愿，" in base64.b64decode(picture.removeprefix("data:image/svg+xml;base64,")).decode()
    assert picture in sink.text


@pytest.mark.parametrize(("user", "is_let_in"), [("svcvit", True), ("somebody", False)])
async def test_code_that_imports_requests_decides_a_branch(
    sandbox: BubblewrapSandbox, user: str, is_let_in: bool
) -> None:
    query = json.dumps({"username": user, "password": "x"})
    last, sink = await go(sandbox, "Form表单聊天Demo", query=query)
    assert last.status == "succeeded", last.error
    assert sink.end_of("1731378644337").outputs["is_login"] == int(is_let_in)
    assert ("登录成功" in sink.text) == is_let_in


async def test_a_large_design_with_http_and_code_runs_to_its_end(sandbox: BubblewrapSandbox) -> None:
    inputs = {"basic_instruction": "写一篇", "nouns": "", "background_detail": "", "style": ""}
    body = {"data": {"url": "https://pictures.example/1.png"}}
    last, sink = await go(sandbox, "16_no_version_50_nodes_http", inputs=inputs, reply="好", body=body)
    assert last.status == "succeeded", last.error
    assert last.outputs["image_1_url"] == body["data"]["url"]
    assert [sink.end_of(node).status for node in ("1721663585779", "1721726279422", "1721726788584")] == [
        "succeeded"
    ] * 3


@pytest.mark.parametrize(
    ("name", "module"), [("jieba", "jieba"), ("matplotlib", "matplotlib"), ("完蛋！我被LLM包围了！", "sympy")]
)
async def test_a_package_that_is_not_allowed_is_named(sandbox: BubblewrapSandbox, name: str, module: str) -> None:
    last, _ = await go(sandbox, name, query="#开始")
    assert (last.status, last.error_code) == ("failed", "code_failed")
    assert f"No module named '{module}'" in (last.error or "")

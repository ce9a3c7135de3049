"""PDFs by a server of Unstructured's API: what is asked of it, what is made of its answers and refusals."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from llmflow.errors import LLMFlowError, OrganError
from llmflow.net.client import HttpClient
from llmflow.organs.parser import unstructured_api
from llmflow.organs.parser.unstructured_api import UnstructuredParser
from llmflow.organs.parser.unstructured_managed import ManagedUnstructured
from llmflow.ports.health import Health
from llmflow.ports.server import ServerAddress
from tests import upstream as up
from tests.organs import parser_documents as make

KEY = "unstructured-secret"
WHERE = "/general/v0/general"


def element(kind: str, text: str, **more: Any) -> dict[str, Any]:
    """As the server writes one."""
    metadata = {"filetype": "application/pdf", "languages": ["kor", "eng"], "page_number": 1, "filename": "표.pdf"}
    return {"type": kind, "element_id": "0f3c", "text": text, "metadata": metadata | more}


def place(x0: float, y0: float, x1: float, y1: float) -> dict[str, Any]:
    points = [[x0, y0], [x0, y1], [x1, y1], [x1, y0]]
    return {"points": points, "system": "PixelSpace", "layout_width": 1654, "layout_height": 2339}


ANSWER = [
    element("Header", "주식회사 예시"),
    element("Title", "휴가 규정", category_depth=0, coordinates=place(165.4, 233.9, 330.8, 467.8)),
    element("Title", "연차", category_depth=1),
    element("NarrativeText", make.KOREAN),
    element(
        "Table",
        "직급 휴가 사원 15일",
        text_as_html="<table><thead><tr><th colspan='2'>직급별 휴가</th></tr></thead>"
        "<tbody><tr><td>사원</td><td>15일</td></tr></tbody></table>",
        page_number=2,
    ),
    element("PageNumber", "2", page_number=2),
    element("CheckBox", ""),
    element("Something New", "모르는 것", page_number=2),
]


@pytest.fixture
async def server() -> AsyncIterator[up.Upstream]:
    async with up.upstream(
        routes={
            WHERE: up.answers(ANSWER),
            "/healthcheck": up.answers({"healthcheck": "HEALTHCHECK STATUS: EVERYTHING OK!"}),
        }
    ) as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    made = HttpClient()
    yield made
    await made.close()


@pytest.fixture
async def parser(
    server: up.Upstream, http: HttpClient, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[UnstructuredParser]:
    monkeypatch.setattr(unstructured_api, "_WAIT_S", 0.0)
    made = UnstructuredParser(url=server.url + WHERE, http=http, api_key=KEY, strategy="hi_res", timeout_s=5)
    yield made
    await made.close()


def saved(folder: Path, data: bytes) -> Path:
    (folder / "blob").write_bytes(data)
    return folder / "blob"


async def test_a_pdf_goes_there_and_comes_back_as_elements(
    parser: UnstructuredParser, server: up.Upstream, tmp_path: Path
) -> None:
    document = await parser.parse(saved(tmp_path, make.pdf()), name="표.pdf")
    assert (document.media_type, document.pages, document.title) == ("application/pdf", 2, "휴가 규정")
    found = {e.text.split("\n")[0]: e for e in document.elements}
    assert found[make.KOREAN].heading_path == ("휴가 규정", "연차")
    assert (found[make.KOREAN].language, found[make.KOREAN].page) == ("ko", 1)
    assert found["휴가 규정"].bbox == pytest.approx((59.5, 84.2, 119.1, 168.4), abs=0.2)
    table = next(e for e in document.elements if e.kind == "Table")
    assert '<th colspan="2">직급별 휴가</th>' in (table.html or "")
    assert table.text.startswith("| 직급별 휴가 |")
    assert [e.kind for e in document.elements][-2:] == ["Footer", "UncategorizedText"]


async def test_the_request_is_the_one_that_the_api_documents(
    parser: UnstructuredParser, server: up.Upstream, tmp_path: Path
) -> None:
    data = make.pdf()
    await parser.parse(saved(tmp_path, data), name="표.pdf")
    asked = server.seen[-1]
    assert (asked.method, asked.path) == ("POST", WHERE)
    headers = {name.lower(): value for name, value in asked.headers.items()}
    assert headers["unstructured-api-key"] == KEY
    assert headers["content-type"].startswith("multipart/form-data; boundary=")
    assert data in asked.raw
    for field, value in (("strategy", "hi_res"), ("languages", "kor"), ("languages", "eng"), ("coordinates", "true")):
        assert f'name="{field}"\r\n\r\n{value}\r\n'.encode() in asked.raw
    assert 'name="files"; filename="표.pdf"'.encode() in asked.raw


async def test_everything_else_is_read_on_this_machine(
    parser: UnstructuredParser, server: up.Upstream, tmp_path: Path
) -> None:
    document = await parser.parse(saved(tmp_path, make.markdown()), name="a.md")
    assert document.media_type == "text/markdown"
    assert server.seen == []


@pytest.mark.parametrize(
    ("status", "told", "code"),
    [
        (401, {"detail": f"API key {KEY} is invalid"}, "organ_unavailable"),
        (413, {"detail": "Request Entity Too Large"}, "document_too_large"),
        (400, {"detail": "File is encrypted. Please decrypt it with password."}, "document_locked"),
        (422, {"detail": "File does not appear to be a valid PDF"}, "document_unreadable"),
        (
            400,
            {"detail": "Invalid strategy: x. Must be one of ['fast', 'hi_res', 'auto', 'ocr_only']"},
            "organ_unavailable",
        ),
        (415, {"detail": "File type application/x is not supported."}, "unsupported_type"),
        (500, {"detail": f"Something with {KEY}"}, "organ_unavailable"),
        (200, {"detail": "no list"}, "organ_unavailable"),
    ],
)
async def test_a_refusal_is_an_error_with_a_code_and_without_the_key(
    parser: UnstructuredParser, server: up.Upstream, tmp_path: Path, status: int, told: dict[str, str], code: str
) -> None:
    server.routes[WHERE] = up.answers(told, status)
    with pytest.raises(LLMFlowError) as caught:
        await parser.parse(saved(tmp_path, make.pdf()), name="표.pdf")
    assert caught.value.code == code
    assert KEY not in caught.value.message


async def test_a_span_that_is_no_number_is_none(
    parser: UnstructuredParser, server: up.Upstream, tmp_path: Path
) -> None:
    html = "<table><tr><td rowspan='²'>사원</td><td colspan='0'>15일</td></tr></table>"
    server.routes[WHERE] = up.answers([element("Table", "사원 15일", text_as_html=html)])
    [read] = (await parser.parse(saved(tmp_path, make.pdf()), name="표.pdf")).elements
    assert read.html == "<table><tr><th>사원</th><th>15일</th></tr></table>"


async def test_a_busy_server_is_asked_again(parser: UnstructuredParser, server: up.Upstream, tmp_path: Path) -> None:
    path = saved(tmp_path, make.pdf())
    left = [503, 429]

    async def busy(request: up.Received, writer: asyncio.StreamWriter) -> None:
        told = {"detail": "Server is under heavy load. Please try again later."}
        await (up.answers(told, left.pop()) if left else up.answers(ANSWER))(request, writer)

    server.routes[WHERE] = busy
    assert (await parser.parse(path, name="표.pdf")).pages == 2
    server.routes[WHERE] = up.answers({"detail": "Server is under heavy load."}, 503)
    with pytest.raises(LLMFlowError, match="heavy load"):
        await parser.parse(path, name="표.pdf")
    assert len(server.seen) == 6


async def test_health_says_whether_it_answers(parser: UnstructuredParser, http: HttpClient) -> None:
    assert (await parser.health()).ok
    gone = UnstructuredParser(url="http://127.0.0.1:9", http=http)
    assert not (await gone.health()).ok
    await gone.close()


class Kept:
    """A managed server as its adapter sees it: at `urls[0]`, each start at the next; none: it is stopped."""

    def __init__(self, *urls: str) -> None:
        self.urls = list(urls)

    def address(self) -> ServerAddress:
        if not self.urls:
            raise OrganError("unstructured is stopped.", code="organ_stopped")
        return ServerAddress(self.urls[0], KEY, "cdla")

    def health(self) -> Health:
        return Health(bool(self.urls), "127.0.0.1", version="0.27.32", detail="1 start")


@pytest.fixture
async def kept(server: up.Upstream) -> AsyncIterator[tuple[ManagedUnstructured, Kept]]:
    managed = Kept(server.url)
    made = ManagedUnstructured(servers=lambda _: managed, timeout_s=5)
    yield made, managed
    await made.close()


async def test_pdfs_go_to_the_managed_server_where_it_is_now(
    kept: tuple[ManagedUnstructured, Kept], server: up.Upstream, tmp_path: Path
) -> None:
    parser, managed = kept
    path = saved(tmp_path, make.pdf())
    assert (await parser.parse(path, name="a.pdf")).title == "휴가 규정"
    assert b'name="strategy"\r\n\r\nhi_res' in server.seen[-1].raw
    assert "hi_res" in (await parser.health()).detail
    async with up.upstream(routes={WHERE: up.answers(ANSWER)}) as moved:
        managed.urls = [moved.url]
        await parser.parse(path, name="a.pdf")
        assert moved.seen[-1].path == WHERE


async def test_only_pdfs_wait_for_a_managed_server_that_is_stopped(
    kept: tuple[ManagedUnstructured, Kept], tmp_path: Path
) -> None:
    parser, managed = kept
    managed.urls = []
    assert (await parser.parse(saved(tmp_path, make.markdown()), name="a.md")).title == "안내서"
    assert not (await parser.health()).ok
    with pytest.raises(LLMFlowError) as caught:
        await parser.parse(saved(tmp_path, make.pdf()), name="a.pdf")
    assert caught.value.code == "organ_stopped"


async def test_a_model_that_is_not_there_is_said_by_the_server(
    server: up.Upstream, parser: UnstructuredParser, tmp_path: Path
) -> None:
    detail = "The layout model is not on this machine and could not be fetched (LocalEntryNotFoundError)."
    server.routes[WHERE] = up.answers({"detail": detail}, status=424)
    with pytest.raises(OrganError, match="layout model is not on this machine"):
        await parser.parse(saved(tmp_path, make.pdf()), name="a.pdf")

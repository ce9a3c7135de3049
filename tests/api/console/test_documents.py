"""A document's pages, passages and original, on a real server with the demo."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from urllib.parse import quote

import httpx
import pytest
from PIL import Image

from tests.live import LiveServer


@pytest.fixture
def client(live_server: LiveServer) -> Iterator[httpx.Client]:
    with live_server.client() as client:
        yield client


@pytest.fixture
def korean_pdf(client: httpx.Client) -> dict[str, str]:
    found = client.get("/api/v1/knowledge/demo/documents", params={"search": "복리후생"}).json()["documents"]
    assert found[0]["media_type"] == "application/pdf"
    document: dict[str, str] = found[0]
    return document


def test_a_page_is_an_image_that_is_asked_for_again_at_no_cost(
    client: httpx.Client, korean_pdf: dict[str, str]
) -> None:
    path = f"/api/v1/documents/{korean_pdf['id']}/pages/2"
    answer = client.get(path, params={"width": 500})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/webp")
    assert answer.headers["cache-control"].startswith("private")
    with Image.open(io.BytesIO(answer.content)) as image:
        assert abs(image.width - 500) <= 1
    again = client.get(path, params={"width": 500}, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = client.get(path, params={"width": 600}, headers={"If-None-Match": answer.headers["etag"]})
    assert other.status_code == 200


def test_the_passages_of_a_page_lie_over_its_words(client: httpx.Client, korean_pdf: dict[str, str]) -> None:
    path = f"/api/v1/documents/{korean_pdf['id']}"
    page = client.get(f"{path}/pages/2/words").json()
    assert page["width"] > 500
    passages = client.get(f"{path}/passages", params={"page": 2}).json()
    within = [passage for passage in passages if passage["page"] == passage["page_end"] == 2]
    assert within
    for passage in within:
        covered = {
            word[0]
            for word in page["words"]
            for _, x0, top, x1, bottom in passage["boxes"]
            if word[1] >= x0 - 2 and word[3] <= x1 + 2 and word[2] >= top - 2 and word[4] <= bottom + 2
        }
        written = passage["text"].replace("|", " ").split()
        assert sum(word in covered for word in written) > len(written) * 0.6


def test_pages_there_are_not_are_errors_with_codes(client: httpx.Client, korean_pdf: dict[str, str]) -> None:
    missing = client.get(f"/api/v1/documents/{korean_pdf['id']}/pages/99")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "not_found")
    markdown = client.get("/api/v1/knowledge/demo/documents", params={"search": ".md"}).json()["documents"][0]
    paged = client.get(f"/api/v1/documents/{markdown['id']}/pages/1")
    assert (paged.status_code, paged.json()["error"]["code"]) == (415, "unsupported_type")
    assert client.get("/api/v1/documents/nothing/pages/1").status_code == 404


def test_a_malformed_pdf_is_a_coded_error_and_the_server_goes_on(client: httpx.Client) -> None:
    base = client.post("/api/v1/knowledge", json={"name": "깨진 파일"}).json()
    try:
        path = f"/api/v1/knowledge/{base['id']}/documents/%EA%B9%A8%EC%A7%84.pdf"
        accepted = client.put(path, content=b"%PDF-1.7\n1 0 obj << /Type /Catalog >>\nstartxref\n9\n%%EOF").json()
        answer = client.get(f"/api/v1/documents/{accepted['document']['id']}/pages/1")
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "document_unreadable")
        assert client.get("/healthz").status_code == 200
    finally:
        client.delete(f"/api/v1/knowledge/{base['id']}")


def test_the_original_is_handed_out_whole_and_never_shown(client: httpx.Client, korean_pdf: dict[str, str]) -> None:
    answer = client.get(f"/api/v1/documents/{korean_pdf['id']}/original")
    assert answer.content.startswith(b"%PDF-")
    assert len(answer.content) == int(korean_pdf["size"])
    disposition = answer.headers["content-disposition"]
    assert disposition.startswith("attachment;")
    assert f"filename*=UTF-8''{quote(korean_pdf['name'], safe='')}" in disposition
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]


def test_progress_comes_as_events_until_the_base_is_gone(client: httpx.Client) -> None:
    base = client.post("/api/v1/knowledge", json={"name": "진행"}).json()
    with client.stream("GET", f"/api/v1/knowledge/{base['id']}/progress", timeout=30) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        events = (json.loads(line[6:]) for line in answer.iter_lines() if line.startswith("data: "))
        assert next(events)["flow"]["counts"] == {}
        client.put(f"/api/v1/knowledge/{base['id']}/documents/a.txt", content="연차는 15일입니다.".encode())
        seen = next(e for e in events if e["flow"]["counts"].get("ready") == 1)
        assert (seen["flow"]["left_bytes"], seen["flow"]["recent"]) == (0, 1)
        client.delete(f"/api/v1/knowledge/{base['id']}")
        assert list(events) == []

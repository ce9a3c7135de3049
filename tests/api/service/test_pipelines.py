"""Dify's operations of knowledge pipelines: a file of ours, imported, published, and run over the Service API."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import httpx
import pytest

from llmflow.workflow.dsl.write import portable
from tests.api.chat_server import ChatServer, events
from tests.api.service.test_datasets import _code, _found, _read
from tests.flow_apps import datasource, index
from tests.flow_apps import pipeline as pipeline_dsl
from tests.organs.parser_documents import pdf
from tests.served import served
from tests.workflow.dsl.files import FOLDER, SHARED, tree_of

RULES = "제1조 목적\n\n연차 휴가는 매년 15일입니다.\n\n제2조 보수는 매월 25일에 지급합니다."
PAGE = "<html><head><title>사내 안내</title></head><body><h1>안내</h1><p>구내식당은 열한 시에 엽니다.</p></body></html>"
DOCUMENT = (FOLDER / "규정-파이프라인.yml").read_text("utf-8")


@pytest.fixture
def datasets(chat_server: ChatServer) -> Iterator[httpx.Client]:
    with chat_server.client(chat_server.dataset) as client:
        yield client


@pytest.fixture(scope="module")
def pipeline(chat_server: ChatServer) -> dict[str, Any]:
    """What the import of our file says; published."""
    with chat_server.live.client() as admin:
        body = {"document": DOCUMENT, "publish": True}
        made: dict[str, Any] = admin.post("/api/v1/apps/import", json=body).raise_for_status().json()
    return made


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(PAGE.encode())

        def log_message(self, *_: Any) -> None: ...

    with served(Handler) as url:
        yield f"{url}/안내"


def _upload(client: httpx.Client, name: str, content: str | bytes) -> dict[str, Any]:
    whole = content.encode() if isinstance(content, str) else content
    answer = client.post("/datasets/pipeline/file-upload", files={"file": (name, whole, "text/plain")})
    assert answer.status_code == 201
    return dict(answer.json())


def _zip(files: dict[str, str | bytes]) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return whole.getvalue()


def _ended(client: httpx.Client, base: str, batch: str, count: int) -> dict[str, str]:
    """The states of a batch's documents, once there are so many and all have ended."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        found = client.get(f"/datasets/{base}/documents/{batch}/indexing-status").json()["data"]
        states = {one["id"]: one["indexing_status"] for one in found}
        if len(states) == count and set(states.values()) <= {"completed", "error"}:
            return states
        time.sleep(0.05)
    raise TimeoutError(states)


def _wanted(start: str, kind: str, *infos: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "inputs": {},
        "datasource_type": kind,
        "datasource_info_list": list(infos),
        "start_node_id": start,
        "is_published": True,
        "response_mode": "blocking",
        **more,
    }


def _run(client: httpx.Client, base: str, wanted: dict[str, Any]) -> httpx.Response:
    return client.post(f"/datasets/{base}/pipeline/run", json=wanted)


def test_a_base_of_a_pipeline_says_so(datasets: httpx.Client, pipeline: dict[str, Any]) -> None:
    base = datasets.get(f"/datasets/{pipeline['knowledge']['id']}").json()
    assert (base["name"], base["runtime_mode"], base["pipeline_id"]) == (
        "규정 파이프라인",
        "rag_pipeline",
        pipeline["app_id"],
    )
    assert (base["chunk_structure"], base["is_published"], base["indexing_technique"]) == (
        "text_model",
        True,
        "high_quality",
    )
    assert (base["retrieval_model_dict"]["search_method"], base["retrieval_model_dict"]["top_k"]) == (
        "hybrid_search",
        7,
    )


def test_data_sources_are_listed_with_what_they_ask_for(datasets: httpx.Client, pipeline: dict[str, Any]) -> None:
    base = pipeline["knowledge"]["id"]
    found = datasets.get(f"/datasets/{base}/pipeline/datasource-plugins").json()
    assert [(one["node_id"], one["datasource_type"], one["title"]) for one in found] == [
        ("upload", "local_file", "파일"),
        ("page", "website_crawl", "웹 페이지"),
        ("notion", "online_document", "노션"),
    ]
    assert [one["variable"] for one in found[1]["user_input_variables"]] == ["page_url"]
    assert found[0]["credentials"] == []
    plain = datasets.post("/datasets", json={"name": "파이프라인 없음"}).json()["id"]
    refused = datasets.get(f"/datasets/{plain}/pipeline/datasource-plugins")
    assert (_code(refused), refused.json()["message"]) == ((400, "invalid_param"), "Pipeline not found")


def test_files_are_uploaded_one_at_a_time(datasets: httpx.Client) -> None:
    file = _upload(datasets, "규정.txt", RULES)
    assert (file["name"], file["extension"], file["mime_type"]) == ("규정.txt", "txt", "text/plain")
    assert (file["size"], len(file["created_at"])) == (len(RULES.encode()), len("2025-03-06T12:00:00"))
    assert _code(datasets.post("/datasets/pipeline/file-upload")) == (400, "no_file_uploaded")
    two = [("file", ("a.txt", b"a")), ("file", ("b.txt", b"b"))]
    assert _code(datasets.post("/datasets/pipeline/file-upload", files=two)) == (400, "too_many_files")


@pytest.mark.parametrize("mode", ["blocking", "streaming"])
def test_a_run_answers_at_once_with_its_batch_and_its_documents_are_read_and_found(
    datasets: httpx.Client, pipeline: dict[str, Any], mode: str
) -> None:
    base = pipeline["knowledge"]["id"]
    names = [f"규정 {mode} {n}.txt" for n in (1, 2)]
    infos = [{"reference": _upload(datasets, name, f"{RULES}\n\n{name}")["id"], "name": name} for name in names]
    there = datasets.get(f"/datasets/{base}/documents").json()["total"]
    answer = _run(datasets, base, _wanted("upload", "local_file", *infos, response_mode=mode))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    told = answer.json()
    assert list(told) == ["batch", "dataset", "documents"]
    assert told["dataset"] == {
        "id": base,
        "name": "규정 파이프라인",
        "description": pipeline["knowledge"]["description"],
        "chunk_structure": "text_model",
    }
    shown = [
        {name: one[name] for name in ("name", "position", "data_source_type", "indexing_status", "error", "enabled")}
        for one in told["documents"]
    ]
    assert shown == [
        {
            "name": name,
            "position": there + number,
            "data_source_type": "local_file",
            "indexing_status": "waiting",
            "error": None,
            "enabled": True,
        }
        for number, name in enumerate(names, 1)
    ]
    for one in told["documents"]:
        document = _read(datasets, base, {"batch": one["id"], "document": one})
        assert (document["indexing_status"], document["doc_form"]) == ("completed", "text_model")
        segments = datasets.get(f"/datasets/{base}/documents/{one['id']}/segments").json()["data"]
        assert [s["content"] for s in segments][:3] == RULES.split("\n\n")
    batch = datasets.get(f"/datasets/{base}/documents/{told['batch']}/indexing-status").json()["data"]
    assert [one["id"] for one in batch] == [one["id"] for one in told["documents"]]
    assert "연차 휴가는 매년 15일입니다." in [
        one["segment"]["content"] for one in _found(datasets, base, "연차 휴가는 며칠?")
    ]


def test_a_draft_is_streamed_as_a_workflows_and_takes_the_inputs_of_its_form(
    datasets: httpx.Client, pipeline: dict[str, Any]
) -> None:
    base = pipeline["knowledge"]["id"]
    info = {"related_id": _upload(datasets, "줄.txt", "가나다라\n마바사아\n자차카타")["id"]}
    wanted = _wanted(
        "upload", "local_file", info, is_published=False, response_mode="streaming", inputs={"delimiter": "\\n"}
    )
    with datasets.stream("POST", f"/datasets/{base}/pipeline/run", json=wanted) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        found = events(answer.iter_lines())
    assert found[0]["event"] == "workflow_started"
    assert found[0]["data"]["inputs"]["sys.datasource_type"] == "local_file"
    ended = {e["data"]["node_type"]: e["data"] for e in found if e["event"] == "node_finished"}
    assert list(ended) == ["datasource", "document-extractor", "variable-aggregator", "tool", "knowledge-index"]
    assert ended["tool"]["outputs"]["result"] == ["가나다라", "마바사아", "자차카타"]
    assert (found[-1]["event"], found[-1]["data"]["status"]) == ("workflow_finished", "succeeded")
    assert found[-1]["data"]["outputs"]["total_segments"] == 3


def test_a_draft_is_tried_without_a_document(datasets: httpx.Client, pipeline: dict[str, Any]) -> None:
    base = pipeline["knowledge"]["id"]
    before = datasets.get(f"/datasets/{base}/documents").json()["total"]
    info = {"reference": _upload(datasets, "시험.txt", RULES)["id"]}
    answer = _run(datasets, base, _wanted("upload", "local_file", info, is_published=False)).json()
    assert answer["data"]["outputs"]["preview"] == [{"content": part} for part in RULES.split("\n\n")]
    assert answer["data"]["outputs"]["total_segments"] == 3
    assert datasets.get(f"/datasets/{base}/documents").json()["total"] == before


def test_a_page_is_fetched_by_its_address_or_taken_with_the_text_it_came_with(
    datasets: httpx.Client, pipeline: dict[str, Any], site: str
) -> None:
    base = pipeline["knowledge"]["id"]
    path = f"/datasets/{base}/pipeline/datasource/nodes/page/run"
    asked = {"inputs": {"page_url": site}, "datasource_type": "website_crawl", "is_published": True}
    with datasets.stream("POST", path, json=asked) as answer:
        found = events(answer.iter_lines())
    assert [one["event"] for one in found] == ["datasource_processing", "datasource_completed"]
    (page,) = found[-1]["data"]
    assert (page["title"], page["source_url"]) == ("사내 안내", site)
    assert "구내식당은 열한 시에 엽니다." in page["content"]
    wanted = _wanted(
        "page",
        "website_crawl",
        {"url": site},
        {"source_url": site, "title": "받은/글", "content": "셔틀은 여덟 시에 떠납니다."},
    )
    told = _run(datasets, base, wanted).json()
    assert [one["name"] for one in told["documents"]] == ["사내 안내", "받은-글"]
    texts = []
    for one in told["documents"]:
        _read(datasets, base, {"batch": one["id"], "document": one})
        segments = datasets.get(f"/datasets/{base}/documents/{one['id']}/segments").json()["data"]
        texts.append(" ".join(s["content"] for s in segments))
    assert "구내식당은 열한 시에 엽니다." in texts[0]
    assert texts[1] == "셔틀은 여덟 시에 떠납니다."


def test_passages_stand_on_their_pages_under_their_headings(
    chat_server: ChatServer, datasets: httpx.Client, pipeline: dict[str, Any]
) -> None:
    base = pipeline["knowledge"]["id"]
    info = {"reference": _upload(datasets, "안내.pdf", pdf())["id"], "name": "안내.pdf"}
    (told,) = _run(datasets, base, _wanted("upload", "local_file", info)).json()["documents"]
    _read(datasets, base, {"batch": told["id"], "document": told})
    with chat_server.live.client() as admin:
        document = admin.get(f"/api/v1/documents/{told['id']}").json()
        assert (document["pages"], document["media_type"]) == (2, "application/pdf")
        passages = admin.get(f"/api/v1/documents/{told['id']}/passages").json()
        assert {passage["page"] for passage in passages} == {1, 2}
        assert all(box[0] in (1, 2) for passage in passages for box in passage["boxes"])
        first, last = passages[0], passages[-1]
        assert (first["text"], first["heading_path"]) == ("# 휴가 규정", [])
        assert (passages[1]["page"], passages[1]["heading_path"]) == (1, ["휴가 규정"])
        assert (last["page"], last["heading_path"]) == (2, ["복지"])
        words = admin.get(f"/api/v1/documents/{told['id']}/pages/1/words").json()["words"]
        ((_, x0, top, x1, bottom),) = first["boxes"]
        covered = [w[0] for w in words if x0 <= w[1] + 2 and w[3] <= x1 + 2 and top <= w[2] + 2 and w[4] <= bottom + 2]
        assert covered == ["휴가", "규정"]


def test_each_file_of_an_archive_is_read_by_the_pipeline_with_the_inputs_of_its_call(
    chat_server: ChatServer, datasets: httpx.Client, pipeline: dict[str, Any]
) -> None:
    base = pipeline["knowledge"]["id"]
    inner = _zip({"둘째.txt": "라;마"})
    archive = _zip({"규정/첫째.txt": "가;나;다", "안쪽.zip": inner, "모름.bin": bytes(range(256))})
    info = {"reference": _upload(datasets, "묶음.zip", archive)["id"], "name": "묶음.zip"}
    told = _run(datasets, base, _wanted("upload", "local_file", info, inputs={"delimiter": ";"})).json()
    assert [(one["name"], one["data_source_type"]) for one in told["documents"]] == [("묶음.zip", "local_file")]
    states = _ended(datasets, base, told["batch"], 4)
    shown = {}
    for id in states:
        document = datasets.get(f"/datasets/{base}/documents/{id}").json()
        segments = datasets.get(f"/datasets/{base}/documents/{id}/segments").json()["data"]
        shown[document["name"]] = (document["indexing_status"], [one["content"] for one in segments])
    assert shown == {
        "묶음.zip › 모름.bin": ("error", []),
        "묶음.zip": ("completed", []),
        "묶음.zip › 규정 › 첫째.txt": ("completed", ["가", "나", "다"]),
        "묶음.zip › 안쪽.zip › 둘째.txt": ("completed", ["라", "마"]),
    }
    with chat_server.live.client() as admin:  # the file is at fault, not the pipeline
        found = admin.get(f"/api/v1/knowledge/{base}/documents", params={"search": "모름.bin"}).json()["documents"]
    assert [one["error_code"] for one in found] == ["unsupported_type"]


def test_an_archive_that_cannot_be_opened_says_why_and_a_draft_is_not_tried_with_one(
    datasets: httpx.Client, pipeline: dict[str, Any]
) -> None:
    base = pipeline["knowledge"]["id"]
    info = {"reference": _upload(datasets, "빈.zip", _zip({}))["id"], "name": "빈.zip"}
    (told,) = _run(datasets, base, _wanted("upload", "local_file", info)).json()["documents"]
    document = _read(datasets, base, {"batch": told["id"], "document": told})
    assert (document["indexing_status"], document["error"]) == ("error", "No file came out of the archive.")
    info = {"reference": _upload(datasets, "묶음.zip", _zip({"가.txt": "가"}))["id"]}
    tried = _run(datasets, base, _wanted("upload", "local_file", info, is_published=False))
    assert tried.json()["data"]["error"] == "묶음.zip: The file is an archive; no reader takes that."


def test_a_data_source_of_a_plugin_says_that_it_is_none_of_ours(
    datasets: httpx.Client, pipeline: dict[str, Any]
) -> None:
    base = pipeline["knowledge"]["id"]
    asked = {"inputs": {}, "datasource_type": "online_document", "is_published": True}
    with datasets.stream("POST", f"/datasets/{base}/pipeline/datasource/nodes/notion/run", json=asked) as answer:
        (event,) = events(answer.iter_lines())
    assert (event["event"], "langgenius/notion_datasource" in event["error"]) == ("datasource_error", True)
    info = {"workspace_id": "w", "page": {"page_id": "p", "type": "page"}}
    refused = _run(datasets, base, _wanted("notion", "online_document", info))
    assert _code(refused) == (500, "pipeline_run_error")
    assert "langgenius/notion_datasource" in refused.json()["message"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"start_node_id": "nowhere"},
        {"datasource_info_list": []},
        {"datasource_info_list": [{"name": "x"}]},
        {"datasource_type": "website_crawl"},
        {"response_mode": "slowly"},
        {"inputs": {"max_chunk_length": "길게"}},
        {"inputs": {"delimiter": ""}},
    ],
)
def test_what_no_run_can_be_made_of_is_refused(
    datasets: httpx.Client, pipeline: dict[str, Any], wrong: dict[str, Any]
) -> None:
    wanted = {**_wanted("upload", "local_file", {"reference": "x"}), **wrong}
    assert _code(_run(datasets, pipeline["knowledge"]["id"], wanted)) == (400, "invalid_param")


def test_uploads_of_any_kind_go_through_the_pipeline_with_the_inputs_that_the_base_keeps(
    chat_server: ChatServer, datasets: httpx.Client, pipeline: dict[str, Any]
) -> None:
    base, name = pipeline["knowledge"]["id"], pipeline["knowledge"]["name"]
    with chat_server.live.client() as admin:
        shown = admin.get(f"/api/v1/knowledge/{base}/pipeline").json()
        assert [start["type"] for start in shown["starts"]] == ["local_file", "website_crawl", "online_document"]
        assert [field["label"] for field in shown["starts"][0]["form"]] == ["구분자", "단락 최대 길이"]
        kept = admin.put(f"/api/v1/knowledge/{base}/pipeline/inputs", json={"inputs": {"delimiter": ";"}}).json()
        assert kept["inputs"] == {"delimiter": ";"}
        wrong = admin.put(f"/api/v1/knowledge/{base}/pipeline/inputs", json={"inputs": {"no": 1}})
        assert wrong.status_code == 400
        chat_server.live.put(name, "쌍반점.txt", "하나의 항목;둘째 항목".encode())
        chat_server.live.wait_until_indexed(name)
        found = admin.get(f"/api/v1/knowledge/{base}/documents", params={"search": "쌍반점"}).json()["documents"][0]
        passages = admin.get(f"/api/v1/documents/{found['id']}/passages").json()
        assert [one["text"] for one in passages] == ["하나의 항목", "둘째 항목"]
        admin.put(f"/api/v1/knowledge/{base}/pipeline/inputs", json={"inputs": {}}).raise_for_status()


def test_a_document_whose_run_fails_has_the_runs_error_and_is_read_again_once_it_is_mended(
    chat_server: ChatServer, datasets: httpx.Client
) -> None:
    tree = pipeline_dsl("고장", (datasource("upload"), index("index", "upload.nothing")))
    with chat_server.live.client() as admin:
        made = admin.post("/api/v1/apps/import", json={"document": tree}).raise_for_status().json()
        base, app = made["knowledge"]["id"], made["app_id"]
        info = {"reference": _upload(datasets, "글.txt", "가나다라")["id"]}
        refused = _run(datasets, base, _wanted("upload", "local_file", info))
        assert _code(refused) == (500, "pipeline_run_error")  # it is not published
        admin.post(f"/api/v1/apps/{app}/publish", json={}).raise_for_status()
        told = _run(datasets, base, _wanted("upload", "local_file", info)).json()
        document = _read(datasets, base, {"batch": told["documents"][0]["id"], "document": told["documents"][0]})
        assert (document["indexing_status"], document["error"]) == (
            "error",
            "The variable upload.nothing is not there.",
        )
        assert admin.delete(f"/api/v1/apps/{app}").json()["error"]["code"] == "pipeline_in_use"
        draft = admin.get(f"/api/v1/apps/{app}/draft").json()
        nodes = draft["document"]["workflow"]["graph"]["nodes"]
        nodes[1]["data"]["index_chunk_variable_selector"] = ["upload", "file", "filename"]
        nodes[1]["data"]["retrieval_model"] = {"search_method": "full_text_search", "top_k": 9}
        hash = draft["version"]["hash"]
        admin.put(f"/api/v1/apps/{app}/draft", json={"document": draft["document"], "hash": hash}).raise_for_status()
        again = admin.post(f"/api/v1/apps/{app}/publish", json={}).raise_for_status().json()
        assert [(one["setting"], one["is_done"]) for one in again["base_changes"]] == [("retrieval_model", True)]
        assert datasets.get(f"/datasets/{base}").json()["retrieval_model_dict"]["top_k"] == 9
        assert admin.post(f"/api/v1/knowledge/{base}/retry", json={}).json() == {"count": 1}
        assert chat_server.live.wait_until_indexed(made["knowledge"]["name"]) == {"ready": 1}
        admin.delete(f"/api/v1/knowledge/{base}").raise_for_status()
        assert admin.get(f"/api/v1/apps/{app}").status_code == 404


PARENTS = SHARED / "dsl_fixtures" / "10_rag_pipeline_parentchild.yml"


@pytest.mark.skipif(not PARENTS.exists(), reason="no shared data")
def test_difys_own_parent_child_pipeline_reads_a_document(chat_server: ChatServer, datasets: httpx.Client) -> None:
    with chat_server.live.client() as admin:
        body = {"document": PARENTS.read_text("utf-8"), "publish": True}
        made = admin.post("/api/v1/apps/import", json=body).raise_for_status().json()
        again = admin.get(f"/api/v1/apps/{made['app_id']}/export").text
    assert {one["status"] for one in made["report"]} <= {"exact", "approximate"}
    assert tree_of(again) == portable(tree_of(PARENTS.read_bytes()))
    base = made["knowledge"]["id"]
    assert datasets.get(f"/datasets/{base}").json()["chunk_structure"] == "hierarchical_model"
    for name in ("규정.md", "규정.csv"):  # of either branch
        info = {"reference": _upload(datasets, name, RULES)["id"]}
        told = _run(datasets, base, _wanted("1752479895761", "local_file", info)).json()
        document = _read(datasets, base, {"batch": told["documents"][0]["id"], "document": told["documents"][0]})
        assert (document["indexing_status"], document["doc_form"]) == ("completed", "hierarchical_model"), document
        segments = datasets.get(f"/datasets/{base}/documents/{document['id']}/segments").json()["data"]
        children = f"/datasets/{base}/documents/{document['id']}/segments/{segments[0]['id']}/child_chunks"
        assert datasets.get(children).json()["total"] >= 1

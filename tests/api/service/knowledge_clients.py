"""Everything that dify-knowledge-sdk, dify-dataset-sdk and dify-api-client offer for knowledge, unchanged, in a process
of its own; prints what it got as JSON.

Left out is what Dify refuses, too: dify-knowledge-sdk deletes what is to be posted (built-in fields). And it reads a
changed segment as a list of them, which Dify never sent.
"""

from __future__ import annotations

import importlib
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PACKAGE, URL, KEY, KNOWN_BASE = sys.argv[1:]
TEXT = "연차 휴가는 매년 15일입니다."
found: dict[str, Any] = {}


def file_with(text: str) -> Path:
    path = Path(tempfile.mkdtemp()) / "출장 규정.txt"
    path.write_text(text, "utf-8")
    return path


def until_read(status: Callable[[], str]) -> str:
    end = time.monotonic() + 30
    while (now := status()) not in ("completed", "error") and time.monotonic() < end:
        time.sleep(0.05)
    return now


def kind_of(call: Callable[[], Any]) -> str:
    try:
        call()
    except Exception as error:  # noqa: BLE001 - each client has errors of its own
        return type(error).__name__
    return ""


def knowledge_sdk() -> None:
    client: Any = importlib.import_module("dify_knowledge_sdk").DifyDatasetClient(KEY, URL)
    base = client.create_dataset("지식 SDK", permission="all_team_members", description="x").id
    found["twice"] = kind_of(lambda: client.create_dataset("지식 SDK"))
    found["listed"] = [one["id"] for one in client.list_datasets(limit=100).data].count(base)
    made = client.create_document_by_text(base, "글", TEXT)

    def read(batch: str) -> str:
        return until_read(lambda: str(client.get_document_indexing_status(base, batch).data[0].indexing_status))

    found["text"] = read(made.batch)
    id = made.document.id
    found["text_again"] = read(client.update_document_by_text(base, id, "새 글", TEXT).batch)
    config = {
        "rules": {
            "pre_processing_rules": [{"id": "remove_extra_spaces", "enabled": True}],
            "segmentation": {"separator": "\n", "max_tokens": 200},
        }
    }
    filed = client.create_document_by_file(
        base, file_with("출장비"), process_rule_mode="custom", process_rule_config=config
    )
    found["file"] = [filed.document.name, read(filed.batch)]
    again = client.update_document_by_file(base, filed.document.id, file_with("출장비는 하루 5만원"), name="출장.txt")
    found["file_again"] = [again.document.name, read(again.batch)]
    found["documents"] = sorted(one["name"] for one in client.list_documents(base).data)
    (added,) = client.create_segments(base, id, [{"content": "반차는 4시간입니다.", "keywords": ["반차"]}]).data
    found["segments"] = [one.content for one in client.list_segments(base, id).data]
    change = {"content": "반차는 네 시간입니다.", "keywords": [], "enabled": True}
    found["reads_changed"] = kind_of(lambda: client.update_segment(base, id, added.id, change))
    found["changed"] = client.list_segments(base, id).data[-1].content
    found["deleted_segment"] = client.delete_segment(base, id, added.id).result
    field = client.create_metadata_field(base, "string", "부서")
    found["field"] = client.update_metadata_field(base, field.id, "팀").name
    said = [{"document_id": id, "metadata_list": [{"id": field.id, "value": "인사", "name": "팀"}]}]
    client.update_document_metadata(base, said)
    found["fields"] = [one.name for one in client.list_metadata_fields(base).doc_metadata]
    client.delete_metadata_field(base, field.id)
    found["deleted_document"] = client.delete_document(base, id).result
    client.delete_dataset(base)
    found["gone"] = kind_of(lambda: client.list_documents(base))


def dataset_sdk() -> None:
    client: Any = importlib.import_module("dify_dataset_sdk").DifyDatasetClient(KEY, URL)
    base = client.datasets.create("데이터셋 SDK", indexing_technique="high_quality").id
    found["twice"] = kind_of(lambda: client.datasets.create("데이터셋 SDK"))
    found["listed"] = [one["id"] for one in client.datasets.list(limit=100).data].count(base)
    found["renamed"] = client.datasets.update(base, name="데이터셋 SDK 2").name
    found["got"] = client.datasets.get(base).name
    made = client.documents.create_by_text(base, "글", TEXT)

    def read(batch: str) -> str:
        return until_read(lambda: str(client.documents.get_indexing_status(base, batch).data[0].indexing_status))

    found["text"] = read(made.batch)
    id = made.document.id
    found["text_again"] = read(client.documents.update_by_text(base, id, name="새 글", text=TEXT).batch)
    filed = client.documents.create_by_file(base, file_with("출장비는 하루 5만원"))
    found["file"] = [filed.document.name, read(filed.batch)]
    again = client.documents.update_by_file(base, filed.document.id, file_with("출장비는 하루 6만원"))
    found["file_again"] = [again.document.name, read(again.batch)]
    found["upload_file"] = client.documents.get_upload_file(base, filed.document.id)["name"]
    found["documents"] = sorted(one["name"] for one in client.documents.list(base).data)
    found["document"] = client.documents.get(base, id).name
    found["switched"] = client.documents.batch_update_status(base, "disable", [filed.document.id])["result"]
    asked = client.datasets.retrieve(base, query="연차 휴가")
    found["retrieved"] = [record.segment.content for record in asked.records]
    (added,) = client.segments.create(base, id, [{"content": "반차는 4시간입니다."}]).data
    found["segments"] = [one.content for one in client.segments.list(base, id, status="completed").data]
    found["segment"] = client.segments.get(base, id, added.id)["data"]["content"]
    change = {"content": "반차는 네 시간입니다."}
    found["reads_changed"] = kind_of(lambda: client.segments.update(base, id, added.id, change))
    found["changed"] = client.segments.list(base, id, keyword="반차").data[0].content
    found["children"] = client.segments.list_child_chunks(base, id, added.id).data
    found["flat"] = kind_of(lambda: client.segments.create_child_chunk(base, id, added.id, "x"))
    client.segments.delete(base, id, added.id)
    field = client.metadata.create(base, "number", "쪽")
    found["field"] = client.metadata.update(base, field.id, "쪽수").name
    found["built_in"] = client.metadata.toggle_built_in(base, "enable")["result"]
    said = [{"document_id": id, "metadata_list": [{"id": field.id, "value": "3", "name": "쪽수"}]}]
    found["described"] = client.metadata.update_document_metadata(base, said)["result"]
    found["fields"] = [one.name for one in client.metadata.list(base).doc_metadata]
    client.metadata.delete(base, field.id)
    tag = client.tags.create("SDK 꼬리표")
    client.tags.update(tag.id, "SDK 꼬리표 2")
    client.tags.bind_to_dataset(base, [tag.id])
    found["tags"] = [one.name for one in client.tags.get_dataset_tags(base)]
    found["tag_count"] = next(one.binding_count for one in client.tags.list() if one.id == tag.id)
    client.tags.unbind_from_dataset(base, tag.id)
    client.tags.delete(tag.id)
    found["embeddings"] = len(client.models.list_embedding_models().data)
    client.documents.delete(base, id)
    client.datasets.delete(base)
    found["gone"] = kind_of(lambda: client.datasets.get(base))


def api_client() -> None:
    module: Any = importlib.import_module("dify_client")
    models: Any = importlib.import_module("dify_client.models")
    client = module.DifyClient(api_key=KEY, api_base=f"{URL}/v1")
    base, automatic = KNOWN_BASE, models.ProcessRule(mode="automatic")
    request = models.CreateDocumentByTextRequest(
        name="글", text=TEXT, indexing_technique="high_quality", doc_form="text_model", process_rule=automatic
    )
    made = client.create_document_by_text(base, request)
    found["text"] = made.document.name
    filing = models.CreateDocumentByFileRequest(indexing_technique="high_quality", process_rule=automatic)
    filed = client.create_document_by_file(base, ("출장.txt", "출장비는 하루 5만원".encode(), "text/plain"), filing)
    found["file"] = filed.document.name
    id = made.document.id

    def status() -> str:
        return str(next(one for one in client.get_documents(base).data if one.id == id).indexing_status)

    found["read"] = until_read(status)
    adding = models.AddChunkToDocumentRequest(segments=[models.Segment(content="반차는 4시간입니다.")])
    (added,) = client.add_chunk_to_document(base, id, adding).data
    found["segments"] = [one.content for one in client.get_segments(base, id).data]
    changing = models.UpdateSegmentRequest(content="반차는 네 시간입니다.")
    found["changed"] = client.update_segment(base, id, added.id, changing).data.content
    field = client.create_document_metadata(base, models.CreateDocumentMetadataRequest(type="string", name="팀"))
    operation = models.DocumentMetadataOperationData(
        document_id=id, metadata_list=[models.DocumentMetadataUpdate(id=field.id, name="팀", value="인사")]
    )
    client.update_document_metadata(base, models.UpdateDocumentMetadataRequest(operation_data=[operation]))
    found["fields"] = [(one.name, one.count) for one in client.get_metadata_list(base).doc_metadata]


{"dify-knowledge-sdk": knowledge_sdk, "dify-dataset-sdk": dataset_sdk, "dify-api-client": api_client}[PACKAGE]()
print(json.dumps(found))

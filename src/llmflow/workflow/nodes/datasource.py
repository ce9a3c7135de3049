"""datasource: where a pipeline of knowledge begins, with the document that it is run for.

The same outputs whatever the kind, so that a document that came another way than the graph's author thought of is read
all the same: `file`, and of a page or an online document its `content` as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, field_validator

from llmflow.errors import NodeFailed, UnsupportedNode
from llmflow.workflow.context import Context
from llmflow.workflow.data import NodeData
from llmflow.workflow.files import make_file
from llmflow.workflow.kind import Kind
from llmflow.workflow.nodes.tool import Given
from llmflow.workflow.types import Outcome, Words

SourceKind = Literal["local_file", "online_document", "website_crawl", "online_drive"]
#: What the kinds of a file are by; the others are by their text.
FILES = ("local_file", "online_drive")
#: Kinds that only a plugin of Dify's can ask for by themselves.
OF_PLUGINS = ("online_document", "online_drive")


class DatasourceData(NodeData):
    plugin_id: str = ""
    provider_name: str = ""
    provider_type: SourceKind = "local_file"
    datasource_name: str | None = ""
    datasource_label: str | None = ""
    datasource_configurations: dict[str, Any] = Field(default_factory=dict)
    datasource_parameters: dict[str, Given] = Field(default_factory=dict)

    @field_validator("datasource_configurations", mode="before")
    @classmethod
    def _none(cls, value: Any) -> Any:
        return value or {}

    @field_validator("datasource_parameters", mode="before")
    @classmethod
    def _given(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return {}
        return {
            name: one if isinstance(one, Mapping) and "value" in one else {"type": "constant", "value": one}
            for name, one in value.items()
        }

    @property
    def shown(self) -> str:
        """What it would be asked by, for people."""
        return "/".join(part for part in (self.plugin_id, self.datasource_name) if part) or self.provider_name


async def run(data: DatasourceData, context: Context) -> Outcome:
    info = context.get(["sys", "datasource_info"])
    if not isinstance(info, dict):
        raise NodeFailed(
            "A pipeline of knowledge is run for a document, and none was given.",
            code="node_input_invalid",
            hint="Add a document to the pipeline's knowledge base.",
        )
    kind = context.get(["sys", "datasource_type"]) or data.provider_type
    file = _file(info, context.get(["sys", "document_id"]))
    if file is None and kind in OF_PLUGINS and not info.get("content"):
        raise no_plugin(data.shown)
    outputs: dict[str, Any] = {**_known(info), "datasource_type": kind}
    if file is not None:
        outputs["file"] = file
    if data.provider_type not in FILES or kind not in FILES:
        outputs["content"] = info.get("content") or await context.outside.read_text(file or _page(info))
        outputs.setdefault("title", info.get("name") or "")
        outputs.setdefault("description", "")
        outputs.setdefault("source_url", info.get("url") or "")
    return Outcome(outputs, inputs=_known(info))


def no_plugin(named: str) -> UnsupportedNode:
    return UnsupportedNode(
        f"Documents cannot be fetched by `{named[:100]}`, a plugin of another installation.",
        hint="Upload the documents, or add a source (folder, addresses, S3) to the knowledge base.",
    )


def _known(info: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in info.items() if name != "content"}


def _file(info: Mapping[str, Any], document_id: Any) -> dict[str, Any] | None:
    """Of the document, or of a file that was uploaded to try the draft with."""
    upload = info.get("reference") or info.get("related_id")
    if not document_id and not upload:
        return None
    return make_file(
        name=str(info.get("name") or ""),
        media_type=str(info.get("mime_type") or ""),
        size=info["size"] if isinstance(info.get("size"), int) else -1,
        id=str(document_id or upload),
        transfer_method="datasource_file" if document_id else "local_file",
    )


def _page(info: Mapping[str, Any]) -> dict[str, Any]:
    url = str(info.get("url") or info.get("source_url") or "")
    if not url:
        raise NodeFailed("The page has neither text nor an address.", code="node_input_invalid")
    return make_file(transfer_method="remote_url", url=url, media_type="text/html", type="document")


KIND = Kind(
    type="datasource",
    role="start",
    data=DatasourceData,
    run=run,
    reads=lambda data: [selector for one in data.datasource_parameters.values() for selector in one.reads()],
    outputs={"file": "file", "content": "string", "title": "string", "datasource_type": "string"},
    words=Words(
        "Data source",
        "데이터 소스",
        "Where a pipeline of knowledge begins: with one document.",
        "지식 파이프라인이 문서 하나를 받아 시작하는 곳입니다.",
    ),
    fields={
        "provider_type": Words(
            "Kind", "종류", "File, page, online document or drive.", "파일, 웹 페이지, 온라인 문서, 드라이브입니다."
        ),
        "datasource_parameters": Words("Parameters", "매개변수", "Values and variables.", "값이나 변수를 넣습니다."),
    },
)

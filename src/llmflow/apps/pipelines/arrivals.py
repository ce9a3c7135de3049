"""How documents come to a pipeline by its data sources: files that were uploaded for it, pages by their addresses."""

from __future__ import annotations

import asyncio
import html
import re
import secrets
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from llmflow.apps.chat.attachments import Attachments
from llmflow.apps.chat.files import AppFiles
from llmflow.apps.designs.plans import Compiled
from llmflow.apps.runs.outside import pipeline_user
from llmflow.apps.types import AppFile
from llmflow.errors import NodeFailed, UsageError
from llmflow.knowledge.documents import Documents
from llmflow.knowledge.types import Document, KnowledgeBase, Origin
from llmflow.net.exchange import Exchange
from llmflow.net.messages import HttpAnswer, HttpRequest
from llmflow.workflow.dsl.pipeline import Start
from llmflow.workflow.nodes.datasource import OF_PLUGINS, DatasourceData, no_plugin
from llmflow.workflow.templates.template import fill
from llmflow.workflow.variables import Pool

_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_MOST_AT_ONCE = 50  # as Dify takes at most
_FETCHED_AT_ONCE = 4
_UNNAMED = "untitled"


@dataclass(frozen=True, slots=True)
class _Arrival:
    """`info`: what its data source said of it, without its text."""

    name: str
    content: AppFile | bytes
    origin: Origin
    info: dict[str, Any]


class Arrivals:
    """`exchange`: HTTP under the guard for addresses that people give; `file_bytes`: of a page."""

    def __init__(
        self,
        files: AppFiles,
        attachments: Attachments,
        documents: Documents,
        exchange: Exchange,
        *,
        file_bytes: int,
    ) -> None:
        self._files = files
        self._attachments = attachments
        self._documents = documents
        self._exchange = exchange
        self._file_bytes = file_bytes

    async def upload(self, workspace_id: str, name: str, chunks: AsyncIterator[bytes], *, media_type: str) -> AppFile:
        """A file for any pipeline of the workspace, kept for a day unless it becomes a document. Raises as
        `AppFiles.upload`."""
        return await self._files.upload(pipeline_user(workspace_id), name, chunks, media_type=media_type)

    async def take(
        self,
        base: KnowledgeBase,
        start: Start,
        items: Sequence[Mapping[str, Any]],
        inputs: Mapping[str, Any],
        *,
        by: str | None,
    ) -> tuple[str, list[Document]]:
        """The batch's name and its documents, accepted and queued: all, or none where one of the items is wrong. Raises
        UsageError, NodeFailed (a data source that is a plugin's), NotFound (file_not_found), what fetching raises and
        what `Documents.accept` raises."""
        if not 1 <= len(items) <= _MOST_AT_ONCE:
            raise UsageError(f"datasource_info_list has 1 to {_MOST_AT_ONCE} items.", param="datasource_info_list")
        gate = asyncio.Semaphore(_FETCHED_AT_ONCE)
        arrivals = await asyncio.gather(*(self._arrival(base, start, item, gate) for item in items))
        batch = time.strftime("%Y%m%d%H%M%S", time.gmtime()) + str(secrets.randbelow(900_000) + 100_000)
        documents = []
        for arrival in arrivals:
            content = arrival.content
            pieces = _whole(content) if isinstance(content, bytes) else self._files.read(content)
            said = {
                "start": start.node_id,
                "type": start.type,
                "info": arrival.info,
                "inputs": dict(inputs),
                "batch": batch,
            }
            origin = Origin(arrival.origin.source, arrival.origin.ref, by)
            accepted = await self._documents.accept(
                base, arrival.name, pieces, origin=origin, pipeline=said, as_new=True
            )
            documents.append(accepted.document)
        return batch, documents

    async def crawl(self, compiled: Compiled, start: Start, inputs: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What a data source of pages finds with these inputs: the page at its address. Raises UsageError, NodeFailed
        and what fetching and reading raise."""
        data = compiled.plan.nodes[start.node_id].data
        if start.type != "website_crawl" or not isinstance(data, DatasourceData):
            raise _unsupported(start)
        url = _address(data, start, inputs)
        answer = await self._fetched(url)
        text = await self._attachments.text_of(_name(url), answer.body, is_whole=True)
        return [{"source_url": url, "title": _title(answer) or url, "description": "", "content": text}]

    async def _arrival(
        self, base: KnowledgeBase, start: Start, item: Mapping[str, Any], gate: asyncio.Semaphore
    ) -> _Arrival:
        if start.type == "local_file":
            reference = item.get("reference") or item.get("related_id")
            if not isinstance(reference, str) or not reference:
                raise UsageError("A local file needs its `reference`.", param="datasource_info_list")
            file = await self._files.own(pipeline_user(base.workspace_id), reference)
            return _Arrival(_given_name(item, file.name), file, Origin(), {"reference": reference})
        if start.type != "website_crawl":
            raise _unsupported(start)
        url = item.get("url") or item.get("source_url")
        if not isinstance(url, str) or urlsplit(url).scheme not in ("http", "https"):
            raise UsageError(
                "A page needs its `url`, beginning with http:// or https://.", param="datasource_info_list"
            )
        told = {name: value for name, value in item.items() if name != "content"} | {"url": url, "source_url": url}
        content = item.get("content")
        if isinstance(content, str) and content.strip():
            name = _one_line(str(item.get("title") or "")) or _name(url)
            return _Arrival(name, content.encode("utf-8", "replace"), Origin("text", url), told)
        async with gate:
            answer = await self._fetched(url)
        title = _one_line(str(item.get("title") or "")) or _title(answer)
        return _Arrival(title or _name(url), answer.body, Origin("url", url), {**told, "title": title})

    async def _fetched(self, url: str) -> HttpAnswer:
        answer = await self._exchange(HttpRequest("GET", url, text_bytes=self._file_bytes, file_bytes=self._file_bytes))
        if not 200 <= answer.status < 300:
            raise NodeFailed(f"{url} answers {answer.status}.", code="http_failed")
        return answer


def _unsupported(start: Start) -> NodeFailed:
    """Why a data source cannot be asked by itself."""
    if start.type in OF_PLUGINS:
        return no_plugin(f"{start.plugin_id}/{start.provider_name}")
    message = "Files are uploaded; this data source is not asked for any."
    return NodeFailed(message, hint="POST the file to /datasets/pipeline/file-upload.")


async def _whole(content: bytes) -> AsyncIterator[bytes]:
    yield content


def _given_name(item: Mapping[str, Any], name: str) -> str:
    given = item.get("name")
    return given if isinstance(given, str) and given.strip() and given != _UNNAMED else name


def _address(data: DatasourceData, start: Start, inputs: Mapping[str, Any]) -> str:
    """The address among the node's parameters. Raises UsageError."""
    pool = Pool()
    pool.put("rag", {"shared": dict(inputs), start.node_id: dict(inputs)})
    values = {}
    for name, given in data.datasource_parameters.items():
        is_variable = given.type == "variable" and isinstance(given.value, list)
        values[name] = pool.get(given.value) if is_variable else fill(str(given.value or ""), pool)
    url = values.get("url") or next((v for v in values.values() if isinstance(v, str) and v.startswith("http")), "")
    if not isinstance(url, str) or urlsplit(url).scheme not in ("http", "https"):
        raise UsageError("The data source is given no address (http:// or https://).", param="inputs")
    return url


def _name(url: str) -> str:
    """Of a page without a title: its host and the end of its path."""
    parts = urlsplit(url)
    path = [part for part in unquote(parts.path).split("/") if part]
    return " - ".join([parts.netloc, *path[-1:]])[:200]


def _title(answer: HttpAnswer) -> str:
    found = _TITLE.search(answer.body[:200_000].decode("utf-8", "replace"))
    return _one_line(html.unescape(found[1])) if found else ""


def _one_line(title: str) -> str:
    """As a document may be called: a slash would begin its name anew."""
    return " ".join(title.split())[:200].replace("/", "-").replace("\\", "-")

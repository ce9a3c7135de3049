"""A bucket of S3, or of a server that speaks its protocol (MinIO, Ceph, Garage, R2): ListObjectsV2 and GetObject."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import unquote_plus
from xml.etree import ElementTree

from yarl import URL

from llmflow.errors import Forbidden, NotFound, OrganError
from llmflow.knowledge.sources import sigv4
from llmflow.knowledge.sources.pages import checked
from llmflow.knowledge.sources.types import Content, Entry
from llmflow.knowledge.unpack import JOIN
from llmflow.net.client import HttpClient, StreamedResponse

_TIMEOUT_S = 60.0
_LIST_BYTES = 16 * 1024 * 1024
_TOLD = 300  # characters of what the server says


@dataclass(frozen=True, slots=True)
class Place:
    """`endpoint`: the server's address, without the bucket. `prefix`: only keys that begin so."""

    endpoint: str
    bucket: str
    prefix: str = ""
    region: str = "us-east-1"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Empty ones: the bucket is open to everybody."""

    access_key: str = ""
    secret_key: str = ""
    session_token: str = ""


class Bucket:
    """Addresses have the bucket in their path, which every such server takes. `http`: with a guard."""

    def __init__(
        self,
        place: Place,
        credentials: Credentials,
        http: HttpClient,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._place = place
        self._credentials = credentials
        self._http = http
        self._now = now
        self._endpoint = checked(place.endpoint)

    async def entries(self) -> AsyncIterator[Entry]:
        asked = {"list-type": "2", "prefix": self._place.prefix, "encoding-type": "url"}
        while True:
            async with self._ask("", asked) as answer:
                listed = _parsed(await _whole(answer))
            for item in listed.iter(_tag(listed, "Contents")):
                name = unquote_plus(_text(listed, item, "Key"))
                if not name.endswith("/"):  # what consoles keep as folders
                    stamp = _text(listed, item, "ETag")
                    shown = name.removeprefix(self._place.prefix).lstrip("/") or name
                    yield Entry(name, shown.replace("/", JOIN), stamp, int(_text(listed, item, "Size") or -1))
            token = _text(listed, listed, "NextContinuationToken")
            if not token:
                return
            asked["continuation-token"] = token

    @asynccontextmanager
    async def content(self, entry: Entry, stamp: str) -> AsyncIterator[Content | None]:
        async with self._ask(f"/{entry.ref}", {}) as answer:
            yield Content(entry.stamp, answer.pieces())

    @asynccontextmanager
    async def _ask(self, key: str, query: dict[str, str]) -> AsyncIterator[StreamedResponse]:
        """Raises Forbidden, NotFound and OrganError, with what the server said."""
        path = f"{self._endpoint.path.rstrip('/')}/{self._place.bucket}{key}"
        host = self._endpoint.raw_authority
        headers = {"host": host}
        if self._credentials.access_key:
            headers = sigv4.signed(
                "GET",
                host,
                path,
                query,
                access_key=self._credentials.access_key,
                secret_key=self._credentials.secret_key,
                token=self._credentials.session_token,
                region=self._place.region,
                at=self._now(),
            )
        shown = f"{self._endpoint.scheme}://{host}{sigv4.encoded(path, safe='/')}"
        url = f"{shown}?{sigv4.canonical_query(query)}" if query else shown
        async with self._http.stream("GET", URL(url, encoded=True), headers=headers, timeout_s=_TIMEOUT_S) as answer:
            if answer.status != 200:
                raise await self._refused(answer, shown)
            yield answer

    async def _refused(self, answer: StreamedResponse, shown: str) -> Forbidden | NotFound | OrganError:
        said = (await _whole(answer))[:4096].decode("utf-8", "replace")
        code = said.partition("<Code>")[2].partition("</Code>")[0]
        message = said.partition("<Message>")[2].partition("</Message>")[0]
        told = f"{shown} answered {answer.status} {code}: {message}"[:_TOLD].rstrip(": ")
        for secret in (self._credentials.secret_key, self._credentials.session_token):
            told = told.replace(secret, "***") if secret else told
        if answer.status in (401, 403):
            return Forbidden(told, hint="Check the bucket's name, the keys and what they may read.")
        if answer.status == 404:
            return NotFound(told, hint="Check endpoint, bucket and region.")
        return OrganError(told, hint="Check endpoint, bucket and region.")


async def _whole(answer: StreamedResponse) -> bytes:
    body = bytearray()
    async for piece in answer.pieces():
        body += piece
        if len(body) > _LIST_BYTES:
            raise OrganError("The server's list is too long.", hint="Is it a server of the S3 protocol?")
    return bytes(body)


def _parsed(body: bytes) -> ElementTree.Element:
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise OrganError("The server answered XML with declarations of its own.", hint="Is it an S3 server?")
    try:
        return ElementTree.fromstring(body)  # noqa: S314 - without declarations there is nothing to expand
    except ElementTree.ParseError as error:
        raise OrganError("The server's list is no XML.", hint="Is it a server of the S3 protocol?") from error


def _tag(root: ElementTree.Element, name: str) -> str:
    space, brace, _ = root.tag.rpartition("}")
    return f"{space}{brace}{name}"


def _text(root: ElementTree.Element, item: ElementTree.Element, name: str) -> str:
    return item.findtext(_tag(root, name)) or ""

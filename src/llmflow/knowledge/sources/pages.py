"""A list of addresses on the web. Each is asked for only if it changed; private addresses are refused, at every hop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from urllib.parse import unquote

from yarl import URL

from llmflow.errors import Forbidden, NotFound, OrganError, UsageError
from llmflow.knowledge.sources.robots import AGENT, Robots
from llmflow.knowledge.sources.types import Content, Entry
from llmflow.knowledge.unpack import JOIN
from llmflow.net.client import HttpClient, StreamedResponse

_PAUSE_S = 0.5
_TIMEOUT_S = 60.0
_REDIRECTS = 5
_MOVED = frozenset({301, 302, 303, 307, 308})
_GONE = frozenset({404, 410})
_APART = "\n"  # between the two marks of a stamp


class Pages:
    """`http`: with a Guard, since people give the addresses."""

    def __init__(self, urls: Sequence[str], http: HttpClient, *, pause_s: float = _PAUSE_S) -> None:
        self._urls = [checked(url) for url in urls]
        self._http = http
        self._robots = Robots(http, pause_s=pause_s)
        self._asked: set[str] = set()

    async def entries(self) -> AsyncIterator[Entry]:
        for url in dict.fromkeys(self._urls):
            yield Entry(str(url), _name(url))

    @asynccontextmanager
    async def content(self, entry: Entry, stamp: str) -> AsyncIterator[Content | None]:
        url = URL(entry.ref)
        for _ in range(_REDIRECTS + 1):
            await self._polite(url)
            async with self._http.stream("GET", str(url), headers=_headers(stamp), timeout_s=_TIMEOUT_S) as answer:
                target = answer.headers.get("Location", "")
                if answer.status not in _MOVED or not target:
                    yield _content(url, answer)
                    return
            url = checked(str(url.join(URL(target))))
        raise OrganError(f"{entry.ref} redirects more than {_REDIRECTS} times.", hint="Give the last address.")

    async def _polite(self, url: URL) -> None:
        if not await self._robots.may_read(url):
            raise Forbidden(f"{url.host} lets no program read {url}.", hint="Ask the site, or leave it out.")
        origin = str(url.origin())
        if origin in self._asked:
            await asyncio.sleep(await self._robots.pause_s(url))
        self._asked.add(origin)


def checked(url: str) -> URL:
    """Raises UsageError for what is no http address."""
    try:
        parts = URL(url.strip())
    except ValueError:
        parts = URL()
    if parts.scheme not in ("http", "https") or not parts.host or parts.user:
        raise UsageError(f"`{url}` is no address of http:// or https://.", param="urls")
    return parts.with_fragment(None)


def _content(url: URL, answer: StreamedResponse) -> Content | None:
    if answer.status == 304:
        return None
    if answer.status in _GONE:
        raise NotFound(f"{url} is not there any more ({answer.status}).", hint="Correct the address.")
    if answer.status != 200:
        raise OrganError(f"{url} answered {answer.status}.", hint="Try the address in a browser.")
    marks = (answer.headers.get("ETag", ""), answer.headers.get("Last-Modified", ""))
    return Content(_APART.join(marks), answer.pieces())


def _headers(stamp: str) -> dict[str, str]:
    etag, _, modified = stamp.partition(_APART)
    asked = {"If-None-Match": etag, "If-Modified-Since": modified}
    return {"User-Agent": AGENT, **{name: value for name, value in asked.items() if value}}


def _name(url: URL) -> str:
    """Host and path; a page without a name of its own is called by its folder."""
    parts = [part for part in unquote(url.path).split("/") if part]
    query = f"?{url.query_string}" if url.query_string else ""
    return JOIN.join([url.host or "", *parts]).replace("/", "-") + query.replace("/", "-")

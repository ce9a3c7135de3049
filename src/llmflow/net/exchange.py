"""HTTP for addresses that users give: redirects followed with the guard at each hop, bodies bounded."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

from llmflow.errors import NodeFailed, OrganError
from llmflow.net.client import HttpClient
from llmflow.net.messages import HttpAnswer, HttpRequest

_MOVED = frozenset({301, 302, 303, 307, 308})
_KEPT_ON_MOVE = frozenset({307, 308})
_PRIVATE = frozenset({"authorization", "cookie", "proxy-authorization"})


class Exchange:
    """One exchange, asked as a call. `client`: with a Guard, since users give the addresses."""

    def __init__(self, client: HttpClient, *, redirects: int = 5) -> None:
        self._client = client
        self._redirects = redirects

    async def __call__(self, request: HttpRequest) -> HttpAnswer:
        """Raises NodeFailed (http_failed) and Forbidden (address_blocked)."""
        method, url, headers, body = request.method, request.url, list(request.headers), request.body
        for _ in range(self._redirects + 1):
            answer = await self._once(request, method, url, headers, body)
            target = answer.headers.get("location")
            if answer.status not in _MOVED or not target:
                return answer
            moved = urljoin(url, target)
            if answer.status not in _KEPT_ON_MOVE and method != "HEAD":
                method, body = "GET", None
                headers = [(name, value) for name, value in headers if not name.lower().startswith("content-")]
            if _origin(moved) != _origin(url):
                private = _PRIVATE | {name.lower() for name in request.private}
                headers = [(name, value) for name, value in headers if name.lower() not in private]
            url = moved
        raise NodeFailed(f"The address redirects more than {self._redirects} times.", code="http_failed")

    async def _once(
        self, request: HttpRequest, method: str, url: str, headers: list[tuple[str, str]], body: bytes | None
    ) -> HttpAnswer:
        limit = max(request.text_bytes, request.file_bytes)
        try:
            async with self._client.stream(
                method,
                url,
                headers=dict(headers),
                data=body,
                timeout_s=request.read_s,
                connect_s=request.connect_s,
                verify=request.verify,
            ) as answer:
                kept = bytearray()
                async for piece in answer.pieces():
                    kept += piece
                    if len(kept) > limit:
                        raise NodeFailed(f"The answer is larger than {limit // 1024} KB.", code="http_failed")
                shown = {name.lower(): value for name, value in answer.headers.items()}
                return HttpAnswer(answer.status, shown, bytes(kept), url)
        except OrganError as error:
            raise NodeFailed(error.message, code="http_failed") from error
        except ValueError as error:  # a header's name or value that HTTP cannot carry
            raise NodeFailed(f"The request cannot be sent: {error}", code="http_failed") from error


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()

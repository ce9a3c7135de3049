"""Raw ASGI around every request: an id, a count, a size limit, the host check. Nothing is parsed or copied."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache

import msgspec
from prometheus_client import Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from llmflow.errors import Forbidden, LLMFlowError, TooLarge
from llmflow.gateway.servers import Elsewhere
from llmflow.store.ids import new_id

REQUESTS = Counter("llmflow_http_requests_total", "HTTP requests answered", ["surface", "status"])
SECONDS = Histogram("llmflow_http_request_seconds", "Time to the last byte of an answer", ["surface"])

_LONG = re.compile(
    r"[A-Za-z0-9_-]{16,}"
)  # a random token; names of people's things have spaces, dots or letters of theirs
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
#: Behind these a token may look like anything, also like an id.
_BEFORE_TOKENS = frozenset({"human_input", "forms", "hooks", "webhooks", "invite", "p"})
_log = logging.getLogger("llmflow.access")
_GIVEN_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_AUDIO = "/v1/audio-to-text"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
#: Operations of Dify's API that take files, and their code for one that is too large.
_REFUSALS = {"/v1/files/upload": "file_too_large", _AUDIO: "audio_too_large"}
_DOCUMENTS = re.compile(r"/api/v1/knowledge/[^/]+/documents/")
_FILES = re.compile(
    r"/v1/files/upload$|/v1/audio/[a-z]+$|/api/v1/(apps|forms)/[^/]+/files$|/api/public/v1/forms/[^/]+/files$"
)


@lru_cache(maxsize=1000)
def _metrics(surface: str, status: int) -> tuple[Counter, Histogram]:
    """`labels` builds strings under a lock at each call."""
    return REQUESTS.labels(surface, status), SECONDS.labels(surface)


class Edge:
    """The outermost layer. `hosts`: names this server answers to; () means any (it listens to the network). `direct`:
    what is posted to these paths goes past the router, which costs more than some of the calls."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: Sequence[str],
        body_bytes: int,
        document_bytes: int,
        file_bytes: int,
        audio_bytes: int,
        direct: Mapping[str, ASGIApp] | None = None,
    ) -> None:
        self._app = app
        self._direct = direct or {}
        self._hosts = frozenset(hosts)
        self._body_bytes = body_bytes
        self._document_bytes = document_bytes
        self._file_bytes = file_bytes
        self._audio_bytes = audio_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"")
        request_id = given.decode() if _GIVEN_ID.fullmatch(given) else new_id()
        scope["llmflow.request_id"] = request_id
        answer = _Answer(send, request_id, _REFUSALS.get(scope["path"], ""))
        started, is_ours = time.perf_counter(), True
        try:
            refusal = self._refusal(scope["path"], headers)
            if refusal is not None:
                await answer.refuse(refusal)
            else:
                app = self._direct.get(scope["path"], self._app) if scope["method"] == "POST" else self._app
                await app(scope, self._counted(scope["path"], receive, answer), answer.send)
        except Elsewhere:
            is_ours = False
            raise
        finally:
            if is_ours:
                self._note(scope, answer.status, time.perf_counter() - started, request_id)

    def _note(self, scope: Scope, status: int, elapsed_s: float, request_id: str) -> None:
        count, seconds = _metrics(_surface(scope["path"]), status)
        count.inc()
        seconds.observe(elapsed_s)
        if _log.isEnabledFor(logging.DEBUG):
            shown = shown_path(scope["path"])
            _log.debug("%s %s %d %.1f ms %s", scope["method"], shown, status, elapsed_s * 1000, request_id)

    def _limit(self, path: str) -> int:
        if _DOCUMENTS.match(path):
            return self._document_bytes
        if path == _AUDIO:
            return self._audio_bytes
        return self._file_bytes if _FILES.match(path) else self._body_bytes

    def _refusal(self, path: str, headers: dict[bytes, bytes]) -> LLMFlowError | None:
        host = _host(headers.get(b"host", b"").decode("latin-1"))
        if self._hosts and host not in self._hosts:
            return Forbidden(
                f"This server does not answer to the name `{host}`.",
                hint="Name it in server.public_url, or call the address the server printed.",
            )
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > self._limit(path):
            return TooLarge(f"The request has {int(length)} bytes; at most {self._limit(path)} are taken here.")
        return None

    def _counted(self, path: str, receive: Receive, answer: _Answer) -> Receive:
        """The body; where it grows past the limit without having said so, the reader gets TooLarge and so does the
        caller, whatever the reader makes of it."""
        limit = self._limit(path)
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                error = TooLarge(f"The request has more than {limit} bytes, which is the most that is taken here.")
                await answer.refuse(error)
                raise error
            return message

        return counted


class _Answer:
    """What is sent back: the application's answer with the request's id, or ours once we refused. `code`: Dify's for a
    file that is too large, where the path is one of its API."""

    def __init__(self, send: Send, request_id: str, code: str) -> None:
        self._send = send
        self._code = code
        self._request_id = request_id
        self._refused = False
        self.status = 500

    async def send(self, message: Message) -> None:
        if self._refused:
            return
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message["headers"], (b"x-request-id", self._request_id.encode())]
        await self._send(message)

    async def refuse(self, error: LLMFlowError) -> None:
        dify = {"code": self._code, "message": error.message, "status": error.status}
        is_dify = self._code and isinstance(error, TooLarge)
        body = msgspec.json.encode(dify if is_dify else error.body(self._request_id))
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await self.send({"type": "http.response.start", "status": error.status, "headers": headers})
        await self.send({"type": "http.response.body", "body": body})
        self._refused = True


def _host(value: str) -> str:
    if value.startswith("["):
        return value[1:].partition("]")[0]
    return value.rpartition(":")[0] or value if value.count(":") == 1 else value


def shown_path(path: str) -> str:
    """The path as a log may have it: on one line, and without what opens something. An invitation's, a form's, a
    webhook's or a public page's token stands in the path, and whoever reads a log must not be able to use it."""
    parts = path.split("/")
    for at, part in enumerate(parts):
        is_secret = at > 0 and parts[at - 1] in _BEFORE_TOKENS
        if is_secret or (_LONG.fullmatch(part) and not _UUID.fullmatch(part)):
            parts[at] = f"{part[:4]}***"
    return "/".join(parts).encode("unicode_escape").decode()


def _surface(path: str) -> str:
    first = path.lstrip("/").partition("/")[0]
    return first if first in ("api", "v1", "triggers", "healthz", "readyz", "metrics") else "studio"


def hosts_for(host: str, public_host: str | None) -> tuple[str, ...]:
    """The names to answer to: on loopback only loopback's own (a page elsewhere that rebinds its DNS name to
    127.0.0.1 gets nothing), else any."""
    if host not in _LOOPBACK:
        return ()
    return (*_LOOPBACK, *([public_host] if public_host else []))

"""What a process serves beside the one that leads: calls of models at servers elsewhere. All else it hands on."""

from __future__ import annotations

from pathlib import Path

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from llmflow.api.app import edge_around
from llmflow.api.forward import Forward
from llmflow.api.routes.openai.surface import direct_paths
from llmflow.gateway.servers import Elsewhere
from llmflow.wiring import Platform, serves_anywhere

#: Paths that an organ answers, where the request names no model of a server.
_OF_ORGANS = {"/v1/embeddings": "embedding", "/v1/rerank": "rerank"}


class Worker:
    """`leader`: the socket of the process that leads. To whoever asks, both are one server."""

    def __init__(self, platform: Platform, leader: Path) -> None:
        organs = platform.settings.organs
        absent = {path for path, port in _OF_ORGANS.items() if not serves_anywhere(port, organs[port])}
        self._forward = Forward(leader)
        self._paths = {path: app for path, app in direct_paths(platform).items() if path not in absent}
        self._edge = edge_around(self._forward, platform, self._paths)
        self._has_cors = bool(platform.settings.server.cors_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._may_serve(scope):
            await self._forward(scope, receive, send)
            return
        kept = _Kept(receive)
        try:
            await self._edge(scope, kept, send)
        except Elsewhere:
            await self._forward(scope, kept.again(), send)

    def _may_serve(self, scope: Scope) -> bool:
        """Pages of other sites ask with an origin: what they are answered, the whole application knows."""
        if scope["method"] != "POST" or scope["path"] not in self._paths:
            return False
        return not (self._has_cors and any(name == b"origin" for name, _ in scope["headers"]))

    async def close(self) -> None:
        await self._forward.close()


class _Kept:
    """A request's body as it comes, kept until it is known who serves it."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._seen: list[Message] = []

    async def __call__(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._seen.append(message)
        return message

    def again(self) -> Receive:
        seen = iter(self._seen)

        async def receive() -> Message:
            return next(seen, None) or await self._receive()

        return receive


def own_numbers() -> ASGIApp:
    """For the process that leads, at a socket of this one's."""

    async def metrics(request: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return Starlette(routes=[Route("/metrics", metrics)])

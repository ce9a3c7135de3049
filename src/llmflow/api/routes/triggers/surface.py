"""/triggers: any system may call; what the address and its secret prove is all that counts. It reads no cookie."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from llmflow.api import auth
from llmflow.api.routes.triggers.payload import parts_of
from llmflow.apps.triggers.types import Sent
from llmflow.errors import TooLarge

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_WITH_FILES = ("multipart/form-data", "application/octet-stream")
_HEADERS = {"Cache-Control": "no-store"}


def trigger_routes() -> list[Route]:
    """`webhook-debug`: runs the draft."""
    return [
        Route(f"/triggers/{name}/{{code:str}}", _called(of_draft), methods=_METHODS)
        for name, of_draft in (("webhook", False), ("webhook-debug", True))
    ]


def _called(of_draft: bool) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        platform = auth.platform_of(request)
        webhooks = platform.apps.webhooks
        hook = await webhooks.find(str(request.path_params["code"]), of_draft=of_draft)
        limit = platform.settings.triggers.body_kb * 1024
        body = await _read(request, None if hook.data.content_type in _WITH_FILES else limit)
        query: dict[str, str] = {}
        for name, value in request.query_params.multi_items():
            query.setdefault(name, value)
        sent = Sent(
            method=request.method,
            headers=dict(request.headers.items()),
            query=query,
            media_type=request.headers.get("content-type", "").partition(";")[0].strip().lower(),
            body=body,
            parts=partial(parts_of, headers=request.headers, body=body),
        )
        answered = await webhooks.take(hook, sent)
        return Response(answered.body, answered.status, media_type="application/json", headers=_HEADERS)

    return endpoint


async def _read(request: Request, most_bytes: int | None) -> bytes:
    """`most_bytes` None: what any request may have. Raises TooLarge."""
    pieces, size = [], 0
    async for piece in request.stream():
        size += len(piece)
        if most_bytes is not None and size > most_bytes:
            hint = "Send less, or raise triggers.body_kb in llmflow.yaml."
            raise TooLarge(f"The body has more than {most_bytes} bytes.", hint=hint)
        pieces.append(piece)
    return b"".join(pieces)

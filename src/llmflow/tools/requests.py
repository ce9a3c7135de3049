"""Makes the requests of tools, within what a workflow may ask of the network."""

from __future__ import annotations

from llmflow.errors import NodeFailed
from llmflow.net.messages import HttpRequest
from llmflow.tools.types import Scope


def request(
    scope: Scope,
    method: str,
    url: str,
    *,
    headers: tuple[tuple[str, str], ...] = (),
    private: tuple[str, ...] = (),
    body: bytes | None = None,
) -> HttpRequest:
    """`private`: headers that no other host may be sent. Raises NodeFailed (tool_input_invalid) for another scheme."""
    if not url.lower().startswith(("http://", "https://")):
        raise NodeFailed("The address must begin with http:// or https://.", code="tool_input_invalid", param="url")
    limits = scope.limits
    return HttpRequest(
        method=method.upper(),
        url=url,
        headers=headers,
        private=private,
        body=body,
        connect_s=min(10.0, limits.http_seconds),
        read_s=limits.http_seconds,
        text_bytes=limits.http_text_kb * 1024,
        file_bytes=limits.http_file_kb * 1024,
    )

"""Serves the pages for strangers, with a policy of their own: an app's under /p/<code>, a form's under /form/<token>;
and the script that embeds an app's page elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from llmflow.api.studio import HEADERS, STATIC, UNBUILT, load, policy
from llmflow.apps.sites import is_open
from llmflow.errors import NotFound
from llmflow.wiring import Platform

_API = "/api/public/v1/"
_HOST = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?")
_SCRIPT = {
    "Cache-Control": "public, max-age=300",  # its address has no version: a new one reaches everybody in minutes
    "Cross-Origin-Resource-Policy": "cross-origin",  # also pages that isolate themselves may load it
    "Access-Control-Allow-Origin": "*",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Accept-Encoding",
}


def public_page_routes(platform: Platform, static: Path = STATIC) -> list[BaseRoute]:
    """`static`: the folder of Studio's built files, which has the page too."""

    async def page(request: Request) -> Response:
        """The same page for every code; it says itself that a code leads nowhere. Never kept by browsers: what a cached
        page is told anew leaves its policy as it was."""
        site = await platform.apps.sites.by_code(request.path_params["code"])
        headers = _headers(request, site.settings.origins if site and site.is_on else ())
        return await built("page.html", request, headers, status=200 if site and is_open(site) else 404)

    async def form(request: Request) -> Response:
        """The same page for every form; it says itself what became of one. Its address is a secret, told nowhere."""
        return await built("form.html", request, {**_headers(request, ()), "Referrer-Policy": "no-referrer"})

    async def built(name: str, request: Request, headers: dict[str, str], *, status: int = 200) -> Response:
        found = await load(static, name, request)
        if found is None:
            return Response(UNBUILT, status_code=503, media_type="text/html", headers=headers)
        if found.coding:
            headers["Content-Encoding"] = found.coding
        return Response(found.content, status_code=status, media_type="text/html", headers=headers)

    async def script(request: Request) -> Response:
        found = await load(static, "embed.js", request)
        if found is None:
            raise NotFound("The script is not built.", hint="Run `make studio` in the folder of the source.")
        coding = {"Content-Encoding": found.coding} if found.coding else {}
        return Response(found.content, media_type="text/javascript", headers={**_SCRIPT, **coding})

    return [Route("/p/{code}", page), Route("/form/{token}", form), Route("/embed.js", script)]


def _headers(request: Request, origins: tuple[str, ...]) -> dict[str, str]:
    """Only the origins may embed the page. Its scripts reach the public surface alone: whatever happened in it, the
    console of somebody who is signed in here is out of its reach."""
    host = request.headers.get("host", "")
    connect = f"{host}{_API}" if _HOST.fullmatch(host) else "'self'"  # an IPv6 address has no such form
    headers = {
        **HEADERS,
        "Content-Security-Policy": policy(
            connect=connect, form="'none'", ancestors=" ".join(origins) if origins else "'none'"
        ),
        "Cache-Control": "no-store",
        "Vary": "Accept-Encoding",
        "X-Robots-Tag": "noindex",
    }
    if origins:
        del headers["X-Frame-Options"]
    return headers

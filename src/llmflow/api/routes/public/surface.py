"""The whole of /api/public/v1, ready to be mounted."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp

from llmflow.api.routes.public import history
from llmflow.api.routes.public.asking import Asking
from llmflow.api.routes.public.limits import Rates
from llmflow.api.routes.public.visit import failed
from llmflow.wiring import Platform


def public(platform: Platform) -> ASGIApp:
    """What visitors of public pages may ask. It reads no key and no cookie."""
    rates = Rates()
    starlette = Starlette(
        routes=[*Asking(platform, rates).routes(), *history.routes(platform, rates)],
        exception_handlers={HTTPException: failed, ClientDisconnect: failed, Exception: failed},
    )
    starlette.router.redirect_slashes = False
    return starlette

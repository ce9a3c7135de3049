"""Public pages of apps: on or off, how they look, who may embed them, their addresses."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from llmflow.api import auth
from llmflow.apps.types import App, Site, SiteSettings
from llmflow.wiring import Platform

router = APIRouter(tags=["sites"])


class NewSite(BaseModel):
    """`origins`: exact origins (scheme, host, port) whose pages may embed this one; none: nobody's. `expires_at`: Unix
    milliseconds. The limits are questions in a minute."""

    is_on: bool
    title: str = Field("", max_length=200)
    welcome: str = Field("", max_length=10_000)
    citations: bool = True
    origins: list[Annotated[str, Field(max_length=300)]] = Field(default_factory=list, max_length=50)
    visitor_per_minute: int = Field(10, ge=1, le=1000)
    address_per_minute: int = Field(30, ge=1, le=10_000)
    page_per_minute: int = Field(120, ge=1, le=100_000)
    expires_at: int | None = Field(None, ge=0)


async def _app(request: Request, app: str) -> tuple[Platform, App]:
    caller = await auth.console_caller(request)
    platform = auth.platform_of(request)
    return platform, await platform.apps.catalogue.get(caller.workspace_id, app)


@router.get("/sites")
async def list_sites(request: Request) -> list[Site]:
    """Every public page, also those that are off."""
    caller = await auth.console_caller(request)
    return await auth.platform_of(request).apps.sites.all(caller.workspace_id)


@router.get("/apps/{app}/site")
async def get_site(app: str, request: Request) -> Site | None:
    """The app's public page; null when it never had one."""
    platform, found = await _app(request, app)
    return await platform.apps.sites.of(found)


@router.put("/apps/{app}/site")
async def put_site(app: str, body: NewSite, request: Request) -> Site:
    """Makes or changes the public page; `is_on` false takes it off the net and keeps its address for later."""
    platform, found = await _app(request, app)
    settings = SiteSettings(
        title=body.title.strip(),
        welcome=body.welcome.strip(),
        citations=body.citations,
        origins=tuple(body.origins),
        visitor_per_minute=body.visitor_per_minute,
        address_per_minute=body.address_per_minute,
        page_per_minute=body.page_per_minute,
    )
    return await platform.apps.sites.put(found, settings, is_on=body.is_on, expires_at=body.expires_at)


@router.post("/apps/{app}/site/code")
async def renew_site_code(app: str, request: Request) -> Site:
    """A new address. The old one, and what embeds it, stops working at once."""
    platform, found = await _app(request, app)
    return await platform.apps.sites.renew(found)

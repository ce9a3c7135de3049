"""Public pages: an app shown to strangers under an address nobody can guess. Off until somebody turns it on."""

from __future__ import annotations

import re
import secrets
import string
from dataclasses import replace

import msgspec
from sqlalchemy.exc import IntegrityError

from llmflow.apps import site_queries
from llmflow.apps.types import App, Site, SiteSettings
from llmflow.errors import NotFound, UsageError
from llmflow.store.database import Database
from llmflow.store.ids import new_id, now_ms

_LETTERS = string.ascii_letters + string.digits
_CODE_LETTERS = 22  # 131 bits
_ORIGIN = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*)(?P<port>:[0-9]{1,5})?"
)
_MOST_ORIGINS = 50


class Sites:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, app: App) -> Site | None:
        """The app's page, on or off; None when it never had one."""
        async with self._database.read() as connection:
            return await site_queries.site_of(connection, app.id)

    async def all(self, workspace_id: str) -> list[Site]:
        """Every page there is or was, also those that are off."""
        async with self._database.read() as connection:
            return await site_queries.all_sites(connection, workspace_id)

    async def put(self, app: App, settings: SiteSettings, *, is_on: bool, expires_at: int | None = None) -> Site:
        """The page as told; made with a code of its own when the app has none. Raises UsageError for an origin that is
        none."""
        settings = replace(settings, origins=_checked(settings.origins))
        now = now_ms()
        found = await self.of(app)
        if found is None:
            new = Site(new_id(), app.workspace_id, app.id, _new_code(), is_on, settings, expires_at, now, now)
            try:
                async with self._database.write() as connection:
                    await site_queries.insert_site(connection, new)
                return new
            except IntegrityError:
                found = await self.of(app)  # another request made it meanwhile
                if found is None:
                    raise
        changed = replace(found, is_on=is_on, settings=settings, expires_at=expires_at, updated_at=now)
        async with self._database.write() as connection:
            await site_queries.update_site(
                connection,
                found.id,
                is_on=is_on,
                settings=msgspec.to_builtins(settings),
                expires_at=expires_at,
                updated_at=now,
            )
        return changed

    async def renew(self, app: App) -> Site:
        """A new address; the old one leads nowhere from now on. Raises NotFound when the app has no page."""
        found = await self.of(app)
        if found is None:
            raise NotFound(f"`{app.name}` has no public page yet.", hint="Publish it first.")
        changed = replace(found, code=_new_code(), updated_at=now_ms())
        async with self._database.write() as connection:
            await site_queries.update_site(connection, found.id, code=changed.code, updated_at=changed.updated_at)
        return changed

    async def by_code(self, code: str) -> Site | None:
        """The page under this address, whether it may be seen (`is_open`) or not."""
        async with self._database.read() as connection:
            return await site_queries.site_by_code(connection, code)


def is_open(site: Site) -> bool:
    """Whether strangers may see the page now."""
    return site.is_on and (site.expires_at is None or now_ms() < site.expires_at)


def origin_of(text: str) -> str:
    """The origin as browsers write it: scheme and host in small letters, no default port. Raises UsageError."""
    match = _ORIGIN.fullmatch(text.strip().lower().removesuffix("/"))
    if match is None or (match["port"] and not 0 < int(match["port"][1:]) < 65536):
        raise UsageError(
            f"`{text.strip()[:200]}` is no origin.",
            hint="Write scheme and host, with the port where it has one: https://intranet.example.com. No path, no *.",
            param="origins",
        )
    default = {"http": ":80", "https": ":443"}[match["scheme"]]
    port = "" if match["port"] in (None, default) else match["port"]
    return f"{match['scheme']}://{match['host']}{port}"


def _checked(origins: tuple[str, ...]) -> tuple[str, ...]:
    if len(origins) > _MOST_ORIGINS:
        raise UsageError(f"At most {_MOST_ORIGINS} origins may embed a page.", param="origins")
    return tuple(dict.fromkeys(origin_of(origin) for origin in origins))


def _new_code() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(_CODE_LETTERS))

"""Opens Studio's pages in a browser, signed in as its administrator."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from playwright.async_api import Browser, BrowserContext, Page, StorageState, expect

from tests.live import LiveServer
from tests.studio.browser.look import shoot
from tests.studio.browser.watch import Watch

Language = Literal["en", "ko"]
Theme = Literal["light", "dark"]

LANGUAGES: tuple[Language, ...] = ("en", "ko")
THEMES: tuple[Theme, ...] = ("light", "dark")
WIDTHS = (360, 1280)
HEIGHTS = {360: 740, 1280: 800}

PASSWORD = "네 낱말 모두 다르게 four words"

#: What a page says to a reader who is not signed in; every sign-in meets it.
SIGNED_OUT = r"401.*/api/v1/"


@dataclass
class Pages:
    """Pages of one test, each in a context of its own. `sessions`: the signed-in state by server, kept for the run."""

    browser: Browser
    server: LiveServer
    sessions: dict[str, StorageState]
    _watches: list[tuple[BrowserContext, Watch]] = field(default_factory=list)

    async def open(
        self,
        path: str = "/",
        *,
        server: LiveServer | None = None,
        language: Language = "en",
        theme: Theme = "light",
        width: int = 1280,
        signed_in: bool = True,
    ) -> Page:
        """A new window at `path`. `server`: another than the one of `studio`."""
        server = server or self.server
        state = await self._session(server) if signed_in else None
        context, _ = await self._context(server, language, theme, width, state)
        page = await context.new_page()
        await page.goto(path)
        return page

    def expect(self, pattern: str, page: Page | None = None) -> None:
        """Faults that match the expression are part of the test; of all windows that are open, or of one page's."""
        for context, watch in self._watches:
            if page is None or page.context is context:
                watch.expect(pattern)

    def faults(self) -> list[str]:
        """What went wrong in the open windows and was not expected."""
        return [fault for _, watch in self._watches for fault in watch.unexpected()]

    async def close(self, *, failed_as: str = "") -> list[str]:
        """Closes all windows and gives what went wrong in them. `failed_as`: keep a last picture under this name."""
        faults: list[str] = []
        for context, watch in self._watches:
            faults += watch.unexpected()
            if failed_as or faults:
                for number, page in enumerate(context.pages):
                    await shoot(page, f"failed/{failed_as or 'faults'}-{number}")
            await context.close()
        self._watches.clear()
        return faults

    async def _session(self, server: LiveServer) -> StorageState:
        if server.url not in self.sessions:
            context, watch = await self._context(server, "en", "light", 1280, None)
            watch.expect(SIGNED_OUT)
            await first_sign_in(await context.new_page(), server)
            state = await context.storage_state()
            self.sessions[server.url] = {"cookies": state["cookies"], "origins": []}  # no language or theme of its own
        return self.sessions[server.url]

    async def _context(
        self, server: LiveServer, language: Language, theme: Theme, width: int, state: StorageState | None
    ) -> tuple[BrowserContext, Watch]:
        context = await self.browser.new_context(
            base_url=server.url,
            locale={"en": "en-US", "ko": "ko-KR"}[language],
            timezone_id="Asia/Seoul",
            color_scheme=theme,
            viewport={"width": width, "height": HEIGHTS.get(width, 800)},
            storage_state=state,
        )
        watch = Watch(context, server.url)
        self._watches.append((context, watch))
        return context, watch


async def first_sign_in(page: Page, server: LiveServer) -> None:
    """What a new administrator does: signs in with the printed password and chooses one of their own."""
    printed = re.search(r"Sign in as (\S+) with the password (\S+)", server.printed)
    assert printed, "this home was started before; its first password is printed once"
    await page.goto("/")
    await sign_in(page, printed[1], printed[2])
    await page.get_by_label("Current password").fill(printed[2])
    await page.get_by_label("New password", exact=True).fill(PASSWORD)
    await page.get_by_label("New password again").fill(PASSWORD)
    await page.get_by_role("button", name="Change").click()
    await expect(page.get_by_role("navigation").first).to_be_visible()


async def sign_in(page: Page, email: str, password: str = PASSWORD) -> None:
    """Fills in the sign-in page, in English."""
    await page.get_by_label("E-mail").fill(email)
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Sign in").click()

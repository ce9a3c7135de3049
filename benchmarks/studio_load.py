"""Studio's first load in Chromium, nothing cached: script over the wire, and the time until the page can be used."""

from __future__ import annotations

import asyncio
import os
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from playwright.async_api import Page, Request, async_playwright

from benchmarks.report import Line, show
from llmflow.api.studio import STATIC
from tests.live import LiveServer, start_server
from tests.studio.browser.look import settled
from tests.studio.browser.pages import Pages

_CONFIG = "organs: {llm: {use: scripted}, embedding: {use: hashing}}\n"
_ROOMS = {"home": "/", "chat": "/chat/demo", "knowledge base": "/knowledge/demo"}

# Milliseconds from the start of the navigation until a heading stands there, no skeleton is left and a frame is drawn.
_INTERACTIVE = """() => new Promise((done) => {
  const look = () => {
    const waits = !document.querySelector('h1') || document.querySelector('.animate-pulse');
    if (waits) requestAnimationFrame(look);
    else requestAnimationFrame(() => done(performance.now()));
  };
  look();
})"""


def main(quick: bool = False) -> dict[str, object]:
    """`quick`: 3 loads of each room instead of 9."""
    with tempfile.TemporaryDirectory() as folder:
        server = start_server(Path(folder) / "home", config=_CONFIG)
        try:
            server.wait_until_indexed("demo")
            found = asyncio.run(_measure(server, 3 if quick else 9))
        finally:
            server.stop()
    lines = []
    for room, (gzip_kb, wire_kb, interactive_ms) in found.items():
        if not gzip_kb:
            lines.append(Line(f"{room}: loaded, ms, median", f"{interactive_ms:.0f}", "", "the floor"))
            continue
        beside = f"{wire_kb:.0f} kB as sent (brotli)"
        lines.append(Line(f"{room}: script, gzip kB", f"{gzip_kb:.0f}", "<= 350", beside, gzip_kb <= 350))
        met = interactive_ms <= 1500
        lines.append(Line(f"{room}: usable, ms, median", f"{interactive_ms:.0f}", "<= 1500", "-", met))
    show("Studio's first load (Chromium, new profile, real server)", lines)
    return dict(found)


async def _measure(server: LiveServer, loads: int) -> dict[str, tuple[float, float, float]]:
    """By room: script as gzip kB, as sent kB, median ms until it can be used; 0 kB for a page without script."""
    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        raise RuntimeError("Chromium is not installed; scripts/system-packages.sh test installs it")
    found: dict[str, tuple[float, float, float]] = {}
    async with async_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = await playwright.chromium.launch(executable_path=program, args=arguments)
        pages = Pages(browser, server, {})
        await pages.open("/")
        await pages.close()
        for room, path in _ROOMS.items():
            times: list[float] = []
            for _ in range(loads):
                page = await pages.open("about:blank")
                loaded = _requests(page)
                await page.goto(path, wait_until="commit")
                times.append(await page.evaluate(_INTERACTIVE))
                await settled(page)
                scripts = [one for one in loaded if one.resource_type == "script"]
                sizes = [(await one.sizes())["responseBodySize"] for one in scripts]
                await pages.close()
            zipped = sum(_gzip_size(one.url.rpartition("/")[2]) for one in scripts)
            found[room] = (zipped / 1000, sum(sizes) / 1000, statistics.median(times))
        floor: list[float] = []
        for _ in range(loads):
            page = await pages.open("about:blank")
            await page.goto("/healthz")
            floor.append(
                await page.evaluate("() => performance.timing.loadEventEnd - performance.timing.navigationStart")
            )
            await pages.close()
        found["a page of one word"] = (0.0, 0.0, statistics.median(floor))
        await browser.close()
    return found


def _requests(page: Page) -> list[Request]:
    """Those that end from now on."""
    found: list[Request] = []
    page.on("requestfinished", lambda one: found.append(one))
    return found


def _gzip_size(name: str) -> int:
    """Bytes of a script as a reader that takes no brotli gets it."""
    zipped = STATIC / "assets" / f"{name}.gz"
    return (zipped if zipped.is_file() else STATIC / "assets" / name).stat().st_size


if __name__ == "__main__":
    main("--quick" in sys.argv)

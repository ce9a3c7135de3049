"""Fixtures for tests that open Studio in Chromium, against a real server.

`pages` opens pages; whatever goes wrong in them fails the test (see `watch.py`). One browser serves the whole run, on
one event loop, so everything here is async.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Generator, Iterator
from inspect import iscoroutinefunction
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, StorageState, async_playwright, expect

from tests.live import LiveServer, start_server
from tests.studio.browser.look import AXE, ROOT
from tests.studio.browser.pages import Pages

HERE = Path(__file__).parent
WAIT_MS = 20_000
_REPORT: pytest.StashKey[pytest.TestReport] = pytest.StashKey()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test of this folder runs on the loop the browser lives on."""
    for item in items:
        if item.path.is_relative_to(HERE) and iscoroutinefunction(getattr(item, "obj", None)):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call":
        item.stash[_REPORT] = report
    return report


@pytest.fixture(scope="session")
def studio_build() -> None:
    """Studio's build, as fresh as its source."""
    quiet = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    asked = ["make", "--question", "src/llmflow/api/static/index.html"]
    stale = subprocess.run(asked, cwd=ROOT, env=quiet, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
    if stale:
        pytest.fail("Studio's build is missing or older than its source; run: make studio", pytrace=False)
    if not AXE.is_file():
        pytest.fail("Studio's packages are not installed; run: npm --prefix studio ci", pytrace=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium(studio_build: None) -> AsyncIterator[Browser]:
    """The machine's Chromium. CHROMIUM names another; HEADED=1 shows the window and goes slowly."""
    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("Chromium is not installed; scripts/system-packages.sh test installs it", pytrace=False)
        pytest.skip("skipped: Chromium is not installed")
    headed = bool(os.environ.get("HEADED"))
    expect.set_options(timeout=WAIT_MS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program,
            headless=not headed,
            slow_mo=300 if headed else 0,
            args=["--no-sandbox"] if os.geteuid() == 0 else [],
        )
        yield browser
        await browser.close()


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A real server on fakes, with the demo, its documents read: hashed vectors, a model that repeats the question.

    Shared by all tests of this folder: what a test makes here carries a name of its own.
    """
    config = "organs: {llm: {use: scripted}, embedding: {use: hashing}}\n"
    config += "embeddings: {small: {use: hashing, dimensions: 128}}\n"
    server = start_server(tmp_path_factory.mktemp("studio") / "home", config=config)
    server.wait_until_indexed("demo")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def sessions() -> dict[str, StorageState]:
    """The signed-in state by server's address: the sign-in page is filled in once for each."""
    return {}


@pytest_asyncio.fixture(loop_scope="session")
async def pages(
    chromium: Browser, studio: LiveServer, sessions: dict[str, StorageState], request: pytest.FixtureRequest
) -> AsyncIterator[Pages]:
    """Opens pages of `studio`, or of another server. At its end every fault that was not expected fails the test."""
    found = Pages(chromium, studio, sessions)
    yield found
    report = request.node.stash.get(_REPORT, None)
    faults = await found.close(failed_as=request.node.name if report and report.failed else "")
    if faults and not (report and report.failed):
        pytest.fail("the page had faults:\n  " + "\n  ".join(faults), pytrace=False)

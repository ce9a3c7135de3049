"""Looking at a page: a screenshot that is kept, and what makes a page unfit to be looked at."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

from playwright.async_api import Page

ROOT = Path(__file__).resolve().parents[3]
AXE = ROOT / "studio" / "node_modules" / "axe-core" / "axe.min.js"

#: Where screenshots of a run are kept; SCREENSHOTS names another folder.
SCREENSHOTS = Path(os.environ.get("SCREENSHOTS") or ROOT / "build" / "screenshots")

_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

# What scrolls sideways and was not meant to: the page, or any part of it that scrolls up and down.
_OVERFLOW = """() => {
  const name = (one) => `${one.tagName.toLowerCase()}.${[...one.classList].join('.')}`;
  return [document.documentElement, ...document.querySelectorAll('body *')].flatMap((box) => {
    if (box.scrollWidth <= box.clientWidth + 1 || box.matches('.overflow-x-auto, pre, .table-scroll')) return [];
    const style = getComputedStyle(box);
    if (box !== document.documentElement && !['auto', 'scroll'].includes(style.overflowX)) return [];
    const right = box.getBoundingClientRect().left + box.clientWidth;
    const wide = [...box.querySelectorAll('*')].filter((one) => one.getBoundingClientRect().right > right + 1);
    return [`${name(box)} is ${box.scrollWidth} of ${box.clientWidth} px`, ...wide.slice(0, 3).map(name)];
  });
}"""


_QUIET = """([within, pending]) => new Promise((done) => {
  let timer;
  const stop = (waits) => { changes.disconnect(); clearTimeout(timer); clearTimeout(last); done(waits); };
  const waits = () => document.fonts.status !== 'loaded' || (pending && !!document.querySelector(pending));
  const again = () => { clearTimeout(timer); timer = setTimeout(() => (waits() ? again() : stop('')), 150); };
  const what = () => (pending && document.querySelector(pending)?.outerHTML) || 'something changes';
  const last = setTimeout(() => stop(what()), within);
  const changes = new MutationObserver(again);
  changes.observe(document, { subtree: true, childList: true, characterData: true });
  again();
})"""


async def shoot(page: Page, name: str) -> Path:
    """Keeps what the window shows as `name`.png."""
    path = SCREENSHOTS / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=path, animations="disabled", caret="hide")
    return path


async def axe(page: Page, *, disable: tuple[str, ...] = ()) -> None:
    """Fails on every serious or critical fault that axe-core finds. `disable`: rules that do not apply here."""
    if not await page.evaluate("typeof axe === 'object'"):
        await page.evaluate(_axe_script())
    options = {
        "runOnly": _RULES,
        "resultTypes": ["violations"],
        "rules": {name: {"enabled": False} for name in disable},
    }
    found: dict[str, Any] = await page.evaluate("options => axe.run(document, options)", options)
    faults = [
        f"{one['id']} ({one['impact']}): {one['help']}\n    "
        + "\n    ".join(node["html"][:300] for node in one["nodes"])
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]
    assert not faults, f"{page.url} has faults of accessibility:\n  " + "\n  ".join(faults)


async def fits(page: Page) -> None:
    """Fails when the page, or a part of it that scrolls up and down, must also be scrolled sideways to be read."""
    wide = await page.evaluate(_OVERFLOW)
    assert not wide, f"{page.url} is wider than its window of {page.viewport_size}:\n  " + "\n  ".join(wide)


async def settled(page: Page, *, pending: str = ".animate-pulse, .animate-spin") -> None:
    """Returns when the page shows what it is for: a heading, its fonts, nothing like `pending`, and no more changes."""
    await page.wait_for_selector("h1", state="attached")
    waits = await page.evaluate(_QUIET, [20_000, pending])
    assert not waits, f"{page.url} does not come to rest: {waits}"


@cache
def _axe_script() -> str:
    return AXE.read_text("utf-8")

"""The watch over every page: what it must notice, so that the other tests may rely on it."""

from __future__ import annotations

import re

import pytest

from tests.studio.browser.look import axe, fits
from tests.studio.browser.pages import SIGNED_OUT, Pages


@pytest.mark.parametrize(
    ("script", "pattern"),
    [
        ("console.error('가나다')", "console: 가나다"),
        ("setTimeout(() => { throw new Error('나쁨') })", "uncaught: .*나쁨"),
        ("void fetch('/api/v1/none')", "404.*/api/v1/none"),
        ("setTimeout(() => alert('안녕'))", "dialog: alert 안녕"),
        ("void fetch('https://example.invalid/').catch(() => 0)", "Content Security Policy"),
        ("add('script', {textContent: 'window.hit = 1'})", "inline script"),
        ("add('img', {src: 'https://example.invalid/x.png'})", "img-src"),
        ("add('a', {href: 'https://example.invalid/', target: '_blank'}).click()", "foreign request"),
    ],
)
async def test_a_fault_of_a_page_is_seen(pages: Pages, script: str, pattern: str) -> None:
    page = await pages.open("/sign-in", signed_in=False)
    pages.expect(SIGNED_OUT)
    await page.get_by_label("E-mail").wait_for()
    add = "const add = (tag, is) => document.body.appendChild(Object.assign(document.createElement(tag), is));"
    await page.evaluate(f"() => {{ {add} {script} }}")
    for _ in range(250):
        faults = pages.faults()
        if any(re.search(pattern, fault) for fault in faults):
            break
        await page.wait_for_timeout(20)
    else:
        pytest.fail(f"no fault like {pattern}, only {faults}")
    assert await page.evaluate("window.hit") is None
    pages.expect("")  # they were the point


async def test_a_quiet_page_has_no_faults(pages: Pages) -> None:
    page = await pages.open("/settings")
    await page.get_by_role("heading", level=1).wait_for()
    assert pages.faults() == []


async def test_faults_of_accessibility_and_of_width_are_seen(pages: Pages) -> None:
    page = await pages.open("/settings", width=360)
    await page.get_by_role("heading", level=1).wait_for()
    await axe(page)
    await fits(page)
    await page.evaluate("document.querySelector('main').insertAdjacentHTML('beforeend', '<button></button>')")
    with pytest.raises(AssertionError, match="button-name"):
        await axe(page)
    await page.evaluate("document.querySelector('main h1').textContent = '가'.repeat(2000)")
    await page.evaluate("document.querySelector('main h1').style.whiteSpace = 'nowrap'")
    with pytest.raises(AssertionError, match="wider"):
        await fits(page)

"""Public pages on both databases."""

from __future__ import annotations

import asyncio

import pytest

from llmflow.apps.sites import Sites, is_open, origin_of
from llmflow.apps.types import App, ChatConfig, SiteSettings
from llmflow.errors import NotFound, UsageError
from llmflow.store.database import Database
from llmflow.store.ids import now_ms

APP = App("app", "workspace", "사내 규정", "chat", "", ChatConfig(), 0, 0)


async def test_an_app_has_no_page_until_somebody_makes_one(database: Database) -> None:
    sites = Sites(database)
    assert await sites.of(APP) is None
    with pytest.raises(NotFound):
        await sites.renew(APP)
    made = await sites.put(APP, SiteSettings(title="물어보세요"), is_on=True)
    assert is_open(made)
    assert await sites.by_code(made.code) == await sites.of(APP) == made


async def test_codes_are_long_and_unlike_each_other(database: Database) -> None:
    sites = Sites(database)
    codes = {(await sites.put(APP, SiteSettings(), is_on=True)).code}
    codes |= {(await sites.renew(APP)).code for _ in range(20)}
    assert len(codes) == 21
    assert all(len(code) == 22 and code.isalnum() for code in codes)


async def test_a_new_address_kills_the_old_one(database: Database) -> None:
    sites = Sites(database)
    old = await sites.put(APP, SiteSettings(), is_on=True)
    new = await sites.renew(APP)
    assert await sites.by_code(old.code) is None
    assert await sites.by_code(new.code) == new


async def test_a_page_taken_off_keeps_its_address_for_later(database: Database) -> None:
    sites = Sites(database)
    on = await sites.put(APP, SiteSettings(welcome="안녕하세요"), is_on=True)
    off = await sites.put(APP, SiteSettings(welcome="안녕하세요"), is_on=False)
    assert (off.code, is_open(off)) == (on.code, False)


async def test_a_page_ends_at_its_hour(database: Database) -> None:
    sites = Sites(database)
    assert not is_open(await sites.put(APP, SiteSettings(), is_on=True, expires_at=now_ms()))
    assert is_open(await sites.put(APP, SiteSettings(), is_on=True, expires_at=now_ms() + 60_000))


async def test_two_who_publish_at_once_get_one_page(database: Database) -> None:
    sites = Sites(database)
    made = await asyncio.gather(*(sites.put(APP, SiteSettings(), is_on=True) for _ in range(5)))
    assert len({site.code for site in made}) == 1
    assert len(await sites.all(APP.workspace_id)) == 1


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://intranet.example.com", "https://intranet.example.com"),
        (" HTTPS://Intranet.Example.com:443/ ", "https://intranet.example.com"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://10.0.0.7:80", "http://10.0.0.7"),
    ],
)
def test_an_origin_is_kept_as_browsers_write_it(text: str, origin: str) -> None:
    assert origin_of(text) == origin


@pytest.mark.parametrize(
    "text",
    [
        "",
        "*",
        "https://*.example.com",
        "example.com",
        "https://example.com/path",
        "https://user@example.com",
        "https://example.com:99999",
        "https://example.com; script-src *",
        "https://a.example https://b.example",
        "javascript://example.com",
        "null",
        "https://한국.example",
    ],
)
def test_what_is_no_single_origin_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        origin_of(text)

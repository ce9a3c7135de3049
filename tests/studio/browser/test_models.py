"""Models: a route made, its picture and its deployments seen, and two models asked beside each other."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator
from functools import partial

import pytest
from playwright.async_api import expect

from tests.live import LiveServer
from tests.model_server import ModelServer, model_server
from tests.studio.browser.look import axe, fits, shoot
from tests.studio.browser.pages import Pages
from tests.studio.browser.words import say

WORDS = "예산은 한 달에 쓸 수 있는 돈입니다."
ENDLESS = "끝이 없는 말 " * 400


@pytest.fixture
def servers(studio: LiveServer) -> Iterator[tuple[ModelServer, ModelServer]]:
    """Two connected model servers: one that answers, and one that never comes to an end while a test looks."""
    one = model_server(models=[{"id": "quick-1"}], reply=WORDS, counts=True)
    other = model_server(models=[{"id": "long-1"}], reply=ENDLESS, counts=True, word_s=0.05)
    with one as quick, other as long, studio.client() as client:
        for name, server in (("quick", quick), ("long", long)):
            body = {"name": name, "url": server.url, "untested": True}
            client.post("/api/v1/models/connections", json=body).raise_for_status()
        yield quick, long
        for name in ("quick", "long"):
            client.delete(f"/api/v1/models/connections/{name}").raise_for_status()


async def test_a_route_is_made_seen_changed_and_deleted(
    pages: Pages, studio: LiveServer, servers: tuple[ModelServer, ModelServer]
) -> None:
    page = await pages.open("/models", language="ko")
    pages.expect(r"404.*/models/deployments\?route=")  # it may be looked at in the moment in which it is deleted
    await page.get_by_role("button", name=say("routes.new", "ko")).first.click()
    panel = page.get_by_role("dialog", name=say("routes.new", "ko"))
    await panel.get_by_role("button", name=say("common.save", "ko")).click()
    await expect(panel.get_by_role("alert")).to_contain_text(say("routes.problem.noName", "ko"))
    await panel.get_by_label(say("routes.name", "ko"), exact=True).fill("업무")
    first = panel.get_by_role("group", name=say("routes.numbered", "ko", number=1))
    await first.get_by_label(say("routes.server", "ko")).select_option("quick")
    await first.get_by_label(say("routes.weight", "ko")).fill("3")
    await panel.get_by_role("button", name=say("routes.addDeployment", "ko")).click()
    second = panel.get_by_role("group", name=say("routes.numbered", "ko", number=2))
    await second.get_by_label(say("routes.server", "ko")).select_option("long")
    await expect(panel.get_by_role("group", name=say("routes.flowOf", "ko", name="업무"))).to_contain_text("75%")
    await panel.get_by_label(say("routes.fallbacks", "ko")).first.select_option("scripted")
    await first.get_by_label(say("routes.weight", "ko")).fill("-1")
    await panel.get_by_role("button", name=say("common.save", "ko")).click()
    await expect(first.get_by_role("alert")).to_have_text(say("form.least", "ko", least=0))
    await first.get_by_label(say("routes.weight", "ko")).fill("3")
    await axe(page)
    await fits(page)
    await shoot(page, "models/new-route")
    await panel.get_by_role("button", name=say("common.save", "ko")).click()
    await expect(panel).to_have_count(0)
    picture = page.get_by_role("group", name=say("routes.flowOf", "ko", name="업무"))
    await expect(picture.get_by_role("listitem")).to_have_count(4)
    await expect(picture).to_contain_text(say("routes.state.closed", "ko"))
    with studio.client() as client:
        kept = {one["name"]: one["route"] for one in client.get("/api/v1/models/routes").json()}
    assert [(one["server"], one["weight"]) for one in kept["업무"]["deployments"]] == [("quick", 3.0), ("long", 1.0)]
    assert kept["업무"]["fallbacks"] == ["scripted"]
    await page.get_by_role("button", name=say("routes.remove", "ko", name="업무")).click()
    await page.get_by_role("alertdialog").get_by_role("button", name=say("routes.removeNow", "ko")).click()
    await expect(picture).to_have_count(0)


async def test_models_are_asked_beside_each_other_and_stopped(
    pages: Pages, studio: LiveServer, servers: tuple[ModelServer, ModelServer]
) -> None:
    with studio.client() as client:
        client.put("/api/v1/prices/quick-1", json={"input_usd": 1000, "output_usd": 1000}).raise_for_status()
    page = await pages.open("/models/playground?models=quick-1", language="ko", theme="dark")
    await page.get_by_role("button", name=say("playground.add", "ko")).click()
    await page.get_by_label(say("playground.model", "ko", number=2), exact=True).select_option("long-1")
    prompt = page.get_by_label(say("playground.prompt", "ko"))
    await prompt.fill("예산이 뭐야?")
    await page.get_by_text(say("playground.settings", "ko")).click()
    await page.get_by_label(say("playground.system", "ko")).fill("짧게 답해.")
    await page.get_by_label(say("playground.tools", "ko")).fill("{}")
    await expect(page.get_by_role("alert")).to_contain_text(say("playground.toolsWrong", "ko"))
    await page.get_by_label(say("playground.tools", "ko")).fill("")
    temperature = page.get_by_label(say("playground.temperature", "ko"))
    run = page.get_by_role("button", name=say("playground.run_other", "ko", count=2))
    asks: tuple[Callable[[], Awaitable[None]], ...] = (partial(prompt.press, "Control+Enter"), run.click)
    for ask in asks:
        await temperature.fill("5")
        await page.get_by_text(say("playground.settings", "ko")).click()
        await expect(temperature).to_be_hidden()
        await ask()  # what is wrong comes to light, and nothing is asked
        await expect(page.get_by_role("alert")).to_have_text(say("form.range", "ko", least=0, most=2))
        await expect(temperature).to_be_focused()
    assert not servers[0].asked
    await temperature.fill("")
    await prompt.press("Control+Enter")
    quick = page.get_by_role("region", name=say("playground.column", "ko", number=1, model="quick-1"))
    long = page.get_by_role("region", name=say("playground.column", "ko", number=2, model="long-1"))
    await expect(quick).to_contain_text(WORDS)
    await expect(quick).to_contain_text("$0.011")  # of 4 and 7 words
    await expect(long).to_contain_text("끝이 없는")
    await axe(page)
    await fits(page)
    await shoot(page, "models/asked")
    await page.get_by_role("button", name=say("playground.stopAll", "ko")).click()
    await expect(long).to_contain_text(say("playground.stopped", "ko"))
    await expect(page.get_by_role("button", name=say("playground.stopAll", "ko"))).to_have_count(0)
    assert servers[0].asked[-1]["messages"] == [
        {"role": "system", "content": "짧게 답해."},
        {"role": "user", "content": "예산이 뭐야?"},
    ]
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await quick.get_by_role("button", name=re.compile("복사$")).click()
    await page.get_by_role("menuitem", name=say("playground.copyPython", "ko")).click()
    code = await page.evaluate("navigator.clipboard.readText()")
    assert 'model="quick-1"' in code and "짧게 답해." in code
    compile(code, "copied", "exec")

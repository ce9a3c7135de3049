"""Limits: a key made with a budget is held to it, and an app's are set, seen as they fill, and lifted."""

from __future__ import annotations

import httpx
from playwright.async_api import expect

from tests.live import LiveServer
from tests.studio.browser.look import axe, fits, shoot
from tests.studio.browser.pages import Pages
from tests.studio.browser.spending import spend_for_two_months
from tests.studio.browser.words import say


async def test_a_key_is_made_with_limits_and_held_to_them(pages: Pages, studio: LiveServer) -> None:
    page = await pages.open("/settings/keys", language="ko")
    await page.get_by_role("button", name=say("keys.new", "ko")).first.click()
    dialog = page.get_by_role("dialog", name=say("keys.new", "ko"))
    await dialog.get_by_label(say("common.name", "ko")).fill("한도 시험")
    await dialog.get_by_role("combobox", name=say("keys.kind", "ko")).click()
    await page.get_by_role("option", name=say("keys.model", "ko")).click()
    await dialog.get_by_text(say("limits.ofKey", "ko")).click()
    await dialog.get_by_label(say("limits.budget", "ko")).fill("12.5")
    await dialog.get_by_label(say("limits.requests", "ko")).fill("0")
    await dialog.get_by_label(say("limits.someModels", "ko")).check()
    await dialog.get_by_label(say("limits.model", "ko")).fill("scripted*")
    await dialog.get_by_label(say("limits.model", "ko")).press("Enter")
    await expect(dialog.get_by_role("list", name=say("limits.open", "ko"))).to_contain_text("scripted*")
    await axe(page)
    await shoot(page, "limits/new-key")
    await dialog.get_by_role("button", name=say("common.create", "ko")).click()
    token = await dialog.get_by_role("code").first.inner_text()
    await dialog.get_by_role("button", name=say("keys.kept", "ko")).click()
    assert _ask(studio, token) == 429
    row = page.get_by_role("row").filter(has_text="한도 시험")
    await expect(row.get_by_role("meter", name=say("limits.budgetOf.month", "ko"))).to_be_visible()
    with studio.client() as client:
        [key] = [one for one in client.get("/api/v1/keys").json() if one["name"] == "한도 시험"]
        [quota] = [one for one in client.get("/api/v1/quotas").json() if one["subject_id"] == key["id"]]
        assert (quota["budget_usd"], quota["requests_per_minute"], quota["models"]) == (12.5, 0, ["scripted*"])
        spend_for_two_months(studio, key_id=key["id"])
    await row.get_by_role("button", name=say("limits.ofOne", "ko", name="한도 시험")).click()
    panel = page.get_by_role("dialog", name="한도 시험")
    await expect(panel.get_by_role("slider")).to_be_visible()
    await axe(page)
    await shoot(page, "limits/of-a-key")
    await panel.get_by_role("spinbutton", name=say("limits.requests", "ko")).fill("")
    await panel.get_by_role("button", name=say("common.save", "ko")).click()
    await expect(panel).to_have_count(0)
    await expect(row.get_by_role("meter", name=say("limits.requests", "ko"))).to_have_count(0)
    assert _ask(studio, token) == 200
    await row.get_by_role("button", name=say("keys.revoke", "ko", name="한도 시험")).click()
    await page.get_by_role("alertdialog").get_by_role("button", name=say("keys.revokeNow", "ko")).click()
    await expect(row).to_have_count(0)


def _ask(server: LiveServer, token: str) -> int:
    body = {"model": "default", "messages": [{"role": "user", "content": "안녕"}]}
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.post(f"{server.url}/v1/chat/completions", json=body, headers=headers, trust_env=False).status_code


async def test_limits_of_an_app_are_set_and_lifted_on_a_phone(pages: Pages, studio: LiveServer) -> None:
    page = await pages.open("/settings/budgets", language="ko", theme="dark", width=360)
    await page.get_by_role("button", name=say("limits.new", "ko")).click()
    dialog = page.get_by_role("dialog", name=say("limits.new", "ko"))
    await dialog.get_by_role("radio", name=say("limits.subject.app", "ko"), exact=True).check()
    await dialog.get_by_label(say("limits.subject.app", "ko"), exact=True).last.select_option("demo")
    await fits(page)
    await axe(page)
    await dialog.get_by_role("button", name=say("limits.next", "ko")).click()
    panel = page.get_by_role("dialog", name="demo")
    save = panel.get_by_role("button", name=say("common.save", "ko"))
    await expect(save).to_be_disabled()
    await panel.get_by_role("spinbutton", name=say("limits.tokens", "ko")).fill("1.5")
    await save.click()
    await expect(panel.get_by_role("alert")).to_be_visible()
    await panel.get_by_role("spinbutton", name=say("limits.tokens", "ko")).fill("5000000")
    await save.click()
    await expect(panel).to_have_count(0)
    meter = page.get_by_role("meter", name=say("limits.tokens", "ko")).last
    await expect(meter).to_have_attribute("aria-valuenow", "0")
    await page.get_by_role("button", name=f"{say('limits.look', 'ko')}: demo").click()
    await fits(page)
    await shoot(page, "limits/of-an-app")
    await panel.get_by_role("button", name=say("limits.lift", "ko")).click()
    await page.get_by_role("alertdialog").get_by_role("button", name=say("limits.lift", "ko")).click()
    await expect(page.get_by_role("button", name=f"{say('limits.look', 'ko')}: demo")).to_have_count(0)

"""Spend: two months looked at by model and by key, as a chart, as numbers, as a file; a price set and taken back."""

from __future__ import annotations

import csv
import io
import re

from playwright.async_api import expect

from tests.live import LiveServer
from tests.studio.browser.look import axe, fits, shoot
from tests.studio.browser.pages import Pages
from tests.studio.browser.spending import MODELS, spend_for_two_months
from tests.studio.browser.words import say


async def test_what_models_cost_is_seen_by_day_and_read_with_the_keyboard(pages: Pages, studio: LiveServer) -> None:
    spend_for_two_months(studio)
    page = await pages.open("/settings/spend", language="ko")
    table = page.get_by_role("table", name=say("spend.by.model", "ko"))
    await expect(table.get_by_role("row").filter(has_text=re.compile(rf"^{MODELS[0]}"))).to_contain_text("$")
    label = say("spend.chart.usd", "ko", by=say("spend.by.model", "ko"))
    chart = page.get_by_role("slider", name=label)
    await chart.press("End")
    read = await chart.get_attribute("aria-valuetext")
    assert read and MODELS[0] in read and "$" in read
    await chart.press("ArrowLeft")
    assert await chart.get_attribute("aria-valuenow") == "29"
    await shoot(page, "spend/read")
    await page.get_by_role("button", name=say("chart.table", "ko")).click()
    numbers = page.get_by_role("table", name=label)
    await expect(numbers.get_by_role("row")).to_have_count(31)
    await axe(page)
    await page.get_by_role("radio", name=re.compile("^" + say("spend.measure.requests", "ko"))).check()
    await expect(page).to_have_url(f"{studio.url}/settings/spend?of=requests")
    async with page.expect_download() as waiting:
        await page.get_by_role("link", name=say("spend.csv", "ko")).click()
    path = await (await waiting.value).path()
    rows = list(csv.DictReader(io.StringIO(path.read_text("utf-8"))))
    assert {row["model"] for row in rows} >= set(MODELS) and len({row["day"] for row in rows}) == 30


async def test_what_nobody_used_says_what_will_stand_here(pages: Pages) -> None:
    page = await pages.open("/settings/spend?by=end_user&over=before&of=tokens", language="ko", width=360)
    await expect(page.get_by_role("radio", name=say("spend.measure.tokens", "ko"))).to_be_checked()
    await expect(page.get_by_role("combobox", name=say("spend.by.end_user", "ko"))).to_be_visible()
    await fits(page)


async def test_a_price_is_set_and_taken_back(pages: Pages, studio: LiveServer) -> None:
    page = await pages.open("/settings/spend", language="ko", width=360)
    await page.get_by_role("button", name=say("prices.title", "ko"), exact=True).click()
    panel = page.get_by_role("dialog", name=say("prices.title", "ko"))
    await panel.get_by_role("button", name=say("prices.add", "ko")).click()
    await panel.get_by_label(say("prices.model", "ko"), exact=True).fill("사내 모델/큰 것")
    await panel.get_by_label(say("prices.input", "ko")).fill("0.25")
    await panel.get_by_label(say("prices.output", "ko")).fill("-1")
    await panel.get_by_role("button", name=say("common.save", "ko")).click()
    await expect(panel.get_by_role("alert")).to_be_visible()
    await panel.get_by_label(say("prices.output", "ko")).fill("1.5")
    await panel.get_by_role("button", name=say("common.save", "ko")).click()
    row = panel.get_by_role("listitem").filter(has_text="사내 모델/큰 것")
    await expect(row).to_contain_text(say("prices.line", "ko", input="$0.25", output="$1.50"))
    await axe(page)
    await fits(page)
    await shoot(page, "spend/prices")
    with studio.client() as client:
        kept = {one["model"]: one for one in client.get("/api/v1/prices").json()["prices"]}
    assert kept["사내 모델/큰 것"]["output_usd"] == 1.5
    await row.get_by_role("button", name=say("prices.resetOne", "ko", name="사내 모델/큰 것")).click()
    await expect(row).to_have_count(0)

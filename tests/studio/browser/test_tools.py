"""Tools: one tried, an API added by its document, changed, its tool tried, deleted, as people do it."""

from __future__ import annotations

import json

from playwright.async_api import FilePayload, expect

from tests.live import LiveServer
from tests.studio.browser.look import axe, fits, settled, shoot
from tests.studio.browser.pages import Pages
from tests.studio.browser.words import say

DOCUMENT = {
    "openapi": "3.0.0",
    "info": {"title": "날씨 API", "description": "도시의 날씨"},
    "servers": [{"url": "https://weather.example/v1"}],
    "components": {"securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}}},
    "paths": {
        "/weather/{city}": {
            "get": {
                "operationId": "getWeather",
                "summary": "날씨 보기",
                "parameters": [
                    {"name": "city", "in": "path", "required": True, "schema": {"type": "string"}},
                    {"name": "unit", "in": "query", "schema": {"type": "string", "enum": ["C", "F"]}},
                ],
            }
        },
        "/broken": {"get": {"parameters": [{"$ref": "#/nowhere"}]}},
    },
}


async def test_a_tool_is_found_and_tried_on_a_phone(pages: Pages) -> None:
    page = await pages.open("/tools", language="ko", width=360)
    pages.expect(r"422.*/tools/try")
    await page.get_by_role("searchbox").fill("ㄱㅅ")
    await page.get_by_role("button", name=say("tools.tryOne", "ko", name="계산")).click()
    panel = page.get_by_role("dialog", name="계산")
    await panel.get_by_label("수식").fill("6 * 7")
    await panel.get_by_role("button", name=say("tools.call", "ko")).click()
    await expect(panel.get_by_role("status").get_by_text("42")).to_be_visible()
    await fits(page)
    await axe(page)
    await panel.get_by_label("수식").fill("육 곱하기 칠")
    await panel.get_by_role("button", name=say("tools.call", "ko")).click()
    await expect(panel.get_by_role("alert")).to_contain_text(say("errors.tool_input_invalid.message", "ko"))


async def test_an_api_is_added_by_its_document_changed_and_deleted(pages: Pages, studio: LiveServer) -> None:
    page = await pages.open("/tools")
    pages.expect(r"400.*/tools/collections/preview")
    await expect(page.get_by_text(say("tools.none"))).to_be_visible()
    await page.get_by_role("button", name=say("tools.add")).first.click()
    dialog = page.get_by_role("dialog", name=say("tools.add"))
    await dialog.get_by_role("radio", name=say("tools.by.text")).check()
    await dialog.get_by_label(say("tools.documentText"), exact=True).fill("just words")
    await dialog.get_by_role("button", name=say("tools.look")).click()
    await expect(dialog.get_by_role("alert")).to_contain_text(say("errors.openapi_unreadable.message"))
    await dialog.get_by_role("radio", name=say("tools.by.file")).check()
    file = FilePayload(name="weather.json", mimeType="application/json", buffer=json.dumps(DOCUMENT).encode())
    await dialog.locator("input[type=file]").set_input_files(file)
    await expect(dialog.get_by_text("weather.json")).to_be_visible()
    await dialog.get_by_role("button", name=say("tools.look")).click()
    await expect(dialog.get_by_text("날씨 보기")).to_be_visible()
    await expect(dialog.get_by_text("GET /broken")).to_be_visible()
    await expect(dialog.get_by_label(say("tools.keyName"))).to_have_value("X-Key")
    await axe(page)
    await shoot(page, "tools/preview")
    await dialog.get_by_label(say("tools.secret.api_key"), exact=True).fill("sk-weather-42")
    await dialog.get_by_role("button", name=say("tools.addNow_one").replace("{{count, number}}", "1")).click()
    await expect(dialog).to_have_count(0)

    row = page.get_by_role("list", name=say("tools.documents")).get_by_role("listitem")
    await expect(row).to_contain_text("https://weather.example/v1")
    await expect(row).to_contain_text(say("tools.kind.api_key"))
    await page.get_by_role("button", name=say("tools.actions", name="날씨 API")).click()
    await page.get_by_role("menuitem", name=say("common.edit")).click()
    edit = page.get_by_role("dialog", name=say("tools.edit", name="날씨 API"))
    await expect(edit.get_by_text(say("tools.secretKept"))).to_be_visible()
    await edit.get_by_label(say("common.name"), exact=True).fill("Weather")
    await edit.get_by_role("button", name=say("common.save")).click()
    await expect(row).to_contain_text("Weather")
    assert "sk-weather-42" not in await page.content()

    await page.get_by_role("button", name=say("tools.tryOne", name="날씨 보기")).click()
    panel = page.get_by_role("dialog", name="날씨 보기")
    await expect(panel.get_by_label("city")).to_be_visible()
    await shoot(page, "tools/try")
    await page.keyboard.press("Escape")
    await expect(panel).to_have_count(0)
    await page.get_by_role("button", name=say("tools.actions", name="Weather")).click()
    await page.get_by_role("menuitem", name=say("common.delete")).click()
    await page.get_by_role("alertdialog").get_by_role("button", name=say("common.delete")).click()
    await expect(page.get_by_text(say("tools.none"))).to_be_visible()
    await settled(page)

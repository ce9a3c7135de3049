"""The triggers of a workflow: given a secret, called, switched, run by hand."""

from __future__ import annotations

import httpx
from playwright.async_api import expect

from tests.flow_apps import dsl, end, start
from tests.live import LiveServer
from tests.studio.browser.look import axe, fits, shoot
from tests.studio.browser.pages import Pages
from tests.studio.browser.rooms import triggered


def call(address: str, secret: str) -> int:
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    return httpx.post(address, json={"이름": "지수"}, headers=headers, trust_env=False).status_code


async def test_a_webhook_gets_a_secret_is_called_and_gets_a_new_one(pages: Pages, studio: LiveServer) -> None:
    page = await pages.open(f"/apps/{triggered(studio, '부르기')}/triggers", language="ko", width=360)
    hook = page.get_by_role("region", name="최근 호출")
    await expect(hook.get_by_text("아직 호출이 없습니다.")).to_be_visible()
    address = await page.get_by_label("웹훅 주소").inner_text()
    assert call(address, "whsec_wrong") == 401
    await page.get_by_role("button", name="시크릿 만들기").click()
    dialog = page.get_by_role("dialog")
    first = await dialog.get_by_text("whsec_").inner_text()
    await axe(page)
    await fits(page)
    await shoot(page, "trigger-secret")
    await dialog.get_by_role("button", name="보관했습니다").click()
    await expect(page.get_by_text("whsec_")).to_have_count(0)
    assert call(address, first) == 200
    await page.reload()
    await expect(hook.get_by_text("성공")).to_be_visible()
    await expect(hook.get_by_text("웹훅의 시크릿을 확인할 수 없는 호출입니다.")).to_be_visible()
    await page.get_by_role("button", name="새 시크릿").click()
    confirm = page.get_by_role("alertdialog")
    await confirm.get_by_role("button", name="새로 만들기").click()
    second = await page.get_by_role("dialog").get_by_text("whsec_").inner_text()
    assert second != first
    assert call(address, first) == 401
    assert call(address, second) == 200


async def test_a_webhook_is_opened_only_after_a_question_and_switched_off(pages: Pages, studio: LiveServer) -> None:
    page = await pages.open(f"/apps/{triggered(studio, '열기')}/triggers")
    address = await page.get_by_label("Address of the webhook").inner_text()
    needs = page.get_by_label("Calls must prove that they know the secret")
    await needs.click()
    await page.get_by_role("alertdialog").get_by_role("button", name="Cancel").click()
    await expect(needs).to_be_checked()
    await needs.click()
    await page.get_by_role("alertdialog").get_by_role("button", name="Take calls without it").click()
    await expect(page.get_by_text("Whoever knows the address may call.")).to_be_visible()
    assert call(address, "") == 200
    await page.get_by_role("button", name="Turn off").first.click()
    await expect(page.get_by_role("button", name="Turn on")).to_be_visible()
    assert call(address, "") == 403


async def test_a_schedule_is_told_in_words_run_by_hand_and_switched_off(pages: Pages, studio: LiveServer) -> None:
    page = await pages.open(f"/apps/{triggered(studio, '일정')}/triggers")
    await expect(page.get_by_text("Every Monday, Friday at 9:00")).to_be_visible()
    await expect(page.get_by_role("list", name="The next times").get_by_role("listitem")).to_have_count(5)
    await expect(page.get_by_role("alert").get_by_text("every day")).to_be_visible()  # the one that cannot be read
    await page.get_by_role("button", name="Run now").click()
    await expect(page.get_by_role("region", name="Last runs").first.get_by_text("Succeeded")).to_be_visible()
    await page.get_by_role("button", name="Turn off").nth(1).click()
    await expect(page.get_by_text("It is off and runs at no time.")).to_be_visible()


async def test_a_workflow_without_triggers_says_where_they_come_from(pages: Pages, studio: LiveServer) -> None:
    with studio.client() as client:
        made = (
            client.post("/api/v1/apps/import", json={"document": dsl("혼자", [start("q"), end(out="start.q")])})
            .raise_for_status()
            .json()
        )
    page = await pages.open(f"/apps/{made['app_id']}/triggers", language="ko")
    await expect(page.get_by_text("웹훅이나 일정 노드가 있는 버전을 게시하면")).to_be_visible()

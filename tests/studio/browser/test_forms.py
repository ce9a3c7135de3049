"""Forms that people answer: by their link, without an account, and in Studio's inbox."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.studio.browser.asking import link_of, waiting_chat, waiting_form
from tests.studio.browser.look import axe, fits, shoot
from tests.studio.browser.pages import Language, Pages
from tests.studio.browser.words import say


async def test_a_form_is_answered_by_its_link_on_a_phone(pages: Pages) -> None:
    link = link_of(pages.server, waiting_form(pages.server))
    page = await pages.open(f"{link}?lang=ko", language="ko", width=360, signed_in=False)
    await expect(page.get_by_role("heading", level=1, name="휴가 승인")).to_be_visible()
    await expect(page.get_by_text("김지수")).to_be_visible()
    await axe(page)
    await fits(page)
    await shoot(page, "form-by-link")
    await page.get_by_role("button", name="승인").click()
    await expect(page.get_by_role("alert")).to_have_text("꼭 입력해야 합니다.")
    await page.get_by_label("comment").fill("좋습니다")
    await page.get_by_label("team").select_option("재무팀")
    await page.get_by_label("papers").set_input_files({"name": "근거.txt", "mimeType": "text/plain", "buffer": b"a"})
    await expect(page.get_by_text("근거.txt")).to_be_visible()
    await page.get_by_role("button", name="승인").click()
    await expect(page.get_by_text("보냈습니다. 고맙습니다.")).to_be_visible()
    await page.reload()
    await expect(page.get_by_text("이미 답변이 끝난 요청입니다")).to_be_visible()
    await axe(page)


async def test_a_link_that_leads_nowhere_says_so(pages: Pages) -> None:
    page = await pages.open("/form/nothing?lang=en", signed_in=False)
    pages.expect("404", page)
    await expect(page.get_by_text("There is no such form")).to_be_visible()


async def test_the_inbox_counts_shows_and_answers_forms(pages: Pages) -> None:
    form_id = waiting_form(pages.server)
    page = await pages.open("/inbox", theme="dark")
    await expect(page.get_by_text("forms wait").or_(page.get_by_text("form waits")).first).to_be_attached()
    await expect(page.get_by_role("link", name="휴가 승인").first).to_be_visible()
    await page.goto(f"/inbox/{form_id}")
    await page.get_by_label("comment").fill("다시 검토해 주세요")
    await page.get_by_label("team").select_option("인사팀")
    await page.get_by_role("button", name="반려").click()
    await expect(page.get_by_text("Administrator")).to_be_visible()
    await expect(page.get_by_text("다시 검토해 주세요")).to_be_visible()
    await axe(page)
    await shoot(page, "inbox-answered")
    await page.get_by_role("link", name="Inbox").first.click()
    await page.get_by_text("Done", exact=True).click()
    await expect(page.get_by_role("row", name="휴가 승인").filter(has_text="반려").first).to_be_visible()


@pytest.mark.parametrize(("language", "width"), [("en", 1280), ("ko", 360)])
async def test_a_chat_shows_the_form_it_waits_for_and_goes_on_with_its_answer(
    pages: Pages, language: Language, width: int
) -> None:
    app = waiting_chat(pages.server)
    page = await pages.open(f"/chat/{app}", language=language, width=width, theme="dark" if width == 360 else "light")
    await page.get_by_role("textbox", name=say("chat.question", language)).fill("사흘 쉬고 싶습니다")
    await page.keyboard.press("Enter")
    form = page.get_by_role("region", name="사유 확인")
    await expect(form.get_by_text(say("chat.form.yours", language))).to_be_visible()
    await expect(form.get_by_label("reason")).to_be_visible()
    await shoot(page, f"chat-form-{language}")
    await axe(page)
    await fits(page)
    await page.reload()  # whoever comes later finds it as well
    await form.get_by_label("reason").fill("가족 여행")
    await form.get_by_role("button", name="승인").click()
    answer = page.get_by_role("article").last
    await expect(answer.get_by_text("확인하겠습니다. 신청했습니다: 가족 여행")).to_be_visible()
    await expect(form).to_have_count(0)
    await expect(answer.get_by_text("승인")).to_be_visible()
    await shoot(page, f"chat-form-answered-{language}")
    await axe(page)


async def test_a_chat_that_waits_for_others_says_so_and_goes_on_when_they_answered(pages: Pages) -> None:
    app = waiting_chat(pages.server, in_app=False)
    with pages.server.client() as console:
        console.put(f"/api/v1/apps/{app}/site", json={"is_on": True}).raise_for_status()
        code = console.post(f"/api/v1/apps/{app}/site/code").raise_for_status().json()["code"]
        page = await pages.open(f"/p/{code}", language="ko", width=360, signed_in=False)
        await page.get_by_role("textbox", name=say("chat.question", "ko")).fill("사흘 쉬고 싶습니다")
        await page.keyboard.press("Enter")
        waits = page.get_by_role("status").filter(has_text="“사유 확인” 담당자의 답을 기다리고 있습니다.")
        await expect(waits).to_be_visible()
        await axe(page)
        await fits(page)
        await shoot(page, "page-form-of-others")
        waiting = console.get("/api/v1/forms").raise_for_status().json()["forms"]
        form = next(form for form in waiting if form["app_id"] == app)
        said = {"action": "approve", "inputs": {"reason": "승인합니다"}}
        console.post(f"/api/v1/forms/{form['id']}", json=said).raise_for_status()
    await expect(page.get_by_role("article").get_by_text("신청했습니다: 승인합니다")).to_be_visible()
    await expect(waits).to_have_count(0)
    await expect(page.get_by_text("“사유 확인” 담당자가 답했습니다.")).to_be_visible()


async def test_a_visitor_fills_in_the_form_of_an_answer_on_the_page(pages: Pages) -> None:
    app = waiting_chat(pages.server)
    with pages.server.client() as console:
        console.put(f"/api/v1/apps/{app}/site", json={"is_on": True}).raise_for_status()
        code = console.post(f"/api/v1/apps/{app}/site/code").raise_for_status().json()["code"]
    page = await pages.open(f"/p/{code}", language="ko", width=360, signed_in=False)
    await page.get_by_role("textbox", name=say("chat.question", "ko")).fill("사흘 쉬고 싶습니다")
    await page.keyboard.press("Enter")
    form = page.get_by_role("region", name="사유 확인")
    await form.get_by_label("reason").fill("가족 여행")
    await fits(page)
    await shoot(page, "page-form")
    await form.get_by_role("button", name="승인").click()
    await expect(page.get_by_role("article").get_by_text("신청했습니다: 가족 여행")).to_be_visible()
    await axe(page)

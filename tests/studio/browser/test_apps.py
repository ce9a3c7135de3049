"""The Apps room: making, changing and deleting apps."""

from __future__ import annotations

from playwright.async_api import Page, expect

from tests.studio.browser.look import axe
from tests.studio.browser.pages import Pages
from tests.studio.browser.rooms import ran
from tests.studio.browser.words import say
from tests.workflow.dsl.files import FOLDER

DESIGN = (FOLDER / "triggered.yml").read_text("utf-8")


async def make(page: Page, name: str) -> None:
    """Makes an app over the demo's handbooks, in English; ends on its settings."""
    await page.get_by_role("button", name="New app").first.click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Name").fill(name)
    await dialog.get_by_label("demo").check()
    await dialog.get_by_role("button", name="Create").click()
    await expect(page.get_by_role("heading", level=1, name=name)).to_be_visible()


async def test_an_app_is_made_changed_found_and_deleted(pages: Pages) -> None:
    page = await pages.open("/apps")
    await make(page, "경조사 길잡이")
    await page.get_by_label("Description").fill("연차와 병가에 답합니다")
    await page.get_by_role("button", name="Icon 🌴").click()
    await page.get_by_role("button", name="Add a question").click()
    await page.get_by_label("Question 1", exact=True).fill("연차는 며칠인가요?")
    await page.get_by_label("Question 1", exact=True).press("Enter")
    await page.get_by_label("Question 2", exact=True).fill("병가는요?")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Unsaved changes")).to_have_count(0)
    await page.reload()
    await expect(page.get_by_label("Question 2", exact=True)).to_have_value("병가는요?")
    await page.get_by_role("link", name="Apps", exact=True).first.click()
    await page.get_by_role("searchbox").fill("ㄱㅈㅅ")
    await expect(page.get_by_role("row")).to_have_count(2)
    await expect(page.get_by_text("연차와 병가에 답합니다")).to_be_visible()
    await page.get_by_role("button", name="Delete 경조사 길잡이").click()
    confirm = page.get_by_role("alertdialog")
    await expect(confirm.get_by_text("0 conversations")).to_be_visible()
    await confirm.get_by_role("button", name="Delete").click()
    await expect(page.get_by_text("Nothing matches the filter.")).to_be_visible()


async def test_nobody_leaves_unsaved_changes_without_being_asked(pages: Pages) -> None:
    page = await pages.open("/apps/demo")
    await page.get_by_label("Instruction").fill("한국어로 짧게 답하세요.")
    await page.get_by_role("link", name="API", exact=True).click()
    await page.get_by_role("button", name="Stay here").click()
    await expect(page.get_by_label("Instruction")).to_have_value("한국어로 짧게 답하세요.")
    await page.get_by_label("Name", exact=True).fill("")
    await expect(page.get_by_role("button", name="Save")).to_be_disabled()
    await page.get_by_role("button", name="Discard").click()
    await expect(page.get_by_label("Name", exact=True)).to_have_value("demo")
    await page.get_by_role("link", name="API", exact=True).click()
    await expect(page.get_by_text("create_chat_message")).to_have_count(0)
    await expect(page.get_by_text("/v1/chat-messages")).to_be_visible()


async def test_a_change_of_somebody_else_is_not_overwritten(pages: Pages) -> None:
    one, other = await pages.open("/apps"), await pages.open("/apps")
    await make(one, "둘이 고치는 앱")
    await other.goto(one.url)
    await other.get_by_label("Greeting").fill("먼저")
    await one.get_by_label("Greeting").fill("나중")
    await other.get_by_role("button", name="Save").click()
    await expect(other.get_by_text("Unsaved changes")).to_have_count(0)
    pages.expect(r"409.*/api/v1/apps/", one)
    await one.get_by_role("button", name="Save").click()
    await expect(one.get_by_text("changed_meanwhile")).to_be_visible()
    await expect(one.get_by_label("Greeting")).to_have_value("나중")
    await one.get_by_role("button", name="Try again").click()
    await one.get_by_role("button", name="Save").click()
    await expect(one.get_by_text("Unsaved changes")).to_have_count(0)


async def test_a_key_of_an_app_is_made_shown_once_and_revoked(pages: Pages) -> None:
    page = await pages.open("/apps/demo/api")
    await page.get_by_role("button", name="New key").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Name").fill("사내 검색")
    await dialog.get_by_role("button", name="Create").click()
    await expect(dialog.get_by_text("app-").first).to_be_visible()
    await dialog.get_by_role("button", name="I have kept it").click()
    await page.get_by_role("button", name="Revoke 사내 검색").click()
    await page.get_by_role("alertdialog").get_by_role("button", name="Revoke").click()
    await expect(page.get_by_text("사내 검색")).to_have_count(0)


async def test_an_app_of_another_kind_is_shown_with_its_kind_and_without_a_chat(pages: Pages) -> None:
    with pages.server.client() as console:
        made = console.post("/api/v1/apps/import", json={"document": DESIGN}).json()
    try:
        page = await pages.open("/apps")
        row = page.get_by_role("row").filter(has_text="Nightly digest")
        await expect(row.get_by_text("Workflow")).to_be_visible()
        await expect(row.get_by_role("link", name="Talk to Nightly digest")).to_have_count(0)
        await row.get_by_role("link", name="Nightly digest").click()
        await expect(page.get_by_label("Instruction")).to_have_count(0)
        async with page.expect_download() as download:
            await page.get_by_role("link", name="Export as a file").click()
        assert (await download.value).suggested_filename == "Nightly digest.yml"
        await page.get_by_label("Description").fill("새 설명")
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_text("Unsaved changes")).to_have_count(0)
        await page.get_by_role("link", name="Chat", exact=True).first.click()
        await expect(page.get_by_text("demo").first).to_be_visible()
        await expect(page.get_by_text("Nightly digest")).to_have_count(0)
    finally:
        with pages.server.client() as console:
            console.delete(f"/api/v1/apps/{made['app_id']}")


async def test_a_run_is_found_by_its_state_and_looked_into_node_by_node(pages: Pages) -> None:
    app, _ = ran(pages.server)
    page = await pages.open(f"/apps/{app}/runs", language="ko")
    await expect(page.get_by_role("row")).to_have_count(3)
    await page.get_by_role("combobox", name=say("runs.which", "ko")).click()
    await page.get_by_role("option", name=say("runs.state.failed", "ko")).click()
    await expect(page.get_by_role("row")).to_have_count(2)
    await page.get_by_role("link", name="수량: 열").click()
    await expect(page.get_by_role("alert")).to_contain_text("division")
    await expect(page.get_by_role("link", name=say("runs.title", "ko"), exact=True)).to_have_attribute(
        "aria-current", "page"
    )
    await page.locator("summary").filter(has_text="템플릿").click()
    await expect(page.get_by_text("The template failed")).to_have_count(2)  # the run's and the node's own
    await expect(page.get_by_role("main")).not_to_contain_text("template-transform")  # said in words
    await axe(page)
    await page.get_by_role("button", name=say("runs.resume", "ko")).click()  # goes on, and fails again
    await expect(page.locator("summary").filter(has_text="템플릿")).to_have_count(2)

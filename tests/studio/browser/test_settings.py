"""Settings: a model server connected, a colleague invited, a key made and used, as people do it."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from playwright.async_api import Page, expect

from llmflow.organs.llm.discover import PORTS
from tests.live import LiveServer
from tests.model_server import ModelServer, model_server
from tests.studio.browser.look import axe, fits, settled, shoot
from tests.studio.browser.pages import PASSWORD, SIGNED_OUT, Pages
from tests.studio.browser.words import say

KEY = "sk-secret-0123456789"


@pytest.fixture
def models() -> Iterator[ModelServer]:
    with model_server(key=KEY) as server:
        yield server


async def test_a_model_server_is_connected_made_the_default_and_disconnected(
    pages: Pages, studio: LiveServer, models: ModelServer
) -> None:
    page = await pages.open("/settings/models", language="ko")
    pages.expect(r"503.*/models/connections")
    await page.get_by_role("button", name="모델 서버 연결").first.click()
    dialog = page.get_by_role("dialog", name="모델 서버 연결")
    await dialog.get_by_label("주소", exact=True).fill(models.url)
    await dialog.get_by_label("이름").fill("시험 서버")
    default = dialog.get_by_label("모델을 지정하지 않은 요청에 답하기")
    await default.uncheck()
    await dialog.get_by_role("button", name="시험").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("모델 서버가 키를 받아들이지 않습니다.")
    await axe(page)
    await dialog.get_by_label("API 키", exact=True).fill(KEY)
    await dialog.get_by_role("button", name="시험").click()
    await expect(dialog.get_by_role("status").filter(has_text=models.reply)).to_be_visible()
    await shoot(page, "settings/connect")
    await dialog.get_by_role("button", name="연결", exact=True).click()
    await expect(dialog).to_have_count(0)
    await expect(page.get_by_text("tiny-1, tiny-2")).to_be_visible()
    await _act(page, "기본으로 지정")
    row = page.get_by_role("listitem").filter(has_text="시험 서버")
    await expect(row.get_by_text("기본", exact=True)).to_be_visible()
    assert _answer(studio) == models.reply
    assert KEY not in await page.content()
    await _act(page, "연결 해제")
    await page.get_by_role("alertdialog").get_by_role("button", name="연결 해제").click()
    await expect(row).to_have_count(0)
    assert _answer(studio) != models.reply


@pytest.fixture
def nearby() -> Iterator[ModelServer]:
    """A model server where one that nobody configured would be."""
    server = ModelServer(models=[{"id": "nearby-1", "owned_by": "vllm"}])
    for port in PORTS:
        try:
            server.start(port)
        except OSError:
            continue  # one of this machine's own
        break
    else:
        pytest.skip("skipped: every place where model servers listen is taken")
    yield server
    server.stop()


async def test_a_model_server_found_on_this_machine_is_connected_by_one_press(
    pages: Pages, studio: LiveServer, nearby: ModelServer
) -> None:
    page = await pages.open("/settings/models")
    found = page.get_by_role("listitem").filter(has_text=nearby.url)
    await expect(found).to_contain_text("nearby-1")
    await axe(page)
    await fits(page)
    await shoot(page, "settings/found")
    await found.get_by_role("button", name=say("models.connectNow")).click()
    await expect(page.get_by_text(say("models.connected", name="vLLM"))).to_be_visible()
    await expect(found).to_have_count(1)  # no longer offered: it is among those that are connected
    await expect(found.get_by_role("button", name=say("models.connectNow"))).to_have_count(0)
    await expect(found.get_by_text(say("models.default"), exact=True)).to_be_visible()
    assert _answer(studio) == nearby.reply
    with studio.client() as client:
        client.delete("/api/v1/models/connections/vLLM").raise_for_status()
    assert _answer(studio) != nearby.reply


async def _act(page: Page, name: str) -> None:
    await page.get_by_role("button", name="시험 서버 작업").click()
    await page.get_by_role("menuitem", name=name).click()


def _answer(server: LiveServer) -> str:
    """What the server says to a program that names no model."""
    with server.client() as client:
        token = client.post("/api/v1/keys", json={"kind": "model", "name": "test"}).json()["token"]
        body = {"model": "default", "messages": [{"role": "user", "content": "안녕"}]}
        answer = client.post("/v1/chat/completions", json=body, headers={"Authorization": f"Bearer {token}"})
        found: str = answer.json()["choices"][0]["message"]["content"]
        return found.strip()


async def test_a_server_that_is_not_there_is_told_and_may_be_kept_all_the_same(
    pages: Pages, studio: LiveServer, models: ModelServer
) -> None:
    models.stop()
    page = await pages.open("/settings/models")
    pages.expect(r"503.*/models/connections")
    await page.get_by_role("button", name="Connect a model server").first.click()
    dialog = page.get_by_role("dialog", name="Connect a model server")
    await dialog.get_by_label("Address", exact=True).fill(models.url)
    await dialog.get_by_label("Name", exact=True).fill("not there")
    await dialog.get_by_label("Answers requests that name no model").uncheck()
    await dialog.get_by_role("button", name="Connect", exact=True).click()
    await expect(dialog.get_by_role("alert")).to_contain_text("model_unreachable")
    await dialog.get_by_role("button", name="Keep it all the same").click()
    row = page.get_by_role("listitem").filter(has_text="not there")
    await expect(row).to_contain_text("all others can")
    with studio.client() as client:
        client.delete("/api/v1/models/connections/not%20there").raise_for_status()


async def test_a_colleague_is_invited_and_comes_in_with_the_role(pages: Pages, studio: LiveServer) -> None:
    page = await pages.open("/settings/members")
    await page.get_by_role("button", name="Invite a colleague").click()
    dialog = page.get_by_role("dialog", name="Invite a colleague")
    await dialog.get_by_label("E-mail").fill("guest@example.com")
    await dialog.get_by_role("button", name="Make the link").click()
    link = await dialog.get_by_role("code").inner_text()
    assert link.startswith(f"{studio.url}/invite/")
    await axe(page)
    await dialog.get_by_role("button", name="Done").click()
    await expect(dialog).to_have_count(0)
    await expect(page.get_by_text("guest@example.com", exact=True)).to_be_visible()
    guest = await pages.open(link.removeprefix(studio.url), language="ko", width=360, signed_in=False)
    await guest.get_by_label("이름").fill("손님")
    await guest.get_by_label("비밀번호").fill(PASSWORD)
    await axe(guest)
    await fits(guest)
    await shoot(guest, "settings/invite")
    await guest.get_by_role("button", name="계정 만들기").click()
    await expect(guest.get_by_role("heading", level=1)).to_contain_text("손님")
    await guest.get_by_role("button", name="메뉴").click()
    await expect(guest.get_by_role("link", name="지식")).to_be_visible()
    await expect(guest.get_by_role("link", name="설정")).to_have_count(0)  # an editor
    again = await pages.open(link.removeprefix(studio.url), signed_in=False)
    pages.expect(r"409.*/invitations/look")
    await expect(again.get_by_role("alert")).to_contain_text("invitation_used")
    await _removed(page, guest)
    pages.expect(SIGNED_OUT)


async def _removed(page: Page, guest: Page) -> None:
    """A removal holds in the colleague's open window."""
    await page.reload()
    await page.get_by_role("button", name="What can be done with 손님").click()
    await page.get_by_role("menuitem", name="Remove").click()
    await expect(page.get_by_role("alertdialog")).to_contain_text("conversations")
    await page.get_by_role("alertdialog").get_by_role("button", name="Remove").click()
    await expect(page.get_by_text("guest@example.com", exact=True)).to_have_count(0)
    await guest.goto("/knowledge")
    await expect(guest).to_have_url("/sign-in?next=%2Fknowledge")


async def test_a_key_is_made_shown_once_and_works(pages: Pages, studio: LiveServer) -> None:
    page = await pages.open("/settings/keys")
    await page.get_by_role("button", name="New key").first.click()
    dialog = page.get_by_role("dialog", name="New key")
    await dialog.get_by_label("Name").fill("portal")
    await dialog.get_by_role("combobox", name="For: ").click()
    await page.get_by_role("option", name="Models").click()
    await dialog.get_by_role("button", name="Create").click()
    token = await dialog.get_by_role("code").first.inner_text()
    await expect(dialog.locator("pre")).to_contain_text(f"Bearer {token}")
    await dialog.get_by_role("button", name="Python, openai").click()
    await expect(dialog.locator("pre")).to_contain_text(f'api_key="{token}"')
    await axe(page)
    headers = {"Authorization": f"Bearer {token}"}
    assert httpx.get(f"{studio.url}/v1/models", headers=headers).status_code == 200
    await dialog.get_by_role("button", name="I have kept it").click()
    await expect(dialog).to_have_count(0)
    assert token not in await page.content()
    await page.get_by_role("button", name="Revoke portal").click()
    await page.get_by_role("alertdialog").get_by_role("button", name="Revoke").click()
    await expect(page.get_by_text("portal")).to_have_count(0)
    assert httpx.get(f"{studio.url}/v1/models", headers=headers).status_code == 401


@pytest.mark.parametrize("width", [360, 1280])
async def test_every_page_of_settings_is_fit_to_be_read(pages: Pages, width: int) -> None:
    page = await pages.open("/settings", language="ko", theme="dark", width=width)
    for name in ("", "/models", "/keys", "/members", "/values"):
        await page.goto(f"/settings{name}")
        await page.get_by_role("heading", level=1).wait_for()
        await settled(page)
        await axe(page)
        await fits(page)

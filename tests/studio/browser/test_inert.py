"""Hostile words in everything people and models can write: shown as words, never run, and nothing leaves."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from tests.live import LiveServer
from tests.studio.browser.look import settled
from tests.studio.browser.pages import Pages
from tests.studio.browser.words import say

IMAGE = "<img src=x onerror=window.hit=1>"
SCRIPT = "<script>window.hit=1</script>"
FRAME = '<iframe srcdoc="<script>parent.hit=1</script>"></iframe>'
SVG = "<svg onload=window.hit=1><animate onbegin=window.hit=1 attributeName=x dur=1s>"

#: What a document or an answer may hold besides: Markdown that turns into links, pictures and HTML.
MARKDOWN = f"""# 휴가 {IMAGE}

{SCRIPT} {FRAME} {SVG}

[누르세요](javascript:window.hit=1) [또](JaVaScRiPt:window.hit=1) [자료](data:text/html,<script>opener.hit=1</script>)
[밖](https://example.invalid/보기) ![그림](https://example.invalid/x.png) ![x](javascript:window.hit=1)
<a href="javascript:window.hit=1">눌러</a> <form action="https://example.invalid/"><button>보내기</button></form>
<style>body {{ display: none }}</style> <meta http-equiv="refresh" content="0;url=https://example.invalid/">
<base href="https://example.invalid/"> <link rel="stylesheet" href="https://example.invalid/x.css">

| 표 {IMAGE} | {SCRIPT} |
| --- | --- |
| `{IMAGE}` | **{SVG}** |

```html
{SCRIPT}{IMAGE}
```
"""

_TRAP = "Object.defineProperty(window, 'hit', { set: () => console.error('a script of the attacker ran') });"

#: Ways out of the page that must not exist: addresses that run, frames, forms and pictures of others, handlers.
_HOLES = """() => [...document.querySelectorAll('*')].flatMap((one) => [
  ...[...one.attributes].filter(({ name }) => name.startsWith('on')).map(({ name }) => `${one.tagName} ${name}`),
  ...['href', 'src', 'action', 'formaction', 'srcdoc', 'data', 'xlink:href']
    .map((name) => [name, one.getAttribute(name)])
    .filter(([name, value]) => value && (name === 'srcdoc' || /^\\s*(javascript|vbscript|data:text)/i.test(value)
      || (one.tagName !== 'A' && /^https?:/.test(value) && !value.startsWith(location.origin))))
    .map(([name, value]) => `${one.tagName} ${name}=${value}`),
]).concat([...document.querySelectorAll('iframe, object, embed, base, main meta, main style, main form[action]')]
  .map((one) => one.outerHTML))"""


@pytest.fixture(scope="module")
def hostile(studio: LiveServer) -> dict[str, str]:
    """Ids of a knowledge base, its document and an app that are hostile in every word, for the time of this file."""
    with studio.client() as client:

        def make(path: str, **body: object) -> str:
            found: str = client.post(path, json=body).raise_for_status().json()["id"]
            return found

        base = make("/api/v1/knowledge", name=f"지식 {IMAGE}", description=f"설명 {SCRIPT}")
        name = f"문서 {IMAGE.replace('/', '')}.md"
        client.put(f"/api/v1/knowledge/{base}/documents/{name}", content=MARKDOWN.encode()).raise_for_status()
        html = (
            f"<title>{SCRIPT}</title><p>휴가 {IMAGE}</p>{SCRIPT}{SVG}<p>&lt;script&gt;window.hit=1&lt;/script&gt;</p>"
        )
        client.put(f"/api/v1/knowledge/{base}/documents/{SVG}.html", content=html.encode()).raise_for_status()
        studio.wait_until_indexed(base)
        documents = client.get(f"/api/v1/knowledge/{base}/documents").json()["documents"]
        assert {one["state"] for one in documents} == {"ready"}
        [text] = [one["id"] for one in documents if one["name"] == name]
        [page] = [one["id"] for one in documents if one["name"] != name]
        app = make(
            "/api/v1/apps",
            name=f"앱 {IMAGE}",
            description=f"설명 {SVG}",
            opening_statement=MARKDOWN,
            knowledge=[base],
        )
        echo = make("/api/v1/apps", name=f"되풀이 {SVG}")
        changes = {"suggested_questions": [f"{IMAGE} 휴가는?", "[누르세요](javascript:window.hit=1)"]}
        client.patch(f"/api/v1/apps/{app}", json=changes).raise_for_status()
        return {"base": base, "app": app, "echo": echo, "text": text, "page": page}


async def _open(pages: Pages, path: str) -> Page:
    page = await pages.open("/settings/keys")
    await page.context.add_init_script(_TRAP)
    await page.goto(path)
    return page


async def _is_inert(page: Page, *shown: str) -> None:
    """Each of `shown` stands there as text, and the page has no hole. What ran would be a fault of the page."""
    await settled(page)
    for text in shown:
        await expect(page.get_by_text(text).first).to_be_attached()
    assert await page.evaluate(_HOLES) == []


async def test_the_trap_and_the_holes_would_be_seen(pages: Pages) -> None:
    page = await _open(pages, "/settings/keys")
    await settled(page)
    await page.evaluate("window.hit = 1")
    assert any("attacker" in fault for fault in pages.faults())
    await page.evaluate(
        "document.querySelector('main').innerHTML = '<a href=\"javascript:0\">x</a><b onclick=\"0\">y</b>'"
    )
    assert len(await page.evaluate(_HOLES)) == 2
    pages.expect("attacker|Content Security Policy")


async def test_names_of_bases_documents_and_apps_are_words(pages: Pages, hostile: dict[str, str]) -> None:
    page = await _open(pages, "/knowledge")
    await _is_inert(page, f"지식 {IMAGE}", f"설명 {SCRIPT}")
    await page.get_by_role("button", name=say("marks.more", name=f"지식 {IMAGE}")).click()
    await page.get_by_role("menuitem", name=say("common.delete")).click()
    await _is_inert(page, say("knowledge.delete", name=f"지식 {IMAGE}"))
    await page.keyboard.press("Escape")
    for path, shown in {
        f"/knowledge/{hostile['base']}": [f"문서 {IMAGE.replace('/', '')}.md", f"{SVG}.html"],
        "/chat": [f"앱 {IMAGE}", f"설명 {SVG}"],
        f"/chat/{hostile['app']}": [f"앱 {IMAGE}", f"{IMAGE} 휴가는?"],
        "/": [],
    }.items():
        await page.goto(path)
        await _is_inert(page, *shown)
    await page.keyboard.press("Control+k")
    await _is_inert(page, f"앱 {IMAGE}")


async def test_text_of_documents_is_words_in_passages_and_in_search(pages: Pages, hostile: dict[str, str]) -> None:
    page = await _open(pages, f"/knowledge/{hostile['base']}/documents/{hostile['text']}")
    await _is_inert(page, SCRIPT)
    await page.goto(f"/knowledge/{hostile['base']}/documents/{hostile['page']}")
    await _is_inert(page)
    await page.goto(f"/knowledge/{hostile['base']}/retrieval?query=휴가 {IMAGE}")
    await _is_inert(page, SCRIPT)


async def test_an_answer_and_its_citations_are_words(pages: Pages, hostile: dict[str, str]) -> None:
    page = await _open(pages, f"/chat/{hostile['echo']}")
    await page.get_by_role("textbox", name=say("chat.question")).fill(MARKDOWN)
    await page.keyboard.press("Enter")
    answer = page.get_by_role("article").last
    await expect(answer.get_by_text(say("chat.kind.generated"))).to_be_visible()
    await _is_inert(page, SCRIPT)
    link = answer.get_by_role("link", name="밖")
    assert "noopener" in str(await link.get_attribute("rel"))
    for name in ("누르세요", "또", "자료"):  # a click on what was a script does nothing
        for found in await answer.get_by_text(name, exact=True).all():
            await found.click(force=True)
    await page.reload()  # the conversation's title, wherever it stands now
    await _is_inert(page)

    await page.goto(f"/chat/{hostile['app']}")
    await page.get_by_role("textbox", name=say("chat.question")).fill("휴가 window.hit")
    await page.keyboard.press("Enter")
    cited = page.get_by_role("list", name=say("chat.sources")).get_by_role("button").first
    await cited.click()
    await expect(page.get_by_role("dialog")).to_be_visible()
    await _is_inert(page)


async def test_an_address_is_words_too(pages: Pages) -> None:
    page = await _open(pages, f"/knowledge/demo/retrieval?query={IMAGE}")
    await _is_inert(page)
    await page.goto("/sign-in?next=javascript:window.hit=1")
    await _is_inert(page)
    await page.goto(f"/knowledge/{IMAGE.replace('/', '')}")
    pages.expect("404")
    await _is_inert(page)

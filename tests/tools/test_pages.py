"""The readable text of web pages."""

from __future__ import annotations

import pytest

from llmflow.tools.pages import readable

PAGE = """<!doctype html><html lang="ko"><head><title> 휴가 규정 </title><style>p {color: red}</style></head>
<body>
<header><nav><a href="/">처음</a> <a href="/all">전체</a></nav></header>
<h1>연차</h1>
<p>입사 첫해에는 <b>열닷새</b>를 쓸 수
있습니다.<br>다음 해에는 늘어납니다.</p>
<ul><li>신청은 <i>미리</i></li><li>승인은 팀장</li></ul>
<table><tr><th>해</th><th>일수</th></tr><tr><td>1</td><td>15</td></tr></table>
<div hidden>숨긴 글</div><div aria-hidden="true">장식</div>
<form><label>찾기</label><button>보내기</button></form>
<script>var secret = "글이 아님";</script>
<p>끝 &amp; 시작</p><!-- 쪽지 -->
<footer>저작권</footer>
</body></html>"""


def test_what_the_author_wrote_stays_and_what_the_site_adds_goes() -> None:
    assert readable(PAGE) == (
        "# 휴가 규정\n\n# 연차\n\n입사 첫해에는 열닷새를 쓸 수 있습니다.\n다음 해에는 늘어납니다.\n\n"
        "- 신청은 미리\n- 승인은 팀장\n\n해 | 일수\n1 | 15\n\n끝 & 시작"
    )


def test_the_main_part_is_taken_where_a_page_names_one() -> None:
    long = "본문 문장입니다. " * 30
    found = readable(f"<title>제목</title><p>광고</p><main><h2>제목</h2><p>{long}</p></main><p>다른 글</p>")
    assert found == f"## 제목\n\n{long.strip()}"


@pytest.mark.parametrize("page", ["", " ", "<!-- -->", "<script>x</script>", "<html></html>"])
def test_a_page_without_text_has_none(page: str) -> None:
    assert readable(page) == ""


@pytest.mark.parametrize(
    "page",
    [
        "<div>" * 100_000 + "깊은 곳",
        "<" * 300_000,
        "<!--" * 200_000,
        "<p a='" * 100_000,
        "&" * 300_000,
        "<table>" * 50_000 + "글",
        "\ud800<p>반쪽 글자</p>",
    ],
)
def test_pages_made_to_hold_a_reader_up_are_read_to_an_end(page: str) -> None:
    assert isinstance(readable(page), str)

"""Tables of digital pages: with all their lines, some of them, or none; and what looks like one and is none."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest
import pytest_asyncio
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from benchmarks.adjacency import Score, compare, of_grid, of_html, pairs
from llmflow.organs.parser.local import LocalParser
from llmflow.ports.parser import Element
from tests.organs.parser_documents import pdf_font

pytestmark = pytest.mark.asyncio(loop_scope="module")
Draw = Callable[[Canvas], None]
XS = (60.0, 200.0, 300.0, 400.0)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def parser() -> AsyncIterator[LocalParser]:
    opened = LocalParser(timeout_s=60)
    yield opened
    await opened.close()


async def elements(parser: LocalParser, folder: Path, draw: Draw) -> tuple[Element, ...]:
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=A4)
    canvas.setFont(pdf_font(), 10)
    draw(canvas)
    canvas.save()
    (folder / "blob").write_bytes(buffer.getvalue())
    return (await parser.parse(folder / "blob", name="표.pdf")).elements


async def table(parser: LocalParser, folder: Path, draw: Draw) -> str:
    found = [element for element in await elements(parser, folder, draw) if element.kind == "Table"]
    assert len(found) == 1 and found[0].html is not None
    return found[0].html


def write(canvas: Canvas, rows: Sequence[Sequence[str]], *, top: float = 700, step: float = 20) -> None:
    for number, row in enumerate(rows):
        for x, text in zip(XS, row, strict=False):
            canvas.drawString(x, top - step * number, text)


BODY = [[f"부서 {n}", str(10 + n), f"{n},500", str(20 + n)] for n in range(6)]
BODY_HTML = "".join(f"<tr><td>{'</td><td>'.join(row)}</td></tr>" for row in BODY)


async def test_a_head_without_lines_stands_over_the_columns_it_is_in_the_middle_of(
    parser: LocalParser, tmp_path: Path
) -> None:
    def draw(canvas: Canvas) -> None:
        canvas.drawCentredString(260, 720, "이천이십오년 실적")
        canvas.drawString(400, 720, "다음 해")
        write(canvas, [["부서", "인원", "비용", "인원"], *BODY])

    html = await table(parser, tmp_path, draw)
    assert '<th rowspan="2">부서</th>' in html.replace("td", "th")
    assert 'colspan="2">이천이십오년 실적</th>' in html
    assert html.endswith(f"{BODY_HTML}</table>")


async def test_columns_of_numbers_that_stand_close_are_columns(parser: LocalParser, tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        canvas.setFont("Helvetica", 10)
        for number in range(6):
            y = 700 - 14 * number
            canvas.drawString(60, y, f"Group {number}")
            canvas.drawRightString(200, y, f"1{number}.5")
            canvas.drawString(204, y, f"(1{number}.1-1{number}.9)")

    html = await table(parser, tmp_path, draw)
    assert "<td>Group 3</td><td>13.5</td><td>(13.1-13.9)</td>" in html


async def test_rows_of_words_over_a_late_number_are_rows_and_no_head(parser: LocalParser, tmp_path: Path) -> None:
    rows = [[f"부서 {n}", "서울", "열림"] for n in "가나다라마바사아자차카타파하"] + [["합계", "12", "34"]]
    found = await table(parser, tmp_path, lambda canvas: write(canvas, rows, step=14))
    assert pairs(of_html(found)) == pairs(of_grid(rows))


async def test_a_label_over_two_lines_is_one_cell(parser: LocalParser, tmp_path: Path) -> None:
    rows = [*BODY[:3], ["Goods, services", "", "", ""], ["and other income", "1", "2,500", "3"], *BODY[3:]]
    html = await table(parser, tmp_path, lambda canvas: write(canvas, rows, step=14))
    assert "<td>Goods, services and other income</td><td>1</td><td>2,500</td><td>3</td>" in html


async def test_a_table_that_is_open_at_its_sides_has_its_outer_columns(parser: LocalParser, tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        write(canvas, [["부서", "인원", "비용", "다음"], *BODY])
        for y in (714, 694, 594 - 20 + 0.0):
            canvas.line(50, y, 500, y)
        for x in (190, 290, 390):
            canvas.line(x, 714, x, 574)

    html = await table(parser, tmp_path, draw)
    assert html.startswith("<table><tr><th>부서</th><th>인원</th><th>비용</th><th>다음</th></tr>")
    assert html.endswith(f"{BODY_HTML}</table>")


async def test_a_frame_for_two_columns_without_outer_lines_is_a_table(parser: LocalParser, tmp_path: Path) -> None:
    rows = [["업종", "적립 대상"], ["커피전문점", "모든 커피전문점과 온라인 매장"], ["편의점", "가까운 편의점"]]

    def draw(canvas: Canvas) -> None:
        write(canvas, rows)
        for y in (714, 694, 674, 654):
            canvas.line(50, y, 500, y)
        canvas.line(190, 714, 190, 654)

    assert pairs(of_html(await table(parser, tmp_path, draw))) == pairs(of_grid(rows))


async def test_a_row_whose_lines_were_left_out_has_the_columns_of_the_others(
    parser: LocalParser, tmp_path: Path
) -> None:
    def draw(canvas: Canvas) -> None:
        write(canvas, [["부서", "인원", "비용", "다음"], *BODY])
        for number in range(8):
            canvas.line(50, 714 - 20 * number, 500, 714 - 20 * number)
        for number in (0, 1, 3, 5):  # every other row is not divided
            for x in (50, 190, 290, 390, 500):
                canvas.line(x, 714 - 20 * number, x, 694 - 20 * number)
        for number in (2, 4, 6):
            for x in (50, 500):
                canvas.line(x, 714 - 20 * number, x, 694 - 20 * number)

    assert (await table(parser, tmp_path, draw)).endswith(f"{BODY_HTML}</table>")


async def test_white_or_coloured_paint_under_running_text_is_no_table(parser: LocalParser, tmp_path: Path) -> None:
    text = "연차 휴가는 입사 후 일 년이 지나면 주어지며 다음 해로 넘길 수 있습니다"

    def draw(canvas: Canvas) -> None:
        for number in range(8):
            y = 700 - 16 * number
            canvas.setFillColor(colors.white)
            for x, width in ((60, 120), (180, 200)):
                canvas.rect(x, y - 3, width, 14, stroke=0, fill=1)
            canvas.setFillColor(colors.black)
            canvas.drawString(60, y, text)

    assert [e.kind for e in await elements(parser, tmp_path, draw) if e.kind == "Table"] == []


async def test_the_scale_of_a_chart_is_no_table(parser: LocalParser, tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        for number in range(6):
            canvas.drawString(60, 700 - 30 * number, str(100 - 20 * number))
        for x, y, value in ((150, 690, "91"), (250, 640, "48"), (350, 612, "22"), (150, 580, "12"), (250, 670, "70")):
            canvas.drawString(x, y, value)
        for x, year in ((150, "서울"), (250, "부산"), (350, "대구")):
            canvas.drawString(x, 535, year)

    assert [e.kind for e in await elements(parser, tmp_path, draw) if e.kind == "Table"] == []


async def test_a_contents_page_is_a_list_and_no_table(parser: LocalParser, tmp_path: Path) -> None:
    titles = ["총칙", "근무 시간", "휴가와 휴직", "보수", "복지", "징계", "보칙"]

    def draw(canvas: Canvas) -> None:
        canvas.drawString(60, 730, "목차")
        for number, title in enumerate(titles):
            y = 700 - 18 * number
            canvas.drawString(60, y, f"제{number + 1}장 {title} " + "." * (90 - 2 * len(title)))
            canvas.drawRightString(520, y, str(3 + 4 * number))

    found = await elements(parser, tmp_path, draw)
    assert "Table" not in [e.kind for e in found]
    assert any("제3장 휴가와 휴직" in e.text for e in found)


async def test_the_measure_counts_neighbours_over_spans_and_blank_cells() -> None:
    read = of_html('<table><tr><th colspan="2">머리</th></tr><tr><td>가</td><td></td><td>나</td></tr></table>')
    assert sorted(pairs(read)) == [("가", "나", "right"), ("머리", "가", "below")]
    score = compare([read], [read, of_grid([["다", "라"]])])
    assert score == Score(2, 2, 3)
    assert (score.precision, round(score.recall, 2), score.f1) == (1.0, 0.67, 0.8)

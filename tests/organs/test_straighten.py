"""Skewed pages: how far they are turned, made level, and where what was read on them lies."""

from __future__ import annotations

import pytest
from PIL import Image

from llmflow.organs.parser.straighten import as_it_lay, level, skew_of
from tests.organs.parser_documents import picture

TEXT = "\n".join(["휴가 규정 안내 연차는 열닷새", "Paid leave is fifteen days for all"] * 8)


@pytest.mark.parametrize("angle", [-5.0, -1.5, 0.0, 2.0, 6.0])
@pytest.mark.parametrize("on_its_side", [False, True])
def test_the_skew_of_a_page_is_found_and_taken_back(angle: float, on_its_side: bool) -> None:
    page = picture(TEXT)
    if on_its_side:
        page = page.transpose(Image.Transpose.ROTATE_90)
    skewed = page.rotate(-angle, Image.Resampling.BICUBIC, fillcolor=255)
    found = skew_of(skewed)
    assert found == pytest.approx(angle, abs=0.4)
    assert skew_of(level(skewed, found)) == 0.0


def test_a_page_without_lines_stays_as_it_is() -> None:
    assert skew_of(Image.new("L", (800, 1000), "white")) == 0.0
    assert skew_of(Image.new("L", (800, 1000), "black")) == 0.0


def test_a_box_of_the_levelled_page_goes_back_to_where_it_lay() -> None:
    page = Image.new("L", (1000, 1400), "white")
    page.paste(0, (700, 300, 720, 310))
    skewed = page.rotate(-5.0, Image.Resampling.BICUBIC, fillcolor=255)
    dark = skewed.point(lambda value: 255 if value < 128 else 0).getbbox()
    assert dark is not None
    assert as_it_lay((700, 300, 720, 310), 5.0, 1000, 1400) == pytest.approx(dark, abs=3)

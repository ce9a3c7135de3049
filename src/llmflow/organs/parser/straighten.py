"""How far a scanned page is turned, by the way its lines of text fall together, and the page made level."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from llmflow.organs.parser.draft import Box

_MOST = 8.0  # degrees to either side; a page turned by 90 or 180 is Tesseract's to find
_LEAST = 0.4  # degrees: what is less does no harm
_SIDE = 900  # pixels of the picture that angles are tried on
_GAIN = 1.15  # how much sharper the lines must become


def skew_of(image: Image.Image) -> float:
    """Degrees by which its lines fall to the right (negative: rise); 0.0 where they are level or there are none."""
    small = image.convert("L")
    small.thumbnail((_SIDE, _SIDE), Image.Resampling.BOX)
    grey = np.asarray(small, dtype=np.float32)
    dark = np.argwhere(grey < min(160.0, float(grey.mean()) - 20.0))
    if not 200 <= len(dark) <= 0.4 * grey.size:
        return 0.0
    lying = _sharpness(dark[:, ::-1], 0.0) > _sharpness(dark, 0.0)  # the page lies on its side
    points, sign = (dark[:, ::-1], -1.0) if lying else (dark, 1.0)
    best = max(np.arange(-_MOST, _MOST + 0.1, 0.5), key=lambda angle: _sharpness(points, float(angle)))
    best = max(np.arange(best - 0.4, best + 0.41, 0.1), key=lambda angle: _sharpness(points, float(angle)))
    clear = abs(best) >= _LEAST and _sharpness(points, float(best)) > _GAIN * _sharpness(points, 0.0)
    return sign * float(best) if clear else 0.0


def _sharpness(dark: NDArray[np.intp], angle: float) -> float:
    """How unevenly the dark points spread over the rows of a page turned back by `angle`."""
    slope = math.tan(math.radians(angle))
    rows = np.rint(dark[:, 0] - slope * dark[:, 1]).astype(np.int64)
    counts = np.bincount(rows - rows.min()).astype(np.float64)
    return float(np.square(np.diff(counts)).sum())


def level(image: Image.Image, skew: float) -> Image.Image:
    """The page turned about its middle, of the same size."""
    return image.convert("L").rotate(skew, Image.Resampling.BICUBIC, fillcolor=255)


def as_it_lay(box: Box, skew: float, width: float, height: float) -> Box:
    """Where a box of the levelled page lies on the page as it was: the upright box around it."""
    angle = math.radians(skew)
    cos, sin = math.cos(angle), math.sin(angle)
    x, y = (box[0] + box[2]) / 2 - width / 2, (box[1] + box[3]) / 2 - height / 2
    across, down = (box[2] - box[0]) / 2, (box[3] - box[1]) / 2
    middle = (x * cos - y * sin + width / 2, x * sin + y * cos + height / 2)
    half = (across * cos + down * abs(sin), down * cos + across * abs(sin))
    return (
        max(0.0, middle[0] - half[0]),
        max(0.0, middle[1] - half[1]),
        min(width, middle[0] + half[0]),
        min(height, middle[1] + half[1]),
    )

"""What a picture says of itself: how dense it is, and whether one sees through it."""

from __future__ import annotations

from PIL import Image

MOST_PIXELS = 160_000_000


def dpi_of(image: Image.Image) -> int:
    """What the file claims, where that makes sense; else as if the picture were a page 8 inches wide."""
    claimed = image.info.get("dpi", (0, 0))[0]
    return int(claimed) if 100 <= claimed <= 1200 else max(100, min(600, image.width // 8))


def is_see_through(image: Image.Image) -> bool:
    return image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info

"""Headers under which a file of anybody's is handed out: to be kept, never shown or run by a browser."""

from __future__ import annotations

from urllib.parse import quote


def attachment(name: str, size: int) -> dict[str, str]:
    """`size`: bytes. The name in both spellings of RFC 6266: any script for today's browsers, ASCII for the rest."""
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\%/' else "_" for c in name)
    return {
        "Content-Type": "application/octet-stream",
        "Content-Length": str(size),
        "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-store",
    }

"""Ids and time: UUIDv7 text (sorts by creation) and Unix milliseconds in UTC."""

from __future__ import annotations

import os
import threading
import time
import uuid

_lock = threading.Lock()
_last = 0


def new_id() -> str:
    """A UUIDv7 (RFC 9562): 48 bits of milliseconds, then 74 random bits that keep rising within a process."""
    global _last
    with _lock:
        value = (time.time_ns() // 1_000_000) << 74 | int.from_bytes(os.urandom(10), "big") >> 6
        value = max(value, _last + 1)
        _last = value
    high, middle, low = value >> 74, value >> 62 & 0xFFF, value & (1 << 62) - 1
    return str(uuid.UUID(int=high << 80 | 0x7 << 76 | middle << 64 | 0b10 << 62 | low))


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False

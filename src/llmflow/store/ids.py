"""Ids and time: UUIDv7 text (sorts by creation) and Unix milliseconds in UTC."""

from __future__ import annotations

import hashlib
import os
import threading
import time
import uuid

_BLOCK = 4096  # random bytes fetched at once: the system call costs more than all the rest

_lock = threading.Lock()
_last = 0
_random = b""
_used = 0


def _forget() -> None:
    """A forked child must not make its parent's ids."""
    global _random, _used
    _random, _used = b"", 0


os.register_at_fork(after_in_child=_forget)


def new_id() -> str:
    """A UUIDv7 (RFC 9562): 48 bits of milliseconds, then 74 random bits that keep rising within a process."""
    global _last, _random, _used
    with _lock:
        if _used + 10 > len(_random):
            _random, _used = os.urandom(_BLOCK), 0
        drawn, _used = _random[_used : _used + 10], _used + 10
        value = (time.time_ns() // 1_000_000) << 74 | int.from_bytes(drawn, "big") >> 6
        value = max(value, _last + 1)
        _last = value
    high, middle, low = value >> 74, value >> 62 & 0xFFF, value & (1 << 62) - 1
    digits = f"{high << 80 | 0x7 << 76 | middle << 64 | 0b10 << 62 | low:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def id_from(at_ms: int, *parts: str) -> str:
    """The UUIDv7 of a time and of what happens then: the same for the same parts."""
    rest = int.from_bytes(hashlib.sha256("\0".join(parts).encode()).digest()[:10], "big") >> 6
    high, low = rest >> 62, rest & (1 << 62) - 1
    return str(uuid.UUID(int=at_ms << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low))


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False

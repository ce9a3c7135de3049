"""How long a server asks to wait before it is asked again."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def retry_after_s(headers: Mapping[str, str]) -> int | None:
    """Whole seconds out of `Retry-After` (seconds or a date) or OpenAI's `retry-after-ms`; None where nothing is
    said."""
    exact = headers.get("retry-after-ms", "")
    if exact.isdigit():
        return math.ceil(int(exact) / 1000)
    after = headers.get("retry-after") or headers.get("Retry-After") or ""
    if after.strip().isdigit():
        return int(after)
    with contextlib.suppress(ValueError):
        if after:
            return max(0, math.ceil((parsedate_to_datetime(after).astimezone(UTC) - datetime.now(UTC)).total_seconds()))
    return None

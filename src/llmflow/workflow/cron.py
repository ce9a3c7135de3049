"""When a cron expression is due in a time zone, through daylight saving.

As cron does it: a time of day that a change of the clocks leaves out is due once, right after the change; one that
comes twice is due once, at its first coming. What is due every hour or every few minutes goes by the hours that pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

_NAMED = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}


def checked(expression: str, timezone: str) -> None:
    """Raises ValueError for what is no cron expression of five fields, or no time zone."""
    try:
        next(due(expression, timezone, after=0))
    except StopIteration:
        raise ValueError(f"`{expression}` is never due.") from None


def due(expression: str, timezone: str, *, after: int) -> Iterator[int]:
    """The times it is due behind `after`, in order; Unix milliseconds, without end or until nothing follows. Raises
    ValueError as `checked`."""
    plain = _plain(expression)
    begin = datetime.fromtimestamp(after / 1000, zone(timezone))
    try:
        found = CronSim(plain, begin)
    except CronSimError as error:
        raise ValueError(f"`{expression}` is no cron expression: {str(error).lower()}.") from error
    return _behind(after, found)


def latest(expression: str, timezone: str, *, after: int, until: int) -> int | None:
    """The last time it was due behind `after`, up to and with `until`."""
    last = None
    for at in due(expression, timezone, after=after):
        if at > until:
            break
        last = at
    return last


@lru_cache(maxsize=256)
def zone(name: str) -> ZoneInfo:
    """Raises ValueError for a name that is none of the tz database."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"There is no time zone `{name}`.") from error


def _behind(after: int, times: Iterator[datetime]) -> Iterator[int]:
    """In the hour that comes twice, the first coming of a time may lie before its second, which we are in."""
    last = after
    for time in times:
        at = round(time.astimezone(UTC).timestamp() * 1000)
        if at > last:
            last = at
            yield at


def _plain(expression: str) -> str:
    """Five fields in plain cron. Raises ValueError."""
    text = expression.strip()
    text = _NAMED.get(text.lower(), text)
    fields = text.split()
    if len(fields) != 5:
        raise ValueError(f"`{expression}` is no cron expression: it needs five fields, minute to day of week.")
    return " ".join("*" if field == "?" else field for field in fields)

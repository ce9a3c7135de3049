"""Times of schedules through changes of the clocks."""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from zoneinfo import ZoneInfo

import pytest

from llmflow.workflow import cron


def ms(zone: str, year: int, month: int, day: int, hour: int = 0, minute: int = 0, *, fold: int = 0) -> int:
    return int(datetime(year, month, day, hour, minute, tzinfo=ZoneInfo(zone), fold=fold).timestamp() * 1000)


def times(expression: str, zone: str, after: int, count: int) -> list[str]:
    found = islice(cron.due(expression, zone, after=after), count)
    return [datetime.fromtimestamp(at / 1000, ZoneInfo(zone)).isoformat()[5:] for at in found]


@pytest.mark.parametrize(
    ("zone", "before", "expected"),
    [
        (
            "Europe/Berlin",
            (2026, 3, 28),
            ["03-28T02:30:00+01:00", "03-29T03:00:00+02:00", "03-30T02:30:00+02:00"],
        ),
        (
            "America/New_York",
            (2026, 3, 7),
            ["03-07T02:30:00-05:00", "03-08T03:00:00-04:00", "03-09T02:30:00-04:00"],
        ),
        ("Asia/Seoul", (2026, 3, 28), ["03-28T02:30:00+09:00", "03-29T02:30:00+09:00", "03-30T02:30:00+09:00"]),
    ],
)
def test_a_time_that_does_not_exist_is_due_once_right_after_the_change(
    zone: str, before: tuple[int, ...], expected: list[str]
) -> None:
    assert times("30 2 * * *", zone, ms(zone, *before), 3) == expected


@pytest.mark.parametrize(
    ("zone", "expression", "before", "expected"),
    [
        (
            "Europe/Berlin",
            "30 2 * * *",
            (2026, 10, 24, 12),
            ["10-25T02:30:00+02:00", "10-26T02:30:00+01:00"],
        ),
        (
            "America/New_York",
            "30 1 * * *",
            (2026, 10, 31, 12),
            ["11-01T01:30:00-04:00", "11-02T01:30:00-05:00"],
        ),
    ],
)
def test_a_time_that_comes_twice_is_due_once(
    zone: str, expression: str, before: tuple[int, ...], expected: list[str]
) -> None:
    assert times(expression, zone, ms(zone, *before), 2) == expected


def test_in_the_second_coming_of_an_hour_its_first_is_not_due_again() -> None:
    within = ms("Europe/Berlin", 2026, 10, 25, 2, 10, fold=1)
    assert times("30 2 * * *", "Europe/Berlin", within, 1) == ["10-26T02:30:00+01:00"]


def test_what_is_due_every_hour_goes_by_the_hours_that_pass() -> None:
    assert times("30 * * * *", "Europe/Berlin", ms("Europe/Berlin", 2026, 10, 25, 1), 4) == [
        "10-25T01:30:00+02:00",
        "10-25T02:30:00+02:00",
        "10-25T02:30:00+01:00",
        "10-25T03:30:00+01:00",
    ]
    assert times("30 * * * *", "Europe/Berlin", ms("Europe/Berlin", 2026, 3, 29, 1), 2) == [
        "03-29T01:30:00+01:00",
        "03-29T03:30:00+02:00",
    ]


def test_difys_dialect_is_read() -> None:
    after = ms("Asia/Seoul", 2026, 2, 1)
    assert times("0 9 1,L * ?", "Asia/Seoul", after, 2) == ["02-01T09:00:00+09:00", "02-28T09:00:00+09:00"]
    assert times("@weekly", "Asia/Seoul", after, 1) == ["02-08T00:00:00+09:00"]
    assert times("0 9 * JAN-MAR MON,FRI", "Asia/Seoul", after, 2) == ["02-02T09:00:00+09:00", "02-06T09:00:00+09:00"]


@pytest.mark.parametrize(
    ("expression", "zone", "why"),
    [
        ("* * * *", "UTC", "five fields"),
        ("0 0 0 * * *", "UTC", "five fields"),
        ("61 * * * *", "UTC", "bad minute"),
        ("0 0 31 2 *", "UTC", "bad day-of-month"),
        ("매일 아침", "UTC", "five fields"),
        ("* * * * *", "Mars/Base", "time zone"),
        ("* * * * *", "../../etc/passwd", "time zone"),
    ],
)
def test_what_is_no_schedule_says_why(expression: str, zone: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        cron.checked(expression, zone)


def test_the_latest_of_many_missed_times_is_found() -> None:
    noon = ms("UTC", 2026, 6, 1, 12)
    assert cron.latest("*/7 * * * *", "UTC", after=noon, until=noon + 59 * 60_000) == noon + 56 * 60_000
    assert cron.latest("0 11 * * *", "UTC", after=noon, until=noon + 3_600_000) is None

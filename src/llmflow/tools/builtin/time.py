"""time: what time it is, timestamps, time zones, weekdays."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from llmflow.errors import NodeFailed
from llmflow.tools.builtin.make import made
from llmflow.tools.types import Scope, ToolAnswer, Words

_FORMAT = "%Y-%m-%d %H:%M:%S"
_LONGEST_FORMAT = 100
_ZONE = {"type": "string", "description": "Time zone by its IANA name, such as Asia/Seoul", "default": "UTC"}
_ZONE_WORDS = Words("Time zone", "시간대", "An IANA name, such as Asia/Seoul.", "Asia/Seoul과 같은 IANA 이름입니다.")


async def _current_time(arguments: Mapping[str, Any], scope: Scope) -> ToolAnswer:
    zone = _zone("timezone", arguments["timezone"])
    return ToolAnswer(_written(datetime.now(zone), arguments["format"]))


async def _localtime_to_timestamp(arguments: Mapping[str, Any], scope: Scope) -> ToolAnswer:
    zone = _zone("timezone", arguments["timezone"])
    return ToolAnswer(str(int(_read("localtime", arguments["localtime"], zone).timestamp())))


async def _timestamp_to_localtime(arguments: Mapping[str, Any], scope: Scope) -> ToolAnswer:
    zone = _zone("timezone", arguments["timezone"])
    try:
        found = datetime.fromtimestamp(arguments["timestamp"], zone)
    except (ValueError, OverflowError, OSError) as error:
        raise _wrong("timestamp", "is no time that a calendar has") from error
    return ToolAnswer(found.strftime(_FORMAT))


async def _timezone_conversion(arguments: Mapping[str, Any], scope: Scope) -> ToolAnswer:
    here = _zone("current_timezone", arguments["current_timezone"])
    there = _zone("target_timezone", arguments["target_timezone"])
    try:
        found = _read("current_time", arguments["current_time"], here).astimezone(there)
    except OverflowError as error:
        raise _wrong("current_time", "is no time that a calendar has") from error
    return ToolAnswer(found.strftime(_FORMAT))


async def _weekday(arguments: Mapping[str, Any], scope: Scope) -> ToolAnswer:
    try:
        day = date(arguments["year"], arguments["month"], arguments["day"])
    except (ValueError, OverflowError) as error:
        raise _wrong("day", f"is no day of a calendar: {error}") from error
    return ToolAnswer(f"{day.isoformat()} is a {day:%A}.")


def _zone(name: str, given: str) -> ZoneInfo:
    try:
        return ZoneInfo(given.strip())
    except (ValueError, OSError, KeyError) as error:  # no name of a zone, a folder of them, an unknown one
        raise _wrong(name, f"is no time zone: {given[:50]}") from error


def _read(name: str, given: str, zone: ZoneInfo) -> datetime:
    """The time given, in its own zone where it has one."""
    try:
        found = datetime.fromisoformat(given.strip())
    except ValueError as error:
        raise _wrong(name, "is no time like 2026-01-31 13:30:00") from error
    return found if found.tzinfo else found.replace(tzinfo=zone)


def _written(moment: datetime, form: str) -> str:
    if len(form) > _LONGEST_FORMAT:
        raise _wrong("format", f"is longer than {_LONGEST_FORMAT} characters")
    try:
        return moment.strftime(form)
    except ValueError as error:
        raise _wrong("format", f"cannot be written: {error}") from error


def _wrong(name: str, how: str) -> NodeFailed:
    return NodeFailed(f"The parameter `{name}` {how}.", code="tool_input_invalid", param=name)


_MOMENT = {"type": "string", "description": "Such as 2026-01-31 13:30:00"}
_MOMENT_WORDS = Words("Time", "시각", "Such as 2026-01-31 13:30:00.", "2026-01-31 13:30:00처럼 적습니다.")

TOOLS = (
    made(
        "time",
        "current_time",
        _current_time,
        description="Tells the current date and time.",
        words=Words("Current time", "현재 시각", "Date and time now.", "지금 날짜와 시각을 알려 줍니다."),
        parameters={
            "format": {"type": "string", "description": "As strftime takes it", "default": _FORMAT},
            "timezone": _ZONE,
        },
        fields={
            "format": Words("Form", "형식", "As strftime takes it.", "strftime 형식입니다."),
            "timezone": _ZONE_WORDS,
        },
        settings=("format",),
    ),
    made(
        "time",
        "localtime_to_timestamp",
        _localtime_to_timestamp,
        description="Turns a local time into a Unix timestamp in seconds.",
        words=Words("Time to timestamp", "시각을 타임스탬프로", "Seconds since 1970.", "1970년부터 센 초로 바꿉니다."),
        parameters={"localtime": _MOMENT, "timezone": _ZONE},
        fields={"localtime": _MOMENT_WORDS, "timezone": _ZONE_WORDS},
        required=("localtime",),
    ),
    made(
        "time",
        "timestamp_to_localtime",
        _timestamp_to_localtime,
        description="Turns a Unix timestamp in seconds into a local time.",
        words=Words(
            "Timestamp to time",
            "타임스탬프를 시각으로",
            "From seconds since 1970.",
            "1970년부터 센 초를 시각으로 바꿉니다.",
        ),
        parameters={
            "timestamp": {"type": "number", "description": "Seconds since 1970-01-01 UTC"},
            "timezone": _ZONE,
        },
        fields={
            "timestamp": Words("Timestamp", "타임스탬프", "Seconds since 1970.", "1970년부터 센 초입니다."),
            "timezone": _ZONE_WORDS,
        },
        required=("timestamp",),
    ),
    made(
        "time",
        "timezone_conversion",
        _timezone_conversion,
        description="Turns a time of one time zone into that of another.",
        words=Words("Time zones", "시간대 변환", "A time elsewhere.", "다른 시간대의 시각으로 바꿉니다."),
        parameters={
            "current_time": _MOMENT,
            "current_timezone": {**_ZONE, "description": "The time's own zone, such as Asia/Seoul"},
            "target_timezone": {**_ZONE, "description": "The zone to turn it into, such as Europe/Berlin"},
        },
        fields={
            "current_time": _MOMENT_WORDS,
            "current_timezone": Words("From", "원래 시간대", _ZONE_WORDS.help_en, _ZONE_WORDS.help_ko),
            "target_timezone": Words("To", "바꿀 시간대", _ZONE_WORDS.help_en, _ZONE_WORDS.help_ko),
        },
        required=("current_time", "current_timezone", "target_timezone"),
    ),
    made(
        "time",
        "weekday",
        _weekday,
        description="Tells the weekday of a date.",
        words=Words("Weekday", "요일", "Of any date.", "날짜의 요일을 알려 줍니다."),
        parameters={
            "year": {"type": "integer", "description": "Year"},
            "month": {"type": "integer", "description": "Month, 1 to 12", "minimum": 1, "maximum": 12},
            "day": {"type": "integer", "description": "Day of the month", "minimum": 1, "maximum": 31},
        },
        fields={"year": Words("Year", "연"), "month": Words("Month", "월"), "day": Words("Day", "일")},
        required=("year", "month", "day"),
    ),
)

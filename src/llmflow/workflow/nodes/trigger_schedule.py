"""trigger-schedule: a start at times of the calendar, chosen in an editor or written as a cron expression."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator, model_validator

from llmflow.workflow import cron
from llmflow.workflow.context import Context
from llmflow.workflow.data import Lenient, NodeData
from llmflow.workflow.kind import Kind
from llmflow.workflow.types import Outcome, Words

_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?:\s*([AP])\.?M\.?)?", re.IGNORECASE)


class VisualConfig(Lenient):
    """`time`: "2:30 PM", or "14:30"."""

    on_minute: int | None = Field(default=0, ge=0, le=59)
    time: str | None = "12:00 AM"
    weekdays: list[Literal["sun", "mon", "tue", "wed", "thu", "fri", "sat"]] | None = None
    monthly_days: list[Literal["last"] | int] | None = None


class ScheduleData(NodeData):
    """`timezone`: of the tz database."""

    mode: Literal["visual", "cron"] = "visual"
    frequency: Literal["hourly", "daily", "weekly", "monthly"] | None = None
    cron_expression: str | None = None
    visual_config: VisualConfig = VisualConfig()
    timezone: str = "UTC"

    @field_validator("visual_config", mode="before")
    @classmethod
    def _no_config(cls, value: object) -> object:
        return value or {}

    @field_validator("frequency", mode="before")
    @classmethod
    def _no_frequency(cls, value: object) -> object:
        return value or None

    @field_validator("timezone", mode="before")
    @classmethod
    def _no_timezone(cls, value: object) -> object:
        return value or "UTC"

    @model_validator(mode="after")
    def _is_due_sometime(self) -> ScheduleData:
        cron.checked(self.cron, self.timezone)
        return self

    @property
    def cron(self) -> str:
        """The schedule as a cron expression. Raises ValueError for one that says no time."""
        if self.mode == "cron":
            if not (self.cron_expression or "").strip():
                raise ValueError("The schedule has no cron expression.")
            return str(self.cron_expression).strip()
        config = self.visual_config
        if self.frequency is None:
            raise ValueError("The schedule has no frequency.")
        if self.frequency == "hourly":
            return f"{config.on_minute or 0} * * * *"
        hour, minute = _clock(config.time or "")
        if self.frequency == "daily":
            return f"{minute} {hour} * * *"
        if self.frequency == "weekly":
            days = sorted({_WEEKDAYS.index(day) for day in config.weekdays or ()})
            if not days:
                raise ValueError("The schedule has no day of the week.")
            return f"{minute} {hour} * * {','.join(map(str, days))}"
        chosen = config.monthly_days or []
        dates = [str(day) for day in sorted({day for day in chosen if isinstance(day, int)})]
        if not chosen:
            raise ValueError("The schedule has no day of the month.")
        return f"{minute} {hour} {','.join([*dates, *(['L'] if 'last' in chosen else [])])} * *"


def _clock(text: str) -> tuple[int, int]:
    """(hour, minute) of 24. Raises ValueError."""
    found = _TIME.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"`{text}` is no time of day, such as 2:30 PM.")
    hour, minute, half = int(found[1]), int(found[2]), (found[3] or "").upper()
    if minute > 59 or hour > (12 if half else 23) or (half and hour == 0):
        raise ValueError(f"`{text}` is no time of day, such as 2:30 PM.")
    return (hour % 12 + (12 if half == "P" else 0) if half else hour), minute


def run(data: ScheduleData, context: Context) -> Outcome:
    return Outcome()


KIND = Kind(
    type="trigger-schedule",
    role="start",
    data=ScheduleData,
    run=run,
    words=Words("Schedule", "일정", "Starts a run at set times.", "정해 둔 시각마다 실행을 시작합니다."),
    fields={
        "frequency": Words("Frequency", "주기", "Hourly, daily, weekly or monthly.", "매시간, 매일, 매주, 매월."),
        "cron_expression": Words("Cron expression", "크론 표현식", "Five fields.", "다섯 칸으로 씁니다."),
        "timezone": Words("Time zone", "시간대", "The clock it goes by.", "기준이 되는 시간대입니다."),
    },
)

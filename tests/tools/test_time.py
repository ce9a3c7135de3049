"""The tools of the provider `time`, through a kit, as nodes and agents call them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from llmflow.errors import NodeFailed, NotFound
from llmflow.tools.kit import Kit
from llmflow.tools.types import ToolRef


async def call(tool: str, **arguments: Any) -> str:
    ready = await Kit().find(ToolRef("builtin", "time", tool))
    return (await ready.call(arguments)).text


async def test_the_current_time_is_told_in_the_zone_and_form_asked_for() -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    told = datetime.fromisoformat(await call("current_time", timezone="Asia/Seoul", format="%Y-%m-%dT%H:%M:%S%z"))
    assert told.utcoffset() is not None and told.utcoffset().total_seconds() == 9 * 3600  # type: ignore[union-attr]
    assert before <= told <= datetime.now(UTC)


@pytest.mark.parametrize(
    ("tool", "arguments", "answer"),
    [
        ("localtime_to_timestamp", {"localtime": "2026-01-31 09:00:00", "timezone": "Asia/Seoul"}, "1769817600"),
        ("timestamp_to_localtime", {"timestamp": "1769817600", "timezone": "Asia/Seoul"}, "2026-01-31 09:00:00"),
        ("timestamp_to_localtime", {"timestamp": 0}, "1970-01-01 00:00:00"),
        (
            "timezone_conversion",
            {
                "current_time": "2026-03-29 10:00:00",
                "current_timezone": "Asia/Seoul",
                "target_timezone": "Europe/Berlin",
            },
            "2026-03-29 03:00:00",  # an hour after the clocks went forward
        ),
        ("weekday", {"year": 2026, "month": "10", "day": 9}, "2026-10-09 is a Friday."),
    ],
)
async def test_times_are_converted(tool: str, arguments: dict[str, Any], answer: str) -> None:
    assert await call(tool, **arguments) == answer


@pytest.mark.parametrize(
    ("tool", "arguments", "param"),
    [
        ("current_time", {"timezone": "화성/올림푸스"}, "timezone"),
        ("current_time", {"timezone": "../../etc/passwd"}, "timezone"),
        ("current_time", {"timezone": "America"}, "timezone"),
        ("current_time", {"format": "%Y" * 100}, "format"),
        ("localtime_to_timestamp", {"localtime": "내일"}, "localtime"),
        ("localtime_to_timestamp", {}, "localtime"),
        ("timestamp_to_localtime", {"timestamp": "1e300"}, "timestamp"),
        ("timestamp_to_localtime", {"timestamp": "nan"}, "timestamp"),
        ("weekday", {"year": 2026, "month": 2, "day": 30}, "day"),
        ("weekday", {"year": 2026, "month": "이월", "day": 3}, "month"),
    ],
)
async def test_what_is_no_time_is_refused_by_its_parameters_name(
    tool: str, arguments: dict[str, Any], param: str
) -> None:
    with pytest.raises(NodeFailed) as caught:
        await call(tool, **arguments)
    assert (caught.value.code, caught.value.param) == ("tool_input_invalid", param)


@pytest.mark.parametrize(
    "ref",
    [
        ToolRef("builtin", "time", "current_time"),
        ToolRef("plugin", "langgenius/time/time", "current_time"),
        ToolRef("builtin", "an id nobody knows", "current_time", "time"),
    ],
)
async def test_difys_provider_is_found_by_each_of_its_names(ref: ToolRef) -> None:
    assert (await Kit().find(ref)).spec.name == "current_time"


async def test_an_unknown_tool_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(NotFound) as caught:
        await Kit().find(ToolRef("builtin", "time", "curent_time"))
    assert caught.value.code == "tool_unknown"
    assert "time/current_time" in caught.value.hint


async def test_a_strangers_provider_of_the_same_name_is_not_ours() -> None:
    with pytest.raises(NotFound):
        await Kit().find(ToolRef("plugin", "stranger/time/time", "current_time"))


async def test_a_model_is_not_shown_the_settings() -> None:
    spec = (await Kit().find(ToolRef("builtin", "time", "current_time"))).spec
    assert list(spec.asked()["properties"]) == ["timezone"]
    assert list(spec.parameters["properties"]) == ["format", "timezone"]

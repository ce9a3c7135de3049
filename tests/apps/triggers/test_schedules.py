"""Schedules by a clock of the test's own: when they fire, and that they fire once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from llmflow.apps.designs.imports import Imported
from llmflow.apps.triggers.schedules import Schedules
from llmflow.apps.triggers.types import Trigger
from llmflow.config.settings import Triggers as Limits
from llmflow.organs.jobs.memory import MemoryJobs
from llmflow.store.database import Database
from llmflow.store.tables import triggers
from llmflow.workflow.journal.queries import Wanted
from llmflow.workflow.journal.stored import StoredRun
from tests.apps.fakes import WORKSPACE, TinyLlm, World, world_of
from tests.flow_apps import dsl, end, schedule, template

HOUR = 3_600_000
BERLIN = "Europe/Berlin"


def ms(zone: str, year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> int:
    return int(datetime(year, month, day, hour, minute, tzinfo=ZoneInfo(zone)).timestamp() * 1000)


NOON = ms("UTC", 2026, 6, 1, 12)


@dataclass
class Clock:
    now: int = NOON

    def __call__(self) -> int:
        return self.now


@dataclass
class Timed:
    """A world with one schedule, and the jobs that fire it. Times are set by hand, so that nothing waits."""

    world: World
    made: Imported
    clock: Clock
    jobs: MemoryJobs = field(default_factory=MemoryJobs)

    def schedules(self, **limits: int) -> Schedules:
        room = self.world.room
        return Schedules(
            self.world.database,
            room.triggers,
            room.deliveries,
            room.catalogue,
            room.plans,
            room.runs,
            self.jobs,
            limits=Limits(**limits),
            clock_ms=self.clock,
        )

    async def trigger(self) -> Trigger:
        document = (await self.world.room.plans.in_force(self.made.app)).document
        [found] = await self.world.room.triggers.all(self.made.app, document)
        return found

    async def due_at(self, at: int) -> None:
        async with self.world.database.write() as connection:
            await connection.execute(sa.update(triggers).values(next_at=at))

    async def runs(self) -> list[StoredRun]:
        """All, over, the oldest first."""
        for task in self.jobs._tasks.values():
            await task
        room = self.world.room
        found, _ = await room.runs.page(self.made.app.id, Wanted(), offset=0, limit=100)
        for run in found:
            if (live := room.runs.live(run.id)) is not None:
                await live.ended()
        found, _ = await room.runs.page(self.made.app.id, Wanted(), offset=0, limit=100)
        return found[::-1]


async def timed(world: World, cron: str, zone: str = "UTC", *, at: int = NOON) -> Timed:
    nodes = [schedule(cron_expression=cron, timezone=zone), template("t", "아침 인사"), end(out="t.output")]
    made = await world.room.imports.make(WORKSPACE, dsl("시계", nodes), publish=True)
    found = Timed(world, made, Clock(at))
    await found.jobs.start()
    return found


@pytest.fixture
async def any_world(database: Database, tmp_path: Path) -> AsyncIterator[World]:
    """Once on each kind of database."""
    made = await world_of(database, tmp_path, TinyLlm())
    yield made
    await made.room.close()


async def test_what_is_due_is_run_once_and_its_next_time_is_set(any_world: World) -> None:
    found = await timed(any_world, "0 12 * * *")
    await found.due_at(NOON)
    schedules = found.schedules()
    assert await schedules.tick() == NOON + 24 * HOUR
    assert await schedules.tick() == NOON + 24 * HOUR
    [run] = await found.runs()
    trigger = await found.trigger()
    assert (run.status, run.source, run.trigger_id) == ("succeeded", "schedule", trigger.id)
    assert run.outputs == {"out": "아침 인사"}
    [noted] = await any_world.room.deliveries.newest(trigger, 10)
    assert (noted.status, noted.run_id, noted.run_status) == (202, run.id, "succeeded")


async def test_two_that_look_at_the_same_moment_run_it_once(any_world: World) -> None:
    found = await timed(any_world, "0 12 * * *")
    await found.due_at(NOON)
    await asyncio.gather(*(found.schedules().tick() for _ in range(2)))
    assert len(await found.runs()) == 1


async def test_a_time_that_is_handed_over_again_after_a_crash_is_run_once(any_world: World) -> None:
    found = await timed(any_world, "0 12 * * *")
    for jobs in (found.jobs, MemoryJobs()):  # the second knows nothing of the first, as a job that is run again
        found.jobs = jobs
        await jobs.start()
        await found.due_at(NOON)  # as if the process had died before it set the next time
        await found.schedules().tick()
        assert len(await found.runs()) == 1


@pytest.mark.parametrize(
    ("cron", "late_ms", "catch_up", "fires", "follows"),
    [
        ("*/10 * * * *", 3 * HOUR, 60, 1, NOON + 3 * HOUR + 600_000),  # the latest of many
        ("0 12 * * *", HOUR // 2, 60, 1, NOON + 24 * HOUR),
        ("0 12 * * *", 2 * HOUR, 60, 0, NOON + 24 * HOUR),  # too old
        ("0 12 * * *", 2 * HOUR, 180, 1, NOON + 24 * HOUR),
        ("0 12 * * *", HOUR // 2, 0, 0, NOON + 24 * HOUR),  # nothing is made up for
        ("0 12 * * *", 20_000, 0, 1, NOON + 24 * HOUR),  # late, not missed
    ],
)
async def test_missed_times_are_made_up_for_once_or_not_at_all(
    world: World, cron: str, late_ms: int, catch_up: int, fires: int, follows: int
) -> None:
    found = await timed(world, cron)
    await found.due_at(NOON)
    found.clock.now = NOON + late_ms
    assert await found.schedules(catch_up_minutes=catch_up).tick() == follows
    assert len(await found.runs()) == fires


async def test_a_schedule_fires_once_a_day_through_both_changes_of_the_clocks(world: World) -> None:
    for first, days in ((ms(BERLIN, 2026, 3, 28), 3), (ms(BERLIN, 2026, 10, 24), 3)):
        found = await timed(world, "30 2 * * *", BERLIN, at=first)
        await found.due_at(first + 2 * HOUR + HOUR // 2)
        schedules = found.schedules()
        for _ in range(days * 24 * 2 + 3):
            await schedules.tick()
            found.clock.now += HOUR // 2
        assert len(await found.runs()) == days


async def test_what_is_off_does_not_fire_and_makes_up_for_nothing_when_it_is_on_again(world: World) -> None:
    found = await timed(world, "* * * * *")
    trigger, document = await found.trigger(), (await world.room.plans.in_force(found.made.app)).document
    world.room.triggers._clock_ms = found.clock
    change = world.room.triggers.change
    off = await change(found.made.app, trigger.id, document, is_on=False, needs_secret=None)
    assert off.next_at is None
    schedules = found.schedules()
    found.clock.now += HOUR
    assert await schedules.tick() is None
    on = await change(found.made.app, trigger.id, document, is_on=True, needs_secret=None)
    assert on.next_at == found.clock.now + 60_000
    await schedules.tick()
    assert await found.runs() == []


async def test_one_schedule_has_so_many_runs_under_way_and_no_more(world: World) -> None:
    found = await timed(world, "0 12 * * *")
    await found.due_at(NOON)
    world.room.runs.count = lambda trigger_id: 1  # type: ignore[method-assign]
    await found.schedules(concurrency=1).tick()
    assert await found.runs() == []
    [noted] = await world.room.deliveries.newest(await found.trigger(), 10)
    assert (noted.status, noted.error_code) == (429, "trigger_busy")


async def test_the_timer_waits_for_the_next_time_and_hears_of_changes(world: World) -> None:
    found = await timed(world, "0 12 * * *")
    await found.due_at(NOON)
    begun = time.monotonic()
    found.clock.now = NOON - 50
    schedules = found.schedules()
    schedules._clock_ms = lambda: NOON - 50 + round((time.monotonic() - begun) * 1000)
    schedules.start()
    while not (await found.runs()):
        await asyncio.sleep(0.01)
    await found.due_at(NOON)  # somebody changed it
    world.room.triggers.changed()
    while (await found.trigger()).next_at == NOON:
        await asyncio.sleep(0.01)
    await schedules.close()
    assert len(await found.runs()) == 1


async def test_a_schedule_that_cannot_be_read_is_listed_and_never_due(world: World) -> None:
    found = await timed(world, "every day")
    assert (await found.trigger()).next_at is None
    assert await found.schedules().tick() is None


async def test_publishing_changes_the_next_time_and_deleting_the_app_ends_it(world: World) -> None:
    found = await timed(world, "0 12 * * *")
    before = await found.trigger()
    nodes = [schedule(cron_expression="0 0 1 1 *"), end()]
    await world.room.imports.make(WORKSPACE, dsl("시계", nodes), into=found.made.app, publish=True)
    after = await found.trigger()
    assert after.id == before.id
    assert after.next_at != before.next_at
    await world.room.catalogue.delete(WORKSPACE, found.made.app.id)
    assert await found.schedules().tick() is None


async def test_a_schedule_is_run_by_hand_and_keeps_its_next_time(world: World) -> None:
    found = await timed(world, "0 12 * * *")
    before = await found.trigger()
    live = await found.schedules().run_now(found.made.app, before.id, account_id=None)
    await live.ended()
    assert [run.id for run in await found.runs()] == [live.run.id]
    assert await found.trigger() == before

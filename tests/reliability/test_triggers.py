"""kill -9 right after a webhook's answer, and a time missed while nothing ran; on both databases."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from llmflow.store.database import Database, sqlite_url
from llmflow.store.tables import triggers
from tests.flow_apps import counting_server, dsl, end, http, schedule, template, webhook
from tests.reliability.servers import LIGHT, up

pytestmark = pytest.mark.slow

_CONFIG = LIGHT + "workflow: {http_allow: [127.0.0.1]}\n"


@pytest.fixture
def config(store: str) -> str:
    return _CONFIG + store


def test_what_was_accepted_is_run_after_a_kill_and_accepted_only_once(tmp_path: Path, config: str) -> None:
    home = tmp_path / "home"
    with counting_server() as counting:
        counting.hold("/work")
        hook = webhook(body=[{"name": "이름"}], response_body='{"run": "{{#sys.workflow_run_id#}}"}')
        document = dsl("접수", [hook, http("h", "GET", f"{counting.url}/work"), end(out="h.body", to="hook.이름")])
        server = up(home, config)
        with server.client() as console:
            app = console.post("/api/v1/apps/import", json={"document": document, "publish": True}).json()["app_id"]
            [trigger] = console.get(f"/api/v1/apps/{app}/triggers").json()
            secret = console.post(f"/api/v1/apps/{app}/triggers/{trigger['id']}/secret").json()["secret"]
        call = {"Authorization": f"Bearer {secret}", "webhook-id": "msg_1"}
        path = trigger["webhook"]["path"]
        first = httpx.post(server.url + path, json={"이름": "지수"}, headers=call, trust_env=False)
        server.kill()
        assert first.status_code == 200
        counting.release("/work")
        server = up(home, config)
        try:
            again = httpx.post(server.url + path, json={"이름": "지수"}, headers=call, trust_env=False)
            with server.client() as console:
                with console.stream("GET", f"/api/v1/apps/{app}/runs/{first.json()['run']}/events") as events:
                    events.read()
                page = console.get(f"/api/v1/apps/{app}/runs").json()
        finally:
            server.stop()
    assert (again.status_code, again.content) == (200, first.content)
    [run] = page["runs"]
    assert (run["status"], run["outputs"]["to"]) == ("succeeded", "지수")


async def _set_next(home: Path, config: str, at_ms: int) -> None:
    _, _, url = config.partition("url: '")
    database = Database(url.partition("'")[0] or sqlite_url(home / "llmflow.db"))
    await database.open()
    async with database.write() as connection:
        await connection.execute(sa.update(triggers).values(next_at=at_ms))
    await database.close()


async def test_a_time_missed_while_nothing_ran_is_made_up_for_once(tmp_path: Path, config: str) -> None:
    home = tmp_path / "home"
    missed = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=5)
    nodes = [schedule(cron_expression=f"{missed.minute} * * * *"), template("t", "매시간"), end(out="t.output")]
    server = up(home, config)
    with server.client() as console:
        body = {"document": dsl("시계", nodes), "publish": True}
        app = console.post("/api/v1/apps/import", json=body).json()["app_id"]
        [trigger] = console.get(f"/api/v1/apps/{app}/triggers").json()
        assert trigger["schedule"]["next_at"] == trigger["schedule"]["upcoming"][0]
    server.kill()
    await _set_next(home, config, int(missed.timestamp() * 1000))
    for _ in range(2):  # the second start finds nothing more to make up for
        server = up(home, config)
        try:
            with server.client() as console:
                until = time.monotonic() + 60
                while not (runs := console.get(f"/api/v1/apps/{app}/runs").json()["runs"]):
                    assert time.monotonic() < until, server.log()
                    time.sleep(0.1)
                with console.stream("GET", f"/api/v1/apps/{app}/runs/{runs[0]['id']}/events") as events:
                    events.read()
                page = console.get(f"/api/v1/apps/{app}/runs").json()
                [trigger] = console.get(f"/api/v1/apps/{app}/triggers").json()
        finally:
            server.kill()
        [run] = page["runs"]
        assert (run["status"], run["source"], run["outputs"]) == ("succeeded", "schedule", {"out": "매시간"})
        assert trigger["schedule"]["next_at"] > time.time() * 1000
        assert trigger["last"]["run_id"] == run["id"]

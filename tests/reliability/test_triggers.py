"""kill -9 right after a webhook's answer, on both databases."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.flow_apps import counting_server, dsl, end, http, webhook
from tests.live import LiveServer, start_server
from tests.reliability.servers import LIGHT, environ

pytestmark = pytest.mark.slow

_CONFIG = LIGHT + "workflow: {http_allow: [127.0.0.1]}\n"


@pytest.fixture(params=["sqlite", "postgres"])
def config(request: pytest.FixtureRequest) -> str:
    if request.param == "sqlite":
        return _CONFIG
    return _CONFIG + f"store: {{url: '{request.getfixturevalue('postgres_url')}'}}\n"


def up(home: Path, config: str) -> LiveServer:
    return start_server(home, "--no-demo", config=config, environ=environ())


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

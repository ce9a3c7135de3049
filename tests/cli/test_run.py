from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flow_apps import dsl, end, llm, start, template
from tests.live import LiveServer
from tests.reliability.servers import run


@pytest.fixture
def flow(fake_model_server: LiveServer, tmp_path: Path) -> Iterator[str]:
    nodes = (
        start("q"),
        llm("m", "말해: {{#start.q#}}"),
        template("t", "{{ a }}!", a="m.text"),
        end(out="m.text", loud="t.output"),
    )
    file = tmp_path / "flow.yml"
    file.write_text(dsl("말하기", nodes), "utf-8")
    home = str(fake_model_server.home)
    done = run("apps", "import", str(file), "--publish", "--json", "--home", home)
    assert done.returncode == 0, done.stderr
    yield "말하기"
    with fake_model_server.client() as client:
        client.delete("/api/v1/apps/말하기")


def test_a_run_prints_its_text_or_all_outputs_and_fails_by_code(fake_model_server: LiveServer, flow: str) -> None:
    home = ("--home", str(fake_model_server.home))
    done = run("apps", "run", flow, "--input", "q=안녕", *home)
    assert done.returncode == 0, done.stderr
    assert "안녕" in done.stdout
    done = run("apps", "run", flow, "-i", "q=안녕", "--json", *home)
    told = json.loads(done.stdout)
    assert (told["status"], told["outputs"]["loud"]) == ("succeeded", told["outputs"]["out"] + "!")
    for arguments, code in ((("-i", "q"), "invalid_request"), ((), "workflow_input_invalid")):
        done = run("apps", "run", flow, *arguments, *home)
        assert done.returncode == 1
        assert code in done.stderr

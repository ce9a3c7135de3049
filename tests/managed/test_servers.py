"""Managed servers: installed, run, started anew, ended whole."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path

import psutil
import pytest

from llmflow.errors import Conflict, LLMFlowError, NotFound, OrganError, UsageError
from llmflow.managed.folder import tail
from llmflow.managed.install import InstallProgress
from llmflow.managed.recipe import Build, Recipe
from llmflow.managed.servers import Servers
from llmflow.managed.supervise import Pace
from llmflow.net.client import HttpClient
from llmflow.organs.embedding.infinity import InfinityEmbedding
from llmflow.organs.llm.vllm import VllmLlm
from llmflow.ports.llm import ChatRequest, Message
from llmflow.processes.kept import MARK
from llmflow.store.crypto import Cipher
from tests.managed.fake_recipe import FOLDER, RECIPE

QUICK = Pace(look_s=0.03, watch_s=0.1, answer_s=2.0, pause_s=0.02, longest_s=0.1, sound_s=600.0, silent=3, tries=3)
CIPHER = Cipher("a passphrase for tests")

Make = Callable[..., Servers]


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[Make]:
    """Makes `Servers` over one folder and closes them; nothing may be left of any."""
    made: list[Servers] = []

    def build(recipe: Recipe = RECIPE, **more: object) -> Servers:
        made.append(Servers(tmp_path / "organs", CIPHER, {recipe.name: recipe}, pace=QUICK, **more))  # type: ignore[arg-type]
        return made[-1]

    yield build
    for one in made:
        await one.close()
    assert marked(tmp_path) == []


def marked(under: Path) -> list[psutil.Process]:
    """Processes that work for a folder below `under`."""
    found = []
    for one in psutil.process_iter():
        try:
            if one.environ().get(MARK, "").startswith(str(under)) and one.status() != psutil.STATUS_ZOMBIE:
                found.append(one)
        except psutil.Error:
            continue
    return found


async def running(servers: Servers, mode: str = "") -> Servers:
    """Installed, started, and serving or failed."""
    servers.install("fake")
    await servers.installed("fake")
    await servers.start("fake", {"arguments": mode})
    await servers.settled("fake")
    return servers


async def until(servers: Servers, holds: Callable[[], bool]) -> None:
    """Returns when it holds, looking at each piece of news."""
    async with asyncio.timeout(30), aclosing(servers.follow("fake")) as news:
        async for _ in news:
            if holds():
                return


async def test_an_installed_server_runs_with_its_key_and_shows_its_memory(make: Make) -> None:
    servers = await running(make())
    state = servers.state("fake")
    assert (state.state, state.model, state.starts, state.version) == ("running", "fake-1", 1, "1.0")
    assert state.memory_mb > 10
    address = servers.address("fake")
    http = HttpClient()
    without = await http.request("GET", f"{address.url}/v1/models")
    with_key = await http.request(
        "GET", f"{address.url}/v1/models", headers={"Authorization": f"Bearer {address.api_key}"}
    )
    await http.close()
    assert (without.status, with_key.status) == (401, 200)
    sealed = servers.folder("fake").key.read_text()
    assert address.api_key not in sealed
    assert CIPHER.decrypt(sealed, "organs/fake") == address.api_key
    assert address.api_key not in repr(address)


async def test_the_same_key_serves_after_a_restart(make: Make) -> None:
    first = await running(make())
    key = first.address("fake").api_key
    await first.close()
    second = make()
    await second.start_wanted()
    await second.settled("fake")
    assert second.address("fake").api_key == key


async def test_stopping_leaves_no_process_of_the_tree(make: Make, tmp_path: Path) -> None:
    servers = await running(make())
    assert len(marked(tmp_path)) == 4  # the keeper, the server, its child, and the grandchild that let go
    await servers.stop("fake")
    assert marked(tmp_path) == []
    assert servers.state("fake").state == "stopped"


async def test_a_server_that_ended_by_itself_takes_its_children_along_and_is_started_anew(
    make: Make, tmp_path: Path
) -> None:
    servers = await running(make())
    before = servers._supervised["fake"].pid
    top = psutil.Process(before).children()[0]
    top.kill()
    await until(servers, lambda: servers.state("fake").starts == 2 and servers.state("fake").state == "running")
    assert "SIGKILL" in servers.state("fake").reason or servers.state("fake").reason == ""
    assert len(marked(tmp_path)) == 4


async def test_a_killed_keeper_takes_the_server_along_and_its_orphans_are_found(make: Make, tmp_path: Path) -> None:
    servers = await running(make())
    os.kill(servers._supervised["fake"].pid, signal.SIGKILL)
    await until(servers, lambda: servers.state("fake").starts == 2 and servers.state("fake").state == "running")
    assert len(marked(tmp_path)) == 4


async def test_a_server_that_fails_each_time_is_given_up_with_its_own_words(make: Make) -> None:
    servers = await running(make(), "crash")
    state = servers.state("fake")
    assert (state.state, state.starts) == ("failed", QUICK.tries)
    assert "status 3" in state.reason
    assert "RuntimeError: no model today" in state.reason
    assert "llmflow organs logs fake" in state.hint
    with pytest.raises(OrganError) as raised:
        servers.address("fake")
    assert raised.value.code == "organ_failed"
    await servers.start("fake", {"arguments": ""})
    assert (await servers.settled("fake")).state == "running"


async def test_a_server_that_failed_once_serves_at_the_second_start(make: Make, tmp_path: Path) -> None:
    servers = await running(make(), f"flaky {tmp_path / 'tried'}")
    assert (servers.state("fake").state, servers.state("fake").starts) == ("running", 2)


async def test_a_server_that_never_becomes_healthy_is_given_up(make: Make, tmp_path: Path) -> None:
    servers = await running(make(dataclasses.replace(RECIPE, start_s=0.3)), "mute")
    assert servers.state("fake").state == "failed"
    assert "did not serve within 0.3 s" in servers.state("fake").reason
    assert marked(tmp_path) == []


async def test_a_server_that_does_not_listen_to_the_end_is_killed(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    servers = await running(make(), "deaf")
    keeper = servers._supervised["fake"].pid
    os.kill(keeper, signal.SIGTERM)  # the grace runs from here
    stopping = asyncio.create_task(servers.stop("fake"))
    psutil.Process(keeper).children()[0].kill()
    await stopping
    assert marked(tmp_path) == []


async def test_a_port_that_somebody_took_meanwhile_is_not_used_again(make: Make) -> None:
    servers = await running(make())
    port = servers.state("fake").port
    await servers.stop("fake")
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        await servers.start("fake")
        assert (await servers.settled("fake")).state == "running"
        assert servers.state("fake").port not in (0, port)


async def test_a_server_keeps_its_port_where_nobody_took_it(make: Make) -> None:
    servers = await running(make())
    port = servers.state("fake").port
    await servers.stop("fake")
    await servers.start("fake")
    assert (await servers.settled("fake")).port == port


async def test_what_ran_runs_again_and_what_was_stopped_does_not(make: Make) -> None:
    first = await running(make())
    await first.close()
    second = make()
    await second.start_wanted()
    assert (await second.settled("fake")).state == "running"
    await second.stop("fake")
    await second.close()
    third = make()
    await third.start_wanted()
    assert third.state("fake").state == "stopped"


async def test_what_the_configuration_uses_starts_with_its_values(make: Make) -> None:
    first = make()
    first.install("fake")
    await first.installed("fake")
    second = make(pinned={"fake": {"context_tokens": 4096}})
    await second.start_wanted()
    assert second.starting() == ["fake"]
    state = await second.settled("fake")
    assert (state.state, state.chosen["context_tokens"]) == ("running", 4096)
    assert second.starting() == []


async def test_other_values_start_it_anew(make: Make) -> None:
    servers = await running(make())
    await servers.start("fake", {"context_tokens": "512"})
    state = await servers.settled("fake")
    assert (state.chosen["context_tokens"], state.state) == (512, "running")


@pytest.mark.parametrize(
    "chosen", [{"colour": "red"}, {"context_tokens": "many"}, {"context_tokens": 3}], ids=["unknown", "text", "small"]
)
async def test_values_that_the_recipe_does_not_have_are_refused(make: Make, chosen: dict[str, str | int]) -> None:
    servers = make()
    servers.install("fake")
    await servers.installed("fake")
    with pytest.raises(UsageError) as raised:
        await servers.start("fake", chosen)
    assert raised.value.param in chosen


async def test_what_is_not_installed_is_not_started_and_says_how_to_install_it(make: Make) -> None:
    servers = make()
    assert servers.state("fake").state == "absent"
    with pytest.raises(OrganError) as raised:
        await servers.start("fake")
    assert raised.value.code == "organ_not_installed"
    assert "llmflow organs install fake" in raised.value.hint
    with pytest.raises(NotFound):
        await servers.start("fak")


async def test_a_running_server_is_not_installed_over(make: Make) -> None:
    servers = await running(make())
    with pytest.raises(Conflict) as raised:
        servers.install("fake")
    assert raised.value.code == "organ_running"


async def test_an_installation_that_broke_off_is_done_anew(make: Make, tmp_path: Path) -> None:
    servers = make(dataclasses.replace(RECIPE, check="no_such_module"))
    servers.install("fake")
    with pytest.raises(LLMFlowError) as raised:
        await servers.installed("fake")
    assert raised.value.code == "install_failed"
    assert "no_such_module" in raised.value.message
    assert servers.state("fake").state == "broken"
    again = make()
    assert again.state("fake").state == "broken"
    (again.folder("fake").venv / "half.txt").touch()
    again.install("fake")
    await again.installed("fake")
    assert again.state("fake").state == "stopped"
    assert not (again.folder("fake").venv / "half.txt").exists()


async def test_an_installation_that_is_whole_is_left_alone(make: Make) -> None:
    servers = make()
    servers.install("fake")
    await servers.installed("fake")
    kept = servers.folder("fake").venv / "kept.txt"
    kept.touch()
    servers.install("fake")
    await servers.installed("fake")
    assert kept.exists()


async def test_another_version_asks_for_a_new_installation(make: Make) -> None:
    first = make()
    first.install("fake")
    await first.installed("fake")
    newer = make(dataclasses.replace(RECIPE, version="2.0"))
    assert newer.state("fake").state == "outdated"
    with pytest.raises(OrganError):
        await newer.start("fake")
    newer.install("fake")
    await newer.installed("fake")
    assert (newer.state("fake").state, newer.state("fake").version) == ("stopped", "2.0")


async def test_an_installation_stopped_half_way_leaves_no_process(make: Make, tmp_path: Path) -> None:
    servers = make(dataclasses.replace(RECIPE, check="time; time.sleep(600)"))
    servers.install("fake")
    await until(servers, lambda: (p := servers.state("fake").progress) is not None and p.phase == "check")
    await servers.stop("fake")
    assert marked(tmp_path) == []
    assert servers.state("fake").state == "broken"


async def test_progress_names_the_steps(make: Make) -> None:
    servers = make()
    seen: list[InstallProgress | None] = []
    async with aclosing(servers.follow("fake")) as news:
        servers.install("fake")
        async for state in news:
            if state.progress is not None:
                seen.append(state.progress)
            if state.state != "installing":
                break
    assert state.state == "stopped"
    assert all(progress is not None and progress.steps == 2 for progress in seen)


async def test_too_little_disk_is_said_before_anything_is_fetched(make: Make) -> None:
    servers = make(dataclasses.replace(RECIPE, disk_mb=10**9))
    servers.install("fake")
    with pytest.raises(OrganError) as raised:
        await servers.installed("fake")
    assert raised.value.code == "disk_full"
    assert not servers.folder("fake").venv.exists()


async def test_the_log_is_turned_and_its_tail_read_across_the_turn(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmflow.managed.supervise._LOG_BYTES", 5000)
    servers = await running(make(), "loud")
    folder = servers.folder("fake")
    await until(servers, lambda: folder.log.with_name("server.log.2").exists())
    await servers.stop("fake")
    logs = sorted(folder.path.glob("server.log*"))
    assert len(logs) == 3
    assert all(log.stat().st_size <= 5000 for log in logs)
    assert folder.tail(4) == ["가나다" * 100] * 4


def test_the_tail_of_no_log_is_empty(tmp_path: Path) -> None:
    assert tail(tmp_path / "none.log", 10) == []


async def test_removing_deletes_every_file(make: Make) -> None:
    servers = await running(make())
    await servers.remove("fake")
    assert not servers.folder("fake").path.exists()
    assert servers.state("fake").state == "absent"


async def test_the_adapter_talks_to_it_and_follows_it_to_another_port(make: Make) -> None:
    servers = await running(make())
    http = HttpClient()
    llm = VllmLlm(servers=servers.server, server="fake", http=http)
    assert [model.id for model in await llm.models()] == ["fake-1"]
    request = ChatRequest((Message("user", "안녕하세요"),))
    assert "".join([delta.text async for delta in llm.stream(request)]) == "fake-1: 안녕하세요"
    assert await llm.count_tokens("하나 둘 셋") == 3
    assert (await llm.health()).ok
    port = servers.state("fake").port
    await servers.stop("fake")
    health = await llm.health()
    assert (health.ok, "llmflow organs start fake" in health.hint) == (False, True)
    with pytest.raises(OrganError) as raised:
        await llm.models()
    assert raised.value.code == "organ_stopped"
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        await servers.start("fake")
        await servers.settled("fake")
        assert [model.id for model in await llm.models()] == ["fake-1"]
    await http.close()


async def test_the_embedding_adapter_talks_to_it_and_says_when_it_is_stopped(make: Make) -> None:
    servers = await running(make())
    embedding = InfinityEmbedding(servers=servers.server, server="fake")
    vectors = await embedding.embed(["하나", "둘"], "passage")
    assert (vectors.shape, embedding.model, embedding.dimensions) == ((2, 2), "fake-1", 2)
    assert vectors[0].tolist() == pytest.approx([0.6, 0.8])
    assert "2 dimensions" in (await embedding.health()).detail
    await servers.stop("fake")
    assert not (await embedding.health()).ok
    with pytest.raises(OrganError) as raised:
        await embedding.embed(["하나"], "query")
    assert raised.value.code == "organ_stopped"
    await embedding.close()


PROGRAM = """
import asyncio, sys
from pathlib import Path
from tests.managed.test_servers import CIPHER, QUICK, RECIPE, Servers, running

async def main():
    servers = await running(Servers(Path(sys.argv[1]), CIPHER, {"fake": RECIPE}, pace=QUICK), sys.argv[2])
    print("running", flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


@contextmanager
def another_process(folder: Path, mode: str = "") -> Iterator[subprocess.Popen[str]]:
    """A process of ours with a managed server that serves."""
    environ = {**os.environ, "PYTHONPATH": str(FOLDER.parents[1])}
    command = [sys.executable, "-c", PROGRAM, str(folder), mode]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "running\n"
        yield process
        process.kill()


def test_nothing_is_left_when_we_are_killed(tmp_path: Path) -> None:
    with another_process(tmp_path / "organs") as process:
        found = marked(tmp_path)
        assert len(found) == 4
        process.kill()
        process.wait()
        assert psutil.wait_procs(found, timeout=30)[1] == []


async def test_what_was_left_when_even_the_keeper_was_killed_is_ended_at_the_next_start(
    make: Make, tmp_path: Path
) -> None:
    with another_process(tmp_path / "organs") as process:
        keeper = psutil.Process(process.pid).children()[0]
        process.kill()
        keeper.kill()
    left = marked(tmp_path)
    servers = make()
    await servers.start_wanted()
    assert (await servers.settled("fake")).state == "running"
    assert [one for one in left if one.is_running()] == []


def test_a_build_without_packages_needs_no_index() -> None:
    assert Build().packages == ()

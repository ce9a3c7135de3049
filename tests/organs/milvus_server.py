"""A real Milvus server from PyPI for the tests, and for `benchmarks.search_speed --store milvus`.

The last version that comes as a package is 2.3, which has no keyword search; newer ones come as images only. It is
kept in `build/organs`: 60 MB to fetch, 300 MB once it ran. It listens on every address of the machine and cannot be
told otherwise, so it asks for a token. Only one can run, since its etcd always takes port 2379.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from pymilvus.grpc_gen import common_pb2, milvus_pb2

from llmflow.organs.vector_store.milvus import MilvusVectorStore

VERSION = "2.3.5"
TOKEN = "root:Milvus"  # what every new Milvus has
_PACKAGE = Path(__file__).parents[2] / "build" / "organs" / f"milvus-{VERSION}"
_START_S = 120.0
_INSIDE = (
    "root-coord",
    "proxy-internal",
    "query-coord",
    "query-node",
    "index-coord",
    "index-node",
    "data-coord",
    "data-node",
)


def install() -> Path:
    """The folder of the package, fetched if it is not there yet."""
    if not (_PACKAGE / "milvus").is_dir():
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(_PACKAGE)]
        subprocess.run([*command, f"milvus=={VERSION}"], check=True, timeout=1_200)
    return _PACKAGE


@contextmanager
def running() -> Iterator[str]:
    """The address of a server with nothing in it, whose data goes with it."""
    package, data = install(), Path(tempfile.mkdtemp(prefix="milvus-"))
    (data / "bin").symlink_to(_unpacked(package), target_is_directory=True)
    port = _free_port()
    command = [sys.executable, "-c", "import milvus; milvus.main()", "--data", str(data), "--proxy-port", str(port)]
    for name in _INSIDE:
        command += [f"--{name}-port", str(_free_port())]
    command += ["--extra-config", "common.security.authorizationEnabled=true"]
    command += ["--extra-config", "queryNode.segcore.interimIndex.enableIndex=false"]  # see docs/milvus.md
    environ = os.environ | {"PYTHONPATH": str(package)}
    log = (data / "log").open("wb")
    server = subprocess.Popen(command, env=environ, stdout=log, stderr=log, start_new_session=True)
    try:
        _wait_for(server, port, data / "log")
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(server.pid, signal.SIGKILL)  # its child outlives it otherwise
        server.wait()
        log.close()
        shutil.rmtree(data, ignore_errors=True)


async def settled(store: MilvusVectorStore, name: str) -> None:
    """Once what was written is indexed, and its index taken over by whoever searches, which comes seconds later."""
    await store.settle(name)
    found = await store._collection(name)
    connection = await found._server.client._get_connection()
    asked = milvus_pb2.GetQuerySegmentInfoRequest(collectionName=found._name)
    async with asyncio.timeout(_START_S):
        while True:
            told = await connection._async_stub.GetQuerySegmentInfo(asked)
            if told.infos and all(one.state == common_pb2.Sealed and one.index_name for one in told.infos):
                return
            await asyncio.sleep(0.3)


def _unpacked(package: Path) -> Path:
    """The package unpacks itself into its data's folder; done once for all."""
    binaries = package / "unpacked" / "bin"
    binaries.mkdir(parents=True, exist_ok=True)
    return binaries


def _wait_for(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    asked, end = f"http://127.0.0.1:{port}/v1/vector/collections", time.monotonic() + _START_S
    while True:
        assert server.poll() is None, log.read_text("utf-8", "replace")[-2000:]
        assert time.monotonic() < end, "Milvus did not start; another one may have its port 2379"
        try:
            answer = httpx.get(asked, auth=("root", "Milvus"), trust_env=False)
            if answer.status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.3)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port

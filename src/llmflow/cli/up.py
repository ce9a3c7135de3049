"""`llmflow up`: the API and the job worker in one process."""

from __future__ import annotations

import asyncio
import errno
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated

import typer
import uvicorn
import uvloop

from llmflow import home as homes
from llmflow.api.app import create_app
from llmflow.cli.options import Home, Json
from llmflow.config.load import load
from llmflow.config.settings import Settings
from llmflow.errors import ConfigError
from llmflow.first_start import ask_demo, ensure_token, seed_demo
from llmflow.wiring import Platform, build

_SHUTDOWN_S = 10


def up(
    host: Annotated[str | None, typer.Option(help="Address to listen on (127.0.0.1)")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on (8700)")] = None,
    workers: Annotated[int | None, typer.Option(help="API processes; this version serves with one")] = None,
    config: Annotated[Path | None, typer.Option(help="Configuration file (llmflow.yaml)")] = None,
    demo: Annotated[bool, typer.Option(help="Seed the demo at the first start")] = True,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Start LLMFlow; prints its address when it is ready, and the first sign-in at the first start."""
    settings = load(
        home=home, file=config, overrides={"server.host": host, "server.port": port, "server.workers": workers}
    )
    _refuse_many_workers(settings)
    _log(settings.server.log_level)
    os.umask(0o077)  # what libraries write in the home is nobody else's to read, whoever made the home
    homes.prepare(settings.home)
    lock = homes.HomeLock(settings.home)
    lock.acquire()
    try:
        listener = _listen(settings.server.host, settings.server.port)
        uvloop.run(_serve(settings, lock, listener, demo=demo, as_json=as_json))
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise homes.unwritable(settings.home, error) from error
    finally:
        lock.release()


def _log(level: str) -> None:
    logging.basicConfig(
        level=level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )
    for noisy in ("alembic", "uvicorn.error"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.getLogger("aiosqlite").setLevel(logging.INFO)  # on "debug" it writes every statement with its parameters


def _refuse_many_workers(settings: Settings) -> None:
    """One process serves in this version; says what stands in the way of more."""
    if settings.server.workers == 1:
        return
    reasons = ["this version serves with one process"]
    if not settings.store.url.startswith("postgres"):
        reasons.append("the database is SQLite, which has one writer")
    reasons += [
        f"organs.{port} is `{settings.organs[port].use}`, which has one owner"
        for port in ("vector_store", "blobs")
        if settings.organs[port].use in ("lancedb", "folder")
    ]
    raise ConfigError(
        f"{settings.server.workers} workers cannot share this configuration: {'; '.join(reasons)}.",
        code="needs_postgres",
        hint="Run one worker.",
    )


def _listen(host: str, port: int) -> socket.socket:
    """A bound socket. Raises ConfigError (port_in_use) before anything is started."""
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ConfigError(f"Port {port} on {host} is used by another program.", code="port_in_use") from error
        raise ConfigError(
            f"{host}:{port} cannot be listened on: {error.strerror or error}.", param="server.host"
        ) from error
    return listener


async def _serve(
    settings: Settings, lock: homes.HomeLock, listener: socket.socket, *, demo: bool, as_json: bool
) -> None:
    platform = await build(settings)
    try:
        is_first = not await platform.members.all(platform.workspace_id)
        await ensure_token(platform)
        if is_first and demo:
            await seed_demo(platform)
        server = _Server(
            uvicorn.Config(
                create_app(platform),
                log_config=None,
                access_log=False,
                lifespan="off",
                http="httptools",
                ws="none",
                server_header=False,
                forwarded_allow_ips=list(settings.server.trusted_proxies),
                timeout_graceful_shutdown=_SHUTDOWN_S,
                timeout_keep_alive=75,
            )
        )
        for signum in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(signum, server.stop)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        listening = asyncio.create_task(server.listening.wait())
        await asyncio.wait((serving, listening), return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            listening.cancel()
            await serving  # raises what kept it from listening
            return
        await platform.start()
        url = _url(listener)
        lock.announce(url)
        # last: a first start that is killed before this is a first start again, and nobody misses the password
        sign_in = await platform.people.ensure_administrator(platform.workspace_id)
        await ask_demo(platform)
        await _until_ready(platform, serving)
        url = settings.server.public_url or url
        if as_json:
            email, password = sign_in or (None, None)
            print(json.dumps({"url": url, "pid": os.getpid(), "email": email, "password": password}), flush=True)
        else:
            _print_welcome(url, sign_in, demo=demo)
        await serving
    finally:
        await platform.close()


async def _until_ready(platform: Platform, serving: asyncio.Task[None]) -> None:
    """Waits for the servers that llmflow.yaml has LLMFlow run, which may take minutes; not when it is being stopped."""
    if missing := platform.missing():
        print(f"Waiting for {', '.join(missing)} to serve; `llmflow organs list` shows how far.", file=sys.stderr)
        settled = asyncio.create_task(platform.settled())
        await asyncio.wait((serving, settled), return_when=asyncio.FIRST_COMPLETED)
        settled.cancel()


def _url(listener: socket.socket) -> str:
    """Where this machine reaches the server."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _print_welcome(url: str, sign_in: tuple[str, str] | None, *, demo: bool) -> None:
    lines = [f"LLMFlow is ready at {url}"]
    if sign_in:
        lines += [
            "",
            f"  Sign in as {sign_in[0]} with the password {sign_in[1]}",
            "  (shown this once; change it then)",
        ]
        if demo:
            lines += [
                "",
                "  Try it in another terminal:",
                f'    {_command()} ask demo "입사 3년 차면 연차가 며칠인가요?"',
                f'    {_command()} ask demo "How many days of annual leave do I get after three years?"',
            ]
    print("\n".join(lines), flush=True)


def _command() -> str:
    """How this program was called, as short as it can be typed."""
    called = Path(sys.argv[0])
    with suppress(ValueError):
        return str(called.resolve().relative_to(Path.cwd()))
    return called.name


class _Server(uvicorn.Server):
    """uvicorn that says when it listens and leaves signals to us."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    def stop(self) -> None:
        """The first signal lets answers end; the second does not wait."""
        self.force_exit = self.should_exit
        self.should_exit = True

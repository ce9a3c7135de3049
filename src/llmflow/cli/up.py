"""`llmflow up`: the API and the job worker in one process, or in several over PostgreSQL (`crew`)."""

from __future__ import annotations

import asyncio
import errno
import gc
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
import uvicorn
import uvloop
from starlette.types import ASGIApp

from llmflow import home as homes
from llmflow.api.app import create_app
from llmflow.api.forward import Inside
from llmflow.api.numbers import Numbers
from llmflow.api.worker import Worker, own_numbers
from llmflow.cli.crew import Crew, Post
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
    workers: Annotated[
        int | None, typer.Option(help="Processes that serve calls of models; more than one needs PostgreSQL")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="Configuration file (llmflow.yaml)")] = None,
    demo: Annotated[bool, typer.Option(help="Seed the demo at the first start")] = True,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Start LLMFlow; prints its address when it is ready, and the first sign-in at the first start."""
    settings = load(
        home=home, file=config, overrides={"server.host": host, "server.port": port, "server.workers": workers}
    )
    _refuse_sqlite_for_many(settings)
    _log(settings.server.log_level)
    os.umask(0o077)  # what libraries write in the home is nobody else's to read, whoever made the home
    homes.prepare(settings.home)
    lock = homes.HomeLock(settings.home)
    lock.acquire()
    try:
        listeners = _listen(settings.server.host, settings.server.port, settings.server.workers)
        if len(listeners) == 1:
            _lead(settings, lock, Post("0", listeners[0], Path()), demo=demo, as_json=as_json)
        else:
            lead = partial(_lead, settings, lock, demo=demo, as_json=as_json)
            crew = Crew(listeners, lead=lead, work=partial(_work, settings), as_json=as_json)
            if code := crew.run():
                raise typer.Exit(code)
    finally:
        lock.release()


def _lead(
    settings: Settings,
    lock: homes.HomeLock,
    post: Post,
    beside: Mapping[str, Path] | None = None,
    ready: Callable[[], None] | None = None,
    *,
    demo: bool,
    as_json: bool,
) -> None:
    """Serves everything, and what the processes `beside` hand on, which begin when it is `ready`."""
    try:
        uvloop.run(_serve(settings, lock, post, beside or {}, ready, demo=demo, as_json=as_json))
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise homes.unwritable(settings.home, error) from error


def _log(level: str) -> None:
    logging.basicConfig(
        level=level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )
    for noisy in ("alembic", "uvicorn.error"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.getLogger("aiosqlite").setLevel(logging.INFO)  # on "debug" it writes every statement with its parameters


def _refuse_sqlite_for_many(settings: Settings) -> None:
    """Several processes count budgets and hear of each other over the database. What has one owner besides, such as the
    vectors, is the leading process's alone."""
    if settings.server.workers > 1 and not settings.store.url.startswith("postgres"):
        raise ConfigError(
            f"{settings.server.workers} workers cannot share this configuration: the database is SQLite, which has one "
            "writer.",
            code="needs_postgres",
        )


def _listen(host: str, port: int, count: int) -> list[socket.socket]:
    """So many sockets at one address. Raises ConfigError (port_in_use) before anything is started."""
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = _bound(family, address)
        if count > 1:  # the first one only saw that nobody else is there, which those that share would not
            address = listener.getsockname()
            listener.close()
        listeners = [listener] if count == 1 else [_bound(family, address, shares=True) for _ in range(count)]
        for one in listeners:
            one.listen(2048)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ConfigError(f"Port {port} on {host} is used by another program.", code="port_in_use") from error
        raise ConfigError(
            f"{host}:{port} cannot be listened on: {error.strerror or error}.", param="server.host"
        ) from error
    return listeners


def _bound(family: int, address: Any, *, shares: bool = False) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shares:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind(address)
    return listener


def _work(settings: Settings, post: Post, leader: Path) -> None:
    """One of the processes beside the one that leads."""
    uvloop.run(_assist(settings, post, leader))


async def _assist(settings: Settings, post: Post, leader: Path) -> None:
    platform = await build(settings, leads=False)
    worker = Worker(platform, leader)
    try:
        await platform.assist()
        _keep_what_stays()
        servers = (
            _Server(_config(worker, settings)),
            _Server(_config(own_numbers(), settings, uds=str(post.inside))),
        )
        _stop_by_signal(servers)
        numbers = asyncio.create_task(servers[1].serve())
        await servers[0].serve(sockets=[post.listener])
        servers[1].should_exit = True
        await numbers
    finally:
        await worker.close()
        await platform.close()


def _keep_what_stays() -> None:
    """What a start made is not looked through again for what may be thrown away: modules and classes are most of what
    there is, and looking took a third of the time of 64 streams."""
    gc.freeze()


def _config(app: ASGIApp, settings: Settings, *, uds: str | None = None) -> uvicorn.Config:
    """`uds`: a socket at which our own processes ask; what they say of a client stands as it is."""
    return uvicorn.Config(
        app,
        uds=uds,
        proxy_headers=uds is None,
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


def _stop_by_signal(servers: Sequence[_Server]) -> None:
    def stop() -> None:
        for server in servers:
            server.stop()

    for signum in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signum, stop)


async def _serve(
    settings: Settings,
    lock: homes.HomeLock,
    post: Post,
    beside: Mapping[str, Path],
    ready: Callable[[], None] | None,
    *,
    demo: bool,
    as_json: bool,
) -> None:
    platform = await build(settings)
    inside: asyncio.Task[None] | None = None
    try:
        is_first = not await platform.members.all(platform.workspace_id)
        await ensure_token(platform)
        if is_first and demo:
            await seed_demo(platform)
        app = create_app(platform, numbers=Numbers(beside))
        server = _Server(_config(app, settings))
        inner = _Server(_config(Inside(app), settings, uds=str(post.inside)))
        _stop_by_signal((server, inner) if beside else (server,))
        serving = asyncio.create_task(server.serve(sockets=[post.listener]))
        listening = asyncio.create_task(server.listening.wait())
        await asyncio.wait((serving, listening), return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            listening.cancel()
            await serving  # raises what kept it from listening
            return
        await platform.start()
        if beside:
            inside = asyncio.create_task(inner.serve())
            await inner.listening.wait()
        url = _url(post.listener)
        lock.announce(url)
        # last: a first start that is killed before this is a first start again, and nobody misses the password
        sign_in = await platform.people.ensure_administrator(platform.workspace_id)
        await ask_demo(platform)
        _keep_what_stays()
        if ready is not None:
            ready()
        await _until_ready(platform, serving)
        url = settings.server.public_url or url
        if as_json:
            email, password = sign_in or (None, None)
            print(json.dumps({"url": url, "pid": os.getpid(), "email": email, "password": password}), flush=True)
        else:
            _print_welcome(url, sign_in, demo=demo)
        await serving
    finally:
        if inside is not None:
            inner.should_exit = True
            await inside
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

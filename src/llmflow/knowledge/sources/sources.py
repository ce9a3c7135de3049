"""Sources of knowledge bases: made, changed and deleted; synchronised by hand or by the clock, as durable jobs."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy.exc import SQLAlchemyError

from llmflow.errors import Conflict, InternalError, LLMFlowError, NotFound, OrganError, UsageError
from llmflow.knowledge.bases import Bases
from llmflow.knowledge.changes import Changes
from llmflow.knowledge.sources import queries
from llmflow.knowledge.sources.bucket import Bucket, Credentials, Place
from llmflow.knowledge.sources.compare import Compare
from llmflow.knowledge.sources.folder import Folder, allowed
from llmflow.knowledge.sources.pages import Pages, checked
from llmflow.knowledge.sources.types import Kind, Reader, Report, Source, SourceFile
from llmflow.knowledge.types import KnowledgeBase
from llmflow.net.client import HttpClient
from llmflow.ports.jobs import Jobs
from llmflow.store.crypto import Cipher
from llmflow.store.database import Database
from llmflow.store.ids import new_id, now_ms
from llmflow.store.tables import sources as table
from llmflow.store.unique import unique

KIND = "synchronise"
_AT_ONCE = 2
_REPORTS = 20  # kept of a source
_LOOK_S = 60.0
_AGAIN_S = 5.0
_MOST_URLS = 10_000
_SETTINGS: dict[Kind, dict[str, type]] = {
    "folder": {"path": str, "include": list},
    "urls": {"urls": list},
    "s3": {"endpoint": str, "bucket": str, "prefix": str, "region": str, "access_key": str},
}
_SECRETS: dict[Kind, tuple[str, ...]] = {"folder": (), "urls": (), "s3": ("secret_key", "session_token")}

_log = logging.getLogger(__name__)


class Sources:
    def __init__(
        self,
        database: Database,
        jobs: Jobs,
        bases: Bases,
        compare: Compare,
        changes: Changes,
        cipher: Cipher,
        *,
        web: HttpClient,
        servers: HttpClient,
        folders: Sequence[str],
    ) -> None:
        """`web`: for addresses that people give; `servers`: for those of object stores, which may lie in the company's
        network. `folders`: that may be read."""
        self._database = database
        self._jobs = jobs
        self._bases = bases
        self._compare = compare
        self._changes = changes
        self._cipher = cipher
        self._web = web
        self._servers = servers
        self._folders = folders
        self._woken = asyncio.Event()
        self._watch: asyncio.Task[None] | None = None
        self._now: dict[str, Report] = {}  # synchronisations under way
        jobs.register(KIND, self.run, concurrency=_AT_ONCE)

    def start(self) -> None:
        """Takes up what a dead process left, then what is due, in the background. Once the jobs are started."""
        self._watch = asyncio.create_task(self._keep_watch())

    async def close(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)

    async def create(
        self,
        base: KnowledgeBase,
        kind: Kind,
        name: str,
        settings: Mapping[str, Any],
        *,
        secrets: Mapping[str, str] | None = None,
        every_minutes: int = 0,
    ) -> Source:
        """Raises UsageError for settings that are none, Forbidden for a folder that may not be read, and Conflict for
        a name that is taken."""
        now = now_ms()
        source = Source(
            id=new_id(),
            workspace_id=base.workspace_id,
            knowledge_id=base.id,
            kind=kind,
            name=_named(name),
            settings=self._checked(kind, settings),
            has_secret=bool(secrets),
            every_minutes=every_minutes,
            next_at=now + every_minutes * 60_000 if every_minutes else None,
            state="idle",
            job_id="",
            reports=[],
            created_at=now,
            updated_at=now,
        )
        sealed = self._sealed(source, secrets or {})
        with unique(Conflict(f"`{base.name}` has a source `{source.name}` already.", param="name")):
            async with self._database.write() as connection:
                await queries.insert(connection, source, sealed)
        self._woken.set()
        return source

    async def change(
        self,
        source: Source,
        *,
        name: str | None = None,
        settings: Mapping[str, Any] | None = None,
        secrets: Mapping[str, str] | None = None,
        every_minutes: int | None = None,
    ) -> Source:
        """What is None stays. Raises what `create` raises."""
        values: dict[str, Any] = {"updated_at": now_ms()}
        if name is not None:
            values["name"] = _named(name)
        if settings is not None:
            values["settings"] = self._checked(source.kind, settings)
        if secrets is not None:
            values["sealed"] = self._sealed(source, secrets)
        if every_minutes is not None:
            values["every_minutes"] = every_minutes
            values["next_at"] = now_ms() + every_minutes * 60_000 if every_minutes else None
        with unique(Conflict(f"There is a source `{name}` already.", param="name")):
            async with self._database.write() as connection:
                await queries.change(connection, source.id, **values)
        self._woken.set()
        return await self.get(source.workspace_id, source.id)

    async def all(self, base: KnowledgeBase) -> list[Source]:
        async with self._database.read() as connection:
            return [self._live(source) for source in await queries.of_base(connection, base.id)]

    async def get(self, workspace_id: str, source_id: str) -> Source:
        async with self._database.read() as connection:
            found = await queries.find(connection, source_id)
        if found is None or found.workspace_id != workspace_id:
            raise NotFound(f"There is no source {source_id}.")
        return self._live(found)

    async def files(
        self, source: Source, *, failed: bool = False, offset: int = 0, limit: int = 100
    ) -> tuple[list[SourceFile], int]:
        async with self._database.read() as connection:
            return await queries.page_of_files(connection, source.id, failed=failed, offset=offset, limit=limit)

    async def delete(self, source: Source) -> None:
        """The source goes, the documents it brought stay."""
        if source.job_id:
            await self._jobs.cancel(source.job_id)
        async with self._database.write() as connection:
            await queries.delete(connection, source.id)

    async def synchronise(self, source: Source) -> Source:
        """Begins at once, unless it is under way."""
        job_id = new_id()
        next_at = now_ms() + source.every_minutes * 60_000 if source.every_minutes else None
        async with self._database.write() as connection:
            begun = await queries.change(
                connection, source.id, table.c.state == "idle", state="queued", job_id=job_id, next_at=next_at
            )
        if begun:
            await self._jobs.submit(KIND, [source.id], job_id=job_id)
        return await self.get(source.workspace_id, source.id)

    async def run(self, ids: tuple[str, ...]) -> None:
        """The work of one job: a source; see ports/jobs.py. It may be repeated: what came already is unchanged then."""
        (source_id,) = ids
        async with self._database.write() as connection:
            await queries.change(connection, source_id, state="running")
            source = await queries.find(connection, source_id)
        if source is None:
            return
        begun_at = now_ms()
        try:
            base = await self._bases.get(source.workspace_id, source.knowledge_id)
            reader = await self._reader(source)
            report = await self._compare.run(base, source, reader, lambda now: self._tell(source, now))
        except LLMFlowError as error:
            report = _broken(begun_at, error)
        except Exception as error:  # noqa: BLE001 - the job runner's border: the source must not stay `running`
            _log.exception("A fault of ours while synchronising %s", source.name)
            report = _broken(begun_at, InternalError(f"{type(error).__name__} while synchronising."))
        finally:
            self._now.pop(source.id, None)
        reports = [dataclasses.asdict(report), *source.reports][:_REPORTS]
        async with self._database.write() as connection:
            await queries.change(connection, source.id, state="idle", reports=reports, updated_at=now_ms())
        self._woken.set()
        self._changes.tell(source.knowledge_id)

    def _tell(self, source: Source, report: Report) -> None:
        self._now[source.id] = report
        self._changes.tell(source.knowledge_id)

    def _live(self, source: Source) -> Source:
        """With how far it is now in front of its reports."""
        now = self._now.get(source.id)
        return (
            source if now is None else dataclasses.replace(source, reports=[dataclasses.asdict(now), *source.reports])
        )

    async def _reader(self, source: Source) -> Reader:
        settings = source.settings
        match source.kind:
            case "folder":
                return await asyncio.to_thread(Folder, settings["path"], settings["include"], self._folders)
            case "urls":
                return Pages(settings["urls"], self._web)
            case "s3":
                place = Place(settings["endpoint"], settings["bucket"], settings["prefix"], settings["region"])
                secrets = await self._secrets(source)
                keys = Credentials(
                    settings["access_key"], secrets.get("secret_key", ""), secrets.get("session_token", "")
                )
                return Bucket(place, keys, self._servers)

    def _checked(self, kind: Kind, settings: Mapping[str, Any]) -> dict[str, Any]:
        known = _SETTINGS[kind]
        for name, value in settings.items():
            if name not in known:
                raise UsageError(f"A source of kind {kind} has no setting `{name}`.", param=name)
            if not isinstance(value, known[name]) or (
                isinstance(value, list) and not all(isinstance(item, str) for item in value)
            ):
                raise UsageError(f"`{name}` must be {'a list of text' if known[name] is list else 'text'}.", param=name)
        whole = {name: settings.get(name, [] if of is list else "") for name, of in known.items()}
        match kind:
            case "folder":
                allowed(whole["path"], self._folders)
            case "urls":
                if not 1 <= len(whole["urls"]) <= _MOST_URLS:
                    raise UsageError(f"Give 1 to {_MOST_URLS} addresses.", param="urls")
                whole["urls"] = [str(checked(url)) for url in whole["urls"]]
            case "s3":
                whole["region"] = whole["region"] or "us-east-1"
                checked(whole["endpoint"])
                if not whole["bucket"] or "/" in whole["bucket"]:
                    raise UsageError("Give the bucket's name.", param="bucket")
        return whole

    def _sealed(self, source: Source, secrets: Mapping[str, str]) -> str:
        for name in secrets:
            if name not in _SECRETS[source.kind]:
                raise UsageError(f"A source of kind {source.kind} has no secret `{name}`.", param=name)
        plain = msgspec.json.encode(dict(secrets)).decode()
        return self._cipher.encrypt(plain, f"source {source.id}") if any(secrets.values()) else ""

    async def _secrets(self, source: Source) -> dict[str, str]:
        async with self._database.read() as connection:
            sealed = await queries.sealed(connection, source.id)
        if not sealed:
            return {}
        return msgspec.json.decode(self._cipher.decrypt(sealed, f"source {source.id}"), type=dict[str, str])

    async def _keep_watch(self) -> None:
        left = True  # a dead process may have left some
        while True:
            self._woken.clear()
            wait_s = _AGAIN_S
            try:
                if left:
                    await self._take_up_left()
                    left = False
                wait_s = await self._begin_due()
            except (OrganError, SQLAlchemyError) as error:
                _log.warning("Sources wait: %s", error)
            try:
                async with asyncio.timeout(wait_s):
                    await self._woken.wait()
            except TimeoutError:
                pass

    async def _take_up_left(self) -> None:
        async with self._database.read() as connection:
            busy = await queries.busy(connection)
        for source in busy:
            status = await self._jobs.status(source.job_id)
            if status is None or status.state not in ("queued", "running"):
                job_id = new_id()
                async with self._database.write() as connection:
                    await queries.change(connection, source.id, job_id=job_id)
                await self._jobs.submit(KIND, [source.id], job_id=job_id)

    async def _begin_due(self) -> float:
        """Seconds until the next one is due, or until it is looked again."""
        async with self._database.read() as connection:
            due = await queries.due(connection, now_ms())
        for source in due:
            await self.synchronise(source)
        async with self._database.read() as connection:
            following = await queries.next_at(connection)
        return _LOOK_S if following is None else min(_LOOK_S, max(0.1, (following - now_ms()) / 1000))


def _named(name: str) -> str:
    name = unicodedata.normalize("NFC", name.strip())
    if not 1 <= len(name) <= 200:
        raise UsageError("A source needs a name of 1 to 200 characters.", param="name")
    return name


def _broken(begun_at: int, error: LLMFlowError) -> Report:
    return Report(begun_at, now_ms(), error_code=error.code, error_message=error.message, error_hint=error.hint)

"""Knowledge of other servers, by Dify's External Knowledge API: their addresses and keys, and questions to them.

A server is registered once; knowledge bases name what of it they mean. A key is sealed before it is written, bound to
its row, and sent to no other address than the one it was given for.
"""

from __future__ import annotations

import asyncio
import math
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from llmflow.errors import Conflict, LLMFlowError, NotFound, OrganError, UsageError
from llmflow.knowledge.conditions import Conditions
from llmflow.knowledge.rule import SearchRule
from llmflow.knowledge.types import Found, KnowledgeBase, Note, Scores
from llmflow.net.client import HttpClient, Response
from llmflow.store.content import Scope
from llmflow.store.crypto import Cipher
from llmflow.store.database import Database
from llmflow.store.ids import new_id, now_ms
from llmflow.store.tables import external_apis, knowledge_bases
from llmflow.store.unique import unique

_PROBE_S = 10.0
_ASK_S = 20.0
_MOST_BYTES = 8 * 1024 * 1024
_MASK = "[hidden]"
_LEAST_MASKED = 6  # characters of a key; a shorter one may be a part of any word
_NAMESPACE = uuid.UUID("0e6c2c8c-7d59-5d0e-9c61-3b1f0f3ef6a4")
_SHOWN_RECORDS = 3  # of a trial
_SHOWN_CHARACTERS = 300
_REFUSALS = {403: "refuses the key", 404: "has no /retrieval", 502: "cannot reach what is behind it"}


@dataclass(frozen=True, slots=True)
class ExternalApi:
    """A server of knowledge as it may be shown. `bases`: how many knowledge bases ask it."""

    id: str
    workspace_id: str
    name: str
    url: str
    has_key: bool
    bases: int
    created_at: int
    updated_at: int


TrialState = Literal[
    "found", "nothing", "reached", "key_refused", "no_knowledge", "no_address", "unreachable", "unreadable", "failed"
]


@dataclass(frozen=True, slots=True)
class TriedRecord:
    """`score`: as the server says, higher is nearer."""

    title: str
    text: str
    score: float


@dataclass(frozen=True, slots=True)
class Tried:
    """How a server of knowledge answered. "found", "nothing": the knowledge was asked. "reached": the server was, no
    knowledge was named. "no_knowledge": it does not know what was named. "no_address": nothing answers at /retrieval.
    "unreadable": the answer is no list of records. `status`: of HTTP, None without an answer; `said`: in the server's
    own words."""

    state: TrialState
    ms: int
    status: int | None = None
    said: str = ""
    count: int = 0
    records: tuple[TriedRecord, ...] = ()


class _Record(msgspec.Struct, frozen=True):
    content: str
    score: float = 0.0
    title: str | None = None
    metadata: dict[str, Any] | None = None


class _Records(msgspec.Struct, frozen=True):
    records: list[_Record]


class External:
    def __init__(self, database: Database, cipher: Cipher, http: HttpClient) -> None:
        """`http`: guarded for addresses an administrator gives."""
        self._database = database
        self._cipher = cipher
        self._http = http

    async def all(self, workspace_id: str) -> list[ExternalApi]:
        """In the order of their names."""
        counted = sa.func.count(knowledge_bases.c.id).label("bases")
        used = knowledge_bases.c.external_api_id == external_apis.c.id
        async with self._database.read() as connection:
            rows = await connection.execute(
                sa.select(*_SHOWN, counted)
                .join_from(external_apis, knowledge_bases, used, isouter=True)
                .where(external_apis.c.workspace_id == workspace_id)
                .group_by(*_SHOWN)
                .order_by(external_apis.c.name)
            )
            return [
                ExternalApi(
                    id=row.id,
                    workspace_id=row.workspace_id,
                    name=row.name,
                    url=row.url,
                    has_key=row.sealed_key is not None,
                    bases=row.bases,
                    created_at=row.created_at,
                    updated_at=row.updated_at,
                )
                for row in rows
            ]

    async def get(self, workspace_id: str, id_or_name: str) -> ExternalApi:
        """Raises NotFound."""
        for api in await self.all(workspace_id):
            if id_or_name in (api.id, api.name):
                return api
        raise NotFound(f"There is no external knowledge API {id_or_name}.", param="external_knowledge_api_id")

    async def probe(self, url: str, key: str) -> None:
        """Tries the address as Dify does: with the key and no body, any answer but 403, 404 and 502 being a yes.

        Raises UsageError (external_refused), also when nobody answers, UsageError for a key that no request can carry,
        and Forbidden (address_blocked)."""
        if not key.isprintable():
            raise UsageError("A key is one line without control characters.", param="key")
        try:
            answer = await self._post(url, key, None, timeout_s=_PROBE_S)
        except OrganError as error:
            raise UsageError(error.message, code="external_refused", param="url") from error
        if answer.status in _REFUSALS:
            raise UsageError(f"{_clean(url)} {_REFUSALS[answer.status]} ({answer.status}).", code="external_refused")

    async def try_out(self, url: str, key: str, knowledge_id: str, query: str) -> Tried:
        """Asks as a base there would: for `query`, or where no knowledge is named for nothing, as `probe` does. What is
        wrong is the result. Raises UsageError for a key that no request can carry and Forbidden (address_blocked)."""
        if not key.isprintable():
            raise UsageError("A key is one line without control characters.", param="key")
        is_asked = bool(knowledge_id.strip())
        body = _question(knowledge_id.strip(), query, SearchRule(), None) if is_asked else None
        began = time.monotonic()
        try:
            answer = await self._post(url, key, body, timeout_s=_PROBE_S)
        except OrganError as error:
            return Tried("unreachable", _ms_since(began), said=_masked(error.message, key))
        ms, said = _ms_since(began), _masked(answer.body[:2_000].decode("utf-8", "replace"), key)
        if answer.status != 200:
            state = _trial_state(answer.status, answer.body, is_asked=is_asked)
            return Tried(state, ms, answer.status, said[:_SHOWN_CHARACTERS])
        if not is_asked:
            return Tried("reached", ms, answer.status)
        try:
            records = msgspec.json.decode(answer.body, type=_Records, strict=False).records
        except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError):
            return Tried("unreadable", ms, answer.status, said[:_SHOWN_CHARACTERS])
        shown = tuple(
            TriedRecord(one.title or "", one.content.strip()[:_SHOWN_CHARACTERS], _finite(one.score))
            for one in records[:_SHOWN_RECORDS]
        )
        return Tried("found" if records else "nothing", ms, answer.status, count=len(records), records=shown)

    async def try_kept(self, api: ExternalApi, knowledge_id: str, query: str) -> Tried:
        """As `try_out`, at the address and with the key that are kept."""
        url, key = await self._address(api.id)
        return await self.try_out(url, key, knowledge_id, query)

    async def create(self, workspace_id: str, name: str, url: str, key: str) -> ExternalApi:
        """Keeps a server that answers `probe`. Raises what that raises, and Conflict for a taken name."""
        name, url = _named(name), _clean(url)
        await self.probe(url, key)
        now, id = now_ms(), new_id()
        with unique(Conflict(f"There is an external knowledge API `{name}` already.", param="name")):
            async with self._database.write() as connection:
                await connection.execute(
                    external_apis.insert().values(
                        id=id,
                        workspace_id=workspace_id,
                        name=name,
                        url=url,
                        sealed_key=self._sealed(id, key),
                        created_at=now,
                        updated_at=now,
                    )
                )
        return await self.get(workspace_id, id)

    async def change(
        self, api: ExternalApi, *, name: str | None = None, url: str | None = None, key: str | None = None
    ) -> ExternalApi:
        """None leaves as it is; a new address needs its key again. Raises what `create` raises."""
        new_url = api.url if url is None else _clean(url)
        if new_url != api.url and key is None and api.has_key:
            raise UsageError("A new address needs the key that it is to be sent.", param="key")
        values: dict[str, Any] = {"updated_at": now_ms()}
        if name is not None:
            values["name"] = _named(name)
        if new_url != api.url or key is not None:  # together, whoever else changes either meanwhile
            await self.probe(new_url, key or "")
            values |= {"url": new_url, "sealed_key": self._sealed(api.id, key or "")}
        with unique(Conflict(f"There is an external knowledge API `{name}` already.", param="name")):
            async with self._database.write() as connection:
                await connection.execute(sa.update(external_apis).where(external_apis.c.id == api.id).values(**values))
        return await self.get(api.workspace_id, api.id)

    async def delete(self, api: ExternalApi) -> None:
        """Raises Conflict while knowledge bases ask it."""
        async with self._database.write() as connection:
            used = sa.select(sa.func.count()).where(knowledge_bases.c.external_api_id == api.id)
            if await connection.scalar(used):
                raise Conflict(f"Knowledge bases ask `{api.name}`; delete those first.")
            await connection.execute(sa.delete(external_apis).where(external_apis.c.id == api.id))

    async def search(
        self, bases: Sequence[KnowledgeBase], query: str, rule: SearchRule, conditions: Conditions | None
    ) -> tuple[list[Found], list[Note]]:
        """What the servers behind these bases answer, all asked at once; one that fails costs its own answers and is
        noted."""

        async def asked(base: KnowledgeBase) -> list[Found] | Note:
            try:
                return await self._ask(base, query, rule, conditions)
            except LLMFlowError as error:
                return Note("external_failed", f"Searched without `{base.name}`: {error.message}")

        answers = await asyncio.gather(*map(asked, bases))
        found = [hit for answer in answers if not isinstance(answer, Note) for hit in answer]
        return found, [answer for answer in answers if isinstance(answer, Note)]

    async def _ask(
        self, base: KnowledgeBase, query: str, rule: SearchRule, conditions: Conditions | None
    ) -> list[Found]:
        url, key = await self._address(base.external_api_id or "")
        answer = await self._post(url, key, _question(base.external_id, query, rule, conditions), timeout_s=_ASK_S)
        if answer.status != 200:
            said = _masked(answer.body.decode("utf-8", "replace"), key)
            raise OrganError(f"{url} answered {answer.status}: {said[:_SHOWN_CHARACTERS]}")
        try:
            records = msgspec.json.decode(answer.body, type=_Records, strict=False).records
        except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
            raise OrganError(f"{url} answered with something that is no list of records.") from error
        texts = await self._database.boundary.admit(Scope("knowledge", base.id), [r.content for r in records])
        hits = [_hit(base, record, str(text)) for record, text in zip(records, texts, strict=True) if text.strip()]
        return [hit for hit in hits if rule.threshold is None or hit.score >= rule.threshold][: rule.top_k]

    async def _address(self, api_id: str) -> tuple[str, str]:
        """Address and key. Raises NotFound."""
        async with self._database.read() as connection:
            kept = sa.select(external_apis.c.url, external_apis.c.sealed_key)
            row = (await connection.execute(kept.where(external_apis.c.id == api_id))).one_or_none()
        if row is None:
            raise NotFound("Its server is no longer registered.")
        return row.url, self._cipher.decrypt(row.sealed_key, f"external_apis/{api_id}") if row.sealed_key else ""

    async def _post(self, url: str, key: str, body: dict[str, Any] | None, *, timeout_s: float) -> Response:
        """`timeout_s` bounds the whole, also of an answer that comes drop by drop."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        address = f"{_clean(url)}/retrieval"
        try:
            async with asyncio.timeout(timeout_s):
                return await self._http.request(
                    "POST", address, headers=headers, json=body, timeout_s=timeout_s, max_bytes=_MOST_BYTES
                )
        except TimeoutError as error:
            raise OrganError(f"{address} did not answer in {timeout_s:g} s.", code="model_timeout") from error

    def _sealed(self, api_id: str, key: str) -> str | None:
        return self._cipher.encrypt(key, f"external_apis/{api_id}") if key else None


_SHOWN = [
    external_apis.c[name] for name in ("id", "workspace_id", "name", "url", "sealed_key", "created_at", "updated_at")
]


def _question(knowledge_id: str, query: str, rule: SearchRule, conditions: Conditions | None) -> dict[str, Any]:
    return {
        "knowledge_id": knowledge_id,
        "query": query,
        "retrieval_setting": {"top_k": rule.top_k, "score_threshold": rule.threshold or 0.0},
        "metadata_condition": None if conditions is None else _told(conditions),
    }


def _trial_state(status: int, body: bytes, *, is_asked: bool) -> TrialState:
    """Dify's servers refuse a key with 403, others with 401; a 404 that names its code is about the knowledge. Asked
    for nothing, a server that is there complains of the empty body."""
    if status in (401, 403):
        return "key_refused"
    if status == 404:
        return "no_knowledge" if is_asked and b"error_code" in body else "no_address"
    return "reached" if status < 500 and not is_asked else "failed"


def _ms_since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)


def _masked(said: str, key: str) -> str:
    return said.replace(key, _MASK) if len(key) >= _LEAST_MASKED else said


def _finite(score: float) -> float:
    return score if math.isfinite(score) else 0.0


def _told(conditions: Conditions) -> dict[str, Any]:
    return {
        "logical_operator": conditions.operator,
        "conditions": [
            {"name": one.name, "comparison_operator": one.operator, "value": one.value} for one in conditions.conditions
        ],
    }


def _hit(base: KnowledgeBase, record: _Record, text: str) -> Found:
    """Ids follow from what was said, so that the same passage is the same again."""
    title = record.title or base.name
    return Found(
        document=title,
        document_id=str(uuid.uuid5(_NAMESPACE, f"{base.id}/{title}")),
        chunk_id=str(uuid.uuid5(_NAMESPACE, f"{base.id}/{title}/{text}")),
        text=text,
        score=_finite(record.score),
        scores=Scores(),
        page=None,
        heading_path=[],
        ordinal=0,
        tokens=max(1, len(text) // 4),
        kind="text",
        knowledge_id=base.id,
        knowledge=base.name,
        created_at=base.updated_at,
        hit_count=0,
        metadata=record.metadata or {},
    )


def _clean(url: str) -> str:
    return url.strip().rstrip("/").removesuffix("/retrieval")


def _named(name: str) -> str:
    name = name.strip()
    if not 1 <= len(name) <= 100:
        raise UsageError("A name has 1 to 100 characters.", param="name")
    return name

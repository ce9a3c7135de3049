"""Model servers that people connect while LLMFlow runs: tried, kept, and served at once.

The organ of llmflow.yaml stays as the base; its name is "default". A key is sealed before it is written, bound to its
row, and sent to no other address than the one it was given for.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing

from llmflow.errors import Conflict, LLMFlowError, NotFound, OrganError, UsageError
from llmflow.gateway import queries
from llmflow.gateway.gateway import DEFAULT, Gateway
from llmflow.gateway.types import Address, Connect, Connection, Tried
from llmflow.ports.health import Health
from llmflow.ports.llm import ChatRequest, Llm, Message
from llmflow.store.crypto import Cipher
from llmflow.store.database import Database
from llmflow.store.ids import new_id, now_ms
from llmflow.store.news import Tell, nobody
from llmflow.store.unique import unique

_TRY_S = 60.0  # a server may load the model first
_STATE_S = 5.0
_HELLO = "Say hello."
_REPLY_TOKENS = 24
_REPLY_SHOWN = 200


class Connections:
    """`connect` makes the adapter that talks to an address; wiring knows which. `tell`: other processes, that a
    workspace's connections have changed."""

    def __init__(
        self, database: Database, cipher: Cipher, gateway: Gateway, connect: Connect, *, tell: Tell = nobody
    ) -> None:
        self._database = database
        self._cipher = cipher
        self._gateway = gateway
        self._connect = connect
        self._tell = tell
        self._served: dict[str, Connection] = {}  # by name

    async def load(self, workspace_id: str) -> None:
        """Serves what is kept, and no longer what was, as after a change by another process. Asks no server
        anything."""
        kept = {one.name: one for one in await self.all(workspace_id)}
        for name, before in list(self._served.items()):
            if name not in kept:
                await self._drop(before)
        for name, connection in kept.items():
            if self._served.get(name) != connection:
                self._serve(connection, await self._key(connection))
        self._gateway.servers.prefer(next((one.name for one in kept.values() if one.is_default), DEFAULT))

    async def all(self, workspace_id: str) -> list[Connection]:
        async with self._database.read() as database:
            return await queries.connections(database, workspace_id)

    async def get(self, workspace_id: str, connection: str) -> Connection:
        """By id or name. Raises NotFound."""
        for one in await self.all(workspace_id):
            if connection in (one.id, one.name):
                return one
        raise NotFound(f"There is no model connection {connection}.", param="connection")

    async def address(self, connection: Connection) -> Address:
        """With its key: for trying it again."""
        key = await self._key(connection)
        return Address(connection.url, key, connection.model, connection.context_tokens, connection.kind)

    async def try_out(self, address: Address) -> Tried:
        """Really asks: for the models, and for a short answer of the default one. Keeps nothing.

        Raises OrganError (model_unreachable, model_key_wrong, model_address_wrong, model_timeout, model_missing, and
        what the server's refusal amounts to), NotFound (model_unknown), Forbidden (address_blocked), UsageError.
        """
        llm = self._connect(address)
        try:
            async with asyncio.timeout(_TRY_S):
                return await _tried(llm, address.model)
        except TimeoutError as error:
            raise OrganError(f"{address.url} did not answer in {_TRY_S:g} s.", code="model_timeout") from error
        except LLMFlowError as error:
            raise _told(error) from error
        finally:
            await llm.close()

    async def state(self, connection: Connection) -> Health:
        """How the server is now; one that does not answer is reported, not raised."""
        llm = self._connect(await self.address(connection))
        try:
            async with asyncio.timeout(_STATE_S):
                return await llm.health()
        except TimeoutError:
            detail = f"No answer within {_STATE_S:g} s."
            return Health(ok=False, where=connection.url, detail=detail, hint="See whether that server still runs.")
        except LLMFlowError as error:
            return Health(ok=False, where=connection.url, detail=error.message, hint=error.hint)
        finally:
            await llm.close()

    async def create(self, workspace_id: str, name: str, address: Address, *, is_default: bool = False) -> Connection:
        """Keeps it and serves it at once. Raises Conflict for a name that is taken, UsageError."""
        self._connect(address)  # raises for what is no address
        if _named(name) in self._gateway.servers.names:  # also one of llmflow.yaml
            raise _taken(_named(name))
        now = now_ms()
        made = Connection(
            id=new_id(),
            workspace_id=workspace_id,
            name=_named(name),
            url=address.url,
            has_key=bool(address.api_key),
            model=address.model,
            context_tokens=address.context_tokens,
            is_default=is_default,
            created_at=now,
            updated_at=now,
            kind=address.kind,
        )
        with unique(_taken(made.name)):
            async with self._database.write() as database:
                await queries.insert(
                    database,
                    id=made.id,
                    workspace_id=workspace_id,
                    name=made.name,
                    url=made.url,
                    sealed_key=self._sealed(made.id, address.api_key),
                    model=made.model,
                    context_tokens=made.context_tokens,
                    kind=made.kind,
                    created_at=now,
                    updated_at=now,
                )
                if is_default:
                    await queries.prefer(database, workspace_id, made.id)
        self._serve(made, address.api_key)
        self._tell("connections", workspace_id)
        return made

    async def change(
        self, connection: Connection, name: str, address: Address, *, is_default: bool | None = None
    ) -> Connection:
        """Keeps other values and serves them at once. Raises Conflict for a name that is taken, UsageError."""
        self._connect(address)
        name = _named(name)
        if name != connection.name and name in self._gateway.servers.names:
            raise _taken(name)
        with unique(_taken(name)):
            async with self._database.write() as database:
                await queries.update(
                    database,
                    connection.id,
                    name=name,
                    url=address.url,
                    sealed_key=self._sealed(connection.id, address.api_key),
                    model=address.model,
                    context_tokens=address.context_tokens,
                    kind=address.kind,
                    updated_at=now_ms(),
                )
                if is_default is not None and is_default != connection.is_default:
                    await queries.prefer(database, connection.workspace_id, connection.id if is_default else None)
        changed = await self.get(connection.workspace_id, connection.id)
        if name != connection.name:
            await self._drop(connection)
        elif connection.is_default and not changed.is_default:
            self._gateway.servers.prefer(DEFAULT)
        self._serve(changed, address.api_key)
        self._tell("connections", connection.workspace_id)
        return changed

    async def remove(self, connection: Connection) -> None:
        """Serves it no longer; the base answers again where it was the default."""
        async with self._database.write() as database:
            await queries.delete(database, connection.id)
        await self._drop(connection)
        self._tell("connections", connection.workspace_id)

    async def _drop(self, connection: Connection) -> None:
        self._served.pop(connection.name, None)
        await _close(self._gateway.servers.drop(connection.name))
        if connection.is_default:
            self._gateway.servers.prefer(DEFAULT)

    def _serve(self, connection: Connection, key: str) -> None:
        self._served[connection.name] = connection
        address = Address(connection.url, key, connection.model, connection.context_tokens, connection.kind)
        self._gateway.servers.serve(connection.name, self._connect(address))
        if connection.is_default:
            self._gateway.servers.prefer(connection.name)

    async def _key(self, connection: Connection) -> str:
        if not connection.has_key:
            return ""
        async with self._database.read() as database:
            sealed = await queries.sealed_key(database, connection.id)
        return self._cipher.decrypt(sealed, _purpose(connection.id)) if sealed else ""

    def _sealed(self, connection_id: str, key: str) -> str | None:
        return self._cipher.encrypt(key, _purpose(connection_id)) if key else None


async def _tried(llm: Llm, model: str) -> Tried:
    models = await llm.models()
    if not models:
        raise OrganError("The server serves no model.", code="model_missing", hint="Load or pull a model there first.")
    started = time.perf_counter()
    first_ms, reply = 0, ""
    request = ChatRequest((Message("user", _HELLO),), model=model, max_tokens=_REPLY_TOKENS, temperature=0.0)
    stream = llm.stream(request)
    async with aclosing(stream) as deltas:  # type: ignore[type-var]  # adapters stream by generators
        async for delta in deltas:
            if (delta.text or delta.reasoning) and not first_ms:
                first_ms = max(1, round((time.perf_counter() - started) * 1000))
            reply += delta.text
    total_ms = round((time.perf_counter() - started) * 1000)
    return Tried(tuple(models), model or models[0].id, reply.strip()[:_REPLY_SHOWN], first_ms or total_ms, total_ms)


def _told(error: LLMFlowError) -> LLMFlowError:
    """That nobody answers there is told with what to do about a model server."""
    if error.code == "organ_unavailable":
        return OrganError(error.message, code="model_unreachable", param="url")
    return error


def _named(name: str) -> str:
    name = name.strip()
    if not name or name == DEFAULT:
        raise UsageError(f"A connection cannot be called `{name}`.", param="name", hint="Give it a name of its own.")
    return name


def _taken(name: str) -> Conflict:
    return Conflict(f"There is a model connection `{name}` already.", param="name")


async def _close(llm: Llm | None) -> None:
    if llm is not None:
        await llm.close()


def _purpose(connection_id: str) -> str:
    return f"model_connections/{connection_id}"

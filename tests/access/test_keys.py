"""API keys of four kinds."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from llmflow.access.keys import Keys
from llmflow.access.standing import Standing
from llmflow.access.types import PREFIXES, KeyKind
from llmflow.errors import NotFound, Unauthorized, UsageError
from llmflow.store.database import Database
from llmflow.store.ids import now_ms
from llmflow.store.tables import api_keys


@pytest.mark.parametrize("kind", ["app", "dataset", "model", "admin"])
async def test_a_key_stands_for_its_kind_and_is_kept_only_as_a_digest(database: Database, kind: KeyKind) -> None:
    keys = Keys(database, Standing())
    record, token = await keys.create("w", kind, app_id="a" if kind == "app" else None, name="mine")
    assert token.startswith(PREFIXES[kind])
    caller = await keys.check(token)
    assert (caller.kind, caller.workspace_id, caller.key_id) == (kind, "w", record.id)
    await keys.close()
    async with database.read() as connection:
        row = (await connection.execute(sa.select(api_keys))).one()
    assert token not in [str(value) for value in row]
    assert token[len(PREFIXES[kind]) + 4 :] not in str(row)
    assert row.last_used_at is not None


async def test_an_unknown_key_is_refused(database: Database) -> None:
    with pytest.raises(Unauthorized):
        await Keys(database, Standing()).check("app-nothing")


async def test_a_revoked_key_is_refused_at_once(database: Database) -> None:
    keys = Keys(database, Standing())
    record, token = await keys.create("w", "model")
    await keys.check(token)
    await keys.revoke("w", record.id)
    with pytest.raises(Unauthorized):
        await keys.check(token)
    with pytest.raises(NotFound):
        await keys.revoke("w", record.id)
    await keys.close()


async def test_another_workspace_cannot_revoke_it(database: Database) -> None:
    keys = Keys(database, Standing())
    record, token = await keys.create("w", "model")
    with pytest.raises(NotFound):
        await keys.revoke("other", record.id)
    await keys.check(token)
    await keys.close()


async def test_a_key_expires(database: Database) -> None:
    keys = Keys(database, Standing())
    record, token = await keys.create("w", "dataset", expires="15m")
    assert record.expires_at is not None
    assert 890_000 < record.expires_at - now_ms() <= 900_000
    await keys.check(token)
    async with database.write() as connection:
        await connection.execute(sa.update(api_keys).values(expires_at=now_ms() - 1))
    keys._known.clear()
    with pytest.raises(Unauthorized) as caught:
        await keys.check(token)
    assert caught.value.code == "key_expired"
    await keys.close()


@pytest.mark.parametrize("expires", ["", "0d", "30", "d", "-1d", "30 days", "1w"])
async def test_a_duration_that_is_none_is_refused(database: Database, expires: str) -> None:
    if expires == "":
        record, _ = await Keys(database, Standing()).create("w", "model", expires=None)
        assert record.expires_at is None
        return
    with pytest.raises(UsageError, match="duration"):
        await Keys(database, Standing()).create("w", "model", expires=expires)


async def test_only_app_keys_belong_to_an_app(database: Database) -> None:
    keys = Keys(database, Standing())
    with pytest.raises(UsageError):
        await keys.create("w", "app")
    with pytest.raises(UsageError):
        await keys.create("w", "admin", app_id="a")

"""What a key or a person may see when their work goes on later."""

from __future__ import annotations

import sqlalchemy as sa

from llmflow.access.keys import Keys
from llmflow.access.rights import NONE, Right, Rights
from llmflow.access.standing import Standing
from llmflow.store.database import Database
from llmflow.store.ids import now_ms
from llmflow.store.tables import accounts, api_keys


async def test_a_key_has_the_groups_it_has_now_and_none_once_it_is_revoked_or_has_expired(database: Database) -> None:
    keys, rights = Keys(database, Standing()), Rights(database)
    key, _ = await keys.create("w", "dataset", groups=["인사"])
    assert await rights.of("w", key_id=key.id, account_id=None) == Right(("인사",))
    assert await rights.of("another", key_id=key.id, account_id=None) == NONE
    await keys.set_groups("w", key.id, ["이사회"])
    assert await rights.of("w", key_id=key.id, account_id=None) == Right(("이사회",))
    async with database.write() as connection:
        await connection.execute(sa.update(api_keys).values(expires_at=now_ms() - 1))
    assert await rights.of("w", key_id=key.id, account_id=None) == NONE
    await keys.revoke("w", key.id)
    assert await rights.of("w", key_id=key.id, account_id=None) == NONE
    admin, _ = await keys.create("w", "admin")
    assert (await rights.of("w", key_id=admin.id, account_id=None)).sees_all


async def test_a_person_has_their_groups_an_admin_sees_all_and_who_left_sees_nothing_more(database: Database) -> None:
    rights = Rights(database)
    row = {"workspace_id": "w", "name": "이름", "password_hash": "", "must_change_password": False, "created_at": 1}
    async with database.write() as connection:
        for id, role in (("m", "member"), ("a", "admin")):
            await connection.execute(
                accounts.insert().values(**row, id=id, email=f"{id}@x.example", role=role, groups=["인사"])
            )
    assert await rights.of("w", key_id=None, account_id="m") == Right(("인사",))
    assert await rights.of("w", key_id=None, account_id="a") == Right(("인사",), sees_all=True)
    async with database.write() as connection:
        await connection.execute(sa.delete(accounts).where(accounts.c.id == "m"))
    assert await rights.of("w", key_id=None, account_id="m") == NONE
    assert await rights.of("w", key_id=None, account_id=None) == NONE

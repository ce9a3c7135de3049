"""The workspace, its first administrator, and sessions."""

from __future__ import annotations

import base64
import secrets

import pytest
import sqlalchemy as sa

from llmflow.access.accounts import StoredAccounts
from llmflow.access.members import Members
from llmflow.access.people import FIRST_EMAIL, People, ensure_workspace
from llmflow.access.standing import Standing
from llmflow.errors import ConfigError, Conflict, Unauthorized
from llmflow.organs.identity.local import LocalIdentity
from llmflow.store.crypto import Cipher, digest
from llmflow.store.database import Database
from llmflow.store.tables import sessions


def _key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


async def _people(database: Database, *, session_hours: int = 1) -> tuple[People, str, LocalIdentity]:
    workspace_id, _ = await ensure_workspace(database, Cipher(_key()))
    identity = LocalIdentity(accounts=StoredAccounts(database, workspace_id))
    return People(database, identity, session_hours=session_hours, standing=Standing()), workspace_id, identity


async def test_the_first_start_makes_one_administrator_whose_password_is_told_once(database: Database) -> None:
    people, workspace_id, identity = await _people(database)
    made = await people.ensure_administrator(workspace_id)
    assert made is not None
    email, password = made
    assert email == FIRST_EMAIL
    assert await people.ensure_administrator(workspace_id) is None
    account, token = await people.sign_in(email, password)
    assert (account.role, account.must_change_password) == ("owner", True)
    assert (await people.session(token))[1].account_id == account.id
    await identity.close()


async def test_signing_out_and_changing_the_password_end_sessions(database: Database) -> None:
    people, workspace_id, identity = await _people(database)
    made = await people.ensure_administrator(workspace_id)
    assert made
    _, first = await people.sign_in(*made)
    account, second = await people.sign_in(*made)
    await people.sign_out(first)
    with pytest.raises(Unauthorized):
        await people.session(first)
    await people.change_password(account, made[1], "새로운 비밀번호 하나")
    with pytest.raises(Unauthorized):
        await people.session(second)
    with pytest.raises(Unauthorized):
        await people.sign_in(*made)
    account, _ = await people.sign_in(made[0].upper(), "새로운 비밀번호 하나")
    assert not account.must_change_password
    await identity.close()


async def test_a_session_ends_by_itself(database: Database) -> None:
    people, workspace_id, identity = await _people(database, session_hours=0)
    made = await people.ensure_administrator(workspace_id)
    assert made
    _, token = await people.sign_in(*made)
    with pytest.raises(Unauthorized, match="ended"):
        await people.session(token)
    await identity.close()


async def test_a_second_account_is_a_member_and_an_address_is_taken_once(database: Database) -> None:
    people, workspace_id, identity = await _people(database)
    await people.ensure_administrator(workspace_id)
    await identity.create("kim@example.com", "김하늘", "a long enough password")
    with pytest.raises(Conflict):
        await identity.create("KIM@example.com", "김하늘", "a long enough password")
    assert {(m.email, m.role) for m in await Members(database, identity, Standing()).all(workspace_id)} == {
        (FIRST_EMAIL, "owner"),
        ("kim@example.com", "member"),
    }
    await identity.close()


async def test_a_home_opens_only_with_the_key_it_was_made_with(database: Database) -> None:
    key = _key()
    made = await ensure_workspace(database, Cipher(key))
    assert made[1]
    assert await ensure_workspace(database, Cipher(key)) == (made[0], False)
    with pytest.raises(ConfigError) as caught:
        await ensure_workspace(database, Cipher(_key()))
    assert caught.value.code == "master_key_wrong"


def test_a_secret_opens_only_for_its_purpose_and_key() -> None:
    cipher = Cipher(_key())
    sealed = cipher.encrypt("비밀 token", "provider")
    assert "token" not in sealed
    assert cipher.decrypt(sealed, "provider") == "비밀 token"
    assert cipher.encrypt("비밀 token", "provider") != sealed
    for other, purpose in ((cipher, "other"), (Cipher(_key()), "provider"), (Cipher("a long passphrase"), "provider")):
        with pytest.raises(ConfigError):
            other.decrypt(sealed, purpose)
    with pytest.raises(ConfigError, match="16"):
        Cipher("short")


async def test_signing_in_clears_away_sessions_that_have_ended(database: Database) -> None:
    people, workspace_id, identity = await _people(database, session_hours=0)
    made = await people.ensure_administrator(workspace_id)
    assert made
    await people.sign_in(*made)
    _, token = await people.sign_in(*made)
    async with database.read() as connection:
        kept = list(await connection.scalars(sa.select(sessions.c.digest)))
    assert kept == [digest(token)]
    await identity.close()

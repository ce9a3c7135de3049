"""Members and invitations: roles, the last owner, links that work once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import sqlalchemy as sa

from llmflow.access.accounts import StoredAccounts
from llmflow.access.invitations import Invitations
from llmflow.access.members import Members, may_give
from llmflow.access.people import People, ensure_workspace
from llmflow.access.standing import Standing
from llmflow.access.types import ROLES, Account, Role, reaches
from llmflow.errors import Conflict, Forbidden, LLMFlowError, NotFound, Unauthorized, UsageError
from llmflow.organs.identity.local import LocalIdentity
from llmflow.store.crypto import Cipher, digest, new_token
from llmflow.store.database import Database
from llmflow.store.ids import now_ms
from llmflow.store.tables import invitations as table

PASSWORD = "네 낱말로 된 비밀번호"


@dataclass
class House:
    database: Database
    workspace_id: str
    people: People
    members: Members
    invitations: Invitations

    async def add(self, email: str, role: Role) -> Account:
        _, token = await self.invitations.create(self.workspace_id, email, role)
        await self.invitations.accept(token, "김하늘", PASSWORD)
        return await self.members.get(self.workspace_id, email)

    async def owner(self) -> Account:
        await self.people.ensure_administrator(self.workspace_id)
        return (await self.members.all(self.workspace_id))[0]


@pytest.fixture
async def house(database: Database) -> AsyncIterator[House]:
    workspace_id, _ = await ensure_workspace(database, Cipher("a pass phrase for tests"))
    identity = LocalIdentity(accounts=StoredAccounts(database, workspace_id))
    people = People(database, identity, session_hours=1, standing=Standing())
    yield House(
        database, workspace_id, people, Members(database, identity, Standing()), Invitations(database, identity)
    )
    await people.close()
    await identity.close()


def test_a_role_may_what_the_lower_ones_may() -> None:
    for place, role in enumerate(ROLES):
        assert [reaches(role, other) for other in ROLES] == [other >= place for other in range(len(ROLES))]
        assert not reaches(None, role)


def test_nobody_gives_a_role_above_their_own() -> None:
    may_give("owner", "owner")
    may_give("admin", "admin")
    with pytest.raises(Forbidden, match="Only an owner"):
        may_give("owner", "admin")


async def test_an_invitation_makes_an_account_of_its_role_once(house: House) -> None:
    await house.owner()
    made, token = await house.invitations.create(house.workspace_id, " Kim@Example.com ", "editor")
    assert (made.email, made.role) == ("kim@example.com", "editor")
    assert (await house.invitations.look(token)).id == made.id
    await house.invitations.accept(token, "김하늘", PASSWORD)
    assert (await house.members.get(house.workspace_id, "KIM@example.com")).role == "editor"
    assert (await house.people.sign_in("kim@example.com", PASSWORD))[0].name == "김하늘"
    assert await house.invitations.open(house.workspace_id) == []
    with pytest.raises(Conflict) as caught:
        await house.invitations.accept(token, "또", PASSWORD)
    assert caught.value.code == "invitation_used"
    with pytest.raises(Conflict, match="member already"):
        await house.invitations.create(house.workspace_id, "kim@example.com", "member")


async def test_the_token_is_kept_as_its_digest_alone(house: House) -> None:
    made, token = await house.invitations.create(house.workspace_id, "kim@example.com", "member")
    async with house.database.read() as connection:
        (row,) = (await connection.execute(sa.select(table))).all()
    assert row.digest == digest(token)
    assert token not in str(tuple(row))
    assert token not in repr(made)


async def test_a_wrong_link_an_old_one_and_a_withdrawn_one_say_which_they_are(house: House) -> None:
    with pytest.raises(NotFound) as wrong:
        await house.invitations.look(new_token())
    assert wrong.value.code == "invitation_unknown"
    first, token = await house.invitations.create(house.workspace_id, "kim@example.com", "member")
    async with house.database.write() as connection:
        await connection.execute(sa.update(table).values(expires_at=now_ms() - 1))
    with pytest.raises(Conflict) as old:
        await house.invitations.accept(token, "김하늘", PASSWORD)
    assert old.value.code == "invitation_expired"
    assert [one.id for one in await house.invitations.open(house.workspace_id)] == [first.id]
    renewed, again = await house.invitations.create(house.workspace_id, "kim@example.com", "member")
    with pytest.raises(NotFound):
        await house.invitations.look(token)
    await house.invitations.withdraw(renewed)
    with pytest.raises(NotFound):
        await house.invitations.look(again)


@pytest.mark.parametrize(("name", "password", "param"), [("김하늘", "short", "password"), (" ", PASSWORD, "name")])
async def test_what_will_not_do_leaves_the_invitation_open(house: House, name: str, password: str, param: str) -> None:
    _, token = await house.invitations.create(house.workspace_id, "kim@example.com", "member")
    with pytest.raises(UsageError) as caught:
        await house.invitations.accept(token, name, password)
    assert caught.value.param == param
    await house.invitations.accept(token, "김하늘", PASSWORD)


async def test_of_two_who_accept_at_once_one_does(house: House) -> None:
    await house.owner()
    _, token = await house.invitations.create(house.workspace_id, "kim@example.com", "admin")
    outcomes = await asyncio.gather(
        *(house.invitations.accept(token, name, PASSWORD) for name in ("하나", "둘")), return_exceptions=True
    )
    assert sorted(isinstance(outcome, Conflict) for outcome in outcomes) == [False, True]
    assert (await house.members.get(house.workspace_id, "kim@example.com")).role == "admin"


async def test_an_address_that_is_none_is_refused(house: House) -> None:
    for address in ("kim", "@", "kim @example.com"):
        with pytest.raises(UsageError):
            await house.invitations.create(house.workspace_id, address, "member")


async def test_the_last_owner_stays(house: House) -> None:
    owner = await house.owner()
    for attempt in (house.members.remove(owner, by="owner"), house.members.change_role(owner, "admin", by="owner")):
        with pytest.raises(Conflict) as caught:
            await attempt
        assert caught.value.code == "last_owner"
    second = await house.add("kim@example.com", "owner")
    assert (await house.members.change_role(owner, "member", by="owner")).role == "member"
    with pytest.raises(Conflict):
        await house.members.remove(second, by="owner")


async def test_two_owners_who_demote_each_other_at_once_leave_one(house: House) -> None:
    owner, second = await house.owner(), await house.add("kim@example.com", "owner")
    outcomes = await asyncio.gather(
        *(house.members.change_role(account, "member", by="owner") for account in (owner, second)),
        return_exceptions=True,
    )
    assert sorted(isinstance(outcome, LLMFlowError) for outcome in outcomes) == [False, True]
    assert [m.role for m in await house.members.all(house.workspace_id)].count("owner") == 1


async def test_an_administrator_does_not_touch_an_owner(house: House) -> None:
    owner = await house.owner()
    for attempt in (
        house.members.remove(owner, by="admin"),
        house.members.change_role(owner, "member", by="admin"),
        house.members.reset_password(owner, by="admin"),
    ):
        with pytest.raises(Forbidden) as caught:
            await attempt
        assert caught.value.code == "role_insufficient"


async def test_a_changed_role_and_a_removal_hold_for_open_sessions(house: House) -> None:
    await house.owner()
    kim = await house.add("kim@example.com", "editor")
    _, session = await house.people.sign_in("kim@example.com", PASSWORD)
    assert (await house.people.session(session))[1].role == "editor"
    await house.members.change_role(kim, "member", by="admin")
    assert (await house.people.session(session))[1].role == "member"
    await house.members.remove(kim, by="admin")
    with pytest.raises(Unauthorized):
        await house.people.session(session)
    with pytest.raises(Unauthorized):
        await house.people.sign_in("kim@example.com", PASSWORD)
    with pytest.raises(NotFound):
        await house.members.get(house.workspace_id, "kim@example.com")


async def test_who_was_here_is_noted(house: House) -> None:
    kim = await house.add("kim@example.com", "member")
    assert kim.last_seen_at is None
    _, session = await house.people.sign_in("kim@example.com", PASSWORD)
    await house.people.session(session)
    await house.people.close()
    seen = (await house.members.get(house.workspace_id, kim.id)).last_seen_at
    assert seen is not None
    assert 0 <= now_ms() - seen < 60_000


async def test_preferences_are_each_accounts_own_and_change_by_parts(house: House) -> None:
    kim, lee = await house.add("kim@example.com", "member"), await house.add("lee@example.com", "member")
    await house.people.prefer(kim.id, {"language": "ko", "tour": "begun"})
    assert await house.people.prefer(kim.id, {"tour": "done"}) == {"language": "ko", "tour": "done"}
    assert await house.people.preferences(kim.id) == {"language": "ko", "tour": "done"}
    assert await house.people.preferences(lee.id) == {}

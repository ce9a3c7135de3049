"""The contract of identity, over local accounts kept in memory; and how guessing is slowed down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest
from argon2 import PasswordHasher

from llmflow.errors import Conflict, TooMany, Unauthorized, UsageError
from llmflow.organs.identity.local import Guesses, LocalIdentity, check_password
from llmflow.ports.identity import Identity, Person

QUICK = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)
EMAIL, PASSWORD = "kim@example.kr", "갈대 바람 기차 소금"


@dataclass(frozen=True)
class Stored:
    id: str
    email: str
    name: str
    password_hash: str
    must_change_password: bool


class MemoryAccounts:
    def __init__(self) -> None:
        self.kept: dict[str, Stored] = {}

    async def find(self, email: str) -> Stored | None:
        return self.kept.get(email)

    async def insert(self, *, email: str, name: str, password_hash: str, must_change_password: bool) -> Stored:
        if email in self.kept:
            raise Conflict(f"{email} has an account.")
        self.kept[email] = Stored(f"id-{len(self.kept)}", email, name, password_hash, must_change_password)
        return self.kept[email]

    async def set_password(self, email: str, password_hash: str, *, must_change_password: bool) -> None:
        if email in self.kept:
            changed = replace(self.kept[email], password_hash=password_hash, must_change_password=must_change_password)
            self.kept[email] = changed


@pytest.fixture
def accounts() -> MemoryAccounts:
    return MemoryAccounts()


@pytest.fixture
async def identity(accounts: MemoryAccounts) -> AsyncIterator[Identity]:
    local = LocalIdentity(accounts=accounts, hasher=QUICK)
    yield local
    await local.close()


async def test_who_was_created_can_sign_in_however_the_address_is_written(identity: Identity) -> None:
    made = await identity.create("  Kim@Example.KR ", "김하나", PASSWORD, must_change_password=True)
    assert made == Person("id-0", EMAIL, "김하나", must_change_password=True)
    assert await identity.sign_in("KIM@example.kr", PASSWORD) == made


async def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(identity: Identity) -> None:
    await identity.create(EMAIL, "Kim", PASSWORD)
    told = []
    for email, password in (
        (EMAIL, "wrong password"),
        ("nobody@example.kr", PASSWORD),
        (EMAIL, ""),
        (EMAIL, "x" * 9999),
    ):
        with pytest.raises(Unauthorized) as caught:
            await identity.sign_in(email, password)
        assert caught.value.code == "wrong_credentials"
        told.append(caught.value.message)
    assert len(set(told)) == 1


async def test_an_unknown_address_costs_a_verification_too(accounts: MemoryAccounts) -> None:
    class Counting(PasswordHasher):
        verified = 0

        def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override]
            Counting.verified += 1
            return super().verify(hash, password)

    local = LocalIdentity(accounts=accounts, hasher=Counting(time_cost=1, memory_cost=1024, parallelism=1))
    with pytest.raises(Unauthorized):
        await local.sign_in("nobody@example.kr", "whatever it is")
    assert Counting.verified == 1
    await local.close()


async def test_the_same_address_twice_is_a_conflict(identity: Identity) -> None:
    await identity.create(EMAIL, "Kim", PASSWORD)
    with pytest.raises(Conflict):
        await identity.create(EMAIL.upper(), "Other", PASSWORD)


async def test_a_changed_password_replaces_the_old_one_and_lifts_the_duty_to_change(identity: Identity) -> None:
    await identity.create(EMAIL, "Kim", PASSWORD, must_change_password=True)
    with pytest.raises(Unauthorized):
        await identity.change_password(EMAIL, "not the old one", "a better password")
    with pytest.raises(UsageError):
        await identity.change_password(EMAIL, PASSWORD, PASSWORD)
    with pytest.raises(UsageError):
        await identity.change_password(EMAIL, PASSWORD, "short")
    await identity.change_password(EMAIL, PASSWORD, "a better password")
    assert not (await identity.sign_in(EMAIL, "a better password")).must_change_password
    with pytest.raises(Unauthorized):
        await identity.sign_in(EMAIL, PASSWORD)


@pytest.mark.parametrize(
    "password",
    ["", "short", "nine char", EMAIL, EMAIL.upper(), "Password123", "1234567890", "dkssudgktpdy", "aaaaaaaaaaaa"],
)
async def test_weak_passwords_are_refused_with_the_reason(identity: Identity, password: str) -> None:
    with pytest.raises(UsageError) as caught:
        await identity.create(EMAIL, "Kim", password)
    assert caught.value.param == "password"
    assert caught.value.hint
    assert not password or password not in caught.value.message


@pytest.mark.parametrize("password", ["가나다라마바사아자차", "correct horse battery", "k7!mQz02_xw"])
def test_good_passwords_are_taken(password: str) -> None:
    check_password(password, EMAIL)


@pytest.mark.parametrize("email", ["", "@", "kim", "kim@", "@example.kr", "kim @example.kr", "x@" + "y" * 400])
async def test_what_is_no_address_is_refused(identity: Identity, email: str) -> None:
    with pytest.raises(UsageError):
        await identity.create(email, "Kim", PASSWORD)


async def test_passwords_are_kept_as_argon2id_hashes_only(identity: Identity, accounts: MemoryAccounts) -> None:
    await identity.create(EMAIL, "Kim", PASSWORD)
    assert accounts.kept[EMAIL].password_hash.startswith("$argon2id$")
    assert PASSWORD not in f"{accounts.kept}"


async def test_a_hash_of_weaker_parameters_is_renewed_at_sign_in(accounts: MemoryAccounts) -> None:
    old = LocalIdentity(accounts=accounts, hasher=QUICK)
    await old.create(EMAIL, "Kim", PASSWORD, must_change_password=True)
    stronger = PasswordHasher(time_cost=2, memory_cost=2048, parallelism=1)
    new = LocalIdentity(accounts=accounts, hasher=stronger)
    assert (await new.sign_in(EMAIL, PASSWORD)).must_change_password
    assert not stronger.check_needs_rehash(accounts.kept[EMAIL].password_hash)
    assert accounts.kept[EMAIL].must_change_password
    await old.close()
    await new.close()


async def test_a_stored_hash_that_is_none_lets_nobody_in(identity: Identity, accounts: MemoryAccounts) -> None:
    accounts.kept[EMAIL] = Stored("id", EMAIL, "Kim", "not a hash", False)
    with pytest.raises(Unauthorized):
        await identity.sign_in(EMAIL, "not a hash")


async def test_after_five_wrong_passwords_even_the_right_one_must_wait(identity: Identity) -> None:
    await identity.create(EMAIL, "Kim", PASSWORD)
    for _ in range(5):
        with pytest.raises(Unauthorized):
            await identity.sign_in(EMAIL, "wrong password")
    with pytest.raises(TooMany, match="Try again in"):
        await identity.sign_in(EMAIL, PASSWORD)
    with pytest.raises(TooMany):
        await identity.change_password(EMAIL, PASSWORD, "a better password")
    await identity.create("lee@example.kr", "Lee", PASSWORD)
    assert await identity.sign_in("lee@example.kr", PASSWORD), "others are not held up"


async def test_many_guesses_at_once_get_no_further(identity: Identity) -> None:
    await identity.create(EMAIL, "Kim", PASSWORD)
    tries = [identity.sign_in(EMAIL, f"guess number {number}") for number in range(40)]
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(outcome, Unauthorized) for outcome in outcomes) == 5
    assert sum(isinstance(outcome, TooMany) for outcome in outcomes) == 35


def test_pauses_double_up_to_a_quarter_of_an_hour_and_end_with_the_right_password() -> None:
    now = 0.0
    guesses = Guesses(clock=lambda: now)
    pauses: list[float] = []
    for _ in range(20):
        guesses.begin(EMAIL)
        pauses.append(guesses.wait_s(EMAIL))
        now += pauses[-1]
    assert pauses[:8] == [0, 0, 0, 0, 1, 2, 4, 8]
    assert pauses[-1] == 900
    guesses.forget(EMAIL)
    assert guesses.wait_s(EMAIL) == 0
    for _ in range(5):
        guesses.begin(EMAIL)


def test_addresses_with_failures_are_remembered_up_to_a_bound() -> None:
    guesses = Guesses(clock=lambda: 0.0)
    for number in range(12_000):
        guesses.begin(f"{number}@example.kr")
    assert len(guesses) == 10_000


async def test_health_names_the_hashing_library(identity: Identity) -> None:
    health = await identity.health()
    assert health.ok
    assert health.version.startswith("argon2-cffi")
